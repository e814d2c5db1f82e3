"""Normalisation whose statistics are said, not guessed: each forward pass is told where mean and variance come from.

One picture's answer must not depend on its neighbours unless a person asked for that (the transductive `batch`
statistics of most papers). So a layer keeps no mode: a `Moments` value goes through the network beside the images.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.engine.backbones.fused_norm import can_fuse, normalized

MeanAndVariance = tuple[Tensor, Tensor]


class Moments(ABC):
    """Where a layer's mean (C,) and biased variance (C,) come from."""

    @abstractmethod
    def of(self, layer: TaskBatchNorm, maps: Tensor) -> MeanAndVariance:
        """Return mean and variance for `layer`, whose input is `maps` (B, C, H, W)."""

    def count(self, images: int) -> int | None:  # noqa: ARG002
        """Return over how many of the first `images` they are taken, or None where they come from elsewhere."""
        return None

    def note(self, layer: TaskBatchNorm, moments: MeanAndVariance) -> None:  # noqa: B027
        """Take note of what was computed over those images by a layer that did not ask `of`."""


class BatchMoments(Moments):
    """Over all images of the batch: transductive when they are queries."""

    def of(self, layer: TaskBatchNorm, maps: Tensor) -> MeanAndVariance:  # noqa: ARG002
        """Return the moments of the whole batch."""
        variance, mean = torch.var_mean(maps, dim=(0, 2, 3), correction=0)
        return mean, variance

    def count(self, images: int) -> int:
        """Return that all images count."""
        return images


class FirstImagesMoments(Moments):
    """Over the first `count` images: the support set, in a batch that holds support and then queries."""

    def __init__(self, first: int) -> None:
        self.first = first

    def of(self, layer: TaskBatchNorm, maps: Tensor) -> MeanAndVariance:  # noqa: ARG002
        """Return the moments of the first images."""
        variance, mean = torch.var_mean(maps[: self.first], dim=(0, 2, 3), correction=0)
        return mean, variance

    def count(self, images: int) -> int:
        """Return how many the first images are."""
        return min(self.first, images)


class FrozenMoments(Moments):
    """Fixed beforehand, for every layer by name."""

    def __init__(self, moments: Mapping[str, MeanAndVariance]) -> None:
        self.moments = moments

    def of(self, layer: TaskBatchNorm, maps: Tensor) -> MeanAndVariance:  # noqa: ARG002
        """Return what was stored for this layer."""
        return self.moments[layer.name]


class RecordedMoments(Moments):
    """Those of another source, kept in `moments` as they pass."""

    def __init__(self, source: Moments) -> None:
        self.source = source
        self.moments: dict[str, MeanAndVariance] = {}

    def of(self, layer: TaskBatchNorm, maps: Tensor) -> MeanAndVariance:
        """Return the source's moments and remember them."""
        self.note(layer, self.source.of(layer, maps))
        return self.moments[layer.name]

    def count(self, images: int) -> int | None:
        """Return what the source says."""
        return self.source.count(images)

    def note(self, layer: TaskBatchNorm, moments: MeanAndVariance) -> None:
        """Remember them."""
        self.moments[layer.name] = moments


class TaskBatchNorm(nn.Module):
    """Batch normalisation (Ioffe, Szegedy, ICML 2015, arXiv:1502.03167) with explicit statistics.

    By itself it is primitive operations, for the batching rule of torch's own layer treats mean and variance as
    constants (architecture, "Rules of the numerics"); `activated` takes one operation with exact derivatives of its own
    where it can (`fused_norm.py`).
    A forward pass never changes the buffers: `update_running` does, once for an outer step.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, name: str, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.name = name
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))

    def forward(self, maps: Tensor, moments: Moments) -> Tensor:
        """Normalise maps (B, C, H, W) to the same shape."""
        mean, variance = moments.of(self, maps)
        scale = self.weight * torch.rsqrt(variance + self.eps)  # (C,)
        shift = self.bias - mean * scale  # (C,)
        return torch.addcmul(shift[:, None, None], maps, scale[:, None, None])

    def activated(self, maps: Tensor, moments: Moments, *, slope: float = 0.0, pool: int = 1) -> Tensor:
        """Normalise maps (B, C, H, W), bend what is below zero to `slope` times it, and max-pool by `pool`.

        Where the statistics come from these images it is one operation, which carries the maps to and from memory less
        often; it has first and second derivatives, and gives the same numbers up to the order of summation.
        """
        count = moments.count(maps.shape[0])
        if count and can_fuse(maps):
            out, mean, variance = normalized(
                maps, self.weight, self.bias, count=count, eps=self.eps, slope=slope, pool=pool
            )
            moments.note(self, (mean, variance))
            return out
        halved = self(maps, moments) if pool == 1 else F.max_pool2d(self(maps, moments), pool)
        return halved if slope == 1 else F.leaky_relu(halved, slope) if slope else torch.relu(halved)

    @torch.no_grad()
    def update_running(self, mean: Tensor, variance: Tensor) -> None:
        """Move the buffers towards mean and variance (C,)."""
        self.running_mean.lerp_(mean, self.momentum)
        self.running_variance.lerp_(variance, self.momentum)


def update_running_moments(network: nn.Module, recorded: list[Mapping[str, MeanAndVariance]]) -> None:
    """Update every layer once, with the mean over the episodes of a meta-batch; nothing where none was recorded."""
    if not recorded:
        return
    for layer in network.modules():
        if isinstance(layer, TaskBatchNorm):
            mean = torch.stack([each[layer.name][0].detach() for each in recorded]).mean(0)
            variance = torch.stack([each[layer.name][1].detach() for each in recorded]).mean(0)
            layer.update_running(mean, variance)
