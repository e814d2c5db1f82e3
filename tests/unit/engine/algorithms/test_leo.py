"""LEO: codes are inferred, moved and decoded as the paper says, exactly, and nothing of it is left to chance."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from metastudio.catalog.validation import parse_experiment
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.algorithms.leo import divergence
from metastudio.engine.tasks.episode import Episode, LabelledImages
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
    network_part,
    outer_gradient,
    reference_features,
    reference_query_loss,
    some_episodes,
    stirred,
)
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.runs.small_runs import thirty_classes

SMALL = {"algorithm__code_size": 3, "algorithm__code_steps": 2, "algorithm__inner_lr": 0.3}
TERMS = {
    "algorithm__divergence_weight": 0.1,
    "algorithm__encoder_weight": 0.2,
    "algorithm__orthogonality_weight": 0.3,
}
DRAWN = {"algorithm__draws_codes": True}


def learner_of(**options: object) -> MetaLearner:
    """Return a learner of two steps in the codes, and fine-tuning after those."""
    return stirred("leo", **{"algorithm__inner_steps": 3, **SMALL, **options})


@pytest.mark.parametrize("normalization", MODES)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_agrees_with_finite_differences(normalization: str, steps: int) -> None:
    learner = learner_of(algorithm__inner_steps=steps, backbone__normalization=normalization, **SMOOTH)
    assert_finite_differences_agree(learner, some_episodes())


@pytest.mark.parametrize("options", [DRAWN, {**DRAWN, "algorithm__divergence_weight": 0.1}], ids=["drawn", "and kl"])
def test_so_it_does_where_codes_are_drawn(options: dict[str, object]) -> None:
    """The encoder's distance is left out: it takes the adapted codes for constants, which differences do not."""
    learner = learner_of(**options, algorithm__orthogonality_weight=0.3, **SMOOTH)
    assert_finite_differences_agree(learner, some_episodes())


def noise_of(support: LabelledImages, shape: dict[str, str]) -> tuple[Tensor, Tensor]:
    """Return what is drawn for a task: for its codes (N, L) and for its weights (N, D)."""
    backbone = {"backbone__downsampling": shape["downsampling"]} if shape else {"backbone__name": "resnet12"}
    with torch.no_grad():
        start = learner_of(**DRAWN, **backbone).training_start(support)
    code_noise = (start["first code"] - start["mean of the code"]) / start["spread of the code"].exp()
    return code_noise, start["noise of the weights"]


def reference(
    is_drawn: bool,
    has_terms: bool,
    parameters: Weights,
    episode: Episode,
    normalization: str,
    shape: dict[str, str],
) -> Tensor:
    """LEO, class by class and pair by pair; two steps in the codes, one of the weights."""
    weights, support = network_part(parameters), episode.support
    features = reference_features(weights, support.images, **shape)
    encoded = features @ parameters["encoder.encode.weight"].T
    first, second, third = (parameters[f"encoder.relate.{layer}.weight"] for layer in (0, 2, 4))
    said = []
    for label in range(episode.n_way):
        pairs = [
            third @ F.relu(second @ F.relu(first @ torch.cat([one, other])))
            for one in encoded[support.labels == label]
            for other in encoded
        ]
        said.append(torch.stack(pairs).mean(0))
    mean, *log_spread = torch.stack(said).split(3, dim=1)
    start = code = mean
    if is_drawn:
        code_noise, weight_noise = noise_of(support, shape)
        start = code = mean + log_spread[0].exp() * code_noise
    decoder = parameters["decoder.weight"]

    def head_of(code: Tensor) -> Tensor:
        head, *log_spread = (code @ decoder.T).split(features.shape[1], dim=1)
        return head + log_spread[0].exp() * weight_noise if is_drawn else head

    def loss_of(head: Tensor) -> Tensor:
        return F.cross_entropy(features @ head.T, support.labels)

    for _ in range(2):
        code = code.clone()
        (gradient,) = torch.autograd.grad(loss_of(head_of(code)), code, create_graph=True)
        code = code - parameters["code_rate"] * gradient
    head = head_of(code).clone()
    (gradient,) = torch.autograd.grad(loss_of(head), head, create_graph=True)
    head = head - parameters["fine_tuning_rate"] * gradient
    adapted = weights | {"head.weight": head, "head.bias": torch.zeros(episode.n_way).double()}
    loss = reference_query_loss(adapted, episode, normalization, **shape)
    if has_terms:
        spread = log_spread[0].exp() if is_drawn else torch.ones(()).double()
        loss = loss + 0.1 * 0.5 * (mean**2 + spread**2 - 1 - (spread**2).log()).sum(1).mean()
        loss = loss + 0.2 * ((code.detach() - start) ** 2).sum(1).mean()
        columns = F.normalize(decoder, dim=0, eps=0)
        loss = loss + 0.3 * ((columns.T @ columns - torch.eye(3).double()) ** 2).mean()
    return loss


