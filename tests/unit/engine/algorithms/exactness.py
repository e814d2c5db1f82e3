"""What shows that an outer gradient is exact: finite differences, a reference, and ways of computing it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from metastudio.engine.algorithms.alpha_maml import INNER_RATE, HypergradientStep
from metastudio.engine.algorithms.base import MetaLearner, OuterStep
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne, SideBySide
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.reference_maml import network as conv4
from tests.unit.engine.reference_resnet12 import resnet12

Weights = dict[str, Tensor]
MODES = ["support", "batch", "running"]
STEP_WIDTHS = (1e-4, 1e-5, 1e-6)
SMOOTH = {"backbone__activation": "softplus", "backbone__downsampling": "average_pool"}


def stirred(name: str, seed: int = 11, **options: object) -> MetaLearner:
    """Return a small learner none of whose parameters is zero."""
    learner = make_learner(name, **options)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=random, dtype=parameter.dtype))
    return learner


def some_episodes(count: int = 2) -> list[Episode]:
    return [make_episode(seed=seed) for seed in range(count)]


def gradient_of(step: OuterStep) -> Weights:
    """Return the gradient of everything that is learned; Alpha-MAML says that of its inner rate apart."""
    if isinstance(step, HypergradientStep):
        return step.gradients | {INNER_RATE: torch.tensor(step.inner, dtype=torch.float64)}
    return step.gradients


def outer_gradient(learner: MetaLearner, episodes: list[Episode]) -> Weights:
    with OneByOne() as executor:
        return gradient_of(learner.outer_step(episodes, executor))


def largest_difference(one: Weights, other: Weights) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def assert_finite_differences_agree(
    learner: MetaLearner, episodes: list[Episode], *, directions: int = 8, tolerance: float = 1e-6
) -> None:
    """Compare slopes of the mean query loss along directions over all parameters, best of three step widths."""
    exact = outer_gradient(learner, episodes)
    used = exact.keys() - set(learner.unused_parameters())
    assert all(float(exact[name].abs().max()) > 0 for name in used), "every parameter takes part"
    parameters = dict(learner.named_parameters())
    random = torch.Generator().manual_seed(7)

    def mean_loss(direction: Weights, width: float) -> float:
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.add_(direction[name], alpha=width)
        with torch.enable_grad():
            loss = sum(float(learner.task_loss(episode).loss.detach()) for episode in episodes) / len(episodes)
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.sub_(direction[name], alpha=width)
        return loss

    for _ in range(directions):
        direction = {
            name: torch.randn(value.shape, generator=random, dtype=value.dtype) for name, value in parameters.items()
        }
        slope = sum(float((exact[name] * direction[name]).sum()) for name in exact)
        errors = [
            abs((mean_loss(direction, width) - mean_loss(direction, -width)) / (2 * width) - slope) / abs(slope)
            for width in STEP_WIDTHS
        ]
        assert min(errors) < tolerance


def reference_gradient(
    learner: MetaLearner, episodes: list[Episode], loss_of: Callable[[Weights, Episode], Tensor]
) -> Weights:
    """Return the mean gradient that plain autograd finds for `loss_of`, in all of the learner's parameters."""
    parameters = {name: value.detach().clone().requires_grad_() for name, value in learner.named_parameters()}
    loss = torch.stack([loss_of(parameters, episode) for episode in episodes]).mean()
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    silent = {name for name, value in zip(parameters, gradients, strict=True) if value is None}
    assert silent <= set(learner.unused_parameters())
    return {
        name: torch.zeros_like(parameters[name]) if value is None else value
        for name, value in zip(parameters, gradients, strict=True)
    }


def network_part(parameters: Weights) -> Weights:
    return {name.removeprefix("network."): value for name, value in parameters.items() if name.startswith("network.")}


def normalisations(weights: Weights) -> list[str]:
    """Return the names of the normalisation layers, in the order of the weights."""
    return [name.removesuffix(".weight") for name in weights if "norm" in name and name.endswith(".weight")]


def network(weights: Weights, images: Tensor, statistics_of: slice, **shape: str) -> Tensor:
    """Return the reference's logits: of Conv4, or of ResNet-12 where no shape is given."""
    return conv4(weights, images, statistics_of, **shape) if shape else resnet12(weights, images, statistics_of)


