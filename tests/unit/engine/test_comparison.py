"""Two runs on the same frozen episodes: asked the same, kept, and not asked again."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until

from metastudio.catalog.data_spec import Part
from metastudio.engine.evaluation import comparison
from metastudio.engine.evaluation.comparison import compare
from metastudio.engine.evaluation.meta_test import evaluate_on_meta_test
from metastudio.errors import DataError, IntegrityError
from metastudio.images.problems import Cancelled
from metastudio.runs.episode_scores import kept_pair
from metastudio.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


def trained(folder: Path, glyphs: Path, **changes: object) -> RunFolder:
    run = small_run(folder / "runs", small_experiment(glyphs, **changes))
    work_until(run)
    return run


@pytest.fixture
def pair(tmp_path: Path, glyphs: Path) -> tuple[RunFolder, RunFolder]:
    return trained(tmp_path, glyphs), trained(tmp_path, glyphs, algorithm={"name": "prototypical"})


def test_two_runs_are_asked_the_same_and_are_not_asked_again(pair: tuple[RunFolder, RunFolder], monkeypatch) -> None:
    told: list[tuple[int, int]] = []
    found = compare(*pair, episodes=12, on_progress=lambda *done: told.append(done))
    assert told[-1] == (24, 24)
    assert found.episodes == 12
    assert found.difference == pytest.approx(found.first_accuracy - found.second_accuracy)
    assert kept_pair(*pair) == found
    monkeypatch.setattr(comparison, "evaluate", lambda *_, **__: pytest.fail("it was asked again"))
    assert compare(*pair, episodes=12) == found
    assert compare(*pair, episodes=5).episodes == 5
    assert compare(*reversed(pair), episodes=12).difference == pytest.approx(-found.difference)


def test_a_run_compared_with_itself_is_a_tie(pair: tuple[RunFolder, RunFolder]) -> None:
    assert compare(pair[0], pair[0], episodes=4).is_tie


def test_a_result_on_meta_test_is_half_of_a_comparison(pair: tuple[RunFolder, RunFolder], monkeypatch) -> None:
    [tested] = evaluate_on_meta_test(pair[0], episodes=8, statistics=["support"])
    [other] = evaluate_on_meta_test(pair[1], episodes=8, statistics=["support"])
    monkeypatch.setattr(comparison, "evaluate", lambda *_, **__: pytest.fail("it was asked again"))
    found = compare(*pair, episodes=8)
    assert (found.first_accuracy, found.first_ci95) == (tested.accuracy, tested.ci95)
    assert (found.second_accuracy, found.second_ci95) == (other.accuracy, other.ci95)


def test_a_run_of_another_seed_and_size_of_picture_is_asked_the_first_ones_episodes(
    pair: tuple[RunFolder, RunFolder], tmp_path: Path, glyphs: Path
) -> None:
    data = small_experiment(glyphs).data.model_dump(mode="json")
    data["preprocessing"]["image_size"] = 20
    other = trained(tmp_path, glyphs, seed=7, data=data)
    assert compare(pair[0], other, episodes=6).episodes == 6


def test_a_run_that_learned_from_the_pictures_is_refused(
    pair: tuple[RunFolder, RunFolder], tmp_path: Path, glyphs: Path
) -> None:
    data = small_experiment(glyphs).data.model_dump(mode="json")
    data["split"]["seed"] = 5
    other = trained(tmp_path, glyphs, data=data)
    with pytest.raises(DataError, match="has learned from"):
        compare(pair[0], other, episodes=4)


def test_a_comparison_that_is_cancelled_keeps_nothing_half(pair: tuple[RunFolder, RunFolder]) -> None:
    asked: list[int] = []
    with pytest.raises(Cancelled):
        compare(
            *pair,
            episodes=10,
            on_progress=lambda done, _: asked.append(done),
            should_stop=lambda: bool(asked) and asked[-1] > 3,
        )
    assert kept_pair(*pair) is None


def test_a_run_without_a_checkpoint_cannot_be_compared(
    pair: tuple[RunFolder, RunFolder], tmp_path: Path, glyphs: Path
) -> None:
    waiting = small_run(tmp_path / "runs", small_experiment(glyphs))
    with pytest.raises(IntegrityError, match="no checkpoint"):
        compare(pair[0], waiting, episodes=4)
    assert Part.META_TEST in waiting.data().parts.values()