@pytest.mark.parametrize(("is_drawn", "has_terms"), [(False, False), (False, True), (True, True)])
def test_the_meta_gradient_agrees_with_the_plain_loop_on_the_real_network(is_drawn: bool, has_terms: bool) -> None:
    """What all parameters get, but for the network's own head, which is none of LEO's."""
    options = (DRAWN if is_drawn else {}) | (TERMS if has_terms else {})
    assert_agrees_with_reference_everywhere(
        "leo", partial(reference, is_drawn, has_terms), algorithm__inner_steps=3, **SMALL, **options
    )


@pytest.mark.slow
def test_the_meta_gradient_agrees_with_the_plain_loop_on_resnet12() -> None:
    options = {"algorithm__inner_steps": 3, **SMALL, **DRAWN, **TERMS}
    assert_agrees_with_reference_on_resnet12("leo", partial(reference, True, True), modes=["support"], **options)


@pytest.mark.parametrize("options", [{}, {**DRAWN, **TERMS}], ids=["plain", "drawn"])
def test_all_ways_of_computing_it_agree(options: dict[str, object]) -> None:
    assert_all_ways_of_computing_agree("leo", **SMALL, **options)


def test_what_is_drawn_follows_from_the_task_alone_and_adaptation_draws_nothing() -> None:
    learner = learner_of(**DRAWN)
    one, same, other = make_episode(), make_episode(), make_episode(seed=1)
    first = learner.training_start(one.support)
    assert all(torch.equal(value, learner.training_start(same.support)[name]) for name, value in first.items())
    mean = learner.initial_state(one.support)
    assert torch.equal(mean["code"], first["mean of the code"])
    assert not torch.allclose(first["code"], mean["code"], atol=1e-3)
    noise = [learner.training_start(each.support)["noise of the weights"] for each in (one, other)]
    assert not torch.allclose(*noise, atol=1e-3)


def test_the_divergence_is_that_of_normal_distributions() -> None:
    learner = learner_of(**DRAWN)
    state = learner.training_start(make_episode().support)
    mean, spread = state["mean of the code"], state["spread of the code"].exp()
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = torch.distributions.kl_divergence(torch.distributions.Normal(mean, spread), standard).sum(1).mean()
    torch.testing.assert_close(divergence(state), expected)


def test_codes_move_first_and_then_the_weights() -> None:
    learner, support = learner_of(), make_episode().support
    seen: list[Weights] = []
    with torch.enable_grad():
        learner.descend(support, 4, learner.order, watch=lambda state, _: seen.append(dict(state)))
    moved = [
        {name for name in before if not torch.equal(before[name], after[name])}
        for before, after in itertools.pairwise(seen)
    ]
    assert moved == [{"code"}, {"code"}, {"fine-tuning"}, {"fine-tuning"}]


def test_a_frozen_body_is_no_parameter_and_is_still_saved_and_adapted() -> None:
    learner, episode = learner_of(algorithm__is_frozen=True), make_episode()
    assert not any("backbone" in name for name, _ in learner.named_parameters())
    assert any("backbone.convolutions.0.weight" in name for name in learner.state_dict())
    assert learner.adapt(episode.support).logits(episode.query.images).shape == (len(episode.query), 3)
    free = learner_of()
    free.load_state_dict(learner.state_dict())
    mine, theirs = (outer_gradient(each, [episode]) for each in (learner, free))
    for name, value in mine.items():
        torch.testing.assert_close(value, theirs[name], atol=1e-12, rtol=0)


@pytest.mark.parametrize("is_frozen", [True, False])
def test_a_body_frozen_at_random_values_is_said_before_the_start(is_frozen: bool) -> None:
    experiment = parse_experiment({"algorithm": {"name": "leo", "is_frozen": is_frozen}})
    found = [(each.code, each.severity) for each in preflight(experiment, *thirty_classes())]
    assert found == [("untrained-start", Severity.WARNING)] * is_frozen


def test_logits_permute_with_the_classes_and_there_may_be_any_number() -> None:
    learner, episode = learner_of(), make_episode(n_way=5)
    number = torch.tensor([2, 0, 4, 1, 3])
    renumbered = LabelledImages(episode.support.images, number[episode.support.labels])
    before = learner.adapt(episode.support, steps=4).logits(episode.query.images)
    after = learner.adapt(renumbered, steps=4).logits(episode.query.images)
    assert float((after[:, number] - before).abs().max()) < 1e-10


def test_a_class_with_more_shots_has_no_more_say() -> None:
    learner, support = learner_of(), make_episode(n_shot=1).support
    rows = torch.tensor([0, 1, 1, 1, 2])
    features = torch.randn(3, learner.network.head.in_features).double()
    few = learner.encoder(features, support.labels, 3)
    many = learner.encoder(features[rows], support.labels[rows], 3)
    torch.testing.assert_close(few, many, atol=1e-12, rtol=0)


def test_the_rate_of_fine_tuning_is_learned_only_where_training_fine_tunes() -> None:
    names = [dict(make_learner("leo", algorithm__inner_steps=steps).named_parameters()) for steps in (5, 6)]
    assert ["fine_tuning_rate" in each for each in names] == [False, True]
