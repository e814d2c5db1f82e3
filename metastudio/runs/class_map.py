"""What classes are to each other, as window and command line look at it: confusable pairs, and a map."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from metastudio.errors import Message
from metastudio.images.file_list import ImageFile
from metastudio.runs.questions import ClassDistancesAnswer

PICTURES_OF_A_CLASS = 20
"""How many pictures of each class are compared."""
MOST_CLASSES = 3000
"""A map of more would be too large to hand over: it has a number for each two classes."""


_FAR, _LEAST_DIFFERENCE, _OF_NO_PAIR = 100.0, 1e-4, -10.0
"""Separations above are alike; all of them together count less than a difference of confusion; below is no pair."""


@dataclass(frozen=True)
class ClassPair:
    """Two classes, the one whose name comes first first.

    Attributes:
        first: Its name.
        second: The other's.
        confusion: Share in [0, 1] of their pictures that lie nearer to the other class; NaN where that is unknown.
        separation: How far their centres lie apart, in spreads of the classes; NaN where that is unknown.
    """

    first: str
    second: str
    confusion: float
    separation: float

    def about(self) -> Message:
        """Return what stands against the pair, as a sentence without its point."""
        if np.isnan(self.confusion):
            return Message("one picture of each says nothing about how far they differ")
        if self.confusion > 0:
            share = f"{100 * self.confusion:.0f}" if self.confusion >= 0.01 else f"{100 * self.confusion:.1f}"
            return Message("{share} % of their pictures lie nearer to the other class", {"share": share})
        if np.isnan(self.separation):
            return Message("none of their pictures lies nearer to the other class")
        template = "none of their pictures lies nearer to the other class; their centres are {distance} spreads apart"
        return Message(template, {"distance": f"{self.separation:.1f}"})


@dataclass(frozen=True)
class ClassMap:
    """N classes and how hard they are to tell apart; what the numbers mean is said in `engine/class_distances.py`.

    Attributes:
        names: Of the N classes.
        pictures: How many pictures of each were compared.
        places: (N, 2) where each lies on the map.
        shown_share: How much of the differences the map shows, in [0, 1].
        confusion: (N, N) shares in [0, 1]; NaN where unknown and on the diagonal.
        separation: (N, N) in spreads; NaN where unknown and on the diagonal.
        iteration: Of the checkpoint whose features were compared; None for raw pixels.
        trained_on: How many of the classes the model was trained on.
        problems: What was left out and why, each a sentence.
    """

    names: tuple[str, ...]
    pictures: tuple[int, ...]
    places: NDArray[np.float64] = field(repr=False)
    shown_share: float
    confusion: NDArray[np.float32] = field(repr=False)
    separation: NDArray[np.float32] = field(repr=False)
    iteration: int | None = None
    trained_on: int = 0
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: ClassDistancesAnswer) -> ClassMap:
        """Return what an answer says."""
        count = len(answer.names)
        return cls(
            names=answer.names,
            pictures=answer.pictures,
            places=np.array(answer.places, dtype=np.float64).reshape(count, 2),
            shown_share=answer.shown_share,
            confusion=unpacked(answer.confusion, count),
            separation=unpacked(answer.separation, count),
            iteration=answer.iteration,
            trained_on=answer.trained_on,
            problems=answer.problems,
        )

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each class stands among the names."""
        return {name: position for position, name in enumerate(self.names)}

    def among(self, names: Collection[str]) -> ClassMap:
        """Return the map of those of its classes that are named, in the order of this map."""
        rows = [position for position, name in enumerate(self.names) if name in names]
        if len(rows) == len(self.names):
            return self
        both = np.ix_(rows, rows)
        return ClassMap(
            names=tuple(self.names[row] for row in rows),
            pictures=tuple(self.pictures[row] for row in rows),
            places=self.places[rows],
            shown_share=self.shown_share,
            confusion=self.confusion[both],
            separation=self.separation[both],
            iteration=self.iteration,
            trained_on=self.trained_on,
            problems=self.problems,
        )

    def pairs(self, most: int, *, of: Collection[str] | None = None) -> tuple[ClassPair, ...]:
        """Return the pairs that are hardest to tell apart, the hardest first: by confusion, then by separation.

        Args:
            most: How many.
            of: One of each pair is one of these classes; any where None.
        """
        hardness = self._hardness
        if of is not None:
            is_wanted = np.array([name in of for name in self.names], bool)
            hardness = np.where(is_wanted[:, None] | is_wanted, hardness, -np.inf)
        if not hardness.size or most < 1:
            return ()
        best = np.sort(hardness.max(axis=1))[::-1]  # of each row
        least = max(_OF_NO_PAIR, best[most - 1]) if most <= len(best) else _OF_NO_PAIR
        first, second = np.nonzero(hardness >= least)  # at least `most` pairs, where there are so many
        order = np.argsort(-hardness[first, second], kind="stable")[:most]
        return tuple(self._pair_at(row, column) for row, column in zip(first[order], second[order], strict=True))

    @cached_property
    def _hardness(self) -> NDArray[np.float32]:
        """What pairs are ordered by, (N, N): confusion, then separation; minus infinity where there is no pair."""
        near = np.nan_to_num(self.separation, nan=np.inf).clip(max=_FAR)
        near *= np.float32(_LEAST_DIFFERENCE / _FAR)
        hardness: NDArray[np.float32] = np.nan_to_num(self.confusion, nan=-1) - near
        hardness[np.tri(len(self.names), dtype=bool)] = -np.inf
        return hardness

    def _pair_at(self, row: int, column: int) -> ClassPair:
        confusion, separation = float(self.confusion[row, column]), float(self.separation[row, column])
        return ClassPair(self.names[row], self.names[column], confusion, separation)

    def pair(self, first: str, second: str) -> ClassPair:
        """Return what two of the classes are to each other.

        Raises:
            KeyError: if one is not on the map.
        """
        one, other = sorted((self.positions[first], self.positions[second]))
        return self._pair_at(one, other)

    @cached_property
    def nearest(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each class (N,), which other one is the nearest, and how many spreads away; -1 and NaN where unknown."""
        if len(self.names) < 2:
            return np.full(len(self.names), -1), np.full(len(self.names), np.nan).astype(np.float32)
        known = np.where(np.isnan(self.separation), np.inf, self.separation)
        which = known.argmin(axis=1)
        distance = self.separation[np.arange(len(which)), which]
        return np.where(np.isnan(distance), -1, which), distance

    def mean_confusion(self, names: Collection[str]) -> float:
        """Return the mean confusion of every two of these classes, in [0, 1]; NaN where nothing is known."""
        rows = sorted({self.positions[name] for name in names if name in self.positions})
        shares = self.confusion[np.ix_(rows, rows)]
        return float(np.nanmean(shares)) if np.isfinite(shares).any() else float("nan")


def compared(files: Sequence[ImageFile], *, most: int = PICTURES_OF_A_CLASS) -> tuple[str, ...]:
    """Return the paths of at most so many files of a class, evenly chosen."""
    count = min(most, len(files))
    return tuple(files[number * len(files) // count].path for number in range(count))


def packed(square: NDArray[np.float32]) -> str:
    """Return a symmetric (N, N) without its diagonal as text: half floats of each row right of it, in base64."""
    half = square[~np.tri(len(square), dtype=bool)].astype("<f2")
    return base64.b64encode(half.tobytes()).decode("ascii")


def unpacked(text: str, count: int) -> NDArray[np.float32]:
    """Return the (N, N) that `packed` made a text of, NaN on the diagonal.

    Raises:
        ValueError: if the text has not the length for `count` classes.
    """
    half = np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
    if len(half) != count * (count - 1) // 2:
        raise ValueError(f"{len(half)} numbers are not the pairs of {count} classes")
    square = np.full((count, count), np.nan, np.float32)
    is_right = ~np.tri(count, dtype=bool)
    square[is_right] = half
    return np.where(is_right.T, square.T, square)
