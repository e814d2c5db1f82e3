"""The draw of episodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastudio.catalog.data_spec import Part
from metastudio.errors import DataError
from metastudio.images.episode_draw import DrawnEpisode, PinnedClass, draw_episode, keep_pinned


def drawn(number: int = 0, *, seed: int = 0, part: Part = Part.META_TRAIN, rotations: int = 1) -> DrawnEpisode:
    return draw_episode([20] * 30, 5, 2, 6, seed=seed, part=part, number=number, rotations=rotations)


def flat(episode: DrawnEpisode) -> list[int]:
    return np.concatenate([episode.classes, episode.quarter_turns, *episode.support, *episode.query]).tolist()


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**9), st.sampled_from(Part))
def test_support_and_query_never_share_an_image(seed: int, number: int, part: Part) -> None:
    episode = drawn(number, seed=seed, part=part)
    for support, query in zip(episode.support, episode.query, strict=True):
        assert len(support) == 2
        assert len(query) == 6
        assert len({*support.tolist(), *query.tolist()}) == 8
        assert max(*support, *query) < 20


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**9))
def test_the_same_episode_is_drawn_again_and_no_class_twice(seed: int, number: int) -> None:
    assert flat(drawn(number, seed=seed)) == flat(drawn(number, seed=seed))
    assert len(set(drawn(number, seed=seed).classes.tolist())) == 5


def test_number_seed_and_part_each_change_the_episode() -> None:
    plain = flat(drawn())
    assert flat(drawn(1)) != plain
    assert flat(drawn(seed=1)) != plain
    assert flat(drawn(part=Part.META_VAL)) != plain
    assert flat(drawn(part=Part.META_TEST)) != plain


def test_labels_are_permuted() -> None:
    first = [draw_episode([8] * 3, 3, 1, 1, seed=0, part=Part.META_TEST, number=i).classes[0] for i in range(300)]
    counts = np.bincount(first, minlength=3)
    assert counts.min() > 70, "each of three classes should take the first label about a hundred times"


def test_rotations_count_each_class_four_times_and_never_the_same_turn_twice() -> None:
    episode = draw_episode([4, 4], 8, 1, 1, seed=3, part=Part.META_TRAIN, number=0, rotations=4)
    pairs = set(zip(episode.classes.tolist(), episode.quarter_turns.tolist(), strict=True))
    assert pairs == {(position, turns) for position in range(2) for turns in range(4)}


def test_a_picture_is_never_support_at_one_turn_and_query_at_another() -> None:
    episode = draw_episode([12, 12], 8, 3, 4, seed=3, part=Part.META_TRAIN, number=0, rotations=4)
    for position in range(2):
        mine = np.flatnonzero(episode.classes == position)
        support = {int(image) for turn in mine for image in episode.support[turn]}
        query = {int(image) for turn in mine for image in episode.query[turn]}
        assert not support & query


def test_too_few_classes_are_refused_with_the_numbers() -> None:
    with pytest.raises(DataError, match="5 ways cannot be drawn from 3 classes"):
        draw_episode([20] * 3, 5, 1, 1, seed=0, part=Part.META_TRAIN, number=0)


def test_too_few_images_are_refused_with_the_numbers() -> None:
    with pytest.raises(DataError, match=r"3 images, fewer than the 6 that K \+ Q = 1 \+ 5 need"):
        draw_episode([3, 3], 2, 1, 5, seed=0, part=Part.META_TRAIN, number=0)


SIZES, SHAPE = (7, 5, 9, 6, 8, 5), {"n_way": 4, "n_shot": 2, "n_query": 3}


def with_pins(pins: dict[int, PinnedClass], number: int, *, rotations: int = 1) -> DrawnEpisode:
    about = {"seed": 3, "part": Part.META_TRAIN, "number": number}
    drawn = draw_episode(SIZES, **SHAPE, rotations=rotations, **about)
    return keep_pinned(drawn, pins, SIZES, **about)


@st.composite
def pinned_rows(draw: st.DrawFn, rotations: int) -> dict[int, PinnedClass]:
    labels = draw(st.lists(st.integers(0, 5), unique=True, max_size=4))
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, rotations - 1)),
            unique=True,
            min_size=len(labels),
            max_size=len(labels),
        )
    )
    pins = {}
    for label, (position, turns) in zip(labels, rows, strict=True):
        own = draw(st.permutations(range(SIZES[position])))
        support = draw(st.sets(st.integers(0, 2)))
        query = draw(st.sets(st.integers(0, 3)))
        if any(pin.position == position for pin in pins.values()):
            support, query = set(), set()  # its turns share their images
        images = iter(own)
        pins[label] = PinnedClass(
            position,
            turns,
            dict(zip(sorted(support), images, strict=False)),
            dict(zip(sorted(query), images, strict=False)),
        )
    return pins


@pytest.mark.parametrize("rotations", [1, 4])
@given(data=st.data(), number=st.integers(0, 10**6))
def test_pinned_classes_and_pictures_keep_their_places(data: st.DataObject, number: int, rotations: int) -> None:
    pins = data.draw(pinned_rows(rotations))
    episode = with_pins(pins, number, rotations=rotations)
    rows = list(zip(episode.classes.tolist(), episode.quarter_turns.tolist(), strict=True))
    assert len(set(rows)) == 4, "no class twice"
    for label, pin in pins.items():
        if label >= 4:
            continue
        assert rows[label] == (pin.position, pin.quarter_turns)
        assert all(episode.support[label][place] == image for place, image in pin.support.items() if place < 2)
        assert all(episode.query[label][place] == image for place, image in pin.query.items() if place < 3)
    for (position, _), support, query in zip(rows, episode.support, episode.query, strict=True):
        assert (len(support), len(query)) == (2, 3)
        assert len({*support.tolist(), *query.tolist()}) == 5
        assert max(*support, *query) < SIZES[position]


@given(number=st.integers(0, 10**6), rotations=st.sampled_from((1, 4)))
def test_without_pins_the_episode_is_the_one_that_training_draws(number: int, rotations: int) -> None:
    drawn = draw_episode(SIZES, **SHAPE, seed=3, part=Part.META_TRAIN, number=number, rotations=rotations)
    assert flat(with_pins({}, number, rotations=rotations)) == flat(drawn)
    as_drawn = PinnedClass(
        int(drawn.classes[1]), int(drawn.quarter_turns[1]), dict(enumerate(drawn.support[1].tolist()))
    )
    assert flat(with_pins({1: as_drawn}, number, rotations=rotations)) == flat(drawn)


def test_what_is_not_pinned_goes_on_changing() -> None:
    pins = {2: PinnedClass(0, support={1: 6})}
    found = [with_pins(pins, number) for number in range(20)]
    assert {int(each.support[2][1]) for each in found} == {6}
    assert len({int(each.support[2][0]) for each in found}) > 3
    assert len({int(each.classes[0]) for each in found}) > 3


def test_a_pinned_class_that_is_too_small_is_an_error() -> None:
    drawn = draw_episode((9, 9, 9), 2, 2, 3, seed=0, part=Part.META_VAL, number=0)
    with pytest.raises(DataError, match="2 images"):
        keep_pinned(drawn, {0: PinnedClass(3)}, (9, 9, 9, 2), seed=0, part=Part.META_VAL, number=0)
