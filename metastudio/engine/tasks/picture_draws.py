"""What is drawn for each picture that is augmented: a number for each change, worked out to what pixels need.

Numbers come from one generator for each episode, and are made in numpy, whose small operations cost less than torch's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.tasks.picture_changes import Motion, Rectangles, gaussians

Draws = Mapping[str, NDArray[Any]]
"""What each change needs, a row for each picture: `flip` a truth (none where pictures are moved, which does it too),
`move` a matrix, `erase` a rectangle, `blur` weights, changes of colour a number (1, 1, 1)."""

_Numbers = Mapping[str, NDArray[np.float32]]
"""(B, 5) numbers in [0, 1) for each setting that is on."""

_STREAM = 0xA06
_NUMBERS = 5
_HALF = 0.5
_LEAST_SIGMA_PX = 0.1
_OF_COLOUR = {"brightness": 0, "contrast": 1, "saturation": 1, "hue": 0}
"""Each change of colour, and the number that changes nothing."""
_GEOMETRIC = frozenset({"rotate", "shift", "scale", "crop"})


class PictureDraws:
    """Draws for pictures that are prepared in one way. What is drawn for episode i is a pure function of (seed, i)."""

    def __init__(self, augmentation: Augmentation, preprocessing: Preprocessing, *, seed: int) -> None:
        self.side = preprocessing.image_size
        self.seed = seed
        self._changes = frozenset(augmentation.effective(preprocessing))
        self._degrees = augmentation.rotate_degrees
        self._shares = {name: getattr(augmentation, field) / 100 for name, field in STRENGTHS.items() if field}

    def of(self, numbers: Sequence[int], count: int) -> list[Draws]:
        """Return what is drawn for the `count` pictures of each of these episodes.

        Numbers of all changes are drawn, so that switching one on leaves what is drawn for the others as it was.
        """
        drawn = np.concatenate([self._drawn(number, count) for number in numbers], 1)  # (changes, B, 5)
        found = self._worked_out(
            {name: each for name, each in zip(STRENGTHS, drawn, strict=True) if name in self._changes}
        )
        blocks = [slice(start, start + count) for start in range(0, len(numbers) * count, count)]
        return [{name: each[block] for name, each in found.items()} for block in blocks]

    def _drawn(self, number: int, count: int) -> NDArray[np.float32]:
        sequence = np.random.SeedSequence([self.seed, _STREAM, number])
        return np.random.Generator(np.random.PCG64(sequence)).random((len(STRENGTHS), count, _NUMBERS), np.float32)

    def _worked_out(self, numbers: _Numbers) -> Draws:
        found: dict[str, NDArray[Any]] = {}
        if "flip" in numbers:
            found["flip"] = numbers["flip"][:, 0] < _HALF
        if _GEOMETRIC & numbers.keys():
            found["move"] = self._motion(numbers).matrices(self.side)
            if "flip" in found:  # in the same sampling: where a pixel comes from lies on the other side
                found["move"][found.pop("flip"), 0] *= -1
        for name, around in _OF_COLOUR.items():
            if name in numbers:
                drawn = around + _either_way(numbers[name][:, 0]) * self._shares[name]
                found[name] = drawn.reshape(-1, 1, 1, 1)
        if "erase" in numbers:
            found["erase"] = self._rectangles(numbers["erase"])
        if "blur" in numbers:
            most = max(self._shares["blur"] * self.side, 2 * _LEAST_SIGMA_PX)
            found["blur"] = gaussians(_LEAST_SIGMA_PX + numbers["blur"][:, 0] * (most - _LEAST_SIGMA_PX), most)
        return found

    def _motion(self, numbers: _Numbers) -> Motion:
        """Return how pictures are turned, shifted, scaled and cut out: in one sampling, so that they stay sharp."""
        motion = Motion.none(len(next(iter(numbers.values()))))
        if "rotate" in numbers:
            motion = motion._replace(angle=_either_way(numbers["rotate"][:, 0]) * self._degrees)
        if "scale" in numbers:
            motion = motion._replace(scale=1 + _either_way(numbers["scale"][:, 0]) * self._shares["scale"])
        if "shift" in numbers:
            motion = motion._replace(shift=_either_way(numbers["shift"][:, :2]) * (self._shares["shift"] * self.side))
        if "crop" in numbers:
            off = numbers["crop"][:, 0] * self._shares["crop"]
            larger = 1 / (1 - off)
            aside = _either_way(numbers["crop"][:, 1:3]) * (larger * off * self.side / 2)[:, None]
            motion = motion._replace(larger=larger, aside=aside)
        return motion

    def _rectangles(self, drawn: NDArray[Any]) -> NDArray[np.int64]:
        """Return a rectangle for about every second picture, from twice as wide as high to twice as high as wide."""
        side = self.side
        area = drawn[:, 0] * (self._shares["erase"] * side * side) * (drawn[:, 4] < _HALF)
        tall = np.exp2(_either_way(drawn[:, 1]))
        height = np.minimum(np.sqrt(area * tall), side)
        width = np.minimum(area / np.maximum(height, 1e-6), side)
        left, top = drawn[:, 2] * (side - width), drawn[:, 3] * (side - height)
        return Rectangles(left, top, width, height).pixels()


def _either_way(drawn: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in [0, 1) as numbers in [-1, 1)."""
    return 2 * drawn - 1
