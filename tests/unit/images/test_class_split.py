from __future__ import annotations

import json
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastudio.catalog.data_spec import FolderSplit, Layout, ListedSplit, ManualSplit, Part, RandomSplit
from metastudio.errors import DataError
from metastudio.images.class_split import class_list_text, read_class_list, split_classes
from metastudio.images.image_folder import scan
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex

TRAIN, VAL, TEST = Part


def index(*names: str, parts: dict[str, Part] | None = None) -> ImageIndex:
    file = ImageFile("/d/a.png", 1, 1)
    return ImageIndex(
        ("/d",), Layout.NESTED, tuple(ImageClass(name, (file,), (parts or {}).get(name)) for name in names)
    )


def written(path: Path, content: object) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return str(path)


# At random


@settings(deadline=None)
@given(
    count=st.integers(1, 300),
    seed=st.integers(0, 2**32),
    weights=st.tuples(st.integers(1, 100), st.integers(0, 100), st.integers(0, 100)),
)
def test_a_random_split_deals_every_class_once_close_to_the_shares(
    count: int, seed: int, weights: tuple[int, int, int]
) -> None:
    shares = dict(zip(Part, (weight / sum(weights) for weight in weights), strict=True))
    split = RandomSplit(meta_train=shares[TRAIN], meta_val=shares[VAL], meta_test=shares[TEST], seed=seed)
    names = [f"c{number}" for number in range(count)]

    parts = split_classes(index(*names), split)

    assert list(parts) == names
    counts = Counter(parts.values())
    wanted = [part for part in Part if shares[part] > 0]
    assert set(counts) <= set(wanted)
    if count >= len(wanted):
        assert set(counts) == set(wanted)
    assert all(abs(counts[part] - shares[part] * count) <= 2 for part in wanted)


def test_a_random_split_depends_on_the_seed_and_not_on_the_order() -> None:
    names = [f"c{number}" for number in range(40)]
    shuffled = [*names[20:], *names[:20]]

    assert split_classes(index(*names), RandomSplit()) == split_classes(index(*shuffled), RandomSplit())
    assert split_classes(index(*names), RandomSplit()) != split_classes(index(*names), RandomSplit(seed=1))


def test_the_usual_shares_of_a_hundred_classes() -> None:
    parts = split_classes(index(*(f"c{number}" for number in range(100))), RandomSplit())

    assert Counter(parts.values()) == {TRAIN: 64, VAL: 16, TEST: 20}


# From lists


def test_lists_name_classes_by_their_last_components(tmp_path: Path) -> None:
    classes = index("background/Latin/c1", "background/Latin/c2", "background/Greek/c1", "other")
    split = ListedSplit(
        meta_train=written(tmp_path / "a.json", {"background": {"Latin": ["c1", "c2"]}}),
        meta_val=written(tmp_path / "b.txt", "# comment\n\n  Greek/c1  \n"),
        meta_test=written(tmp_path / "c.json", ["other"]),
    )

    assert split_classes(classes, split) == {
        "background/Latin/c1": TRAIN,
        "background/Latin/c2": TRAIN,
        "background/Greek/c1": VAL,
        "other": TEST,
    }


def test_classes_that_no_list_names_belong_to_no_part(tmp_path: Path) -> None:
    assert split_classes(index("a", "b"), ListedSplit(meta_train=written(tmp_path / "a.txt", "b"))) == {"b": TRAIN}


def test_a_whole_name_means_that_class_even_where_others_end_alike(tmp_path: Path) -> None:
    split = ListedSplit(meta_train=written(tmp_path / "a.txt", "owl"))

    assert split_classes(index("owl", "birds/owl"), split) == {"owl": TRAIN}


def test_everything_wrong_with_lists_is_said_at_once(tmp_path: Path) -> None:
    split = ListedSplit(
        meta_train=written(tmp_path / "a.txt", "Latin/c1\nLatim/c2\nzzz"),
        meta_val=written(tmp_path / "b.txt", "c9\nLatin/c1"),
    )

    with pytest.raises(DataError) as caught:
        split_classes(index("Latin/c1", "Latin/c2", "Latin/c9", "Greek/c9"), split)

    said = [str(each) for each in caught.value.problems]
    assert [each.code for each in caught.value.problems] == [
        "class-unknown", "class-unknown", "class-ambiguous", "class-in-two-lists",
    ]  # fmt: skip
    assert "no class 'Latim/c2'. Did you mean 'Latin/c2'?" in said[0]
    assert "Did you mean" not in said[1]
    assert "'Latin/c9' or 'Greek/c9'" in said[2]
    assert "meta-train" in said[3]


