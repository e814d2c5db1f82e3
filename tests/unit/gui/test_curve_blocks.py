"""Thinning any part of a curve: no extreme is lost, nothing is invented, what was drawn stays where it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastudio.gui.widgets.curve_blocks import CurveBlocks

NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")))


@st.composite
def curves(draw: st.DrawFn) -> CurveBlocks:
    """A curve of up to some thousand points: a few numbers at random places of noise, or of gaps."""
    count = draw(st.integers(1, 4000))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    y = np.full(count, np.nan) if draw(st.booleans()) else random.normal(size=count)
    for place in draw(st.lists(st.integers(0, count - 1), max_size=20)):
        y[place] = draw(NUMBERS)
    return CurveBlocks(np.cumsum(random.uniform(0, 2, size=count)), y)


@st.composite
def parts(draw: st.DrawFn) -> tuple[CurveBlocks, int, int, int]:
    blocks = draw(curves())
    first, end = sorted(draw(st.tuples(*[st.integers(0, len(blocks.x))] * 2)))
    return blocks, first, end, draw(st.sampled_from([4, 16, 100, 700]))


@given(parts())
def test_no_extreme_of_a_part_is_lost_and_nothing_is_invented(part: tuple[CurveBlocks, int, int, int]) -> None:
    blocks, first, end, most = part
    x, y = blocks.thinned(first, end, most)
    seen = blocks.y[first:end]
    assert len(x) == len(y) <= max(4, most) + 4  # a part that begins amid a bucket has one more
    assert (np.diff(x) >= 0).all()
    if np.isfinite(seen).any():
        assert np.nanmax(y) >= np.nanmax(seen)
        assert np.nanmin(y) <= np.nanmin(seen)
    points = set(zip(blocks.x.tolist(), blocks.y.tolist(), strict=True))
    drawn = zip(x[~np.isnan(y)].tolist(), y[~np.isnan(y)].tolist(), strict=True)
    assert set(drawn) <= points


@given(parts())
def test_means_of_a_part_are_those_of_its_buckets(part: tuple[CurveBlocks, int, int, int]) -> None:
    blocks, first, end, most = part
    x, y = blocks.averaged(first, end, most)
    assert (np.diff(x) >= 0).all()
    if end - first <= most:
        np.testing.assert_array_equal(y, blocks.y[first:end])
        return
    size = 2
    while -(-(end - first) // size) > most:
        size *= 2
    start, stop = first // size * size, min(len(blocks.y), -(-end // size) * size)
    for place, low in enumerate(range(start, stop, size)):
        bucket = blocks.y[low : min(low + size, stop)]
        known = bucket[np.isfinite(bucket)]
        expected = known.mean() if len(known) else np.nan
        np.testing.assert_allclose(y[place], expected, rtol=1e-9, atol=1e-6)


def test_what_is_drawn_stays_where_it_is_while_the_curve_is_moved() -> None:
    y = np.random.default_rng(0).normal(size=100_000)
    blocks = CurveBlocks(np.arange(100_000.0), y)
    before = set(zip(*blocks.thinned(10_000, 60_000, 1000), strict=True))
    after = set(zip(*blocks.thinned(10_200, 60_200, 1000), strict=True))
    shared = {each for each in before if 10_400 < each[0] < 59_800}
    assert shared <= after
    assert len(shared) > 500


@pytest.mark.parametrize("most", [4, 1000])
def test_a_place_is_found_with_one_neighbour_at_each_side(most: int) -> None:
    blocks = CurveBlocks(np.arange(100.0), np.arange(100.0))
    assert blocks.part(10.5, 20.5) == (10, 22)
    assert blocks.part(-5, 500) == (0, 100)
