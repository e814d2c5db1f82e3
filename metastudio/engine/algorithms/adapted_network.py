"""The classifier that gradient-based methods give: a network with fast weights and settled statistics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.engine.algorithms.base import Classifier
from metastudio.engine.backbones.network import Network, Weights, copied
from metastudio.engine.backbones.normalization import (
    BatchMoments,
    FrozenMoments,
    MeanAndVariance,
    Moments,
    RecordedMoments,
    TaskBatchNorm,
)
from metastudio.errors import ConfigurationError


def settled_moments(module: nn.Module, statistics: Statistics, support_pass: Callable[[Moments], Tensor]) -> Moments:
    """Return the statistics that a classifier predicts with.

    Args:
        module: Holds the normalisation layers, for running statistics.
        statistics: The person's choice.
        support_pass: Called with a `Moments`; runs the support images through the adapted weights once.
    """
    if statistics == "batch":
        return BatchMoments()
    if statistics == "running":
        return FrozenMoments(
            {
                layer.name: (layer.running_mean.clone(), layer.running_variance.clone())
                for layer in module.modules()
                if isinstance(layer, TaskBatchNorm)
            }
        )
    recorded = RecordedMoments(BatchMoments())
    with torch.no_grad():
        support_pass(recorded)
    return FrozenMoments(recorded.moments)


class MomentsStore(nn.Module):
    """Frozen statistics as buffers, so that they are saved, moved and exported with a network."""

    def __init__(self, moments: dict[str, MeanAndVariance]) -> None:
        super().__init__()
        self._layers = tuple(moments)
        for name, (mean, variance) in moments.items():
            self.register_buffer(f"{name}_mean", mean.detach().clone())
            self.register_buffer(f"{name}_variance", variance.detach().clone())

    def frozen(self) -> FrozenMoments:
        """Return the statistics as the network takes them."""
        return FrozenMoments(
            {name: (getattr(self, f"{name}_mean"), getattr(self, f"{name}_variance")) for name in self._layers}
        )


def frozen_store(moments: Moments) -> MomentsStore:
    """Return the statistics as a module of their own.

    Raises:
        ConfigurationError: if they are not fixed.
    """
    if not isinstance(moments, FrozenMoments):
        raise ConfigurationError(
            "A model adapted with batch statistics cannot answer one picture alone.",
            todo="Adapt with support statistics to export it.",
        )
    return MomentsStore(dict(moments.moments))


class _FrozenNetwork(nn.Module):
    """Images (B, C, H, W) to logits (B, N), each image alone."""

    def __init__(self, network: Network, moments: Moments) -> None:
        super().__init__()
        self.network = network
        self.moments = frozen_store(moments)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images, self.moments.frozen())
        return logits


class AdaptedNetwork(Classifier):
    """A network called with fast weights; the learner's own weights stay where they are."""

    def __init__(self, network: Network, weights: Weights, moments: Moments, n_way: int) -> None:
        self.network = network
        self.weights = copied(weights)
        self.moments = moments
        self.n_way = n_way

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return logits (B, N) of images (B, C, H, W)."""
        return self.network.with_weights(self.weights, images, self.moments)

    def frozen_moments(self) -> Mapping[str, MeanAndVariance]:
        """Return the statistics it predicts with, by layer; none where they are those of each batch."""
        return self.moments.moments if isinstance(self.moments, FrozenMoments) else {}

    def as_module(self) -> nn.Module:
        """Return a network of its own with the fast weights as its parameters."""
        network = Network(copy.deepcopy(self.network.backbone), self.n_way)
        network.to(next(iter(self.weights.values()))).load_state_dict(self.weights, strict=False)
        module = _FrozenNetwork(network, self.moments)
        return module.eval().requires_grad_(requires_grad=False)
