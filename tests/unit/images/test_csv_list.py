"""CSV lists of pictures: columns by their usual names, every bad row with its number and reason, the others go on."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metastudio.catalog.data_spec import DataSpec, FolderSplit, Layout, Part
from metastudio.errors import DataError
from metastudio.images.class_split import split_classes
from metastudio.images.csv_list import is_csv_list, read_csv_list
from metastudio.images.image_folder import ImageIndex, scan, select
from tests.unit.images.pictures import make_files

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are POSIX")


def make_list(path: Path, *rows: str, ends: str = "\n", encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ends.join(rows).encode(encoding))
    return path


def counts(index: ImageIndex) -> dict[str, int]:
    return {each.name: len(each.files) for each in index.classes}


def said(index: ImageIndex) -> list[tuple[str, str]]:
    """Return code and row of what is wrong with rows."""
    return [(each.code, each.where.rpartition(":")[2]) for each in index.problems if ".csv:" in each.where]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of ten pictures, 0.png to 9.png."""
    return make_files(tmp_path, {".": 10})


def test_a_list_names_picture_and_class(pictures: Path) -> None:
    made = make_list(pictures / "labels.csv", "filename,label", "0.png,mug", "1.png,cup", "2.png,mug")

    index = scan([made])

    assert counts(index) == {"cup": 1, "mug": 2}
    assert index.layout is Layout.CSV_LIST
    assert index.folders == (str(made),)
    assert index.by_name("cup").files[0].path == str(pictures / "1.png")
    assert index.by_name("cup").files[0].size_bytes == 13
    assert index.problems == ()


@pytest.mark.parametrize(
    "picture", ["path", "file", "filename", "image", "image_path", "Image Path", "FILE-NAME", "img"]
)
@pytest.mark.parametrize("label", ["label", "class", "category", "species", "Class Name"])
def test_usual_names_of_columns_are_known_in_any_order(pictures: Path, picture: str, label: str) -> None:
    made = make_list(pictures / "x.csv", f"{label},note,{picture}", "mug,fine,0.png")

    assert counts(scan([made])) == {"mug": 1}


def test_the_columns_of_parts_are_the_split(pictures: Path) -> None:
    made = make_list(
        pictures / "x.csv", "image,class,split", "0.png,a,train", "1.png,b,VALID", "2.png,c,test", "3.png,d,"
    )

    index = scan([made])

    assert {each.name: each.part for each in index.classes} == {
        "a": Part.META_TRAIN,
        "b": Part.META_VAL,
        "c": Part.META_TEST,
        "d": None,
    }
    assert split_classes(index, FolderSplit())["c"] is Part.META_TEST


def test_a_column_called_set_that_says_no_part_is_about_something_else(pictures: Path) -> None:
    index = scan([make_list(pictures / "x.csv", "image,class,set", "0.png,a,7", "1.png,b,8")])

    assert counts(index) == {"a": 1, "b": 1}
    assert said(index) == []


def test_a_part_that_is_none_is_said_with_its_row(pictures: Path) -> None:
    index = scan([make_list(pictures / "x.csv", "image,class,set", "0.png,a,train", "1.png,b,extra", "2.png,c,test")])

    assert counts(index) == {"a": 1, "c": 1}
    assert said(index) == [("csv-row", "3")]


def test_the_lists_of_miniimagenet_are_three_parts_and_their_pictures_lie_in_images(tmp_path: Path) -> None:
    make_files(tmp_path, {"images": 6})
    lists = [
        make_list(tmp_path / f"{part}.csv", "filename,label", f"{2 * n}.png,n0{n}", f"{2 * n + 1}.png,n0{n}")
        for n, part in enumerate(("train", "val", "test"))
    ]

    for folders in (lists, [tmp_path]):
        index = scan(folders)
        assert {each.name: (each.part, len(each.files)) for each in index.classes} == {
            "n00": (Part.META_TRAIN, 2),
            "n01": (Part.META_VAL, 2),
            "n02": (Part.META_TEST, 2),
        }
        assert index.layout is Layout.CSV_LIST
        assert index.problems == ()


def test_one_list_called_train_is_no_part(pictures: Path) -> None:
    index = scan([make_list(pictures / "train.csv", "filename,label", "0.png,a")])

    assert index.classes[0].part is None


def test_pictures_are_also_looked_for_in_a_folder_called_like_the_list(tmp_path: Path) -> None:
    make_files(tmp_path, {"train": 2})
    made = make_list(tmp_path / "train.csv", "filename,label", "0.png,a", "1.png,b")

    assert counts(scan([made])) == {"a": 1, "b": 1}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_line_ends_and_marks_make_no_difference(
    pictures: Path, delimiter: str, ends: str, encoding: str
) -> None:
    rows = [delimiter.join(row) for row in (("filename", "label"), ("0.png", "café"), ("1.png", "cup"))]
    made = make_list(pictures / "x.csv", *rows, "", ends=ends, encoding=encoding)

    index = scan([made])

    assert counts(index) == {"café": 1, "cup": 1}
    assert index.problems == ()


