"""Moving, erasing and blurring of images, each by numbers of its own.

Whoever computes a task changes its pictures first, on a core that has nothing to spare: what is drawn for a picture is
worked out in numpy, whose small operations cost less than torch's, and only pixels are torch's. A picture becomes the
same bit for bit whatever others it lies with, because whatever works on pixels works on one at a time.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

Numbers = NDArray[np.floating[Any]]
_TAIL = 2.5
"""Standard deviations of a blur that its window takes in, on each side."""


class Motion(NamedTuple):
    """How each picture is turned, scaled and shifted about its middle, in this order; then a part of it is enlarged."""

    angle: Numbers
    """(B,) degrees, clockwise."""
    scale: Numbers
    """(B,) how many times as large."""
    shift: Numbers
    """(B, 2) pixels to the right and down."""
    larger: Numbers
    """(B,) how many times as large the part becomes that is cut out."""
    aside: Numbers
    """(B, 2) pixels by which the enlarged picture is shifted."""

    @classmethod
    def none(cls, count: int) -> Self:
        """Return the motion of pictures that stay where they are."""
        still, nothing, one = np.zeros((count, 2), np.float32), np.zeros(count, np.float32), np.ones(count, np.float32)
        return cls(nothing, one, still, one, still)


class Rectangles(NamedTuple):
    """A rectangle in each picture, each number (B,) in pixels."""

    left: Numbers
    top: Numbers
    width: Numbers
    height: Numbers


def moved(images: Tensor, motion: Motion) -> Tensor:
    """Return images (B, C, S, S) moved in one bilinear sampling; where nothing was, their edge is continued."""
    side = images.shape[-1]
    radians, shrink = np.deg2rad(motion.angle), 1 / (motion.scale * motion.larger)
    along, across = (np.cos(radians) * shrink)[:, None], (np.sin(radians) * shrink)[:, None]  # (B, 1)
    middle = (motion.shift * motion.larger[:, None] + motion.aside) / np.float32((side - 1) / 2)  # it lies there then
    places = np.linspace(-1, 1, side, dtype=np.float32)
    right, down = places - middle[:, :1], places - middle[:, 1:]  # (B, S)
    grid = np.empty((2, len(images), side, side), np.float32)  # where each pixel comes from
    np.add((along * right)[:, None, :], (across * down)[:, :, None], out=grid[0])
    np.subtract((along * down)[:, :, None], (across * right)[:, None, :], out=grid[1])
    where = torch.from_numpy(grid).permute(1, 2, 3, 0)
    return grid_sample(images, where, padding_mode="border", align_corners=True)


def erased(images: Tensor, where: Rectangles, *, chosen: NDArray[np.bool_]) -> Tensor:
    """Return images (B, C, H, W), a rectangle of each `chosen` one (B,) filled with the picture's mean."""
    height, width = images.shape[2:]
    across, down = _within(width, where.left, where.width), _within(height, where.top, where.height)
    down *= chosen[:, None]
    filled = torch.from_numpy(down[:, None, :, None] * across[:, None, None, :])  # (B, 1, H, W), one or zero
    return images * (1 - filled) + images.mean((2, 3), keepdim=True) * filled  # quicker than to choose numbers


def _within(side: int, start: Numbers, length: Numbers) -> Numbers:
    """Return one for each pixel of an axis that is within the stretch of a picture, zero for others; (B, side)."""
    off: Numbers = np.arange(side, dtype=np.float32) - start[:, None]
    return ((off >= 0) & (off <= length[:, None] - 1)).astype(np.float32)


def blurred(images: Tensor, sigma: Numbers, most: float) -> Tensor:
    """Return images (B, C, H, W) smoothed by Gaussians of `sigma` (B,) pixels, at most `most`; edges are mirrored."""
    places = np.arange(math.ceil(_TAIL * most) + 1, dtype=np.float32)
    weights = np.exp(-((places / sigma[:, None]) ** 2) / 2)  # (B, reach + 1), of the middle and to either side
    weights /= 2 * weights.sum(1, keepdims=True) - weights[:, :1]
    pixels = images.permute(0, 2, 3, 1)  # (B, H, W, C) as they lie in memory
    columns = [torch.from_numpy(column)[:, None, None, None] for column in np.ascontiguousarray(weights.T)]
    for axis in (1, 2):
        pixels = _smoothed(pixels, columns, axis)
    return pixels.permute(0, 3, 1, 2)


def _smoothed(pixels: Tensor, weights: list[Tensor], axis: int) -> Tensor:
    """Return pixels (B, H, W, C) smoothed along an axis; weights (B, 1, 1, 1) of the middle and outwards."""
    side, reach = pixels.shape[axis], len(weights) - 1
    before = pixels.narrow(axis, 1, reach).flip(axis)
    after = pixels.narrow(axis, side - 1 - reach, reach).flip(axis)
    wider = torch.cat([before, pixels, after], axis)
    total = pixels * weights[0]
    for off in range(1, reach + 1):
        pair = wider.narrow(axis, reach - off, side) + wider.narrow(axis, reach + off, side)
        total += pair * weights[off]  # in place it would take four times as long
    return total
