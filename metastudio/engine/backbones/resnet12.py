"""ResNet-12: four residual blocks of three convolutions each.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385; in the shape that
few-shot learning settled on: Lee, Maji, Ravichandran, Soatto: Meta-Learning with Differentiable Convex Optimization,
CVPR 2019, arXiv:1904.03758. Filters 64-160-320-640, LeakyReLU of slope 0.1, max-pooling at the end of a block.

How we differ: no DropBlock, which would make a task's gradient random, and an export another network than the one that
was trained. Convolutions have no bias, since normalisation subtracts it; a block's last activation comes after its
pooling, which is the same function (both rise) on a quarter of the values.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import ResNet12Config
from metastudio.engine.backbones.convolution import Convolution
from metastudio.engine.backbones.normalization import Moments, TaskBatchNorm
from metastudio.errors import ConfigurationError

SLOPE = 0.1
BLOCKS = 4
CONVOLUTIONS = 3


def widths_of(filters: int) -> tuple[int, int, int, int]:
    """Return the filters of the four blocks: 64-160-320-640 for 64, and in that proportion for others."""
    return filters, filters * 5 // 2, filters * 5, filters * 10


class PixelConvolution(nn.Conv2d):
    """A 1 x 1 convolution without bias, as the matrix product of each pixel that it is."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__(channels, filters, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (B, filters, H, W) of maps (B, C, H, W)."""
        return F.linear(maps.permute(0, 2, 3, 1), self.weight.flatten(1)).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """Maps (B, C, H, W) to (B, filters, H/2, W/2): three convolutions, and a shortcut beside them."""

    def __init__(self, channels: int, filters: int, name: str) -> None:
        super().__init__()
        widths = [channels] + [filters] * CONVOLUTIONS
        self.convolutions = nn.ModuleList(Convolution(before, after) for before, after in pairwise(widths))
        self.norms = nn.ModuleList(TaskBatchNorm(filters, f"{name}_{number}") for number in range(CONVOLUTIONS))
        self.shortcut = PixelConvolution(channels, filters)
        self.shortcut_norm = TaskBatchNorm(filters, f"{name}_shortcut")
        for layer in (*self.convolutions, self.shortcut):
            assert isinstance(layer, nn.Conv2d)  # noqa: S101
            nn.init.kaiming_normal_(layer.weight, a=SLOPE, mode="fan_out", nonlinearity="leaky_relu")

    def forward(self, maps: Tensor, moments: Moments) -> Tensor:
        """Return the halved maps."""
        beside = self.shortcut_norm.activated(self.shortcut(maps), moments, slope=1)
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True), start=1):
            assert isinstance(norm, TaskBatchNorm)  # noqa: S101
            maps = norm.activated(convolution(maps), moments, slope=SLOPE if number < CONVOLUTIONS else 1)
        return F.leaky_relu(F.max_pool2d(maps + beside, 2), SLOPE)


class ResNet12(nn.Module):
    """Images (B, C, H, W) to features (B, D); D is `feature_width`."""

    def __init__(self, config: ResNet12Config, *, channels: int, image_size: int) -> None:
        """Make the network.

        Raises:
            ConfigurationError: if four halvings leave nothing of the image.
        """
        super().__init__()
        self.config = config
        if image_size < config.smallest_image_px:
            raise ConfigurationError(
                "Images of {size} pixels are too small for four halvings.",
                size=image_size,
                where="data.preprocessing.image_size",
                todo="Take at least 16 pixels.",
            )
        widths = widths_of(config.filters)
        self.blocks = nn.ModuleList(
            ResidualBlock(before, after, f"block{number}")
            for number, (before, after) in enumerate(pairwise((channels, *widths)))
        )
        side = image_size // 2**BLOCKS
        self.feature_width = widths[-1] * (1 if config.pooled_features else side * side)

    def forward(self, images: Tensor, moments: Moments) -> Tensor:
        """Return features (B, D) of images (B, C, H, W)."""
        maps = images
        for block in self.blocks:
            maps = block(maps, moments)
        return maps.mean(dim=(2, 3)) if self.config.pooled_features else maps.flatten(1)
