from __future__ import annotations

import json
import os
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastudio.catalog.data_spec import DataSpec, Layout, Part
from metastudio.errors import DataError
from metastudio.images.image_folder import ImageIndex, scan, select
from metastudio.images.problems import Cancelled
from tests.unit.images.pictures import make_files

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and byte names are POSIX")


def names(index: ImageIndex) -> list[str]:
    return [each.name for each in index.classes]


def codes(index: ImageIndex) -> list[str]:
    return [each.code for each in index.problems]


def test_each_folder_of_pictures_is_a_class(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"mug": 3, "cup": 2})])

    assert {each.name: len(each.files) for each in index.classes} == {"cup": 2, "mug": 3}
    assert index.layout is Layout.CLASS_FOLDERS
    assert index.file_count == 5
    assert index.problems == ()


def test_nested_folders_give_names_with_slashes_and_a_group(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"Latin/a": 1, "Latin/b": 1, "Greek/old/alpha": 1})])

    assert [(each.name, each.group) for each in index.classes] == [
        ("Greek/old/alpha", "Greek/old"),
        ("Latin/a", "Latin"),
        ("Latin/b", "Latin"),
    ]
    assert index.layout is Layout.NESTED


def test_the_layout_of_class_folders_takes_what_lies_deeper_into_the_first_folder(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"dog/puppies": 2, "dog": 1, "cat": 1})], layout=Layout.CLASS_FOLDERS)

    assert {each.name: len(each.files) for each in index.classes} == {"cat": 1, "dog": 3}


def test_a_folder_that_directly_holds_pictures_is_a_class_itself(tmp_path: Path) -> None:
    make_files(tmp_path, {"mug": 2, "cup": 1})

    assert names(scan([tmp_path / "mug", tmp_path / "cup"])) == ["cup", "mug"]


def test_one_class_alone_is_warned_of(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"mug": 2}) / "mug"])

    assert names(index) == ["mug"]
    assert codes(index) == ["one-class"]


def test_the_same_name_in_two_dropped_folders_is_one_class_and_says_so(tmp_path: Path) -> None:
    make_files(tmp_path, {"old/mug": 2, "new/mug": 1, "new/cup": 1})

    index = scan([tmp_path / "old", tmp_path / "new"])

    assert {each.name: len(each.files) for each in index.classes} == {"cup": 1, "mug": 3}
    assert codes(index) == ["class-in-two-folders"]


@pytest.mark.parametrize(
    "folders",
    [("train", "val", "test"), ("Training", "Validation", "Testing"), ("meta_train", "meta_val", "meta_test")],
)
def test_folders_called_like_parts_set_the_part_and_leave_the_name(tmp_path: Path, folders: tuple[str, ...]) -> None:
    make_files(tmp_path, {f"{folder}/animals/{number}": 1 for number, folder in enumerate(folders)})

    index = scan([tmp_path])

    assert [(each.name, each.part) for each in index.classes] == [
        ("animals/0", Part.META_TRAIN),
        ("animals/1", Part.META_VAL),
        ("animals/2", Part.META_TEST),
    ]
    assert index.layout is Layout.SPLIT_FOLDERS


def test_parts_are_recognised_below_other_folders(tmp_path: Path) -> None:
    index = scan(
        [make_files(tmp_path, {"birds/train/owl": 1, "birds/test/tit": 1, "fish/train/cod": 1, "fish/test/eel": 1})]
    )

    assert {each.name: each.part for each in index.classes} == {
        "birds/owl": Part.META_TRAIN,
        "birds/tit": Part.META_TEST,
        "fish/cod": Part.META_TRAIN,
        "fish/eel": Part.META_TEST,
    }


def test_parts_dropped_as_folders_of_their_own_are_recognised(tmp_path: Path) -> None:
    make_files(tmp_path, {"train/owl": 1, "test/tit": 1})

    index = scan([tmp_path / "train", tmp_path / "test"])

    assert {each.name: each.part for each in index.classes} == {"owl": Part.META_TRAIN, "tit": Part.META_TEST}


@pytest.mark.parametrize("counts", [{"train": 1, "bus": 1}, {"train": 1, "test": 1}, {"train/slow": 1, "bus/red": 1}])
def test_things_that_are_merely_called_train_are_classes(tmp_path: Path, counts: dict[str, int]) -> None:
    index = scan([make_files(tmp_path, counts)])

    assert names(index) == sorted(counts)
    assert {each.part for each in index.classes} == {None}


