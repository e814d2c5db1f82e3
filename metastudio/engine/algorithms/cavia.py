"""CAVIA.

Zintgraf, Shiarlis, Kurin, Hofmann, Whiteson: Fast Context Adaptation via Meta-Learning, ICML 2019, arXiv:1810.03642.

The inner loop moves nothing but context values φ, which are zero at the start of every task: φ' = φ - α ∇_φ L_support.
They steer the network through FiLM, a scale and a shift of the feature maps of one block that a linear layer makes of
φ. The outer loop moves the network and that layer.

How we differ: the linear layer has no bias, since the block's normalisation has a scale and a shift already, so with
φ = 0 it is the plain network. The head is drawn at random: a head of zeros would pass no gradient to the context. The
rate α is 100 and not 1: on Omniglot a context that moves so little never begins to tell permuted labels apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.cavia import CAVIAConfig
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.film import modulated, normalisation_layers
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import LabelledImages

CONTEXT = "context"


class CAVIA(GradientLearner):
    """Only the context (V,) moves. The state holds it beside the weights, which all tasks share."""

    def __init__(self, config: CAVIAConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.network.head.reset_parameters()
        layers = normalisation_layers(self.network)
        block = f"block{config.context_block - 1}"
        self._layer = [name for name, layer in layers.items() if layer.name.startswith(block) and ".norms." in name][-1]
        self.film = nn.Linear(config.context_size, 2 * len(layers[self._layer].weight), bias=False)

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return the weights, and φ = 0."""
        context = self.film.weight.new_zeros(self.film.in_features, requires_grad=True)
        return super().initial_state(support) | {CONTEXT: context}

    def adapted(self, state: Weights) -> Sequence[str]:  # noqa: ARG002
        """Return the context alone."""
        return (CONTEXT,)

    def weights_of(self, state: Weights, step: int) -> Weights:  # noqa: ARG002
        """Return the weights, one block scaled and shifted by what the context says."""
        scale, shift = self.film(state[CONTEXT]).chunk(2)  # (C,) each
        shared = {name: value for name, value in state.items() if name != CONTEXT}
        return modulated(shared, self._layer, scale, shift)
