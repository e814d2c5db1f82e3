"""What folders mean, whatever they are called: properties that hold for every tree."""

from __future__ import annotations

import sys
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastudio.catalog.data_spec import Layout, Part
from metastudio.images.image_folder import ImageIndex, scan
from metastudio.images.part_names import PART_NAMES, part_of_list
from tests.unit.images.pictures import make_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="most of these names are not allowed there")

_component = st.text(
    st.characters(blacklist_characters="/\0\\", blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=8
).filter(
    lambda name: (
        not name.startswith(".")
        and name.lower() not in {*PART_NAMES, "__macosx", "images", "desktop.ini", "thumbs.db"}
        and unicodedata.normalize("NFC", name) == name
    )
)
_classes = st.lists(st.lists(_component, min_size=1, max_size=3).map("/".join), min_size=1, max_size=5, unique=True)
_spellings = {part: sorted(name for name, known in PART_NAMES.items() if known is part) for part in Part}


def found(index: ImageIndex) -> dict[str, int]:
    return {each.name: len(each.files) for each in index.classes}


@settings(max_examples=60, deadline=None)
@given(names=_classes)
def test_the_path_of_a_folder_of_pictures_is_the_name_of_its_class(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = scan([make_files(Path(folder), dict.fromkeys(names, 2))])

    assert found(index) == dict.fromkeys(names, 2)
    assert [each.name for each in index.classes] == sorted(names)
    assert index.layout is (Layout.NESTED if any("/" in name for name in names) else Layout.CLASS_FOLDERS)
    assert all(each.part is None for each in index.classes)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), names=_classes.filter(lambda names: len(names) > 1))
def test_part_folders_in_any_spelling_say_the_part_and_leave_the_names(data: st.DataObject, names: list[str]) -> None:
    parts = {name: data.draw(st.sampled_from(Part)) for name in names}
    parts[names[0]], parts[names[1]] = Part.META_TRAIN, Part.META_TEST
    case = data.draw(st.sampled_from([str.lower, str.upper, str.title]))
    spelt = {part: case(data.draw(st.sampled_from(_spellings[part]))) for part in Part}
    outer = data.draw(st.sampled_from(["", "bundle/", "data/set/"]))

    with tempfile.TemporaryDirectory() as folder:
        index = scan([make_files(Path(folder), {f"{outer}{spelt[part]}/{name}": 1 for name, part in parts.items()})])

    assert {each.name: each.part for each in index.classes} == {f"{outer}{name}": part for name, part in parts.items()}
    assert index.layout is Layout.SPLIT_FOLDERS


@settings(max_examples=60, deadline=None)
@given(first=_classes, second=_classes)
def test_the_order_of_dropped_folders_changes_no_class(first: list[str], second: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = make_files(Path(folder) / "one", dict.fromkeys(first, 1))
        two = make_files(Path(folder) / "two", dict.fromkeys(second, 2))
        indices = [scan(roots) for roots in ([one, two], [two, one], [two, one, one])]

    assert found(indices[0]) == found(indices[1]) == found(indices[2])
    assert sum(found(indices[0]).values()) == len(first) + 2 * len(second)
    assert [each.files for each in indices[0].classes] == [each.files for each in indices[1].classes]


@settings(max_examples=40, deadline=None)
@given(names=_classes, layout=st.sampled_from([Layout.CLASS_FOLDERS, Layout.NESTED, Layout.SPLIT_FOLDERS]))
def test_a_layout_that_was_asked_for_is_kept_and_no_picture_is_lost(names: list[str], layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = scan([make_files(Path(folder), dict.fromkeys(names, 1))], layout=layout)

    assert index.layout is layout
    assert index.file_count == len(names)
    if layout is Layout.CLASS_FOLDERS:
        assert set(found(index)) == {name.partition("/")[0] for name in names}


@given(name=st.text(max_size=12), suffix=st.sampled_from([".json", ".txt", ".csv", ""]))
def test_only_lists_called_like_parts_are_of_a_part(name: str, suffix: str) -> None:
    path = f"/some/where/{name.replace('/', '')}{suffix}"
    expected = PART_NAMES.get(Path(path).stem.lower()) if Path(path).suffix.lower() in (".json", ".txt") else None

    assert part_of_list(path) is expected
    for part, spellings in _spellings.items():
        assert {part_of_list(f"{spelt.upper()}.JSON") for spelt in spellings} == {part}