def test_a_class_in_two_parts_goes_whole_into_the_first_and_is_warned_of(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"train/owl": 2, "test/owl": 1, "test/tit": 1})])

    assert {each.name: (each.part, len(each.files)) for each in index.classes} == {
        "owl": (Part.META_TRAIN, 3),
        "tit": (Part.META_TEST, 1),
    }
    assert codes(index) == ["class-in-two-parts"]


def test_the_nested_layout_looks_for_no_parts(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"train/owl": 1, "test/tit": 1})], layout=Layout.NESTED)

    assert names(index) == ["test/tit", "train/owl"]


def test_pictures_beside_class_folders_are_counted_and_left_out(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {".": 4, "mug": 1, "cup": 1})])

    assert names(index) == ["cup", "mug"]
    (loose,) = index.problems
    assert loose.code == "loose-images"
    assert loose.message.fields["count"] == 4


def test_litter_is_ignored_and_other_files_are_counted_once(tmp_path: Path) -> None:
    make_files(tmp_path, {"mug": 1, "cup": 1, "__MACOSX/mug": 2, ".ipynb_checkpoints": 1, "mug/.hidden": 1})
    for name in (".DS_Store", "Thumbs.db", "._0.png", "notes.txt", "labels.csv", "LICENSE"):
        (tmp_path / "mug" / name).write_text("x")

    index = scan([tmp_path])

    assert {each.name: len(each.files) for each in index.classes} == {"cup": 1, "mug": 1}
    (others,) = index.problems
    assert others.code == "other-files"
    assert others.message.fields["count"] == 3


@posix_only
def test_links_that_go_round_or_leave_the_folder_are_counted_not_followed(tmp_path: Path) -> None:
    outside = make_files(tmp_path / "outside", {"secret": 1})
    root = make_files(tmp_path / "root", {"mug": 1, "cup": 1})
    (root / "mug" / "round").symlink_to(root)
    (root / "away").symlink_to(outside)
    (root / "mug" / "away.png").symlink_to(outside / "secret" / "0.png")
    (root / "mug" / "broken.png").symlink_to(root / "nowhere.png")
    (root / "mug" / "same.png").symlink_to(root / "cup" / "0.png")

    index = scan([root])

    assert {each.name: len(each.files) for each in index.classes} == {"cup": 1, "mug": 2}
    (links,) = index.problems
    assert links.code == "links-not-followed"
    assert links.message.fields["count"] == 4


@posix_only
def test_a_dropped_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    make_files(tmp_path / "real", {"mug": 1, "cup": 1})
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert names(scan([tmp_path / "link"])) == ["cup", "mug"]


@posix_only
def test_a_pipe_called_like_a_picture_is_named_and_never_opened(tmp_path: Path) -> None:
    make_files(tmp_path, {"mug": 1, "cup": 1})
    os.mkfifo(tmp_path / "mug" / "pipe.jpg")

    (pipe,) = scan([tmp_path]).problems

    assert (pipe.code, pipe.where) == ("not-a-file", str(tmp_path / "mug" / "pipe.jpg"))


def test_a_folder_called_like_a_picture_is_a_folder(tmp_path: Path) -> None:
    make_files(tmp_path, {"mug": 1, "cup.jpg": 1, "empty.jpg": 0})

    index = scan([tmp_path])

    assert names(index) == ["cup.jpg", "mug"]
    assert codes(index) == ["folder-like-picture"]


def test_a_folder_that_may_not_be_read_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(tmp_path, {"mug": 1, "cup": 1, "locked": 1})
    real = os.scandir

    def scandir(folder: str) -> Any:
        if folder.endswith("locked"):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr("metastudio.images.folder_walk.os.scandir", scandir)
    index = scan([tmp_path])

    assert names(index) == ["cup", "mug"]
    assert [(each.code, each.where) for each in index.problems] == [("folder-unreadable", str(tmp_path / "locked"))]


@posix_only
def test_names_that_are_no_text_survive_scan_json_and_reload(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder + b"/\xff\xfe.png")).write_bytes(b"x")
    make_files(tmp_path, {"mug": 1})

    index = scan([tmp_path])
    again = ImageIndex.from_json(json.loads(json.dumps(index.to_json()).encode("ascii")))

    assert again == index
    assert Path(again.classes[0].files[0].path).read_bytes() == b"x"


