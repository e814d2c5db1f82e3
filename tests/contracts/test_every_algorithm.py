"""What every algorithm of the catalogue must do."""

from __future__ import annotations

import copy

import pytest
import torch

from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.inner_loop import InnerLosses
from metastudio.engine.learner import _class_of
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training.executor import OneByOne, SideBySide
from metastudio.errors import ConfigurationError
from tests.unit.engine.episodes import make_episode, make_learner

every_algorithm = pytest.mark.parametrize("name", list(ALGORITHMS))


def training_item(name: str, seed: int = 0) -> Episode:
    """Return what a method trains on: an episode, or a labelled batch for one that is not episodic."""
    episode = make_episode(seed=seed)
    if ALGORITHMS[name].capabilities.is_episodic:
        return episode
    nothing = LabelledImages(episode.query.images[:0], episode.query.labels[:0])
    return Episode(nothing, episode.query, episode.classes)


def bits(learner: MetaLearner) -> dict[str, torch.Tensor]:
    return copy.deepcopy(learner.state_dict())


def test_every_entry_names_a_class_that_exists() -> None:
    for entry in (*ALGORITHMS.values(), *BACKBONES.values()):
        assert _class_of(entry).__name__


@every_algorithm
@pytest.mark.parametrize("statistics", ["support", "batch", "running"])
def test_adapting_leaves_the_learner_bit_identical(name: str, statistics: str) -> None:
    learner, episode = make_learner(name, backbone__normalization="running"), make_episode()
    before = bits(learner)
    trace = InnerLosses()
    classifier = learner.adapt(episode.support, statistics=statistics, query=episode.query, trace=trace)
    classifier.logits(episode.query.images)
    after = learner.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(parameter.grad is None for parameter in learner.parameters())


@every_algorithm
def test_adapting_twice_gives_the_same_answers_bit_for_bit(name: str) -> None:
    learner, episode = make_learner(name), make_episode()
    one, other = (learner.adapt(episode.support).logits(episode.query.images) for _ in range(2))
    assert torch.equal(one, other)


@every_algorithm
def test_a_classifier_stays_as_it_is_when_its_learner_trains_on(name: str) -> None:
    learner, episode = make_learner(name), make_episode()
    module = learner.adapt(episode.support).as_module()
    before = module(episode.query.images)
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.add_(1)
    assert torch.equal(module(episode.query.images), before)


@every_algorithm
def test_the_module_of_a_classifier_answers_like_the_classifier(name: str) -> None:
    learner, episode = make_learner(name), make_episode()
    classifier = learner.adapt(episode.support)
    module = classifier.as_module()
    torch.testing.assert_close(module(episode.query.images), classifier.logits(episode.query.images))
    assert not any(parameter.requires_grad for parameter in module.parameters())


@every_algorithm
def test_a_model_that_sees_its_neighbours_is_not_handed_over(name: str) -> None:
    learner, episode = make_learner(name), make_episode()
    with pytest.raises(ConfigurationError, match="one picture alone"):
        learner.adapt(episode.support, statistics="batch").as_module()


@every_algorithm
def test_the_outer_gradient_is_a_mean_over_the_tasks_and_the_same_side_by_side(name: str) -> None:
    learner = make_learner(name)
    items = [training_item(name, seed) for seed in range(3)]
    with OneByOne() as executor:
        mean = learner.outer_step(items, executor).gradients
        single = [learner.outer_step([item], executor).gradients for item in items]
    with SideBySide(2) as executor:
        side_by_side = learner.outer_step(items, executor).gradients
    assert mean.keys() == dict(learner.named_parameters()).keys()
    assert any(bool(value.abs().max() > 0) for value in mean.values())
    for key, value in mean.items():
        torch.testing.assert_close(value, sum(each[key] for each in single) / len(items))
        assert torch.equal(value, side_by_side[key])


@every_algorithm
def test_a_trace_has_a_point_before_the_first_and_after_every_step(name: str) -> None:
    learner, episode = make_learner(name), make_episode()
    trace = InnerLosses()
    learner.adapt(episode.support, steps=4, query=episode.query, trace=trace)
    points = 5 if learner.has_inner_loop else 1
    assert len(trace.support_losses) == len(trace.query_losses) == points
    assert len(trace.support_accuracies) == len(trace.query_accuracies) == points


@every_algorithm
def test_inner_steps_lower_the_support_loss(name: str) -> None:
    if not ALGORITHMS[name].capabilities.has_inner_loop:
        pytest.skip("adapts without steps")
    learner, episode = make_learner(name, algorithm__inner_lr=0.01), make_episode()
    trace = InnerLosses()
    learner.adapt(episode.support, steps=10, trace=trace)
    assert trace.support_losses[-1] < trace.support_losses[0]


@every_algorithm
def test_fewer_classes_are_answered_with_as_many_logits_and_more_only_by_those_who_can(name: str) -> None:
    learner = make_learner(name, n_way=3)
    few = make_episode(n_way=2)
    assert learner.adapt(few.support).logits(few.query.images).shape == (len(few.query), 2)
    assert learner.adapt(few.support).as_module()(few.query.images).shape == (len(few.query), 2)
    many = make_episode(n_way=4)
    if ALGORITHMS[name].capabilities.any_n_way:
        assert learner.adapt(many.support).logits(many.query.images).shape == (len(many.query), 4)
    else:
        with pytest.raises(ConfigurationError, match=r"4 classes.*3 apart"):
            learner.adapt(many.support)


@every_algorithm
def test_unequal_shots_are_fine(name: str) -> None:
    learner, episode = make_learner(name), make_episode(n_shot=3)
    rows = torch.tensor([0, 3, 4, 6, 7, 8])  # one, two and three images
    uneven = LabelledImages(episode.support.images[rows], episode.support.labels[rows])
    assert learner.adapt(uneven).logits(episode.query.images).isfinite().all()
