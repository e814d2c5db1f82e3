"""FiLM: a scale and a shift for every feature map, said in the weights of the normalisation before it.

Perez, Strub, de Vries, Dumoulin, Courville: FiLM: Visual Reasoning with a General Conditioning Layer, AAAI 2018,
arXiv:1709.07871.
"""

from __future__ import annotations

from torch import Tensor, nn

from metastudio.engine.backbones.network import Weights
from metastudio.engine.backbones.normalization import TaskBatchNorm


def normalisation_layers(network: nn.Module) -> dict[str, TaskBatchNorm]:
    """Return the normalisation layers by their name in the network, in their order from the image."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, TaskBatchNorm)}


def modulated(weights: Weights, layer: str, scale: Tensor, shift: Tensor) -> Weights:
    """Return weights with which `layer` gives (1 + scale) times what it gave, plus shift; both are (C,)."""
    return weights | {
        f"{layer}.weight": weights[f"{layer}.weight"] * (1 + scale),
        f"{layer}.bias": weights[f"{layer}.bias"] * (1 + scale) + shift,
    }
