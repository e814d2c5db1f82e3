"""Files as columns: they are what a tuple of files is, and hundreds of thousands of them are few objects."""

from __future__ import annotations

import gc
import pickle

from hypothesis import given
from hypothesis import strategies as st

from metastudio.catalog.data_spec import DataSpec, Layout
from metastudio.images import file_list
from metastudio.images.file_list import FileList, ImageFile, PathSet
from metastudio.images.image_folder import arranged, select
from metastudio.images.image_index import ImageClass, ImageIndex

paths = st.builds(
    lambda folder, name: f"/{folder}/{name}", st.sampled_from(["a", "b", "a/c"]), st.text("xyz\udcff", min_size=1)
)
files = st.builds(ImageFile, paths, st.integers(0, 2**40), st.integers(0, 2**62), st.sampled_from(["", "ab" * 32]))
many = st.lists(files, max_size=12, unique_by=lambda each: each.path)


def index_of(**classes: list[ImageFile]) -> ImageIndex:
    return ImageIndex(("/",), Layout.AUTO, tuple(ImageClass(name, own) for name, own in sorted(classes.items())))


@given(many)
def test_a_list_equals_the_tuple_it_was_made_of(given: list[ImageFile]) -> None:
    made = FileList.of(given)
    assert made == tuple(given)
    assert tuple(made) == tuple(given)
    assert len(made) == len(given)
    assert made[1:3] == tuple(given[1:3])
    assert made.paths == tuple(each.path for each in given)
    assert made == pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    assert made.first_paths(2) == tuple(each.path for each in given[:2])


@given(many, st.sets(paths))
def test_a_list_without_paths_has_the_others_in_their_order(given: list[ImageFile], gone: set[str]) -> None:
    made = FileList.of(given)
    left = made.without(PathSet(gone))
    assert left == tuple(each for each in given if each.path not in gone)
    assert (left is made) == gone.isdisjoint(made.paths)


@given(many, st.integers(0, 12), st.integers(0, 12))
def test_lists_are_brought_together_in_the_order_of_their_paths(given: list[ImageFile], one: int, two: int) -> None:
    cuts = sorted((one, two))
    parts = (given[: cuts[0]], given[cuts[0] : cuts[1]], given[cuts[1] :])
    together = FileList.together([FileList.of(part) for part in parts])
    assert together == tuple(sorted(given, key=lambda each: each.path))


def test_ten_thousand_files_are_no_more_objects_for_the_collector_than_ten() -> None:
    def objects_of(count: int) -> int:
        made = FileList.of([ImageFile(f"/pictures/{number}.png", 1, 1) for number in range(count)])
        gc.collect()
        found = len(gc.get_objects())
        assert len(made) == count
        return found

    objects_of(10)
    assert abs(objects_of(10_000) - objects_of(10)) < 100


def test_leaving_out_a_picture_makes_no_file_of_any_class(monkeypatch) -> None:
    index = index_of(
        **{f"class{number}": [ImageFile(f"/{number}/{place}.png", 1, 1) for place in range(3)] for number in range(20)}
    )
    made: list[str] = []
    monkeypatch.setattr(file_list, "ImageFile", lambda path, *_: made.append(path))
    left = select(index, DataSpec(excluded_files=("/3/1.png",), excluded_classes=("class5",)))
    assert not made
    assert left.file_count == 56
    unchanged = [each for each in left.classes if each.name != "class3"]
    assert all(each is index.by_name(each.name) for each in unchanged), "what nothing is left out of stays itself"


def test_merging_classes_makes_no_file_of_the_others(monkeypatch) -> None:
    index = index_of(
        **{name: [ImageFile(f"/{name}/{place}.png", 1, 1) for place in range(3)] for name in ("cup", "mug", "pot")}
    )
    made: list[str] = []
    monkeypatch.setattr(file_list, "ImageFile", lambda path, *_: made.append(path))
    together = arranged(index, DataSpec(merged_classes={"mug": "cup"}))
    assert not made
    assert [len(each.files) for each in together.classes] == [6, 3]


def test_the_classes_of_paths_are_found_in_their_order() -> None:
    index = index_of(cup=[ImageFile("/cup/1.png", 1, 1)], pot=[ImageFile("/pot/1.png", 1, 1)])
    assert list(index.classes_of(["/pot/1.png", "/none.png", "/cup/1.png"]).items()) == [
        ("/pot/1.png", "pot"),
        ("/cup/1.png", "cup"),
    ]
