"""Forecasts: a trial in the shapes of the experiment, extrapolated to all that it will compute."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine import forecast as forecast_module
from metastudio.engine.forecast import forecast
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.runs.forecast import Forecast
from tests.unit.engine.small_runs import make_glyphs, small_experiment


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


@pytest.fixture(autouse=True)
def _short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_module, "_TRIAL_S", 0.0)


def of(experiment: ExperimentConfig) -> Forecast:
    index = scan(experiment.data.folders)
    return forecast(experiment, index, split_classes(index, experiment.data.split))


def longer(experiment: ExperimentConfig, **training: int) -> ExperimentConfig:
    return experiment.model_copy(update={"training": experiment.training.model_copy(update=training)})


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_every_method_can_be_tried(name: str, glyphs: Path) -> None:
    algorithm = {"name": name} | ({"batch_size": 8} if name == "classifier" else {})
    found = of(small_experiment(glyphs, algorithm=algorithm))
    assert found.seconds > 0
    assert found.tasks_per_s > 0
    assert found.memory_bytes > 1e8
    assert found.device == "cpu"


def test_training_takes_as_many_times_longer_as_it_has_iterations(glyphs: Path, monkeypatch) -> None:
    monkeypatch.setattr(forecast_module, "_tasks_per_s", lambda _: 10.0)
    experiment = longer(small_experiment(glyphs), validate_every=10**6, validation_episodes=2)
    short, long = of(experiment).seconds, of(longer(experiment, iterations=6000)).seconds
    assert long - short == pytest.approx(1.02 * 5994 * 3 / 10, rel=0.01)


def test_validation_counts_where_there_are_classes_for_it(glyphs: Path) -> None:
    experiment = longer(small_experiment(glyphs), iterations=100, validate_every=30, validation_episodes=7)
    enough = {str(number): Part.META_VAL for number in range(3)}
    assert forecast_module._judged_episodes(experiment, enough) == 4 * 7
    assert forecast_module._judged_episodes(experiment, dict(list(enough.items())[:2])) == 0
    tested = experiment.evaluation.model_copy(
        update={"after_training": True, "episodes": 50, "statistics": ("support", "batch")}
    )
    assert forecast_module._judged_episodes(experiment.model_copy(update={"evaluation": tested}), enough) == 4 * 7 + 100


def test_processes_beside_the_worker_take_memory_where_they_will_be_started(glyphs: Path, monkeypatch) -> None:
    monkeypatch.setattr(forecast_module, "_tasks_per_s", lambda _: 10.0)
    short, long = of(small_experiment(glyphs)), of(longer(small_experiment(glyphs), iterations=6000))
    assert long.memory_bytes > 1.5 * short.memory_bytes
