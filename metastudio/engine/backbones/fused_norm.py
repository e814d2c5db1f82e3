"""Normalisation, activation and max-pooling as one operation, with a second derivative written by hand.

The same function as `TaskBatchNorm`, an activation and pooling one after another, on the CPU. Second-order training
spends most of its time carrying feature maps to and from memory; here each map is read as few times as it can be.

With y the maps, S the images that give the statistics, n = S H W, r = 1/√(var + ε), ŷ = (y - mean) r, s = γ r:

    u = γ ŷ + β,  z = max-pool(act(u)) = act(max-pool(u)),  since act rises.

Backward. g is the gradient at u: that of z, times act', at the largest pixel of each window. With A = Σ g, B = Σ g ŷ:

    gy = s (g - [S] (A + ŷ B) / n),  gγ = B,  gβ = A.

Its backward, with cotangents V of gy, a of gγ, b of gβ, and P = Σ V g, Q = Σ_S V, R = Σ_S V ŷ. What is differentiated
is Φ = s (P - (A Q + B R) / n) + a B + b A:

    ∂Φ/∂g = s V - s (Q + ŷ R) / n + a ŷ + b
    ∂Φ/∂γ = r (P - (A Q + B R) / n)
    ∂Φ/∂ŷ = h = g (a - s R / n) - [S] V s B / n,  and directly  ∂Φ/∂r = ρ = γ (P - (A Q + B R) / n)
    ∂Φ/∂y = r h - [S] (r Σh + ŷ (r Σhŷ + r² ρ)) / n

where Σh = a A - s (A R + B Q) / n and Σhŷ = a B - 2 s B R / n. Place of the largest and sign are constants almost
everywhere, so they have no derivative. There is no third derivative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from metastudio.engine.backbones import map_kernels


def can_fuse(maps: Tensor) -> bool:
    """Return whether these maps (B, C, H, W) can go through the fused operation."""
    return maps.device.type == "cpu" and maps.dtype in {torch.float32, torch.float64} and maps.numel() > 0


def normalized(
    maps: Tensor, weight: Tensor, bias: Tensor, *, count: int, eps: float, slope: float, pool: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return normalised, activated, max-pooled maps (B, C, H/pool, W/pool), and mean and variance (C,) used.

    Args:
        maps: (B, C, H, W).
        weight: γ (C,).
        bias: β (C,).
        count: The first so many images give the statistics.
        eps: Added to the variance.
        slope: Of the activation below zero: 0 for ReLU, 1 for none.
        pool: 2 for windows of 2 x 2, 1 for none.
    """
    out, statistics = _Normalized.apply(maps, weight, bias, count, eps, slope, pool)  # type: ignore[no-untyped-call]
    return out, statistics[0], statistics[1]


def as_array(maps: Tensor) -> Any:
    """Return maps (B, C, H, W) as an array (B, H, W, C) on the same memory where they lie channels last."""
    return maps.detach().contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).numpy()


def empty_maps(shape: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, Any]:
    """Return maps (B, C, H, W) filled with nothing, and the array of that shape (B, H, W, C) on their memory."""
    rows = torch.empty(shape, dtype=dtype)
    return rows.permute(0, 3, 1, 2), rows.numpy()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the forward pass leaves for its derivatives, as arrays: constants to them all."""

    maps: Any
    weight: Any
    mean: Any
    rstd: Any
    first: int
    slope: float
    out: Any
    largest: Any
    places: Any

    def arguments(self) -> Any:
        """Return them in the order in which the kernels take them."""
        constants = (self.maps, self.weight, self.mean, self.rstd, self.first, self.slope)
        return (*constants, self.out, self.largest, self.places)


class _Normalized(Function):
    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, count: int, eps: float, slope: float, pool: int
    ) -> tuple[Tensor, Tensor]:
        y = as_array(maps)
        images, height, width, channels = y.shape
        out, z = empty_maps((images, height // pool, width // pool, channels), maps.dtype)
        largest = np.empty(z.shape if pool > 1 else (0, 0, 0, 0), y.dtype)
        places = np.empty(largest.shape, np.uint8)
        statistics = torch.empty((2, channels), dtype=maps.dtype)
        mean, variance = statistics.numpy()
        rstd = np.empty(channels, y.dtype)
        gamma = weight.detach().contiguous().numpy()
        beta = bias.detach().contiguous().numpy()
        map_kernels.normalize(y, gamma, beta, count, eps, slope, mean, variance, rstd, z, largest, places)
        ctx.save_for_backward(maps, weight)
        ctx.kept = _Kept(y, gamma, mean, rstd, count, slope, z, largest, places)
        ctx.mark_non_differentiable(statistics)
        return out, statistics

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _statistics: Tensor) -> tuple[Tensor | None, ...]:
        return (*_Gradient.apply(gradient, *ctx.saved_tensors, ctx.kept), None, None, None, None)  # type: ignore[no-untyped-call]


class _Gradient(Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, maps: Tensor, weight: Tensor, kept: _Kept) -> tuple[Tensor, Tensor, Tensor]:
        g = as_array(gradient)
        result, for_maps = empty_maps(kept.maps.shape, maps.dtype)
        for_weight, for_bias = torch.empty_like(weight), torch.empty_like(weight)
        sums = (for_weight.numpy(), for_bias.numpy())
        everything: Any = (g, *kept.arguments(), for_maps, *sums)
        map_kernels.first_derivative(*everything)
        ctx.kept, ctx.gradient, ctx.sums = kept, g, sums
        return result, for_weight, for_bias

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, vectors: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor | None, ...]:
        kept: _Kept = ctx.kept
        for_gradient, gradient_array = empty_maps(kept.out.shape, vectors.dtype)
        for_maps, maps_array = empty_maps(kept.maps.shape, vectors.dtype)
        for_weight = torch.empty(len(kept.weight), dtype=vectors.dtype)
        cotangents = (as_array(vectors), a.contiguous().numpy(), b.contiguous().numpy())
        results = (gradient_array, maps_array, for_weight.numpy())
        everything: Any = (*cotangents, ctx.gradient, *kept.arguments(), *ctx.sums, *results)
        map_kernels.second_derivative(*everything)
        return for_gradient, for_maps, for_weight, None
