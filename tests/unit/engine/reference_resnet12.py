"""ResNet-12 and MAML on it written once more, plainly, as the reference: one stored graph, nothing of the engine."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Weights = dict[str, Tensor]
Network = Callable[[Weights, Tensor, slice], Tensor]


def resnet12(weights: Weights, images: Tensor, statistics_of: slice) -> Tensor:
    """Return logits of ResNet-12 with a linear head, normalised by the statistics of some of the images."""

    def normalised(maps: Tensor, layer: str) -> Tensor:
        chosen = maps[statistics_of]
        mean = chosen.mean(dim=(0, 2, 3), keepdim=True)
        variance = ((chosen - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
        maps = (maps - mean) / (variance + 1e-5).sqrt()
        return maps * weights[f"{layer}.weight"].view(1, -1, 1, 1) + weights[f"{layer}.bias"].view(1, -1, 1, 1)

    maps = images
    for block in range(4):
        layer = f"backbone.blocks.{block}"
        beside = normalised(F.conv2d(maps, weights[f"{layer}.shortcut.weight"]), f"{layer}.shortcut_norm")
        for number in range(3):
            maps = F.conv2d(maps, weights[f"{layer}.convolutions.{number}.weight"], padding=1)
            maps = normalised(maps, f"{layer}.norms.{number}")
            if number < 2:
                maps = F.leaky_relu(maps, 0.1)
        maps = F.max_pool2d(F.leaky_relu(maps + beside, 0.1), 2)
    return F.linear(maps.mean(dim=(2, 3)), weights["head.weight"], weights["head.bias"])
