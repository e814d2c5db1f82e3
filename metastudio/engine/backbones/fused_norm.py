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

from typing import Any

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
    out, mean, variance = _Normalized.apply(maps, weight, bias, count, eps, slope, pool)  # type: ignore[no-untyped-call]
    return out, mean, variance


def as_array(maps: Tensor) -> Any:
    """Return maps (B, C, H, W) as an array (B, H, W, C) on the same memory where they lie channels last."""
    return maps.detach().contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).numpy()


def empty_maps(maps: Tensor, pool: int = 1, dtype: torch.dtype | None = None) -> Tensor:
    """Return maps like these, channels last and `pool` times smaller, filled with nothing."""
    images, channels, height, width = maps.shape
    shape = (images, channels, height // pool, width // pool)
    return torch.empty(shape, dtype=dtype or maps.dtype, memory_format=torch.channels_last)


class _Normalized(Function):
    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, count: int, eps: float, slope: float, pool: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        y = as_array(maps)
        mean, variance = torch.empty_like(weight), torch.empty_like(weight)
        map_kernels.moments(y, count, mean.numpy(), variance.numpy())
        rstd = torch.rsqrt(variance + eps)
        values = (mean.numpy(), (weight * rstd).numpy(), bias.detach().numpy(), slope)
        out = empty_maps(maps, pool)
        if pool == 1:
            map_kernels.forward(y, *values, as_array(out))
            ctx.save_for_backward(maps, weight, out, mean, rstd)
        else:
            largest, places = empty_maps(maps, pool), empty_maps(maps, pool, torch.uint8)
            map_kernels.forward_pooled(y, *values, as_array(out), as_array(largest), as_array(places))
            ctx.save_for_backward(maps, weight, out, mean, rstd, largest, places)
        ctx.options = (count, slope)
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _mean: Tensor, _variance: Tensor) -> tuple[Tensor | None, ...]:
        gy, gweight, gbias = _Gradient.apply(gradient, *ctx.options, *ctx.saved_tensors)  # type: ignore[no-untyped-call]
        return gy, gweight, gbias, None, None, None, None


class _Gradient(Function):
    @staticmethod
    def forward(
        ctx: Any,
        gradient: Tensor,
        count: int,
        slope: float,
        maps: Tensor,
        weight: Tensor,
        out: Tensor,
        mean: Tensor,
        rstd: Tensor,
        largest: Tensor | None = None,
        places: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        y, g, z = as_array(maps), as_array(gradient), as_array(out)
        total, weighted = torch.empty_like(weight), torch.empty_like(weight)
        tops = y if largest is None else as_array(largest)
        map_kernels.gradient_sums(g, z, tops, mean.numpy(), slope, total.numpy(), weighted.numpy())
        weighted = weighted * rstd  # B
        number = count * maps.shape[2] * maps.shape[3]
        scale = weight.detach() * rstd
        dense = (-scale * total / number, -scale * rstd * weighted / number)  # the second goes with y - mean
        nothing = torch.zeros_like(scale)
        result = empty_maps(maps)
        factors = (scale.numpy(), nothing.numpy(), dense[0].numpy(), dense[1].numpy())
        if places is None:
            map_kernels.spread(y, y, count, mean.numpy(), *factors, g, z, slope, as_array(result))
        else:
            map_kernels.spread_pooled(
                y, y, count, mean.numpy(), *factors, g, z, slope, as_array(places), as_array(result)
            )
        ctx.save_for_backward(gradient, maps, weight, out, mean, rstd, total, weighted, largest, places)
        ctx.options = (count, slope)
        return result, weighted, total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, vectors: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor | None, ...]:
        gradient, maps, weight, out, mean, rstd, total, weighted, largest, places = ctx.saved_tensors
        count, slope = ctx.options
        y, v, g, z, middle = as_array(maps), as_array(vectors), as_array(gradient), as_array(out), mean.numpy()
        number = count * maps.shape[2] * maps.shape[3]
        scale = weight * rstd
        sums, products, met = torch.empty_like(scale), torch.empty_like(scale), torch.empty_like(scale)
        map_kernels.vector_sums(v, y, count, middle, sums.numpy(), products.numpy())
        products = products * rstd  # R
        along = a - scale * products / number
        at_gradient = (scale.numpy(), (b - scale * sums / number).numpy(), (along * rstd).numpy())
        result = empty_maps(out)
        if places is None:
            map_kernels.gather(v, y, middle, *at_gradient, g, z, slope, met.numpy(), as_array(result))
        else:
            map_kernels.gather_pooled(
                v,
                as_array(largest),
                middle,
                *at_gradient,
                g,
                z,
                slope,
                as_array(places),
                met.numpy(),
                as_array(result),
            )
        inside = met - (total * sums + weighted * products) / number  # P - (A Q + B R) / n
        sum_h = a * total - scale * (total * products + weighted * sums) / number
        sum_h_y = a * weighted - 2 * scale * weighted * products / number
        factors = (
            (rstd * along).numpy(),
            (-rstd * scale * weighted / number).numpy(),
            (-rstd * sum_h / number).numpy(),
            (-rstd * (rstd * sum_h_y + rstd.square() * weight * inside) / number).numpy(),
        )
        for_maps = empty_maps(maps)
        if places is None:
            map_kernels.spread(y, v, count, middle, *factors, g, z, slope, as_array(for_maps))
        else:
            map_kernels.spread_pooled(y, v, count, middle, *factors, g, z, slope, as_array(places), as_array(for_maps))
        return result, None, None, for_maps, rstd * inside, None, None, None, None, None
