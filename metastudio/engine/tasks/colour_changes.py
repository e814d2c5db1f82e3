"""Brightness, contrast, saturation and hue of images (B, C, H, W) in [0, 1], each by a number of its own (B,)."""

from __future__ import annotations

import torch
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue are (ITU-R BT.601)."""
_SECTORS = 6
"""Of the colour wheel: red, yellow, green, cyan, blue, magenta."""


def brightened(images: Tensor, more: Tensor) -> Tensor:
    """Return images lighter by `more`, darker where that is negative."""
    return (images + _each(more)).clamp(0, 1)


def contrasted(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from their mean brightness is `factor` times as large."""
    mean = _grey(images).mean((2, 3), keepdim=True)
    return (images * _each(factor) + mean * (1 - _each(factor))).clamp(0, 1)


def saturated(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from grey is `factor` times as large."""
    return (images * _each(factor) + _grey(images) * (1 - _each(factor))).clamp(0, 1)


def hued(images: Tensor, turn: Tensor) -> Tensor:
    """Return colour images (B, 3, H, W) whose hue is moved by `turn` of the wheel; grey, bright and pale stay so."""
    red, green, blue = images.unbind(1)  # each (B, H, W)
    value, lowest = images.amax(1), images.amin(1)
    chroma = value - lowest
    span = chroma.clamp(min=torch.finfo(images.dtype).tiny)
    of_blue = (red - green) / span + 4
    of_green = (blue - red) / span + 2
    of_red = (green - blue) / span
    hue = torch.where(value == red, of_red, torch.where(value == green, of_green, of_blue))
    hue = hue + _SECTORS * turn[:, None, None]
    seen = []
    for place in (5, 3, 1):  # where red, green and blue stand on the wheel
        off = (hue + place) % _SECTORS
        seen.append(value - chroma * torch.minimum(off, 4 - off).clamp(0, 1))
    return torch.stack(seen, 1)


def _each(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None]


def _grey(images: Tensor) -> Tensor:
    """Return the brightness (B, 1, H, W) of images."""
    if images.shape[1] == 1:
        return images
    return sum(share * images[:, place : place + 1] for place, share in enumerate(_LUMA))  # type: ignore[return-value]
