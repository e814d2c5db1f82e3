"""MMAML.

Vuorio, Sun, Hu, Lim: Multimodal Model-Agnostic Meta-Learning via Task-Aware Modulation, NeurIPS 2019,
arXiv:1910.13616.

Where tasks come from several kinds of data, one starting point is a compromise between the kinds. A task encoder looks
at the support set and gives a vector υ; from it, linear layers make τ, a scale and a shift for every filter (FiLM, the
paper's best). The network is always called with the modulated weights θ ⊙ τ; MAML's inner loop moves θ, and τ stays.

How we differ: the encoder sees pictures without their classes' numbers, which are permuted in every episode, and gives
each class the same say whatever its shots; it has no statistics of a batch. τ changes the scale and shift of the
normalisation after each filter (a filter's own scale would be normalised away), and begins where it changes nothing: a
fresh MMAML is MAML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.mmaml import MMAMLConfig
from metastudio.engine.algorithms.base import LearnedTable, n_way_of
from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.algorithms.prototypes import prototypes_of
from metastudio.engine.backbones.convolution import Convolution
from metastudio.engine.backbones.film import modulated, normalisation_layers
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import Episode, LabelledImages

TAU = "tau"
_WIDTH = 32
_BLOCKS = 3
_FEWEST_TASKS = 3
"""Two always lie on a line, and one nowhere."""


class TaskEncoder(nn.Module):
    """A support set to one vector υ (V,), whatever the order of its images and the numbers of its classes."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        widths = [channels] + [_WIDTH] * _BLOCKS
        self.convolutions = nn.ModuleList(Convolution(before, after, stride=2) for before, after in pairwise(widths))
        self.norms = nn.ModuleList(nn.GroupNorm(1, _WIDTH) for _ in range(_BLOCKS))
        self.embedding = nn.Linear(_WIDTH, size)

    def forward(self, support: LabelledImages) -> Tensor:
        """Return υ (V,)."""
        maps = support.images  # (S, C, H, W)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            maps = F.gelu(norm(convolution(maps)))  # (S, width, H/2, W/2)
        classes = prototypes_of(maps.mean(dim=(2, 3)), support.labels, n_way_of(support))  # (N, width)
        embedding: Tensor = self.embedding(classes.mean(dim=0))
        return embedding


class MMAML(GradientLearner):
    """MAML under a modulation that the support set says. The state holds it, τ, beside the weights."""

    def __init__(self, config: MMAMLConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        channels = next(layer.in_channels for layer in backbone.modules() if isinstance(layer, nn.Conv2d))
        self._layers = {name: len(layer.weight) for name, layer in normalisation_layers(self.network).items()}
        self.task_encoder = TaskEncoder(channels, config.embedding_size)
        self.modulation = nn.Linear(config.embedding_size, 2 * sum(self._layers.values()))
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def task_embedding(self, support: LabelledImages) -> Tensor:
        """Return what the encoder makes of a task, υ (V,)."""
        embedding: Tensor = self.task_encoder(support)
        return embedding

    def learned(self, tasks: Iterable[Episode] = ()) -> tuple[LearnedTable, ...]:
        """Return where tasks lie in the plane in which their embeddings differ most (principal components)."""
        with torch.no_grad():
            named = [(_named(task), self.task_embedding(task.support).double()) for task in tasks]
            if len(named) < _FEWEST_TASKS:
                return ()
            embeddings = torch.stack([embedding for _, embedding in named])  # (E, V)
            centred = embeddings - embeddings.mean(dim=0)
            directions = torch.linalg.svd(centred, full_matrices=False).Vh[:2]  # (2, V)
            largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
            places = centred @ (directions * largest.sign()).T  # (E, 2)
        columns = ("first component", "second component")
        rows = tuple(name for name, _ in named)
        values = tuple(map(tuple, places.tolist()))
        return (LearnedTable("Task embedding", rows, columns, values, shape="points", axes=columns),)

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return θ, and τ(υ): 2 C numbers for each layer of C filters, one after another."""
        return super().initial_state(support) | {TAU: self.modulation(self.task_embedding(support))}

    def adapted(self, state: Weights) -> Sequence[str]:
        """Return the names of θ."""
        return tuple(name for name in state if name != TAU)

    def weights_of(self, state: Weights, step: int) -> Weights:  # noqa: ARG002
        """Return θ ⊙ τ."""
        weights = {name: value for name, value in state.items() if name != TAU}
        tau = torch.split(state[TAU], [2 * each for each in self._layers.values()])
        for layer, scale_and_shift in zip(self._layers, tau, strict=True):
            scale, shift = scale_and_shift.chunk(2)  # (C,) each
            weights = modulated(weights, layer, scale, shift)
        return weights


def _named(task: Episode) -> str:
    """Return the groups that the classes of a task come from, ``Greek, Latin``; the classes where they have none."""
    groups = dict.fromkeys(name.rpartition("/")[0] or name for name in task.classes)
    return ", ".join(groups)
