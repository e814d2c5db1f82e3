"""Mirroring, moving, erasing and blurring of images (B, C, S, S), each by numbers of its own.

Whoever computes a task changes its pictures first, on a core that has nothing to spare: few operations, and whatever is
the same for every batch is kept. On one thread a picture becomes the same bit for bit whatever others it lies with.
"""

from __future__ import annotations

import math
from functools import lru_cache
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

    def matrices(self, side: int) -> NDArray[np.float32]:
        """Return (B, 2, 3): from where a pixel is, (across, down, 1) from -1 to 1, to where it comes from."""
        radians, shrink = self.angle * np.float32(math.pi / 180), 1 / (self.scale * self.larger)
        along, across = np.cos(radians) * shrink, np.sin(radians) * shrink  # (B,)
        middle = (self.shift * self.larger[:, None] + self.aside) / np.float32((side - 1) / 2)  # it lies there then
        right, down = middle[:, 0], middle[:, 1]
        found = np.empty((len(radians), 2, 3), np.float32)
        found[:, 0, 0] = found[:, 1, 1] = along
        found[:, 0, 1], found[:, 1, 0] = across, -across
        found[:, 0, 2], found[:, 1, 2] = -along * right - across * down, across * right - along * down
        return found


class Rectangles(NamedTuple):
    """A rectangle in each picture, each number (B,) in pixels."""

    left: Numbers
    top: Numbers
    width: Numbers
    height: Numbers

    def pixels(self) -> NDArray[np.int64]:
        """Return (B, 4): the first row and column of pixels that lie within it, and those after the last."""
        first = np.ceil(np.stack([self.top, self.left], 1)).astype(np.int64)
        last = np.floor(np.stack([self.top + self.height, self.left + self.width], 1)).astype(np.int64)
        return np.concatenate([first, np.maximum(first, last)], 1)


def mirrored(images: Tensor, *, chosen: NDArray[np.bool_]) -> Tensor:
    """Return images, those `chosen` (B,) mirrored left to right."""
    seen = images.clone()
    places = torch.from_numpy(np.flatnonzero(chosen))
    seen[places] = images[places].flip(3)
    return seen


def moved(images: Tensor, to_old: NDArray[np.float32]) -> Tensor:
    """Return images moved as `Motion.matrices` says, in one bilinear sampling; their edge fills gaps."""
    side = images.shape[-1]
    places = torch.bmm(torch.from_numpy(to_old), _places(side).expand(len(images), -1, -1))  # (B, 2, S S)
    where = places.view(-1, 2, side, side).permute(0, 2, 3, 1)
    return grid_sample(images, where, padding_mode="border", align_corners=True)


@lru_cache(maxsize=4)
def _places(side: int) -> Tensor:
    """Return (3, S S): of each pixel its place across and down, from -1 to 1, and a one."""
    along = torch.linspace(-1, 1, side)
    return torch.stack([along.repeat(side), along.repeat_interleave(side), torch.ones(side * side)])


def erased(images: Tensor, where: NDArray[np.int64]) -> Tensor:
    """Return images, a rectangle of pixels of each filled with its mean; `where` as `Rectangles.pixels` gives it."""
    seen = images.clone()
    pixels, means = seen.numpy(), images.mean((2, 3), keepdim=True).numpy()
    for row, (top, left, bottom, right) in enumerate(where.tolist()):
        if bottom > top:
            pixels[row, :, top:bottom, left:right] = means[row]
    return seen


def gaussians(sigma: Numbers, most: float) -> NDArray[np.float32]:
    """Return (B, R + 1) weights of a pixel and of those to either side, for Gaussians of `sigma` (B,) pixels."""
    off = np.arange(math.ceil(_TAIL * most) + 1, dtype=np.float32)
    weights = np.exp(-((off / sigma[:, None]) ** 2) / 2)
    normalized: NDArray[np.float32] = weights / (2 * weights.sum(1, keepdims=True) - weights[:, :1])
    return normalized


def blurred(images: Tensor, weights: NDArray[np.float32]) -> Tensor:
    """Return images smoothed by weights as `gaussians` gives them; edges are mirrored.

    Each direction is one product with a matrix for each picture. Channels lie last in memory afterwards.
    """
    count, channels, side, _ = images.shape
    smoothing = torch.from_numpy(weights) @ _neighbours(side, weights.shape[1] - 1)
    smoothing = smoothing.view(-1, side, side)  # [b, to, from]
    rows = images.reshape(count, channels * side, side) @ smoothing.mT
    columns = rows.view_as(images).permute(0, 2, 3, 1).reshape(count, side, side * channels)  # (B, H, W C)
    return (smoothing @ columns).view(count, side, side, channels).permute(0, 3, 1, 2)


@lru_cache(maxsize=4)
def _neighbours(side: int, reach: int) -> Tensor:
    """Return (R + 1, S S): how often a pixel has each other one that far away, on a line that its ends mirror."""
    line, last = np.arange(side), side - 1
    found = np.zeros((reach + 1, side, side), np.float32)
    for off in range(reach + 1):
        for way in {off, -off}:
            found[off, line, last - abs(last - abs(line + way))] += 1
    return torch.from_numpy(found.reshape(reach + 1, side * side))
