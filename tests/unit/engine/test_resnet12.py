"""ResNet-12 is the network of the papers, its meta-gradients are exact, and it can be handed over."""

from __future__ import annotations

import io

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from metastudio.catalog.backbones import ResNet12Config
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.backbones.normalization import BatchMoments
from metastudio.engine.backbones.resnet12 import ResNet12
from metastudio.engine.export.programs import exported_program, onnx_bytes, pt2_bytes
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.executor import OneByOne, SideBySide
from metastudio.errors import ConfigurationError
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.engine.reference_resnet12 import resnet12

MODES = ["support", "batch", "running"]


def learner_of(algorithm: str = "maml", **values: object) -> MetaLearner:
    return make_learner(algorithm, backbone__name="resnet12", **values)


def reference_loss(weights: dict[str, Tensor], episode: Episode, *, steps: int, normalization: str) -> Tensor:
    support, query = episode.support, episode.query
    for _ in range(steps):
        loss = F.cross_entropy(resnet12(weights, support.images, slice(None)), support.labels)
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        weights = {name: value - 0.4 * each for (name, value), each in zip(weights.items(), gradients, strict=True)}
    if normalization == "support":
        both = torch.cat([support.images, query.images])
        return F.cross_entropy(resnet12(weights, both, slice(len(support)))[len(support) :], query.labels)
    return F.cross_entropy(resnet12(weights, query.images, slice(None)), query.labels)


@pytest.mark.parametrize("normalization", MODES)
def test_maml_on_resnet12_agrees_with_the_plain_loop(normalization: str) -> None:
    learner = learner_of(algorithm__inner_steps=2, backbone__normalization=normalization)
    episodes = [make_episode(seed=seed) for seed in range(2)]
    weights = {name: value.detach().clone().requires_grad_() for name, value in learner.network.named_parameters()}
    losses = [reference_loss(weights, episode, steps=2, normalization=normalization) for episode in episodes]
    expected = torch.autograd.grad(torch.stack(losses).mean(), list(weights.values()))
    with OneByOne() as executor:
        step = learner.outer_step(episodes, executor)
    assert step.losses == pytest.approx([float(loss.detach()) for loss in losses], rel=1e-12)
    for name, value in zip(weights, expected, strict=True):
        assert float((step.gradients[f"network.{name}"] - value).abs().max()) < 1e-10, name
    with SideBySide(2) as executor:
        beside = learner.outer_step(episodes, executor)
    assert all(torch.equal(value, beside.gradients[name]) for name, value in step.gradients.items())


def test_inner_steps_computed_again_give_the_gradient_of_those_stored() -> None:
    gradients = []
    for kept in ("store", "recompute"):
        learner = learner_of(algorithm__inner_steps=2, algorithm__inner_graph=kept)
        with OneByOne() as executor:
            gradients.append(learner.outer_step([make_episode()], executor).gradients)
    for name, value in gradients[0].items():
        assert float((value - gradients[1][name]).abs().max()) < 1e-12, name


def test_it_has_the_filters_and_the_size_of_the_papers() -> None:
    network = ResNet12(ResNet12Config(), channels=3, image_size=84)
    assert network.feature_width == 640
    assert [block.shortcut.out_channels for block in network.blocks] == [64, 160, 320, 640]
    assert sum(value.numel() for value in network.parameters()) == 12_424_320  # 12.4 million, as the papers say
    assert ResNet12(ResNet12Config(pooled_features=False), channels=3, image_size=84).feature_width == 640 * 25


@pytest.mark.parametrize("size", [16, 28, 33])
def test_features_have_the_width_that_it_says(size: int) -> None:
    for pooled in (True, False):
        network = ResNet12(ResNet12Config(filters=2, pooled_features=pooled), channels=1, image_size=size)
        features = network(torch.rand(3, 1, size, size), BatchMoments())
        assert features.shape == (3, network.feature_width)


def test_images_too_small_for_four_halvings_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="15 pixels"):
        ResNet12(ResNet12Config(), channels=1, image_size=15)


@pytest.mark.parametrize("algorithm", ["maml", "prototypical"])
def test_it_is_handed_over_as_a_program_for_torch_and_for_onnx(algorithm: str) -> None:
    learner = learner_of(algorithm).float()
    episode = make_episode().to("cpu", torch.float32)
    module = learner.adapt(episode.support).as_module()
    shape = tuple(episode.query.images.shape[1:])
    program = exported_program(module, shape)
    loaded = torch.export.load(io.BytesIO(pt2_bytes(program))).module()
    session = onnxruntime.InferenceSession(onnx_bytes(program, shape), providers=["CPUExecutionProvider"])
    for count in (1, 2, 5):
        images = episode.query.images[:count]
        expected = module(images)
        torch.testing.assert_close(loaded(images), expected, atol=1e-5, rtol=1e-5)
        (answers,) = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(answers, expected.numpy(), atol=1e-4)


def test_running_statistics_of_every_layer_move() -> None:
    learner = learner_of(backbone__normalization="running")
    before = {name: value.clone() for name, value in learner.named_buffers()}
    with OneByOne() as executor:
        learner.after_outer_step(learner.outer_step([make_episode()], executor))
    moved = [name for name, value in learner.named_buffers() if not torch.equal(value, before[name])]
    assert len(moved) == len(before) == 2 * 4 * 4
