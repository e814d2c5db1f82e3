"""Random changes of training pictures, drawn for each by a generator of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.tasks.colour_changes import brightened, contrasted, hued, saturated
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.tasks.picture_changes import Motion, Rectangles, blurred, erased, moved
from metastudio.engine.tasks.pixels import normalized, unnormalized

Drawn = NDArray[np.floating[Any]]
"""(B, 5) numbers in [0, 1), a row for each picture."""
Draws = Mapping[str, Drawn]
"""What is drawn for each change that is made."""

_STREAM = 0xA06
_NUMBERS = 5
_MOST_VALUES = 4_000_000
"""Numbers changed at once: the copies on the way to an augmented picture take some ten times their memory."""
_LEAST_SIGMA_PX = 0.1
_HALF = 0.5
_GEOMETRIC = {"rotate", "shift", "scale", "crop"}


class Augmenter:
    """Changes the pictures of episodes. What becomes of episode i is a pure function of (seed, i): no state is kept.

    Each change has a stream of its own, so that switching one on leaves what is drawn for the others as it was.
    """

    def __init__(self, augmentation: Augmentation, preprocessing: Preprocessing, *, seed: int) -> None:
        self.augmentation = augmentation
        self.seed = seed
        self._preprocessing = preprocessing
        self.changes = augmentation.effective(preprocessing)

    def later(self, episode: Episode, number: int) -> Episode:
        """Return training episode `number`, whose pictures whoever takes it up changes: each task on its own core."""
        return replace(episode, changes=partial(self.changed, number=number))

    def changed(self, episode: Episode, number: int) -> Episode:
        """Return training episode `number`, its pictures changed as chosen.

        Plain batches, which have no support, are changed whatever pictures were chosen.
        """
        roles = {"all": ("support", "query")}.get(self.augmentation.pictures, (self.augmentation.pictures,))
        parts = {role: getattr(episode, role) for role in (roles if len(episode.support) else ("query",))}
        images = torch.cat([each.images for each in parts.values()])
        images = self.change(unnormalized(images, self._preprocessing), self.draws(number, len(images)))
        split = torch.split(normalized(images, self._preprocessing), [len(each) for each in parts.values()])
        now = {role: LabelledImages(seen, parts[role].labels) for role, seen in zip(parts, split, strict=True)}
        support, query = now.get("support", episode.support), now.get("query", episode.query)
        return replace(episode, support=support, query=query, changes=None)

    def draws(self, number: int, count: int) -> Draws:
        """Return what is drawn for the `count` pictures of episode `number`."""
        found = {}
        for place, name in enumerate(STRENGTHS):
            if name in self.changes:
                sequence = np.random.SeedSequence([self.seed, _STREAM, number, place])
                numbers = np.random.Generator(np.random.PCG64(sequence)).random((count, _NUMBERS), np.float32)
                found[name] = numbers
        return found

    @torch.no_grad()
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        """Return images (B, C, H, W) changed, in [0, 1] before and after; channels stay last in memory.

        A picture becomes the same bit for bit whatever others it is changed with.
        """
        at_once = max(1, _MOST_VALUES // max(1, images[:1].numel()))
        changed = images.new_empty(images.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)
        for start in range(0, len(images), at_once):
            block = slice(start, start + at_once)
            changed[block] = self._change_block(images[block], {name: each[block] for name, each in draws.items()})
        return changed

    def _change_block(self, images: Tensor, draws: Draws) -> Tensor:
        if "flip" in draws:
            images = torch.where(_tensor(draws["flip"][:, 0] < _HALF)[:, None, None, None], images.flip(3), images)
        if _GEOMETRIC & draws.keys():
            images = moved(images, self._motion(draws, len(images), images.shape[-1]))
        images = self._coloured(images, draws)
        if "erase" in draws:
            images = self._erased(images, draws["erase"])
        if "blur" in draws:
            images = self._blurred(images, draws["blur"])
        return images.clamp(0, 1)

    def _share(self, name: str) -> float:
        return float(getattr(self.augmentation, STRENGTHS[name])) / 100

    def _motion(self, draws: Draws, count: int, side: int) -> Motion:
        """Return how pictures are turned, shifted, scaled and cut out: in one sampling, so that they stay sharp."""
        motion = Motion.none(count)
        if "rotate" in draws:
            motion = motion._replace(angle=_either_way(draws["rotate"][:, 0]) * self.augmentation.rotate_degrees)
        if "scale" in draws:
            motion = motion._replace(scale=1 + _either_way(draws["scale"][:, 0]) * self._share("scale"))
        if "shift" in draws:
            motion = motion._replace(shift=_either_way(draws["shift"][:, :2]) * (self._share("shift") * side))
        if "crop" in draws:
            off = draws["crop"][:, 0] * self._share("crop")
            larger = 1 / (1 - off)
            aside = _either_way(draws["crop"][:, 1:3]) * (larger * off * side / 2)[:, None]
            motion = motion._replace(larger=larger, aside=aside)
        return motion

    def _coloured(self, images: Tensor, draws: Draws) -> Tensor:
        def numbers(name: str) -> Tensor:
            return _tensor(_either_way(draws[name][:, 0]) * self._share(name))

        if "brightness" in draws:
            images = brightened(images, numbers("brightness"))
        if "contrast" in draws:
            images = contrasted(images, 1 + numbers("contrast"))
        if "saturation" in draws:
            images = saturated(images, 1 + numbers("saturation"))
        if "hue" in draws:
            images = hued(images, numbers("hue"))
        return images

    def _erased(self, images: Tensor, drawn: Drawn) -> Tensor:
        side = images.shape[-1]
        area = drawn[:, 0] * (self._share("erase") * side * side)
        tall = np.exp2(_either_way(drawn[:, 1]))  # from twice as wide as high to twice as high as wide
        height = np.minimum(np.sqrt(area * tall), side)
        width = np.minimum(area / np.maximum(height, 1e-6), side)
        left, top = drawn[:, 2] * (side - width), drawn[:, 3] * (side - height)
        return erased(images, Rectangles(left, top, width, height), chosen=drawn[:, 4] < _HALF)

    def _blurred(self, images: Tensor, drawn: Drawn) -> Tensor:
        most = max(self._share("blur") * images.shape[-1], 2 * _LEAST_SIGMA_PX)
        return blurred(images, _LEAST_SIGMA_PX + drawn[:, 0] * (most - _LEAST_SIGMA_PX), most)


def _either_way(drawn: Drawn) -> Drawn:
    """Return numbers in [0, 1) as numbers in [-1, 1)."""
    return 2 * drawn - 1


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
