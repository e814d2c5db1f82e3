"""How hard classes are to tell apart: how many pictures lie nearer to another class, how far the centres are apart.

Classes are what they are to Prototypical Networks (Snell, Swersky, Zemel, NeurIPS 2017, arXiv:1703.05175): the centre
of a class is the mean of its pictures' features, and a picture is taken for the class with the nearest centre. Of two
classes,

* the *confusion* is the share of their pictures that lie nearer to the other one's centre: the leave-one-out error of
  the nearest-mean classifier of these two. Errors of a simple classifier are measures of complexity since Ho and Basu
  (Complexity Measures of Supervised Classification Problems, IEEE TPAMI 24(3), 2002);
* the *separation* is how far the centres lie apart, by the spread of the classes: the ratio of Davies and Bouldin (A
  Cluster Separation Measure, IEEE TPAMI 1(2), 1979) the other way round.

How we differ: a picture is compared with the centre of the *other* pictures of its class, or classes of few pictures
would look too easy. Both classes have the same say, whatever their numbers of pictures. The spread is the root mean
square distance from the centre, and what chance alone puts between two centres is taken off (decision 0052).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK_PICTURES = 2048
_TIE = 1e-5
"""Squared distances that differ by less than this share of the squared lengths behind them are the same."""
_COMPONENTS, _POWER_STEPS = 8, 8


@dataclass(frozen=True)
class ClassDistances:
    """What N classes are to each other.

    Attributes:
        confusion: (N, N) in [0, 1], symmetric; NaN on the diagonal, and where both classes have a single picture.
        separation: (N, N), symmetric, 0 or more; NaN on the diagonal, and where nothing is known of either's spread.
        places: (N, 2) of the centres in the plane in which they differ most (principal components).
        shown_share: How much of the centres' variance that plane shows, in [0, 1].
    """

    confusion: Tensor
    separation: Tensor
    places: Tensor
    shown_share: float


def class_distances(
    features: Tensor, labels: Tensor, *, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> ClassDistances:
    """Return how N classes lie to each other.

    Args:
        features: (n, D) of all pictures, in any order.
        labels: (n,) the class of each, 0 … N-1; each class has at least one.
        on_progress: Gets the numbers of pictures compared and of all; it may end the work by raising.
    """
    sizes = torch.bincount(labels).to(features.dtype)  # (N,)
    middle = features.mean(dim=0)  # taken off, or what all pictures share drowns the differences
    sums = features.new_zeros(len(sizes), features.shape[1]).index_add_(0, labels, features)
    centres = sums / sizes[:, None] - middle  # (N, D)
    lengths = centres.pow(2).sum(dim=1)  # (N,) squared
    without_one = (sizes / (sizes - 1)).pow(2)  # (N,) how much farther the centre of the others is; squared
    nearer, scatter, done = features.new_zeros(len(sizes), len(sizes)), torch.zeros_like(sizes), 0
    for block, own in zip(torch.split(features, _BLOCK_PICTURES), torch.split(labels, _BLOCK_PICTURES), strict=True):
        block = block - middle  # noqa: PLW2901 - (b, D)
        from_own = (block - centres[own]).pow(2).sum(dim=1)  # (b,)
        scatter.index_add_(0, own, from_own)
        scale = block.pow(2).sum(dim=1, keepdim=True) + lengths  # (b, N)
        gain = (from_own * without_one[own])[:, None] - (scale - 2 * block @ centres.T)  # (b, N)
        nearer.index_add_(0, own, (gain > _TIE * scale).to(scale) + 0.5 * (gain.abs() <= _TIE * scale))
        done += len(block)
        on_progress(done, len(features))
    shares = torch.where(sizes[:, None] > 1, nearer / sizes[:, None], torch.nan)  # (N, N) of the class of the row
    variance = scatter / (sizes - 1)  # (N,) NaN of a single picture
    places, shown_share = _map_of(centres)
    return ClassDistances(
        confusion=_mean_of_known(shares, shares.T).fill_diagonal_(torch.nan),
        separation=_separation(centres, variance, sizes).fill_diagonal_(torch.nan),
        places=places,
        shown_share=shown_share,
    )


def _separation(centres: Tensor, variance: Tensor, sizes: Tensor) -> Tensor:
    """Return the distance of the centres (N, N) by the spread of the two classes."""
    by_chance = (variance / sizes).nan_to_num()  # (N,) expected of each centre's own scatter
    squares = torch.cdist(centres.double(), centres.double()).pow(2) - by_chance[:, None] - by_chance
    squares = squares.clamp_min(0)
    within = _mean_of_known(variance[:, None].expand(-1, len(sizes)), variance.expand(len(sizes), -1))
    known = (squares / within).sqrt()
    return torch.where((squares == 0) & within.isfinite(), 0, known).to(centres)


def _mean_of_known(one: Tensor, other: Tensor) -> Tensor:
    """Return the mean of two numbers, or the one that is known."""
    return torch.stack([one, other]).nanmean(dim=0)


def _map_of(centres: Tensor) -> tuple[Tensor, float]:
    """Return where the centres (N, D) lie in the plane (N, 2) in which they differ most, and the share of that."""
    centred = (centres - centres.mean(dim=0)).double()
    total = centred.pow(2).sum()
    if total == 0:
        return centres.new_zeros(len(centres), 2), 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        most = min(_COMPONENTS, *centred.shape)
        directions = torch.pca_lowrank(centred, q=most, center=False, niter=_POWER_STEPS)[2][:, :2]  # (D, 1 or 2)
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    places = centred @ (directions * largest.sign())  # the sign is nobody's choice otherwise
    places = torch.nn.functional.pad(places, (0, 2 - places.shape[1]))
    return places.to(centres), float(places.pow(2).sum() / total)