def test_quoted_cells_may_hold_commas_quotes_and_line_ends(pictures: Path) -> None:
    made = make_list(
        pictures / "x.csv",
        '"filename","label","note"',
        '0.png,"mug, large","one',
        'two"',
        '"1.png","the ""best"" cup",x',
        "2.png,pot,x",
    )

    assert counts(scan([made])) == {"mug, large": 1, 'the "best" cup': 1, "pot": 1}


def test_bad_rows_are_named_by_number_and_reason_and_the_others_go_on(pictures: Path) -> None:
    made = make_list(
        pictures / "x.csv",
        "filename,label",
        "0.png,good",
        "/etc/1.png,absolute",
        "../1.png,above",
        "C:\\1.png,drive",
        ",empty picture",
        "1.png,",
        "1.png",
        "1.png,a,b",
        '1.png,"never ends',
        "https://example.org/1.png,address",
        "notes.txt,no picture",
        "77.png,missing",
        "2.png,good",
        "",
        ",",
        "3.png,good,,",
    )

    index = scan([made])

    assert counts(index) == {"good": 3}
    assert said(index) == [
        ("csv-row", "6"),
        ("csv-row", "7"),
        ("csv-row", "8"),
        ("csv-row", "9"),
        ("csv-row", "10"),
        ("listed-elsewhere", "3"),
        ("listed-elsewhere", "4"),
        ("listed-elsewhere", "5"),
        ("listed-elsewhere", "11"),
        ("listed-other", "12"),
        ("listed-missing", "13"),
    ]
    missing = next(each for each in index.problems if each.code == "listed-missing")
    assert str(missing) == f"{made}:13: Its picture is not there: 77.png."
    assert "It has 1 cells where the first row has 2." in {str(each.message) for each in index.problems}


def test_bytes_that_are_no_text_cost_only_their_row(pictures: Path) -> None:
    made = pictures / "x.csv"
    made.write_bytes(b"filename,label,note\n0.png,caf\xe9,x\n1.png,cup,caf\xe9\n2.png,n\0l,x\n")

    index = scan([made])

    assert counts(index) == {"cup": 1}
    assert said(index) == [("csv-row", "2"), ("csv-row", "4")]
    assert "not UTF-8" in str(index.problems[0])


def test_a_picture_twice_is_taken_once_and_said(pictures: Path) -> None:
    made = make_list(pictures / "x.csv", "filename,label", "0.png,a", "0.png,a", "./0.png,b", "1.png,b")

    index = scan([made])

    assert counts(index) == {"a": 1, "b": 1}
    assert said(index) == [("listed-twice", "3"), ("listed-in-two-classes", "4")]
    assert "'a' in x.csv:2" in str(index.problems[1])


def test_missing_columns_are_said_and_other_lists_go_on(pictures: Path) -> None:
    bad = make_list(pictures / "bad.csv", "id,colour", "0.png,red")
    good = make_list(pictures / "good.csv", "filename,label", "0.png,a", "1.png,b")

    index = scan([bad, good])

    assert counts(index) == {"a": 1, "b": 1}
    (wrong,) = index.problems
    assert (wrong.code, wrong.where) == ("csv-unreadable", str(bad))
    assert "id, colour" in str(wrong)
    assert "filename,label" in str(wrong)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"filename\n0.png", b"\xff\xfe", b"{}", b"\0\0\0\0"])
def test_what_is_no_list_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)

    assert not is_csv_list(str(tmp_path / "x.csv"))
    with pytest.raises(DataError):
        read_csv_list(str(tmp_path / "x.csv"))
    assert [each.code for each in scan([tmp_path / "x.csv"]).problems] == ["csv-unreadable", "no-images"]


def test_thousands_of_bad_rows_are_counted(pictures: Path) -> None:
    rows = [f"gone{number}.png,a" for number in range(1200)]

    index = scan([make_list(pictures / "x.csv", "filename,label", "0.png,a", "1.png,b", *rows)])

    assert len(index.problems) == 501
    assert "700 more rows" in str(index.problems[-1])


def test_names_with_backslashes_and_folders_are_followed(tmp_path: Path) -> None:
    make_files(tmp_path, {"deep/inner": 2})
    made = make_list(tmp_path / "x.csv", "path,label", "deep\\inner\\0.png,a", "./deep//inner/1.png,Latin/b")

    index = scan([made])

    assert [(each.name, each.group) for each in index.classes] == [("Latin/b", "Latin"), ("a", "")]


def test_two_spellings_of_a_class_are_one(pictures: Path) -> None:
    made = make_list(pictures / "x.csv", "path,label", "0.png,caf\u00e9", "1.png,cafe\u0301", "2.png,b")

    assert counts(scan([made])) == {"café": 2, "b": 1}


def test_a_list_wins_over_the_folder_of_its_pictures(tmp_path: Path) -> None:
    make_files(tmp_path, {"set/mug": 3, "set/cup": 2})
    made = make_list(tmp_path / "set" / "x.csv", "path,label", "mug/0.png,pot")

    index = scan([tmp_path / "set", made])

    assert counts(index) == {"cup": 2, "mug": 2, "pot": 1}