def test_the_published_omniglot_lists_fit_the_folders(omniglot: Path, test_data: Path) -> None:
    lists = test_data / "splits/omniglot"
    split = ListedSplit(
        meta_train=str(lists / "train.json"), meta_val=str(lists / "val.json"), meta_test=str(lists / "test.json")
    )

    whole = split_classes(scan([omniglot]), split)
    halves = split_classes(scan([omniglot / "images_background", omniglot / "images_evaluation"]), split)

    for parts in (whole, halves):
        assert Counter(parts.values()) == {TRAIN: 1028, VAL: 172, TEST: 423}


@pytest.mark.parametrize(
    "content", ["{", "[1]", '{"a": 3}', '{"a": [["b"]]}', '"name" x', "[" * 100_000, '{"a": {"b": null}}']
)
def test_json_that_is_no_list_of_classes_is_refused_with_the_path(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="not JSON as expected") as caught:
        read_class_list(written(tmp_path / "a.json", content))
    assert caught.value.where == str(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"caf\xe9"])
def test_a_list_that_is_no_utf8_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)

    with pytest.raises(DataError, match="not UTF-8"):
        read_class_list(tmp_path / "a.txt")


def test_a_missing_list_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No such file") as caught:
        read_class_list(tmp_path / "gone.txt")
    assert caught.value.where == str(tmp_path / "gone.txt")


def test_windows_line_ends_and_byte_order_marks_are_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfmug\r\ncup\r\nmug\r\n")

    assert read_class_list(tmp_path / "a.txt") == ("mug", "cup")


_name = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).map(str.strip)
_plain = _name.filter(lambda name: name and name[0] not in "#[{\ufeff")


@settings(max_examples=60, deadline=None)
@given(names=st.lists(_plain, min_size=1, unique=True))
def test_any_names_survive_a_text_and_a_json_list(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        as_text = written(Path(folder) / "a.txt", "\n".join(names))
        as_json = written(Path(folder) / "a.json", json.dumps(names))
        nested = written(Path(folder) / "b.json", {"part": {"alphabet": names}})

        assert read_class_list(as_text) == tuple(names)
        assert read_class_list(as_json) == tuple(names)
        assert read_class_list(nested) == tuple(f"alphabet/{name}" for name in names)


@settings(max_examples=100, deadline=None)
@given(content=st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_whatever_stands_in_a_list_it_is_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.txt", "a.json"):
            (Path(folder) / name).write_bytes(content)
            try:
                names = read_class_list(Path(folder) / name)
            except DataError:
                continue
            assert all(isinstance(each, str) for each in names)


# By folders and by hand


def test_folders_say_the_parts() -> None:
    parts = {"a": TRAIN, "b": TEST}

    assert split_classes(index("a", "b", "c", parts=parts), FolderSplit()) == parts


def test_folders_that_say_nothing_are_an_error_with_a_way_out() -> None:
    with pytest.raises(DataError, match="at random"):
        split_classes(index("a", "b"), FolderSplit())


def test_a_split_by_hand_is_taken_and_its_unknown_classes_are_named() -> None:
    assert split_classes(index("a", "b"), ManualSplit(parts={"b": VAL})) == {"b": VAL}
    with pytest.raises(DataError, match="Did you mean 'teapot'"):
        split_classes(index("teapot"), ManualSplit(parts={"teapots": VAL}))


_class_names = st.lists(
    st.text(st.characters(blacklist_characters="\\"), min_size=1).filter(lambda name: name.strip("/")),
    min_size=1,
    max_size=6,
    unique_by=lambda name: unicodedata.normalize("NFC", name).strip("/"),
)


@settings(max_examples=80, deadline=None)
@given(names=_class_names)
def test_a_list_that_was_written_names_the_same_classes_whatever_they_are_called(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.json"
        path.write_text(class_list_text(names), encoding="utf-8")
        assert read_class_list(path) == tuple(names)
