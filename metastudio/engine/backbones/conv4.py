"""Conv4: four blocks of convolution, normalisation, activation and halving.

Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra: Matching Networks for One Shot Learning, NeurIPS 2016,
arXiv:1606.04080. The strided variant without pooling is the one that MAML (arXiv:1703.03400) uses on Omniglot.

How we differ: convolutions have no bias, since normalisation subtracts it; where halving is max-pooling the activation
comes after it, which is the same function (both rise) on a quarter of the values.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Conv4Config
from metastudio.engine.backbones.convolution import Convolution
from metastudio.engine.backbones.normalization import Moments, TaskBatchNorm
from metastudio.errors import ConfigurationError

BLOCKS = 4


class Conv4(nn.Module):
    """Images (B, C, H, W) to features (B, D); D is `feature_width`."""

    def __init__(self, config: Conv4Config, *, channels: int, image_size: int) -> None:
        """Make the network.

        Raises:
            ConfigurationError: if four halvings leave nothing of the image.
        """
        super().__init__()
        self.config = config
        stride = 2 if config.downsampling == "stride" else 1
        widths = [channels] + [config.filters] * BLOCKS
        self.convolutions = nn.ModuleList(
            Convolution(before, after, stride=stride) for before, after in pairwise(widths)
        )
        self.norms = nn.ModuleList(TaskBatchNorm(config.filters, f"block{block}") for block in range(BLOCKS))
        for convolution in self.convolutions:
            assert isinstance(convolution, Convolution)  # noqa: S101
            nn.init.xavier_uniform_(convolution.weight)
        side = image_size
        for _ in range(BLOCKS):
            side = (side + 1) // 2 if stride == 2 else side // 2
        if side < 1:
            raise ConfigurationError(
                "Images of {size} pixels are too small for four halvings.",
                size=image_size,
                where="data.preprocessing.image_size",
                todo="Take at least 16 pixels, or strided downsampling.",
            )
        self.feature_width = config.filters * (1 if config.pooled_features else side * side)

    def forward(self, images: Tensor, moments: Moments) -> Tensor:
        """Return features (B, D) of images (B, C, H, W)."""
        maps = images
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            assert isinstance(norm, TaskBatchNorm)  # noqa: S101
            maps = self._halved(convolution(maps), norm, moments)  # (B, filters, H/2, W/2)
        return maps.mean(dim=(2, 3)) if self.config.pooled_features else maps.flatten(1)

    def _halved(self, maps: Tensor, norm: TaskBatchNorm, moments: Moments) -> Tensor:
        if self.config.activation == "relu" and self.config.downsampling != "average_pool":
            return norm.activated(maps, moments, pool=2 if self.config.downsampling == "max_pool" else 1)
        bent = torch.relu if self.config.activation == "relu" else F.softplus
        maps = norm(maps, moments)
        match self.config.downsampling:
            case "max_pool":
                return bent(F.max_pool2d(maps, 2))
            case "average_pool":
                return F.avg_pool2d(bent(maps), 2)
            case _:
                return bent(maps)
