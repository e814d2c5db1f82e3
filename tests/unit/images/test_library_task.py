"""Classes of the library as classes of a task."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastudio.images.image_index import ImageClass, ImageFile
from metastudio.images.library_task import library_classes


def made(name: str, count: int) -> ImageClass:
    return ImageClass(name, tuple(ImageFile(f"/{name}/{number}", 1, 1) for number in range(count)))


def test_the_first_pictures_are_support_and_the_next_ones_queries() -> None:
    (found,) = library_classes([made("Latin/a", 5)], n_shot=2, n_query=2)
    assert found.name == "a"
    assert found.support == ("/Latin/a/0", "/Latin/a/1")
    assert found.query == ("/Latin/a/2", "/Latin/a/3")


def test_names_that_would_be_the_same_keep_their_folders() -> None:
    found = library_classes([made("Latin/a", 1), made("Greek/a", 1), made("Greek/b", 1)], n_shot=1, n_query=1)
    assert [each.name for each in found] == ["Latin/a", "Greek/a", "b"]


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    n_shot=st.integers(1, 6),
    n_query=st.integers(0, 6),
    seed=st.none() | st.integers(0, 2**32 - 1),
)
def test_support_comes_first_and_no_picture_twice(
    sizes: list[int], n_shot: int, n_query: int, seed: int | None
) -> None:
    classes = [made(f"c{number}", size) for number, size in enumerate(sizes)]
    found = library_classes(classes, n_shot=n_shot, n_query=n_query, seed=seed)
    assert found == library_classes(classes, n_shot=n_shot, n_query=n_query, seed=seed)
    for each, library in zip(found, classes, strict=True):
        assert len(each.support) == min(n_shot, len(library.files))
        assert len(each.query) == min(n_query, max(0, len(library.files) - n_shot))
        assert len({*each.support, *each.query}) == len(each.support) + len(each.query)
        assert {*each.support, *each.query} <= {file.path for file in library.files}
