"""Random changes of training pictures, drawn for each by a generator of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.tasks.colour_changes import brightened, contrasted, hued, saturated
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.tasks.picture_changes import blurred, erased, mirrored, moved
from metastudio.engine.tasks.picture_draws import Draws, PictureDraws
from metastudio.engine.tasks.pixels import normalized, unnormalized

_MOST_VALUES = 4_000_000
"""Numbers changed at once: the copies on the way to an augmented picture take some ten times their memory."""


class Augmenter:
    """Changes the pictures of episodes. What becomes of episode i is a pure function of (seed, i): no state is kept."""

    def __init__(self, augmentation: Augmentation, preprocessing: Preprocessing, *, seed: int) -> None:
        self.augmentation = augmentation
        self.preprocessing = preprocessing
        self.changes = augmentation.effective(preprocessing)
        self._draws = PictureDraws(augmentation, self.changes, side=preprocessing.image_size, seed=seed)

    def later(self, episodes: Sequence[Episode], numbers: Sequence[int]) -> list[Episode]:
        """Return training episodes of one shape, whose pictures whoever takes one up changes: each on its own core.

        What is drawn for them is drawn now.
        """
        count = sum(len(getattr(episodes[0], role)) for role in self._roles(episodes[0]))
        drawn = self._draws.of(numbers, count)
        return [
            replace(episode, changes=partial(self._changed, draws=draws))
            for episode, draws in zip(episodes, drawn, strict=True)
        ]

    def changed(self, episodes: Sequence[Episode], numbers: Sequence[int]) -> list[Episode]:
        """Return training episodes of one shape, their pictures changed as chosen.

        Plain batches, which have no support, are changed whatever pictures were chosen.
        """
        return [each.prepared() for each in self.later(episodes, numbers)]

    def draws(self, number: int, count: int) -> Draws:
        """Return what is drawn for the `count` pictures of episode `number`."""
        return self._draws.of([number], count)[0]

    @torch.no_grad()
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        """Return images (B, C, H, W) changed, in [0, 1] before and after; channels lie last in memory.

        On one thread a picture becomes the same bit for bit whatever others it is changed with.
        """
        at_once = max(1, _MOST_VALUES // max(1, images[:1].numel()))
        changed = images.new_empty(images.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)
        for start in range(0, len(images), at_once):
            block = slice(start, start + at_once)
            of_block = self._change_block(images[block], {name: each[block] for name, each in draws.items()})
            torch.clamp(of_block, 0, 1, out=changed[block])
        return changed

    def _roles(self, episode: Episode) -> tuple[str, ...]:
        """Return of which parts of an episode the pictures are changed."""
        if not len(episode.support):
            return ("query",)
        return {"all": ("support", "query")}.get(self.augmentation.pictures, (self.augmentation.pictures,))

    def _changed(self, episode: Episode, draws: Draws) -> Episode:
        parts = {role: getattr(episode, role) for role in self._roles(episode)}
        images = torch.cat([each.images for each in parts.values()])
        images = self.change(unnormalized(images, self.preprocessing), draws)
        split = torch.split(normalized(images, self.preprocessing), [len(each) for each in parts.values()])
        now = {role: LabelledImages(seen, parts[role].labels) for role, seen in zip(parts, split, strict=True)}
        support, query = now.get("support", episode.support), now.get("query", episode.query)
        return replace(episode, support=support, query=query, changes=None)

    def _change_block(self, images: Tensor, draws: Draws) -> Tensor:
        def numbers(name: str) -> Tensor:
            return torch.from_numpy(draws[name])

        images = images.contiguous()  # a plane for each channel: twice as fast for colours
        if "flip" in draws:
            images = mirrored(images, chosen=draws["flip"])
        if "move" in draws:
            images = moved(images, draws["move"])
        if "brightness" in draws:
            images = brightened(images, numbers("brightness"))
        if "contrast" in draws:
            images = contrasted(images, 1 + numbers("contrast"))
        if "saturation" in draws:
            images = saturated(images, 1 + numbers("saturation"))
        if "hue" in draws:
            images = hued(images, numbers("hue"))
        if "erase" in draws:
            images = erased(images, draws["erase"])
        if "blur" in draws:
            images = blurred(images, draws["blur"])
        return images
