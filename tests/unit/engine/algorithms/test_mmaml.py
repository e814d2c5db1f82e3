"""MMAML: the support set modulates the network, whatever its order, and the gradient goes through that."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from metastudio.engine.algorithms.maml import MAML
from metastudio.engine.tasks.episode import Episode, LabelledImages
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


def test_the_embedding_is_a_vector_that_differs_between_tasks() -> None:
    learner = stirred("mmaml", algorithm__embedding_size=7)
    one, other = (learner.task_embedding(make_episode(seed=seed).support) for seed in range(2))
    assert one.shape == (7,)
    assert not torch.allclose(one, other, atol=1e-3)


def test_the_embedding_depends_neither_on_the_order_of_images_nor_on_the_numbers_of_classes() -> None:
    learner, support = stirred("mmaml"), make_episode(n_shot=3).support
    rows = torch.randperm(len(support), generator=torch.Generator().manual_seed(3))
    renumbered = torch.tensor([2, 0, 1])[support.labels]
    expected = learner.task_embedding(support)
    for other in (
        LabelledImages(support.images[rows], support.labels[rows]),
        LabelledImages(support.images, renumbered),
    ):
        torch.testing.assert_close(learner.task_embedding(other), expected, atol=1e-12, rtol=0)


def test_a_class_with_more_shots_has_no_more_say() -> None:
    learner, support = stirred("mmaml"), make_episode(n_shot=1).support
    rows = torch.tensor([0, 0, 0, 1, 2])
    uneven = LabelledImages(support.images[rows], support.labels[rows])
    torch.testing.assert_close(learner.task_embedding(uneven), learner.task_embedding(support), atol=1e-12, rtol=0)


def test_a_fresh_mmaml_is_maml() -> None:
    learner = make_learner("mmaml", algorithm__inner_steps=2)
    maml = MAML(learner.config, learner.network.backbone, n_way=3, statistics="support").double()
    maml.network.load_state_dict(learner.network.state_dict())
    mine, plain = (outer_gradient(each, some_episodes()) for each in (learner, maml))
    assert largest_difference({name: mine[name] for name in plain}, plain) < 1e-12
    assert mine["modulation.weight"].abs().max() > 0


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    learner = stirred(
        "mmaml",
        algorithm__inner_steps=steps,
        algorithm__embedding_size=5,
        backbone__normalization=normalization,
        **SMOOTH,
    )
    assert_finite_differences_agree(learner, some_episodes())


def embedding(parameters: Weights, support: LabelledImages) -> Tensor:
    maps = support.images
    for block in range(3):
        maps = F.conv2d(maps, parameters[f"task_encoder.convolutions.{block}.weight"], stride=2, padding=1)
        mean, variance = maps.mean(dim=(1, 2, 3), keepdim=True), maps.var(dim=(1, 2, 3), keepdim=True, correction=0)
        scale, shift = (parameters[f"task_encoder.norms.{block}.{each}"] for each in ("weight", "bias"))
        maps = (maps - mean) / (variance + 1e-5).sqrt() * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
        maps = maps * 0.5 * (1 + torch.erf(maps / 2**0.5))
    classes = [maps[support.labels == label].mean(dim=(0, 2, 3)) for label in range(3)]
    weight, bias = parameters["task_encoder.embedding.weight"], parameters["task_encoder.embedding.bias"]
    return weight @ torch.stack(classes).mean(0) + bias


def reference(parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    """The paper's algorithm 1: τ is found once for a task, θ moves, every forward pass is modulated."""
    theta = network_part(parameters)
    layers = normalisations(theta)
    tau = parameters["modulation.weight"] @ embedding(parameters, episode.support) + parameters["modulation.bias"]
    numbers = dict(zip(layers, tau.split([2 * len(theta[f"{layer}.weight"]) for layer in layers]), strict=True))

    def turned(weights: Weights) -> Weights:
        weights = dict(weights)
        for layer, said in numbers.items():
            scale, shift = said[: len(said) // 2], said[len(said) // 2 :]
            weights[f"{layer}.bias"] = weights[f"{layer}.bias"] * (1 + scale) + shift
            weights[f"{layer}.weight"] = weights[f"{layer}.weight"] * (1 + scale)
        return weights

    theta = reference_descent(
        lambda state: reference_support_loss(turned(state), episode, **shape), theta, list(theta), lr=0.4, steps=3
    )
    return reference_query_loss(turned(theta), episode, normalization, **shape)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network() -> None:
    assert_agrees_with_reference_everywhere("mmaml", reference, algorithm__inner_steps=3, algorithm__embedding_size=6)


@pytest.mark.slow
def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12(
        "mmaml", reference, modes=["support"], algorithm__inner_steps=3, algorithm__embedding_size=6
    )


def test_all_ways_of_computing_it_agree() -> None:
    assert_all_ways_of_computing_agree("mmaml", algorithm__embedding_size=6)
