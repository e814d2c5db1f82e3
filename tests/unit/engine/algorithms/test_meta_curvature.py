"""Meta-Curvature: a matrix for each mode of a layer's gradient, and exact gradients for all of them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metastudio.engine.tasks.episode import Episode
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
    outer_gradient,
    reference_query_loss,
    reference_support_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode, make_learner


@pytest.mark.parametrize("normalization", MODES)
def test_at_the_identity_it_is_maml(normalization: str) -> None:
    options = {"algorithm__inner_steps": 3, "backbone__normalization": normalization}
    maml, learner = make_learner("maml", **options), make_learner("meta_curvature", **options)
    learner.network.load_state_dict(maml.network.state_dict())
    plain, mine = (outer_gradient(each, some_episodes()) for each in (maml, learner))
    assert largest_difference(plain, {name: mine[name] for name in plain}) < 1e-12
    episode = make_episode()
    answers = [each.adapt(episode.support).logits(episode.query.images) for each in (maml, learner)]
    torch.testing.assert_close(*answers, atol=1e-12, rtol=0)


def test_a_kernel_has_a_matrix_for_outputs_inputs_and_places_and_a_head_for_inputs_alone() -> None:
    learner = make_learner("meta_curvature")
    sizes = iter([tuple(matrix.shape) for matrix in learner.matrices])
    found = {name: [next(sizes) for _ in modes] for name, modes in learner._modes.items()}
    assert next(sizes, None) is None
    assert found["backbone.convolutions.0.weight"] == [(4, 4), (1, 1), (9, 9)]
    assert found["backbone.convolutions.1.weight"] == [(4, 4), (4, 4), (9, 9)]
    assert found["backbone.norms.1.bias"] == [(4, 4)]
    assert found["head.weight"] == [(4, 4)]
    assert found["head.bias"] == []


def test_a_head_with_a_wide_input_has_no_matrix() -> None:
    learner = make_learner("meta_curvature", backbone__filters=64, data__preprocessing={"image_size": 64})
    assert learner.network.head.in_features > 512
    assert learner._modes["head.weight"] == ()


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    options = {"algorithm__inner_steps": steps, "backbone__normalization": normalization, **SMOOTH}
    assert_finite_differences_agree(stirred("meta_curvature", **options), some_episodes())


def turned(name: str, gradient: Tensor, matrices: list[Tensor]) -> Tensor:
    """Equation (12) of the paper in index notation; takes its matrices off the list."""
    if gradient.dim() == 4:
        out, inner, places = (matrices.pop(0) for _ in range(3))
        flat = gradient.flatten(2)
        by_output = torch.einsum("po,oif->pif", out, flat)
        by_input = torch.einsum("qi,pif->pqf", inner, by_output)
        return torch.einsum("rf,pqf->pqr", places, by_input).reshape(gradient.shape)
    if "norm" in name:
        return torch.einsum("po,o->p", matrices.pop(0), gradient)
    if name == "head.weight":
        return torch.einsum("qi,ni->nq", matrices.pop(0), gradient)
    return gradient


def reference(parameters: Weights, episode: Episode, normalization: str, shape: dict[str, str]) -> Tensor:
    weights = network_part(parameters)
    for _ in range(3):
        loss = reference_support_loss(weights, episode, **shape)
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        matrices = [value for name, value in parameters.items() if name.startswith("matrices.")]
        weights = {
            name: value - 0.4 * turned(name, each, matrices)
            for (name, value), each in zip(weights.items(), gradients, strict=True)
        }
        assert not matrices
    return reference_query_loss(weights, episode, normalization, **shape)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network() -> None:
    assert_agrees_with_reference_everywhere("meta_curvature", reference, algorithm__inner_steps=3)


def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    assert_agrees_with_reference_on_resnet12("meta_curvature", reference, algorithm__inner_steps=3)


def test_all_ways_of_computing_it_agree() -> None:
    assert_all_ways_of_computing_agree("meta_curvature")
