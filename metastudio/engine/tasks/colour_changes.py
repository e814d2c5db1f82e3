"""Brightness, contrast, saturation and hue of images (B, C, H, W) in [0, 1], by a number (B, 1, 1, 1) for each."""

from __future__ import annotations

import torch
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue are (ITU-R BT.601)."""
_SECTORS = 6
"""Of the colour wheel: red, yellow, green, cyan, blue, magenta."""


def brightened(images: Tensor, more: Tensor) -> Tensor:
    """Return images lighter by `more`, darker where that is negative."""
    return (images + more).clamp_(0, 1)


def contrasted(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from their mean brightness is `factor` times as large."""
    return torch.lerp(_grey(images.mean((2, 3), keepdim=True)), images, factor).clamp_(0, 1)


def saturated(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from grey is `factor` times as large."""
    return torch.lerp(_grey(images), images, factor).clamp_(0, 1)


def hued(images: Tensor, turn: Tensor) -> Tensor:
    """Return colour images (B, 3, H, W) whose hue is moved by `turn` of the wheel; grey, bright and pale stay so."""
    red, green, blue = images.unbind(1)  # each (B, H, W)
    value, lowest = images.amax(1), images.amin(1)
    chroma = value - lowest
    span = chroma.clamp(min=torch.finfo(images.dtype).tiny)
    of_blue = (red - green).div_(span).add_(4)
    of_green = (blue - red).div_(span).add_(2)
    of_red = (green - blue).div_(span)
    hue = torch.where(value == red, of_red, torch.where(value == green, of_green, of_blue))
    hue += _SECTORS * turn[:, 0]
    seen = torch.empty_like(images)
    for channel, opposite in enumerate((3, 5, 1)):  # where cyan, magenta and yellow stand on the wheel
        off = hue - opposite
        off -= (off / _SECTORS).round_().mul_(_SECTORS)
        share = off.abs_().neg_().add_(2).clamp_(0, 1)  # of the chroma that the channel is without
        torch.addcmul(value, chroma, share, value=-1, out=seen[:, channel])
    return seen


def _grey(images: Tensor) -> Tensor:
    """Return the brightness (B, 1, H, W) of images."""
    if images.shape[1] == 1:
        return images
    return sum(share * images[:, place : place + 1] for place, share in enumerate(_LUMA))  # type: ignore[return-value]
