"""From stored bytes to what the network sees: the one place of the engine that scales, inverts and normalises."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metastudio.catalog.data_spec import Moments, Preprocessing


def network_input(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> Tensor:
    """Return float32 images (B, C, H, W) of stored pixels (B, H, W, C); in memory, channels stay last."""
    return normalized(unit_input(pixels, preprocessing), preprocessing.moments)


def unit_input(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> Tensor:
    """Return the same before normalisation: images in [0, 1], brightness inverted where that is chosen."""
    images = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).to(torch.float32).div_(255)
    return images.neg_().add_(1) if preprocessing.invert else images


def normalized(images: Tensor, moments: Moments | None) -> Tensor:
    """Return images (B, C, H, W) in [0, 1] less the mean of their channel, divided by its standard deviation."""
    if moments is None:
        return images
    mean, deviation = (_by_channel(each, images) for each in moments)
    return (images - mean) / deviation


def unnormalized(images: Tensor, moments: Moments | None) -> Tensor:
    """Return images (B, C, H, W) that `normalized` gave in [0, 1] again, up to rounding."""
    if moments is None:
        return images
    mean, deviation = (_by_channel(each, images) for each in moments)
    return images * deviation + mean


def _by_channel(numbers: tuple[float, ...], images: Tensor) -> Tensor:
    return images.new_tensor(numbers)[:, None, None]  # (C, 1, 1)
