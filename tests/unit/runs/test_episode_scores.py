"""Accuracies of single episodes: kept with a run, and two runs compared by them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.runs.small_runs import make_run, thirty_classes

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.runs.episode_scores import (
    EpisodeScores,
    episodes_id,
    kept_pair,
    kept_scores,
    paired_difference,
    write_scores,
)
from metastudio.runs.run_folder import RunFolder


def scores(accuracies: list[float], *, name: str = "same", statistics: str = "support") -> EpisodeScores:
    return EpisodeScores(
        episodes_id=name,
        iteration=50,
        statistics=statistics,
        n_way=5,
        n_shot=1,
        n_query=15,
        accuracies=tuple(accuracies),
    )


def with_checkpoint(run: RunFolder) -> RunFolder:
    (run.checkpoints_folder / "step-0000050").mkdir(parents=True)
    (run.checkpoints_folder / "step-0000050" / "SHA256SUMS").write_text("")
    for pointer in ("best", "last"):
        (run.checkpoints_folder / pointer).write_text("step-0000050\n")
    return run


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=50))
def test_the_interval_is_that_of_the_single_differences(pairs: list[tuple[float, float]]) -> None:
    found = paired_difference(scores([one for one, _ in pairs]), scores([other for _, other in pairs]))
    gaps = [one - other for one, other in pairs]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((each - mean) ** 2 for each in gaps) / (len(gaps) - 1))
    assert found.difference == pytest.approx(mean, abs=1e-12)
    assert found.ci95 == pytest.approx(1.959964 * spread / math.sqrt(len(gaps)), abs=1e-6)
    assert found.is_tie == (abs(found.difference) <= found.ci95)
    again = paired_difference(scores([other for _, other in pairs]), scores([one for one, _ in pairs]))
    assert again.difference == pytest.approx(-found.difference, abs=1e-12)


def test_a_small_difference_shows_where_both_find_the_same_episodes_hard() -> None:
    hard = [0.3 + 0.6 * (number % 7) / 6 for number in range(100)]
    found = paired_difference(scores([each + 0.02 + 0.01 * (n % 2) for n, each in enumerate(hard)]), scores(hard))
    assert not found.is_tie
    assert found.first_ci95 > found.difference, "the intervals of the two overlap by far"


def test_the_same_answers_are_a_tie() -> None:
    assert paired_difference(scores([0.5, 0.6]), scores([0.5, 0.6])).is_tie
    assert paired_difference(scores([1.0]), scores([0.0])).is_tie, "one episode proves nothing"


def test_other_episodes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same episodes"):
        paired_difference(scores([0.5]), scores([0.5], name="other"))
    with pytest.raises(ValueError, match="same episodes"):
        paired_difference(scores([0.5]), scores([0.5], statistics="batch"))


def test_what_two_runs_share_is_found_again(tmp_path: Path) -> None:
    first, second = (with_checkpoint(make_run(tmp_path)) for _ in range(2))
    assert kept_pair(first, second) is None
    write_scores(first, scores([0.9, 0.8, 0.9]))
    write_scores(first, scores([0.1, 0.1, 0.1], name="another"))
    write_scores(second, scores([0.5, 0.6, 0.6, 0.1]))
    found = kept_pair(first, second)
    assert found is not None
    assert (found.episodes, found.is_tie) == (3, False)
    assert found.first_accuracy == pytest.approx(2.6 / 3)
    assert first.evaluations() == (), "they are no results on meta-test"


def test_damaged_scores_and_too_few_are_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_scores(run, scores([0.9, 0.8, 0.9]))
    assert kept_scores(run, iteration=50, statistics="support", at_least=4) == ()
    assert kept_scores(run, iteration=51, statistics="support") == ()
    assert len(kept_scores(run, iteration=50, statistics="support", only="same")) == 1
    next((run.evaluations_folder / "episodes").iterdir()).write_text("{")
    assert kept_scores(run, iteration=50, statistics="support") == ()


def test_episodes_are_the_same_where_pictures_split_seed_and_shape_are() -> None:
    index, parts = thirty_classes()
    usual = {"part": Part.META_TEST, "seed": 0, "spec": EpisodeSpec()}
    name = episodes_id(index, parts, **usual)
    assert episodes_id(index, dict(reversed(parts.items())), **usual) == name
    assert episodes_id(index, parts, **(usual | {"seed": 1})) != name
    assert episodes_id(index, parts, **(usual | {"part": Part.META_VAL})) != name
    assert episodes_id(index, parts, **(usual | {"spec": EpisodeSpec(n_shot=2)})) != name
    assert episodes_id(index, parts | {"class29": Part.META_TRAIN}, **usual) != name
