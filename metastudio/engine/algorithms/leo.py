"""LEO: latent embedding optimisation.

Rusu, Rao, Sygnowski, Vinyals, Pascanu, Osindero, Hadsell: Meta-Learning with Latent Embedding Optimization, ICLR 2019,
arXiv:1807.05960.

A few pictures say too little to place thousands of weights. So a task is put into a short code for each class: an
encoder and a relation network look at all pairs of support images (equation 1), a decoder makes the head's weights of
the codes (equation 5), and the inner loop moves the codes, z' = z - α ∇_z L_support (equation 4); steps after those may
fine-tune the decoded weights. Both rates are learned.

How we differ: the body is learned with the rest, unless it is frozen as in the paper. Codes and weights are not drawn,
but their means taken: in adaptation as the paper does, and in training by default. Where they are drawn, the noise is a
function of the support images, so that a task gives the same gradient whenever it is computed; the weights' noise is
drawn once for a task and used again after every inner step, and not drawn anew. Without drawing there is no spread, and
the divergence is that of a spread of one: half the squared length of the code. Pairs are averaged so that each class
has the same say whatever its shots; no dropout, and no penalty on the weights' size. The terms beside the query loss
count nothing by default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.gradient.leo import LEOConfig
from metastudio.engine.algorithms.base import TaskResult, n_way_of
from metastudio.engine.algorithms.gradient_learner import FEATURES, AnyWayLearner
from metastudio.engine.algorithms.prototypes import prototypes_of
from metastudio.engine.backbones.network import HEAD, Weights
from metastudio.engine.inner_loop import UpdateRule
from metastudio.engine.tasks.episode import Episode, LabelledImages

_CODE = "code"
_TUNING = "fine-tuning"
_FIRST_CODE, _MEAN, _SPREAD, _NOISE = "first code", "mean of the code", "spread of the code", "noise of the weights"


class RelationEncoder(nn.Module):
    """Features (S, D) with labels (S,) to values for each class (N, V): equation (1)."""

    def __init__(self, feature_width: int, code_size: int, values: int) -> None:
        super().__init__()
        self.encode = nn.Linear(feature_width, code_size, bias=False)
        pair = 2 * code_size
        self.relate = nn.Sequential(
            nn.Linear(pair, pair, bias=False),
            nn.ReLU(),
            nn.Linear(pair, pair, bias=False),
            nn.ReLU(),
            nn.Linear(pair, values, bias=False),
        )

    def forward(self, features: Tensor, labels: Tensor, n_way: int) -> Tensor:
        """Return the mean over all pairs of a class's images with every image."""
        codes = self.encode(features)  # (S, L)
        count = len(codes)
        ones, others = codes[:, None].expand(-1, count, -1), codes[None].expand(count, -1, -1)  # (S, S, L)
        related = self.relate(torch.cat([ones, others], dim=2))  # (S, S, V)
        by_class = prototypes_of(related.transpose(0, 1).flatten(1), labels, n_way)  # (N, S * V): second of the pair
        return prototypes_of(by_class.mean(dim=0).view(count, -1), labels, n_way)  # (N, V)


