"""Lines E of the list of faults that a configuration or a picture alone can bring about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.validation import parse_experiment
from metastudio.engine.learner import build_learner, load_learner
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training.executor import OneByOne
from metastudio.errors import ConfigurationError
from metastudio.runs.events import OuterStep, from_line, to_line
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until

REFUSED: dict[str, dict[str, Any]] = {
    "E4 one class": {"episodes": {"n_way": 1}},
    "E7 no support": {"episodes": {"n_shot": 0}},
    "E7 no queries": {"episodes": {"n_query": 0}},
    "E9 fewer than no inner steps": {"algorithm": {"name": "maml", "inner_steps": -1}},
    **{
        f"E10 inner rate {rate:g}": {"algorithm": {"name": "maml", "inner_lr": rate}}
        for rate in (0.0, -0.1, 1e9, float("nan"), float("inf"))
    },
    **{f"E10 outer rate {rate:g}": {"training": {"outer_lr": rate}} for rate in (0.0, -0.1, 1e9, float("nan"))},
}


@pytest.mark.parametrize("line", REFUSED)
def test_numbers_that_make_no_sense_are_refused_by_the_name_of_their_option(line: str) -> None:
    ((section, values),) = REFUSED[line].items()
    with pytest.raises(ConfigurationError) as refused:
        parse_experiment(REFUSED[line])
    assert [each.where for each in refused.value.problems] == [f"{section}.{list(values)[-1]}"]


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_e12_pictures_of_one_colour_give_numbers_and_gradients(algorithm: str) -> None:
    """Variances are zero, features alike, distances nothing."""
    episode = make_episode()
    flat = Episode(
        LabelledImages(torch.full_like(episode.support.images, 0.5), episode.support.labels),
        LabelledImages(torch.full_like(episode.query.images, 0.5), episode.query.labels),
        episode.classes,
    )
    learner = make_learner(algorithm)
    with OneByOne() as executor:
        step = learner.outer_step([flat], executor)
    assert all(torch.isfinite(gradient).all() for gradient in step.gradients.values())
    assert torch.isfinite(learner.adapt(flat.support).logits(flat.query.images)).all()


@pytest.mark.parametrize("statistics", ["support", "batch"])
def test_e8_e18_one_picture_of_each_class_and_one_query_give_numbers(statistics: str) -> None:
    episode = make_episode(n_way=2, n_shot=1, n_query=1)
    classifier = make_learner("maml", n_way=2).adapt(episode.support, statistics=statistics)  # type: ignore[arg-type]
    assert torch.isfinite(classifier.logits(episode.query.images[:1])).all()


def test_e21_steps_beyond_32_bits_come_back_as_they_were() -> None:
    step = OuterStep(
        iteration=2**40, loss=1, accuracy=0, gradient_norm=1, lr=1, tasks_per_s=1, memory_bytes=2**50, elapsed_s=1
    )
    assert from_line(to_line(step)) == step


def test_e3_a_long_gradient_is_cut_to_the_clip_and_its_length_is_told(tmp_path: Path) -> None:
    training = {"iterations": 1, "meta_batch_size": 2, "optimizer": "sgd", "outer_lr": 1.0, "gradient_clip": 1e-3}
    experiment = small_experiment(make_glyphs(tmp_path / "glyphs"), training=training)
    run = small_run(tmp_path, experiment)
    (step,) = [event for event in work_until(run) if event.kind == "outer_step"]
    before = dict(build_learner(experiment, train_classes=9).named_parameters())
    after = load_learner(run).named_parameters()
    moved = torch.cat([(value - before[name]).detach().flatten() for name, value in after]).norm()
    assert step.gradient_norm > 1e-2
    assert float(moved) == pytest.approx(1e-3, rel=1e-3)