@posix_only
def test_two_unicode_spellings_of_a_name_are_one_class_and_warned_of(tmp_path: Path) -> None:
    composed = "café"
    make_files(tmp_path, {composed: 1, unicodedata.normalize("NFD", composed): 2, "mug": 1})

    index = scan([tmp_path])

    assert {each.name: len(each.files) for each in index.classes} == {composed: 3, "mug": 1}
    assert codes(index) == ["class-spelt-twice"]


@pytest.mark.skipif(sys.platform != "linux", reason="the usual disk of this system ignores case")
def test_classes_that_differ_only_in_case_are_kept_and_warned_of(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"Mug": 1, "mug": 1})])

    assert names(index) == ["Mug", "mug"]
    assert codes(index) == ["class-differs-in-case"]


def test_what_is_no_folder_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    make_files(tmp_path, {"good/mug": 1, "good/cup": 1})
    (tmp_path / "file.png").write_bytes(b"x")

    index = scan([tmp_path / "file.png", tmp_path / "gone", tmp_path / "good"])

    assert names(index) == ["cup", "mug"]
    assert codes(index) == ["not-a-folder", "folder-missing"]
    assert index.folders == (str(tmp_path / "good"),)


def test_an_empty_folder_says_what_a_data_set_looks_like(tmp_path: Path) -> None:
    (empty,) = scan([tmp_path]).problems

    assert empty.code == "no-images"
    assert "one folder of pictures for each class" in str(empty)


def test_a_folder_inside_another_dropped_one_is_taken_once(tmp_path: Path) -> None:
    make_files(tmp_path, {"a/mug": 1, "a/cup": 1, "b/pot": 1})

    index = scan([tmp_path / "a", tmp_path, tmp_path])

    assert names(index) == ["a/cup", "a/mug", "b/pot"]
    assert codes(index) == ["folder-in-folder"]


def test_very_unequal_classes_are_noted(tmp_path: Path) -> None:
    make_files(tmp_path, {"mug": 20, "cup": 2})

    (found,) = scan([tmp_path]).problems

    assert (found.code, found.where) == ("imbalanced", "cup")


def test_a_scan_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        scan([make_files(tmp_path, {"mug": 1})], should_stop=lambda: True)


def test_a_scan_tells_how_many_pictures_it_has_found(tmp_path: Path) -> None:
    told: list[int] = []

    scan([make_files(tmp_path, {"mug": 250, "cup": 3})], on_progress=told.append)

    assert told == [200, 253]


def test_select_leaves_out_classes_and_files(tmp_path: Path) -> None:
    index = scan([make_files(tmp_path, {"mug": 2, "cup": 2, "pot": 1})])
    unwanted = (index.by_name("cup").files[0].path, index.by_name("pot").files[0].path)

    kept = select(index, DataSpec(excluded_classes=("mug",), excluded_files=unwanted))

    assert {each.name: [file.path for file in each.files] for each in kept.classes} == {
        "cup": [index.by_name("cup").files[1].path]
    }


def test_an_unknown_class_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean 'teapot'"):
        scan([make_files(tmp_path, {"teapot": 1, "mug": 1})]).by_name("teapott")


@pytest.mark.parametrize("values", [{}, {"folders": 1}, {"folders": [], "layout": "odd"}, [], None])
def test_json_that_is_no_index_is_refused(values: Any) -> None:
    with pytest.raises(DataError, match="not a list of images"):
        ImageIndex.from_json(values)


_component = st.text(
    st.characters(blacklist_characters="/\0\\", blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=8
)
_name = st.one_of(_component, st.sampled_from(["train", "val", "test", "Latin", "a.png"])).filter(
    lambda name: not name.startswith(".") and not name.endswith((" ", ".")) and "__macosx" not in name.lower()
)
_trees = st.dictionaries(st.lists(_name, max_size=4).map("/".join), st.integers(0, 3), max_size=7)


@posix_only
@settings(max_examples=60, deadline=None)
@given(tree=_trees, layout=st.sampled_from([each for each in Layout if each is not Layout.CSV_LIST]))
def test_whatever_the_folders_every_picture_is_in_one_class_or_counted_as_loose(
    tree: dict[str, int], layout: Layout
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = scan([make_files(Path(folder), tree)], layout=layout)

    loose = sum(int(str(each.message.fields["count"])) for each in index.problems if each.code == "loose-images")
    paths = [file.path for each in index.classes for file in each.files]
    assert len(paths) == len(set(paths))
    assert len(paths) + loose == sum(tree.values())
    assert names(index) == sorted(set(names(index)))
    assert all(each.files and each.name for each in index.classes)
    assert ImageIndex.from_json(json.loads(json.dumps(index.to_json()))) == index
