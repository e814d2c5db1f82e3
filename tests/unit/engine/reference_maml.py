"""MAML written once more, plainly, as the reference: one stored graph, nothing of the engine but names."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Weights = dict[str, Tensor]


def network(weights: Weights, images: Tensor, statistics_of: slice, *, downsampling: str, activation: str) -> Tensor:
    """Return logits of Conv4 with a linear head, normalised by the statistics of some of the images."""
    bend = F.relu if activation == "relu" else F.softplus
    maps = images
    for block in range(4):
        stride = 2 if downsampling == "stride" else 1
        maps = F.conv2d(maps, weights[f"backbone.convolutions.{block}.weight"], stride=stride, padding=1)
        chosen = maps[statistics_of]
        mean = chosen.mean(dim=(0, 2, 3), keepdim=True)
        variance = ((chosen - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
        maps = (maps - mean) / (variance + 1e-5).sqrt()
        scale = weights[f"backbone.norms.{block}.weight"].view(1, -1, 1, 1)
        maps = maps * scale + weights[f"backbone.norms.{block}.bias"].view(1, -1, 1, 1)
        maps = bend(maps)
        if downsampling == "max_pool":
            maps = F.max_pool2d(maps, 2)
        elif downsampling == "average_pool":
            maps = F.avg_pool2d(maps, 2)
    return F.linear(maps.flatten(1), weights["head.weight"], weights["head.bias"])


def query_loss(
    weights: Weights,
    support: tuple[Tensor, Tensor],
    query: tuple[Tensor, Tensor],
    *,
    lr: float,
    steps: int,
    second_order: bool,
    normalization: str,
    downsampling: str = "max_pool",
    activation: str = "relu",
) -> Tensor:
    """Return the query loss after `steps` of gradient descent on the support loss."""
    shape = {"downsampling": downsampling, "activation": activation}
    everything = slice(None)
    for _ in range(steps):
        loss = F.cross_entropy(network(weights, support[0], everything, **shape), support[1])
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=second_order)
        weights = {name: value - lr * g for (name, value), g in zip(weights.items(), gradients, strict=True)}
    if normalization == "support":
        both = torch.cat([support[0], query[0]])
        logits = network(weights, both, slice(len(support[0])), **shape)[len(support[0]) :]
    else:
        logits = network(weights, query[0], everything, **shape)
    return F.cross_entropy(logits, query[1])
