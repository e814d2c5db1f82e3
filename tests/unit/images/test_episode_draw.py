"""The draw of episodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastudio.catalog.data_spec import Part
from metastudio.errors import DataError
from metastudio.images.episode_draw import DrawnEpisode, draw_episode


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
