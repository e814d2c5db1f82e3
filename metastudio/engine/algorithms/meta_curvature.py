"""Meta-Curvature.

Park, Oliva: Meta-Curvature, NeurIPS 2019, arXiv:1902.03356.

The gradient G of a layer's weights is turned before the step by learned matrices, one for each of its modes, section
3.2: MC(G) = G x₁ M_o x₂ M_i x₃ M_f, with output channels, input channels and the 3 x 3 places of a kernel as modes.
They begin at the identity, so that training starts where MAML's does, and are learned with θ.

How we differ: a head's outputs are classes in an order that means nothing, so it has no output matrix; a mode wider
than 512 has none either. The paper tells of convolutions and linear layers; here the scales and the shifts of a
normalisation, vectors (C,) of one mode, have a whole matrix (C, C) each as well.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.meta_curvature import MetaCurvatureConfig
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import HEAD, Weights
from metastudio.engine.inner_loop import UpdateRule

_WIDEST = 512


class MetaCurvature(GradientLearner):
    """A learned matrix for every mode of every layer."""

    def __init__(self, config: MetaCurvatureConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self._modes: dict[str, tuple[int, ...]] = {}
        self.matrices = nn.ParameterList()
        for name, value in self.network.named_parameters():
            sizes = tuple(value.flatten(2).shape) if value.dim() > 2 else tuple(value.shape)
            kept = [
                mode for mode, size in enumerate(sizes) if size <= _WIDEST and not (name.startswith(HEAD) and mode == 0)
            ]
            self._modes[name] = tuple(kept)
            self.matrices.extend(nn.Parameter(torch.eye(sizes[mode])) for mode in kept)

    def update_rule(self) -> UpdateRule:
        """θ - α MC(g)."""
        lr = self.config.inner_lr

        def update(weights: Weights, gradients: Weights, step: int) -> Weights:  # noqa: ARG001
            turned = self._turned(gradients)
            return weights | {name: torch.sub(weights[name], each, alpha=lr) for name, each in turned.items()}

        return update

    def _turned(self, gradients: Weights) -> Weights:
        matrices = iter(self.matrices)
        turned: dict[str, Tensor] = {}
        for name, modes in self._modes.items():
            each = gradients[name]
            flat = each.flatten(2) if each.dim() > 2 else each  # (out, in, 9), or as it is
            for mode in modes:
                flat = torch.tensordot(flat, next(matrices), dims=([mode], [1])).movedim(-1, mode)
            turned[name] = flat.reshape(each.shape)
        return turned
