"""What window and command line read of a map: the hardest pairs, the nearest class, a part of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastudio.images.image_index import ImageFile
from metastudio.runs.class_map import ClassMap, compared, packed, unpacked

NAN = float("nan")


def square(count: int, pairs: dict[tuple[int, int], float], rest: float) -> np.ndarray:
    made = np.full((count, count), rest, np.float32)
    for (one, other), value in pairs.items():
        made[one, other] = made[other, one] = value
    np.fill_diagonal(made, np.nan)
    return made


@pytest.fixture
def four() -> ClassMap:
    return ClassMap(
        names=("a", "b", "c", "d"),
        pictures=(5, 5, 5, 1),
        places=np.arange(8.0).reshape(4, 2),
        shown_share=0.7,
        confusion=square(4, {(0, 1): 0.25, (0, 2): 0.004, (2, 3): NAN}, 0.0),
        separation=square(4, {(0, 1): 0.5, (1, 2): 0.9, (2, 3): NAN}, 2.0),
    )


def test_pairs_come_hardest_first_and_the_unknown_last(four: ClassMap) -> None:
    pairs = four.pairs(100)
    assert [(each.first, each.second) for each in pairs] == [
        *(("a", "b"), ("a", "c"), ("b", "c"), ("a", "d"), ("b", "d"), ("c", "d"))
    ]
    assert [str(each.about()) for each in pairs[:3]] == [
        "25 % of their pictures lie nearer to the other class",
        "0.4 % of their pictures lie nearer to the other class",
        "none of their pictures lies nearer to the other class; their centres are 0.9 spreads apart",
    ]
    assert four.pairs(2) == pairs[:2]
    assert [each.first for each in four.pairs(9, of={"b"})] == ["a", "b", "b"]
    assert four.pairs(5, of=set()) == ()
    assert four.pairs(0) == ()


def test_each_class_knows_its_nearest(four: ClassMap) -> None:
    which, distance = four.nearest
    assert which.tolist() == [1, 0, 1, 0]
    np.testing.assert_allclose(distance, [0.5, 0.5, 0.9, 2.0], rtol=1e-3)


def test_a_part_of_the_map_has_the_same_numbers(four: ClassMap) -> None:
    part = four.among({"d", "a", "c", "new"})
    assert part.names == ("a", "c", "d")
    assert part.pair("c", "a") == four.pair("a", "c")
    assert part.places.tolist() == [[0, 1], [4, 5], [6, 7]]
    assert four.among(four.names) is four
    assert four.among({"a"}).nearest[0].tolist() == [-1]
    assert four.among(()).pairs(5) == ()


def test_the_mean_confusion_of_an_episode(four: ClassMap) -> None:
    assert four.mean_confusion(["a", "b", "c"]) == pytest.approx((0.25 + 0.004) / 3, rel=1e-3)
    assert np.isnan(four.mean_confusion(["c", "d"]))
    assert np.isnan(four.mean_confusion(["a", "unknown"]))


@given(st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_what_is_packed_is_read_again(count: int, seed: int) -> None:
    values = np.random.default_rng(seed).random((count, count)).astype(np.float16).astype(np.float32)
    made = np.triu(values, 1) + np.triu(values, 1).T
    np.fill_diagonal(made, np.nan)
    np.testing.assert_array_equal(unpacked(packed(made), count), made)


def test_a_text_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 classes"):
        unpacked(packed(np.zeros((4, 4), np.float32)), 3)


def test_the_compared_pictures_are_spread_over_the_class() -> None:
    files = [ImageFile(f"{number:02}.png", 1, 1) for number in range(40)]
    assert compared(files, most=4) == ("00.png", "10.png", "20.png", "30.png")
    assert compared(files[:3], most=4) == ("00.png", "01.png", "02.png")
