"""What a class can be in nested folders: every choice promises what a scan of that depth then gives."""

from __future__ import annotations

import sys
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastudio.catalog.data_spec import Layout
from metastudio.images.class_depth import DepthChoice, depth_choices
from metastudio.images.image_folder import ImageIndex, scan
from metastudio.images.part_names import PART_NAMES
from tests.unit.images.pictures import make_files

_component = st.text(
    st.characters(blacklist_characters="/\0\\", blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=6
).filter(
    lambda name: (
        not name.startswith(".")
        and name.lower() not in {*PART_NAMES, "__macosx", "desktop.ini", "thumbs.db"}
        and unicodedata.normalize("NFC", name) == name
    )
)
_small = st.one_of(st.sampled_from(["a", "b", "c1", "c2"]), _component)
_trees = st.lists(st.lists(_small, min_size=1, max_size=4).map("/".join), min_size=1, max_size=8, unique=True)


def choices_of(root: Path) -> tuple[DepthChoice, ...]:
    return depth_choices(scan([root]).classes, [str(root)])


def names(index: ImageIndex) -> list[str]:
    return [each.name for each in index.classes]


@pytest.mark.skipif(sys.platform == "win32", reason="most of these names are not allowed there")
@settings(max_examples=80, deadline=None)
@given(tree=_trees)
def test_what_a_choice_promises_is_what_a_scan_of_that_depth_gives(tree: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = make_files(Path(folder), dict.fromkeys(tree, 1))
        whole = scan([root])
        choices = choices_of(root)
        taken = [scan([root], depths={str(root): each.depth} if each.depth else {}) for each in choices]

    assert [each.count for each in choices] == [len(index.classes) for index in taken]
    assert all(index.file_count == whole.file_count for index in taken), "no picture is lost"
    for choice, index in zip(choices, taken, strict=True):
        home = {file.path: each.name for each in index.classes for file in each.files}
        assert all(home[path].endswith(example) for path, example in zip(choice.pictures, choice.examples, strict=True))
    if choices:
        assert choices[0].depth == 0
        assert names(taken[0]) == names(whole)
        assert len({tuple(names(index)) for index in taken}) == len(choices), "each gives something else"
        assert all(each.count > 1 for each in choices)
    else:
        possible = {tuple(sorted({"/".join(name.split("/")[:depth]) for name in tree})) for depth in range(1, 5)}
        assert sum(len(each) > 1 for each in possible) <= 1, "there was no choice"


def test_class_folders_leave_no_choice(tmp_path: Path) -> None:
    assert choices_of(make_files(tmp_path, {"mug": 2, "cup": 1})) == ()


def test_a_single_folder_around_everything_is_no_choice(tmp_path: Path) -> None:
    assert choices_of(make_files(tmp_path, {"data/set/mug": 2, "data/set/cup": 1})) == ()


def test_alphabets_and_characters_are_both_offered(tmp_path: Path) -> None:
    tree = {f"{alphabet}/character{number:02}": 1 for alphabet in ("Greek", "Latin", "Runes") for number in range(4)}

    deep, high = choices_of(make_files(tmp_path, tree))

    assert (str(deep.title), deep.depth) == ("12 classes by character", 0)
    assert (str(high.title), high.depth) == ("3 classes by the outer folder", 1)
    assert high.examples == ("Greek", "Latin", "Runes")
    assert high.example_text() == "Greek, Latin, Runes"
    assert len(deep.examples) == len(deep.pictures) == 5
    assert deep.example_text().startswith("Greek/character00, Greek/character02, ")
    assert deep.example_text().endswith(" …")


def test_domains_and_classes_without_numbers_are_told_by_their_place(tmp_path: Path) -> None:
    tree = {f"{domain}/{name}": 1 for domain in ("photo", "sketch") for name in ("dog", "horse")}

    assert [str(each.title) for each in choices_of(make_files(tmp_path, tree))] == [
        "4 classes by the inner folder",
        "2 classes by the outer folder",
    ]


def test_folders_that_say_the_part_are_no_component(tmp_path: Path) -> None:
    root = make_files(tmp_path, {"train/Latin/a": 1, "train/Latin/b": 1, "train/Runes/a": 1, "test/Greek/c": 1})

    deep, high = choices_of(root)
    index = scan([root], depths={str(root): high.depth})

    assert (deep.count, high.count) == (4, 3)
    assert names(index) == ["Greek", "Latin", "Runes"]
    assert index.layout is Layout.SPLIT_FOLDERS


def test_only_what_lies_in_the_folders_counts(tmp_path: Path) -> None:
    plain = make_files(tmp_path / "plain", {"mug": 1, "cup": 1})
    nested = make_files(tmp_path / "nested", {"Latin/a": 1, "Latin/b": 1, "Greek/a": 1, "mug": 1})
    index = scan([plain, nested])

    assert depth_choices(index.classes, [str(plain)]) == ()
    assert [each.count for each in depth_choices(index.classes, [str(nested)])] == [4, 3]


def test_a_depth_is_of_its_folder_alone(tmp_path: Path) -> None:
    one = make_files(tmp_path / "one", {"Latin/a": 1, "Latin/b": 1})
    two = make_files(tmp_path / "two", {"Greek/a": 1, "Greek/b": 1})

    assert names(scan([one, two], depths={str(two): 1})) == ["Greek", "Latin/a", "Latin/b"]
    assert names(scan([one, two], depths={str(two): 9})) == ["Greek/a", "Greek/b", "Latin/a", "Latin/b"]


def test_omniglot_is_offered_by_character_and_by_alphabet(omniglot: Path) -> None:
    assert [(each.depth, str(each.title)) for each in choices_of(omniglot)] == [
        (0, "1,623 classes by character"),
        (2, "50 classes by folder 2 of 3"),
        (1, "2 classes by folder 1 of 3"),
    ]
