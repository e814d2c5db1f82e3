"""3 x 3 convolutions with second derivatives that cost what they must.

The same function as `torch.nn.Conv2d`. On the CPU, torch's own second derivative of a convolution forms weight
gradients by convolving with kernels as large as the maps; here every derivative is again one of the three products of a
convolution: with the weights, back to the input, onto the weights. Small maps go through a matrix product of unfolded
patches, which the weight gradient and its derivative use again; large ones through torch's convolution.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from metastudio.engine.backbones import map_kernels
from metastudio.engine.backbones.fused_norm import as_array, can_fuse, empty_maps
from metastudio.engine.backbones.kernel_gradients import Slot, slot

_SMALL_PIXELS = 49  # an output of 7 x 7; decision page 0030
KERNEL = 3


class Convolution(nn.Conv2d):
    """A 3 x 3 convolution without bias, padded by one pixel."""

    def __init__(self, channels: int, filters: int, *, stride: int = 1) -> None:
        super().__init__(channels, filters, KERNEL, stride=stride, padding=1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (B, filters, H/stride, W/stride), rounded up, of maps (B, C, H, W)."""
        stride = self.stride[0]
        needs_graph = torch.is_grad_enabled() and (maps.requires_grad or self.weight.requires_grad)
        if needs_graph and can_fuse(maps):
            convolved: Tensor = _Convolved.apply(maps, self.weight, stride, slot())  # type: ignore[no-untyped-call]
            return convolved
        return F.conv2d(maps, self.weight, stride=stride, padding=1)


def _is_small(maps: Tensor, stride: int) -> bool:
    height, width = _halved(maps.shape[2], stride), _halved(maps.shape[3], stride)
    return stride > 1 or height * width <= _SMALL_PIXELS


def _halved(side: int, stride: int) -> int:
    return (side + stride - 1) // stride


def _patches(maps: Tensor, stride: int) -> Tensor:
    """Return the 3 x 3 patches (B * H' * W', 9 * C) that the outputs of a convolution see, zero outside the maps."""
    images, channels, height, width = maps.shape
    patches = maps.new_empty((images, _halved(height, stride), _halved(width, stride), KERNEL * KERNEL * channels))
    map_kernels.unfold(as_array(maps), stride, patches.numpy())
    return patches.view(-1, KERNEL * KERNEL * channels)


def _matrix(weight: Tensor) -> Tensor:
    """Return weights (F, C, 3, 3) as a matrix (F, 9 * C) in the order of the patches."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


def _rows(maps: Tensor) -> Tensor:
    """Return maps (B, C, H, W) as one row a pixel, (B * H * W, C)."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def _product(maps: Tensor, weight: Tensor, stride: int, patches: Tensor | None) -> Tensor:
    """Return maps * weight, (B, F, H', W')."""
    if patches is None:
        return F.conv2d(maps, weight, stride=stride, padding=1)
    side = (_halved(maps.shape[2], stride), _halved(maps.shape[3], stride))
    return (patches @ _matrix(weight).T).view(len(maps), *side, len(weight)).permute(0, 3, 1, 2)


def _to_input(gradient: Tensor, like: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Return the product's gradient (B, C, H, W) with respect to its maps."""
    if not _is_small(like, stride):
        return _backward(gradient, like, weight, stride, of_maps=True)
    patches = _rows(gradient) @ _matrix(weight)  # (B * H' * W', 9 * C)
    images, channels, height, width = like.shape
    maps, array = empty_maps((images, height, width, channels), like.dtype)
    map_kernels.fold(patches.view(images, *gradient.shape[2:], -1).numpy(), stride, array)
    return maps


def _to_weight(gradient: Tensor, maps: Tensor, weight: Tensor, stride: int, patches: Tensor | None) -> Tensor:
    """Return the product's gradient (F, C, 3, 3) with respect to its weights."""
    if patches is None:
        return _backward(gradient, maps, weight, stride, of_maps=False)
    filters, channels = weight.shape[:2]
    rows = _rows(gradient)  # (B * H' * W', F)
    matrix = (patches.T @ rows).T if channels < filters else rows.T @ patches  # narrow ones are faster that way
    return matrix.reshape(filters, KERNEL, KERNEL, channels).permute(0, 3, 1, 2)


def _backward(gradient: Tensor, maps: Tensor, weight: Tensor, stride: int, *, of_maps: bool) -> Tensor:
    done = torch.ops.aten.convolution_backward(
        gradient, maps, weight, None, [stride, stride], [1, 1], [1, 1], False, [0, 0], 1, [of_maps, not of_maps, False]
    )
    result: Tensor = done[0 if of_maps else 1]
    return result


class _Convolved(Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, stride: int, own: Slot) -> Tensor:
        patches = _patches(maps, stride) if _is_small(maps, stride) else None
        ctx.save_for_backward(maps, weight, patches)
        ctx.stride, ctx.slot = stride, own
        return _product(maps, weight, stride, patches)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        maps, weight, patches = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:2]
        of_maps, of_weight = _Gradients.apply(gradient, maps, weight, patches, ctx.stride, wanted, ctx.slot)  # type: ignore[no-untyped-call]
        return of_maps, of_weight, None, None


class _Gradients(Function):
    """Both gradients of a convolution: linear in each of gradient, maps and weight."""

    @staticmethod
    def forward(
        ctx: Any,
        gradient: Tensor,
        maps: Tensor,
        weight: Tensor,
        patches: Tensor | None,
        stride: int,
        wanted: tuple[bool, bool],
        own: Slot,
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(gradient, maps, weight, patches)
        ctx.stride = stride
        ctx.set_materialize_grads(False)
        return (
            _to_input(gradient, maps, weight, stride) if wanted[0] else None,
            own.kept(lambda: _to_weight(gradient, maps, weight, stride, patches)) if wanted[1] else None,
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_maps: Tensor | None, of_weight: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the cotangents of gradient, maps and weight, given those of both results."""
        gradient, maps, weight, patches = ctx.saved_tensors
        needs_gradient, needs_maps, needs_weight = ctx.needs_input_grad[:3]
        stride = ctx.stride
        for_gradient = for_maps = for_weight = None
        if of_maps is not None:
            again = _patches(of_maps, stride) if patches is not None else None
            if needs_gradient:
                for_gradient = _product(of_maps, weight, stride, again)
            if needs_weight:
                for_weight = _to_weight(gradient, of_maps, weight, stride, again)
        if of_weight is not None:
            if needs_gradient:
                along = _product(maps, of_weight, stride, patches)
                for_gradient = along if for_gradient is None else for_gradient + along
            if needs_maps:
                for_maps = _to_input(gradient, maps, of_weight, stride)
        return for_gradient, for_maps, for_weight, None, None, None, None
