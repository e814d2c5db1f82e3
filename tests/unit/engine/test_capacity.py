"""How much computing a task is, and the event that says how close to the machine's limit training runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training import trainer as trainer_module
from metastudio.engine.training.capacity import convolution_flops, task_flops
from metastudio.runs.events import Capacity, from_line, to_line
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until

WAYS, QUERIES, SIZE, FILTERS = 3, 2, 16, 4


def of_one_pass(images: int) -> float:
    """Operations of Conv4 with max-pooling, forwards: two for each multiplication and addition, without the head."""
    sides, channels = [SIZE, SIZE // 2, SIZE // 4, SIZE // 8], [1, FILTERS, FILTERS, FILTERS]
    return sum(2 * images * FILTERS * before * 9 * side**2 for before, side in zip(channels, sides, strict=True))


def flops(learner: MetaLearner, *, n_query: int = QUERIES) -> float:
    return task_flops(learner, make_episode(n_way=WAYS, n_query=n_query, size=SIZE))


def test_it_counts_what_a_prototypical_network_does() -> None:
    """Forwards once and backwards twice, but for the pictures, whose gradient nobody wants."""
    learner = make_learner("prototypical", backbone__downsampling="max_pool")
    images = WAYS * (2 + QUERIES)
    first_layer = 2 * images * FILTERS * 9 * SIZE**2
    expected = 3 * of_one_pass(images) - first_layer
    assert flops(learner) == pytest.approx(expected, rel=0.02)


def test_second_order_costs_more_than_first_and_more_steps_cost_more() -> None:
    first, second = flops(make_learner("fomaml")), flops(make_learner("maml"))
    longer = flops(make_learner("maml", algorithm__inner_steps=6))
    assert 0 < first < second < longer


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_counting_changes_neither_the_learner_nor_what_is_drawn_at_random(name: str) -> None:
    learner = make_learner(name)
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    torch.manual_seed(3)
    drawn = torch.rand(3)
    torch.manual_seed(3)
    episode = make_episode()
    if not ALGORITHMS[name].capabilities.is_episodic:
        none = LabelledImages(episode.support.images[:0], episode.support.labels[:0])
        episode = Episode(none, episode.query, episode.classes)
    assert task_flops(learner, episode) > 0
    assert torch.equal(torch.rand(3), drawn)
    assert all(torch.equal(value, before[key]) for key, value in learner.state_dict().items())
    assert all(each.grad is None for each in learner.parameters())


def test_the_machine_does_something_and_keeps_its_threads() -> None:
    threads, random = torch.get_num_threads(), torch.get_rng_state()
    assert convolution_flops(torch.device("cpu"), 1) > 1e8
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random)


def test_training_says_it_once_and_only_where_it_takes_long(monkeypatch, tmp_path: Path) -> None:
    experiment = small_experiment(make_glyphs(tmp_path / "glyphs"))
    assert "capacity" not in {each.kind for each in work_until(small_run(tmp_path / "short", experiment))}
    monkeypatch.setattr(trainer_module, "_CAPACITY_AFTER_S", 0.0)
    events = work_until(small_run(tmp_path / "long", experiment))
    said = [each for each in events if isinstance(each, Capacity)]
    assert len(said) == 1
    flops_per_s, share = said[0].reached(10.0)
    assert flops_per_s == 10 * said[0].task_flops > 0
    assert share == flops_per_s / said[0].machine_flops
    assert from_line(to_line(said[0])) == said[0]
    changes = {"blur": True, "rotate": True}  # products of matrices, and none that the learner computes
    augmented = small_experiment(make_glyphs(tmp_path / "again"), augmentation=changes)
    events = work_until(small_run(tmp_path / "augmented", augmented))
    assert [each.task_flops for each in events if isinstance(each, Capacity)] == [said[0].task_flops]