def test_a_list_beside_class_folders_does_not_count_unless_it_is_asked_for(tmp_path: Path) -> None:
    make_files(tmp_path, {"mug": 2, "cup": 2})
    make_list(tmp_path / "x.csv", "path,label", "mug/0.png,pot", "cup/0.png,pan")

    assert counts(scan([tmp_path])) == {"cup": 2, "mug": 2}
    asked = scan([tmp_path], layout=Layout.CSV_LIST)
    assert counts(asked) == {"pan": 1, "pot": 1}
    assert [each.code for each in asked.problems] == ["not-listed"]
    assert asked.problems[0].message.fields["count"] == 2


def test_flat_pictures_with_a_list_are_the_classes_of_the_list(pictures: Path) -> None:
    make_list(pictures / "labels.csv", "filename,label", "0.png,a", "1.png,b")

    index = scan([pictures])

    assert counts(index) == {"a": 1, "b": 1}
    assert [(each.code, each.message.fields["count"]) for each in index.problems] == [("not-listed", 8)]


def test_a_list_is_asked_for_where_there_is_none(tmp_path: Path) -> None:
    make_files(tmp_path, {"mug": 2})

    assert [each.code for each in scan([tmp_path], layout=Layout.CSV_LIST).problems] == ["no-list", "no-images"]


@posix_only
def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = make_files(tmp_path / "outside", {".": 1})
    inside = make_files(tmp_path / "inside", {".": 2})
    (inside / "away.png").symlink_to(outside / "0.png")
    (inside / "folder").symlink_to(outside)
    (inside / "same.png").symlink_to(inside / "1.png")
    os.mkfifo(inside / "pipe.png")
    made = make_list(
        inside / "x.csv",
        "path,label",
        "0.png,a",
        "away.png,a",
        "folder/0.png,a",
        "same.png,b",
        "pipe.png,b",
    )

    index = scan([made])

    assert counts(index) == {"a": 1, "b": 1}
    links = next(each for each in index.problems if each.code == "links-not-followed")
    assert links.message.fields["count"] == 2
    assert said(index) == [("listed-other", "6")]


@posix_only
def test_a_pipe_called_like_a_list_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.csv")

    assert [each.code for each in scan([tmp_path / "x.csv"]).problems] == ["not-a-folder", "no-images"]


def test_what_follows_works_with_lists(pictures: Path) -> None:
    index = scan([make_list(pictures / "x.csv", "path,label", *(f"{n}.png,{'ab'[n % 2]}" for n in range(10)))])

    kept = select(index, DataSpec(excluded_files=(str(pictures / "0.png"),), excluded_classes=("b",)))

    assert counts(kept) == {"a": 4}
    assert ImageIndex.from_json(json.loads(json.dumps(index.to_json()))) == index


_cell = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
_odd = st.sampled_from(["0.png", "1.png", "../0.png", "/0.png", "x/0.png", "", '"', "a,b", "a\nb", "train", "\0", "é"])


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(st.one_of(_cell, _odd), min_size=0, max_size=4), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t"]),
    ends=st.sampled_from(["\n", "\r\n"]),
)
@example(rows=[["0.png", "a"], ["1.png", '"b']], delimiter=",", ends="\n")
def test_whatever_stands_in_a_list_its_pictures_lie_beside_it_and_every_row_is_taken_or_named(
    rows: list[list[str]], delimiter: str, ends: str
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ends).writerows([["path", "label"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        root = make_files(Path(folder).resolve(), {".": 2, "x": 1})
        (root / "list.csv").write_bytes(text.getvalue().encode())
        index = scan([root / "list.csv"])
        files = [file.path for each in index.classes for file in each.files]
        assert len(files) == len(set(files)) <= 3
        assert all(Path(each).resolve().is_relative_to(root) and ".." not in each for each in files)
        assert all(each.name and each.files for each in index.classes)
        filled = [row for row in rows if any(cell.strip() for cell in row)]
        named = sum(".csv:" in each.where for each in index.problems)
        assert len(files) + named >= (len(filled) if not any("\n" in cell for row in rows for cell in row) else 0)
        assert ImageIndex.from_json(json.loads(json.dumps(index.to_json()))) == index


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=200), has_head=st.booleans())
def test_any_bytes_are_read_or_refused_with_a_word(content: bytes, has_head: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes((b"filename,label\n" if has_head else b"") + content)
        index = scan([path])
    assert all(str(each) for each in index.problems)


_good = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], blacklist_characters="/\\"), min_size=1
)


@settings(max_examples=100, deadline=None)
@given(
    labels=st.lists(_good, min_size=1, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t"]),
    ends=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_spreadsheet_writes_is_read_back(labels: list[str], delimiter: str, ends: str, quoting: int) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ends, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([["file", "label"], *([f"{n}.png", label] for n, label in enumerate(labels))])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes(text.getvalue().encode())
        read = read_csv_list(str(path))
    assert read.problems == ()
    assert [row.picture for row in read.rows] == [f"{n}.png" for n in range(len(labels))]
    assert len(read.rows) == len(labels)