class LEO(AnyWayLearner):
    """The state holds codes (N, L) and what fine-tuning adds to the decoded weights (N, D)."""

    config: LEOConfig

    def __init__(self, config: LEOConfig, backbone: nn.Module, *, n_way: int, statistics: Statistics) -> None:
        super().__init__(config, backbone, n_way=n_way, statistics=statistics)
        if config.is_frozen:
            self.network.freeze_backbone()
        moments = 2 if config.draws_codes else 1
        width = self.network.head.in_features
        self.encoder = RelationEncoder(width, config.code_size, moments * config.code_size)
        self.decoder = nn.Linear(config.code_size, moments * width, bias=False)
        self.code_rate = nn.Parameter(torch.tensor(config.inner_lr))
        fine_tuning_rate = torch.tensor(config.fine_tuning_lr)
        if config.inner_steps > config.code_steps:
            self.fine_tuning_rate = nn.Parameter(fine_tuning_rate)
        else:
            self.register_buffer("fine_tuning_rate", fine_tuning_rate)

    def initial_state(self, support: LabelledImages) -> Weights:
        """Return where a new task starts: at the means."""
        return self._start(support, None)

    def training_start(self, support: LabelledImages) -> Weights:
        """Return where a training task starts, drawn if that is wanted."""
        return self._start(support, _noise_of(support) if self.config.draws_codes else None)

    def _start(self, support: LabelledImages, noise: torch.Generator | None) -> Weights:
        state = self.with_features(self.body(), support)
        said = self.encoder(state[FEATURES], support.labels, n_way_of(support))  # (N, L) or (N, 2 L)
        mean, *spread = said.split(self.config.code_size, dim=1)
        code = mean
        if spread:
            state |= {_SPREAD: spread[0]}
        if noise is not None:
            code = mean + spread[0].exp() * _drawn(mean, noise)
            state |= {_NOISE: _drawn(mean.new_empty(len(mean), self.network.head.in_features), noise)}
        tuning = mean.new_zeros((len(mean), self.network.head.in_features), requires_grad=True)
        return state | {_MEAN: mean, _FIRST_CODE: code, _CODE: code, _TUNING: tuning}

    def adapted(self, state: Weights) -> Sequence[str]:  # noqa: ARG002
        """Return the codes, and what is added to the weights; a step moves one of them."""
        return (_CODE, _TUNING)

    def update_rule(self) -> UpdateRule:
        """Return the rule: first the codes move, then the weights themselves."""

        def update(state: Weights, gradients: Weights, step: int) -> Weights:
            name, rate = (_CODE, self.code_rate) if step < self.config.code_steps else (_TUNING, self.fine_tuning_rate)
            return state | {name: state[name] - rate * gradients[name]}

        return update

    def weights_of(self, state: Weights, step: int) -> Weights:  # noqa: ARG002
        """Return the body and the decoded head; a head of LEO has no bias."""
        weight, *spread = self.decoder(state[_CODE]).split(self.network.head.in_features, dim=1)  # (N, D)
        if _NOISE in state:
            weight = weight + spread[0].exp() * state[_NOISE]
        head = {f"{HEAD}weight": weight + state[_TUNING], f"{HEAD}bias": weight.new_zeros(len(weight))}
        return {name: state[name] for name in self.body()} | head

    def query_loss(self, episode: Episode, state: Weights, step: int) -> TaskResult:
        """Return the query loss with the terms beside it, equation (6)."""
        result = super().query_loss(episode, state, step)
        for weight, term in (
            (self.config.divergence_weight, divergence),
            (self.config.encoder_weight, encoder_distance),
        ):
            if weight:
                result.loss = result.loss + weight * term(state)
        if self.config.orthogonality_weight:
            result.loss = result.loss + self.config.orthogonality_weight * correlation(self.decoder.weight)
        return result


def divergence(state: Weights) -> Tensor:
    """Return the mean over classes of the divergence of the code from N(0, 1); its spread is one where none is said."""
    terms = state[_MEAN].pow(2)  # (N, L)
    if _SPREAD in state:
        terms = terms + (2 * state[_SPREAD]).exp() - 1 - 2 * state[_SPREAD]
    return terms.sum(dim=1).mean() / 2


def encoder_distance(state: Weights) -> Tensor:
    """Return how far the first codes lie from the adapted ones, which are constants here."""
    return (state[_CODE].detach() - state[_FIRST_CODE]).pow(2).sum(dim=1).mean()


def correlation(weight: Tensor) -> Tensor:
    """Return the mean squared correlation between what the values of a code do; weight is the decoder's (·, L)."""
    columns = weight / weight.pow(2).sum(dim=0).sqrt()
    return (columns.T @ columns - torch.eye(weight.shape[1], dtype=weight.dtype, device=weight.device)).pow(2).mean()


def _noise_of(support: LabelledImages) -> torch.Generator:
    """Return a source of noise that the support images alone decide."""
    content = support.images.detach().cpu().contiguous().numpy().tobytes() + bytes(support.labels.tolist())
    seed = int.from_bytes(hashlib.blake2b(content, digest_size=7).digest())
    return torch.Generator().manual_seed(seed)


def _drawn(like: Tensor, noise: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=noise, dtype=torch.float64).to(like)
