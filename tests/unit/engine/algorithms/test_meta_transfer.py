"""Meta-Transfer Learning: a frozen trunk, exact gradients of scales and shifts, hard tasks made of the step's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metastudio.catalog.validation import parse_experiment
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne, SideBySide
from metastudio.errors import Severity
from metastudio.runs.preflight import preflight
from tests.unit.engine.algorithms.exactness import (
    MODES,
    SMOOTH,
    Weights,
    assert_agrees_with_reference_everywhere,
    assert_agrees_with_reference_on_resnet12,
    assert_all_ways_of_computing_agree,
    assert_finite_differences_agree,
    largest_difference,
    network_part,
    normalisations,
    outer_gradient,
    reference_descent,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.runs.small_runs import thirty_classes


def learner_of(**options: object) -> MetaLearner:
    return stirred("meta_transfer", **{"algorithm__inner_steps": 3, "algorithm__inner_lr": 0.4, **options})


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    learner = learner_of(algorithm__inner_steps=steps, backbone__normalization=normalization, **SMOOTH)
    assert_finite_differences_agree(learner, some_episodes())


def reference(parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    """The paper's equation 5; no shape means ResNet-12."""
    trunk = make_learner("meta_transfer", backbone__name="conv4" if shape else "resnet12").state_dict()
    weights = {name.removeprefix("network."): value for name, value in trunk.items() if "backbone" in name}
    for number, name in enumerate([name for name, value in weights.items() if value.dim() == 4]):
        weights[name] = weights[name] * parameters[f"scales.{number}"]
    for number, layer in enumerate(normalisations(weights)):
        weights[f"{layer}.bias"] = weights[f"{layer}.bias"] + parameters[f"shifts.{number}"]
    weights |= network_part(parameters)
    weights = reference_descent(
        lambda state: reference_support_loss(state, episode, **shape),
        weights,
        ["head.weight", "head.bias"],
        lr=0.4,
        steps=3,
    )
    return reference_query_loss(weights, episode, normalization, **shape)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network() -> None:
    assert_agrees_with_reference_everywhere(
        "meta_transfer", reference, algorithm__inner_steps=3, algorithm__inner_lr=0.4
    )


def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12(
        "meta_transfer", reference, modes=["support"], algorithm__inner_steps=3, algorithm__inner_lr=0.4
    )


def test_all_ways_of_computing_it_agree() -> None:
    assert_all_ways_of_computing_agree("meta_transfer", algorithm__inner_lr=0.4)


@pytest.mark.parametrize("backbone", ["conv4", "resnet12"])
def test_only_scales_shifts_and_the_head_are_learned(backbone: str) -> None:
    learner = learner_of(backbone__name=backbone)
    kinds = {name.partition(".")[0] for name, _ in learner.named_parameters()}
    assert kinds == {"scales", "shifts", "network"}
    assert {name for name, _ in learner.named_parameters() if name.startswith("network")} == {
        "network.head.weight",
        "network.head.bias",
    }
    plain = dict(make_learner("maml", backbone__name=backbone).network.backbone.named_parameters())
    convolutions = [value for value in plain.values() if value.dim() == 4]
    assert [scale.shape[:2] for scale in learner.scales] == [value.shape[:2] for value in convolutions]
    frozen = {name.removeprefix("network.backbone.") for name in learner.state_dict() if "backbone" in name}
    assert plain.keys() <= frozen


def test_a_fresh_one_answers_as_its_trunk_does() -> None:
    learner, episode = make_learner("meta_transfer"), make_episode()
    state = learner.initial_state(episode.support)
    for name, value in learner.network.weights().items():
        assert torch.equal(state[name], value)


def test_adapting_moves_the_head_alone() -> None:
    learner, episode = learner_of(), make_episode()
    start = learner.initial_state(episode.support)
    after = learner.adapt(episode.support).weights
    moved = {name for name, value in after.items() if not torch.equal(value, start[name])}
    assert moved == {"head.weight", "head.bias"}


def class_images(episode: Episode, label: int) -> Tensor:
    return episode.query.images[episode.query.labels == label]


def named(seed: int) -> Episode:
    """Return an episode of easy classes of its own, one of which has queries that look like another class."""
    episode = make_episode(seed=seed)
    for part in (episode.support, episode.query):
        part.images.add_(2 * part.labels[:, None, None, None])
    wrong = seed % 3
    images = episode.query.images.clone()
    images[episode.query.labels == wrong] = episode.support.images[episode.support.labels == (wrong + 1) % 3]
    query = type(episode.query)(images, episode.query.labels)
    return Episode(episode.support, query, tuple(f"{seed}-{label}" for label in range(3)))


def test_hard_tasks_are_made_of_the_worst_class_of_each_episode() -> None:
    learner = learner_of(algorithm__adds_hard_tasks=True, algorithm__inner_steps=100)
    episodes = [named(seed) for seed in range(7)]
    hard = learner.hard_tasks(episodes)
    assert [each.classes for each in hard] == [("0-0", "1-1", "2-2"), ("3-0", "4-1", "5-2")]
    for each in hard:
        assert each.n_way == 3
        for label, name in enumerate(each.classes):
            seed, _, own = name.partition("-")
            assert torch.equal(class_images(each, label), class_images(episodes[int(seed)], int(own)))
    assert learner.hard_tasks(episodes[:2]) == []
    assert learner.hard_tasks([episodes[0]] * 6) == [], "one class three times is no task of three"


def test_where_no_hard_task_can_be_made_nothing_is_adapted_to_find_one(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, episodes = learner_of(algorithm__adds_hard_tasks=True), [named(seed) for seed in range(3)]
    sought: list[Episode] = []
    monkeypatch.setattr(learner, "_worst_class", lambda episode: sought.append(episode) or 0)
    assert learner.hard_tasks(episodes[:2]) == []
    assert sought == []
    assert len(learner.hard_tasks(episodes)) == 1
    assert sought == episodes


@pytest.mark.parametrize(("tasks", "is_warned"), [(4, True), (5, False)])
def test_hard_tasks_that_cannot_be_made_are_said_before_the_start(tasks: int, is_warned: bool) -> None:
    algorithm = {"name": "meta_transfer", "adds_hard_tasks": True}
    values = {"algorithm": algorithm, "episodes": {"n_way": 5}, "training": {"meta_batch_size": tasks}}
    found = {each.code: each for each in preflight(parse_experiment(values), *thirty_classes())}
    assert ("no-hard-tasks" in found) == is_warned
    assert found.keys() - {"no-hard-tasks"} == {"untrained-start"}
    if is_warned:
        assert found["no-hard-tasks"].severity is Severity.WARNING
        assert "each of 5 tasks, and a step has 4" in str(found["no-hard-tasks"].message)


def test_a_step_with_hard_tasks_is_the_mean_over_both_and_tells_of_the_tasks_that_were_drawn() -> None:
    episodes = [named(seed) for seed in range(6)]
    learner, plain = (learner_of(algorithm__adds_hard_tasks=adds) for adds in (True, False))
    hard = learner.hard_tasks(episodes)
    with OneByOne() as executor:
        step = learner.outer_step(episodes, executor)
        losses = plain.outer_step(episodes, executor).losses
    assert largest_difference(step.gradients, outer_gradient(plain, [*episodes, *hard])) < 1e-14
    assert step.losses == losses
    with SideBySide(2) as executor:
        beside = learner.outer_step(episodes, executor)
    assert largest_difference(step.gradients, beside.gradients) == 0
