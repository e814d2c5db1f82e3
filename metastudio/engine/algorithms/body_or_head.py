"""ANIL and BOIL: one part of the network adapts to a task, all tasks share the other.

ANIL: Raghu, Raghu, Bengio, Vinyals: Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML,
ICLR 2020, arXiv:1909.09157. BOIL: Oh, Yoo, Kim, Yun: BOIL: Towards Representation Change for Few-shot Learning, ICLR
2021, arXiv:2008.08882.

ANIL ("almost no inner loop") moves the head alone: the features serve all tasks as they are. BOIL ("body only update in
inner loop") moves the body alone: the head stays, and the features of a task have to come to it. The outer gradient is
MAML's, with respect to every weight.

How we differ: ANIL computes the support features once for all inner steps, which do not change them. BOIL's head begins
at random values; from zero, as the other methods' heads begin, no gradient would reach the body.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.body_or_head import BOILConfig
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.backbones.network import HEAD, Weights
from metastudio.engine.tasks.episode import LabelledImages


class PartOfTheNetwork(GradientLearner):
    """Moves the weights that `moves` names; MAML where that is all of them."""

    def moves(self, name: str) -> bool:
        """Return whether the inner loop moves the weight of this name."""
        raise NotImplementedError

    def adapted(self, state: Weights) -> Sequence[str]:
        """Return the names of what moves."""
        return tuple(name for name in state if self.moves(name))


class ANIL(PartOfTheNetwork):
    """Head only."""

    def moves(self, name: str) -> bool:
        """Return whether it is of the head."""
        return name.startswith(HEAD)

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return the weights, and the features that the body gives with them, since no step changes those."""
        state = super().initial_state(support)
        moves_body = any(self.moves(name) for name in state if not name.startswith(HEAD))
        return state if moves_body else self.with_features(state, support)


class BOIL(PartOfTheNetwork):
    """Body only."""

    def __init__(self, config: BOILConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        self.network.head.reset_parameters()

    def moves(self, name: str) -> bool:
        """Return whether it is of the body."""
        return not name.startswith(HEAD)