def reference_features(weights: Weights, images: Tensor, **shape: str) -> Tensor:
    """Return what the head sees (B, D): the logits of a head that changes nothing."""
    width = weights["head.weight"].shape[1]
    identity = torch.eye(width, dtype=torch.float64)
    seen = weights | {"head.weight": identity, "head.bias": torch.zeros(width, dtype=torch.float64)}
    return network(seen, images, slice(None), **shape)


def reference_support_loss(weights: Weights, episode: Episode, **shape: str) -> Tensor:
    logits = network(weights, episode.support.images, slice(None), **shape)
    return F.cross_entropy(logits, episode.support.labels)


def reference_query_loss(weights: Weights, episode: Episode, normalization: str, **shape: str) -> Tensor:
    support, query = episode.support, episode.query
    if normalization == "support":
        both = torch.cat([support.images, query.images])
        logits = network(weights, both, slice(len(support)), **shape)[len(support) :]
    else:
        logits = network(weights, query.images, slice(None), **shape)
    return F.cross_entropy(logits, query.labels)


def reference_descent(
    loss_of: Callable[[Weights], Tensor], state: Weights, moving: list[str], *, lr: float, steps: int
) -> Weights:
    """Return the state after plain gradient descent, its whole graph stored."""
    for _ in range(steps):
        state = state | {name: state[name].clone() for name in moving}  # what a start was computed from is not it
        gradients = torch.autograd.grad(loss_of(state), [state[name] for name in moving], create_graph=True)
        state = state | {name: state[name] - lr * each for name, each in zip(moving, gradients, strict=True)}
    return state


def assert_agrees_with_reference_everywhere(
    name: str, reference: Callable[[Weights, Episode, str, dict[str, str]], Tensor], **options: object
) -> None:
    """Compare to 1e-10 on Conv4 with ReLU, for each normalisation mode and way of halving."""
    for normalization, downsampling in itertools.product(MODES, ["max_pool", "stride", "average_pool"]):
        learner = stirred(name, backbone__normalization=normalization, backbone__downsampling=downsampling, **options)
        shape = {"downsampling": downsampling, "activation": "relu"}
        expected = reference_gradient(
            learner,
            some_episodes(),
            lambda parameters, episode, mode=normalization, shape=shape: reference(parameters, episode, mode, shape),
        )
        assert largest_difference(outer_gradient(learner, some_episodes()), expected) < 1e-10


def assert_agrees_with_reference_on_resnet12(
    name: str,
    reference: Callable[[Weights, Episode, str, dict[str, str]], Tensor],
    *,
    modes: Sequence[str] = MODES,
    **options: object,
) -> None:
    """Compare to 1e-10 of the largest slope on ResNet-12, for each normalisation mode of `modes`."""
    for normalization in modes:
        learner = stirred(name, backbone__name="resnet12", backbone__normalization=normalization, **options)
        expected = reference_gradient(
            learner,
            some_episodes(),
            lambda parameters, episode, mode=normalization: reference(parameters, episode, mode, {}),
        )
        largest = max(float(each.abs().max()) for each in expected.values())
        assert largest_difference(outer_gradient(learner, some_episodes()), expected) < 1e-10 * max(1, largest)


def assert_all_ways_of_computing_agree(name: str, **options: object) -> None:
    """Side by side equals one by one bit for bit; steps computed again equal those stored to 1e-12."""
    episodes = some_episodes(3)
    for normalization in MODES:
        stored, recomputed = (
            stirred(
                name,
                backbone__normalization=normalization,
                algorithm__inner_steps=3,
                algorithm__inner_graph=kept,
                **options,
            )
            for kept in ("store", "recompute")
        )
        one_by_one = outer_gradient(stored, episodes)
        assert largest_difference(one_by_one, outer_gradient(recomputed, episodes)) < 1e-12
        for learner in (stored, recomputed):
            alone = outer_gradient(learner, episodes)
            with SideBySide(2) as executor:
                assert largest_difference(gradient_of(learner.outer_step(episodes, executor)), alone) == 0
