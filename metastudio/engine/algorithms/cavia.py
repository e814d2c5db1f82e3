"""CAVIA.

Zintgraf, Shiarlis, Kurin, Hofmann, Whiteson: Fast Context Adaptation via Meta-Learning, ICML 2019, arXiv:1810.03642.

The inner loop moves nothing but context values φ, which are zero at the start of every task: φ' = φ - α ∇_φ L_support.
The network is steered by them through FiLM, a scale and a shift of the channels of one block that a linear layer makes
of φ. The outer loop moves the network and that layer.

How we differ: scale and shift act on the scale and shift of the block's normalisation, which is the same function as
FiLM right behind it; the head is drawn at random, since a head of zeros would pass no gradient to the context.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.cavia import CAVIAConfig
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import LabelledImages

_CONTEXT = "context"


class CAVIA(GradientLearner):
    """Only the context (context_size,) moves; a layer `film` turns it into scale and shift (2 C,)."""

    config: CAVIAConfig

    def __init__(self, config: CAVIAConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.network.head.reset_parameters()
        weights = self.network.weights()
        places = [name for name in weights if name.startswith("backbone.norms.") and name.endswith(".weight")]
        place = places[min(config.context_block, len(places)) - 1]
        self._scale, self._shift = place, place.removesuffix("weight") + "bias"
        self.film = nn.Linear(config.context_size, 2 * len(weights[place]))

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return the weights, and a context of zeros."""
        context = self.film.weight.new_zeros(self.config.context_size, requires_grad=True)
        return super().initial_state(support) | {_CONTEXT: context}

    def adapted(self, state: Weights) -> Sequence[str]:  # noqa: ARG002
        """Return the context alone."""
        return (_CONTEXT,)

    def weights_of(self, state: Weights, step: int) -> Weights:  # noqa: ARG002
        """Return the weights, one block scaled and shifted by what the context says."""
        scale, shift = self.film(state[_CONTEXT]).chunk(2)  # (C,) each
        weights = {name: value for name, value in state.items() if name != _CONTEXT}
        return weights | {
            self._scale: state[self._scale] * (1 + scale),
            self._shift: state[self._shift] * (1 + scale) + shift,
        }
