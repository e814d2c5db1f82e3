"""ProtoMAML and UNICORN-MAML: heads that belong to no order of the classes, and exact gradients through them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.errors import ConfigurationError
from tests.unit.engine.algorithms.exactness import (
    MODES,
    SMOOTH,
    Weights,
    assert_agrees_with_reference_everywhere,
    assert_agrees_with_reference_on_resnet12,
    assert_all_ways_of_computing_agree,
    assert_finite_differences_agree,
    network_part,
    outer_gradient,
    reference_descent,
    reference_features,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode, make_learner

BOTH = pytest.mark.parametrize("name", ["proto_maml", "unicorn_maml"])


def learner_of(name: str, **options: object) -> MetaLearner:
    return stirred(name, **options)


@BOTH
@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(name: str, normalization: str, steps: int) -> None:
    learner = learner_of(name, algorithm__inner_steps=steps, backbone__normalization=normalization, **SMOOTH)
    assert_finite_differences_agree(learner, some_episodes())


def reference(name: str, parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    weights = network_part(parameters)
    support = episode.support
    if name == "proto_maml":
        width = weights["head.weight"].shape[1]
        features = reference_features(weights, support.images, **shape)
        means = torch.stack([features[support.labels == label].mean(0) for label in range(episode.n_way)])
        scale = parameters["steepness"] / width
        head = {"head.weight": 2 * scale * means, "head.bias": -scale * (means**2).sum(1)}
    else:
        rows = [weights["head.weight"][0] for _ in range(episode.n_way)]
        head = {"head.weight": torch.stack(rows), "head.bias": torch.zeros(episode.n_way, dtype=torch.float64)}
        head["head.bias"].requires_grad_()
    weights = weights | head
    lr = 0.1 if name == "proto_maml" else 0.4
    weights = reference_descent(
        lambda state: reference_support_loss(state, episode, **shape), weights, list(weights), lr=lr, steps=3
    )
    return reference_query_loss(weights, episode, normalization, **shape)


@BOTH
def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network(name: str) -> None:
    assert_agrees_with_reference_everywhere(name, partial(reference, name), algorithm__inner_steps=3)


@BOTH
def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12(name: str) -> None:
    assert_agrees_with_reference_on_resnet12(
        name, partial(reference, name), modes=["support"], algorithm__inner_steps=3
    )


@BOTH
def test_all_ways_of_computing_it_agree(name: str) -> None:
    assert_all_ways_of_computing_agree(name)


@BOTH
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_logits_permute_with_the_classes(name: str, steps: int) -> None:
    learner, episode = learner_of(name), make_episode(n_way=4)
    number = torch.tensor([2, 0, 3, 1])  # of the class that was 0, 1, 2, 3
    renumbered = LabelledImages(episode.support.images, number[episode.support.labels])
    before = learner.adapt(episode.support, steps=steps).logits(episode.query.images)
    after = learner.adapt(renumbered, steps=steps).logits(episode.query.images)
    assert float((after[:, number] - before).abs().max()) < 1e-10
    assert float((after - before).abs().max()) > 1e-3 or (name == "unicorn_maml" and steps == 0)


@BOTH
@pytest.mark.parametrize("n_way", [2, 3, 7])
def test_a_task_may_have_any_number_of_classes(name: str, n_way: int) -> None:
    learner, episode = learner_of(name), make_episode(n_way=n_way)
    classifier = learner.adapt(episode.support)
    answers = classifier.logits(episode.query.images)
    assert answers.shape == (len(episode.query), n_way)
    torch.testing.assert_close(classifier.as_module()(episode.query.images), answers, atol=1e-10, rtol=0)
    with pytest.raises(ConfigurationError, match="UNICORN-MAML"):
        make_learner("maml", n_way=2).adapt(make_episode(n_way=3).support)


def test_without_steps_protomaml_is_a_prototypical_network() -> None:
    learner, episode = learner_of("proto_maml"), make_episode()
    classifier = learner.adapt(episode.support, steps=0)
    features = learner.network.backbone(episode.support.images, classifier.moments)
    prototypes = torch.stack([features[episode.support.labels == label].mean(0) for label in range(3)])
    asked = learner.network.backbone(episode.query.images, classifier.moments)
    scale = learner.steepness / features.shape[1]
    expected = torch.softmax(-scale * torch.cdist(asked, prototypes) ** 2, dim=1).detach()
    answers = torch.softmax(classifier.logits(episode.query.images), dim=1)
    torch.testing.assert_close(answers, expected, atol=1e-10, rtol=0)


def test_the_vector_that_all_classes_share_changes_no_answer() -> None:
    learner, episode = learner_of("unicorn_maml"), make_episode()
    before = learner.adapt(episode.support, steps=5).logits(episode.query.images).softmax(dim=1)
    assert float(outer_gradient(learner, [episode])["network.head.weight"].abs().max()) < 1e-12
    with torch.no_grad():
        learner.network.head.weight.mul_(-3).add_(0.2)
    after = learner.adapt(episode.support, steps=5).logits(episode.query.images).softmax(dim=1)
    torch.testing.assert_close(after, before, atol=1e-10, rtol=0)
