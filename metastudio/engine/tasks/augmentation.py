"""Random changes of training pictures, drawn for each episode by a generator of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.data_spec import Moments, Preprocessing
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
        self._draws = PictureDraws(augmentation, preprocessing, seed=seed)

    def later(self, episodes: Sequence[Episode], numbers: Sequence[int]) -> list[Episode]:
        """Return training episodes of one shape, whose pictures whoever takes one up changes: each on its own core.

        What is drawn for them is drawn now. Plain batches, which have no support, are changed whatever pictures were
        chosen.
        """
        chosen = self.augmentation.pictures
        roles = ("support", "query") if chosen == "all" else (chosen,)
        if not len(episodes[0].support):
            roles = ("query",)
        drawn = self._draws.of(numbers, sum(len(getattr(episodes[0], role)) for role in roles))
        moments = self.preprocessing.moments
        return [
            replace(episode, changes=_Changes(roles, moments, draws))
            for episode, draws in zip(episodes, drawn, strict=True)
        ]

    def changed(self, episodes: Sequence[Episode], numbers: Sequence[int]) -> list[Episode]:
        """Return training episodes of one shape, their pictures changed as chosen."""
        return [each.prepared() for each in self.later(episodes, numbers)]

    def draws(self, number: int, count: int) -> Draws:
        """Return what is drawn for the `count` pictures of episode `number`."""
        return self._draws.of([number], count)[0]


@dataclass(frozen=True)
class _Changes:
    """What the pictures of one episode have yet to go through; light, because it travels with it."""

    roles: tuple[str, ...]
    moments: Moments | None
    draws: Draws

    def __call__(self, episode: Episode) -> Episode:
        parts = [getattr(episode, role) for role in self.roles]
        images = torch.cat([each.images for each in parts])
        images = normalized(change(unnormalized(images, self.moments), self.draws), self.moments)
        split = torch.split(images, [len(each) for each in parts])
        now = {
            role: LabelledImages(seen, part.labels) for role, seen, part in zip(self.roles, split, parts, strict=True)
        }
        support, query = now.get("support", episode.support), now.get("query", episode.query)
        return replace(episode, support=support, query=query, changes=None)


@torch.no_grad()
def change(images: Tensor, draws: Draws) -> Tensor:
    """Return images (B, C, H, W) changed, in [0, 1] before and after; channels lie last in memory.

    On one thread a picture becomes the same bit for bit whatever others it is changed with.
    """
    at_once = max(1, _MOST_VALUES // max(1, images[:1].numel()))
    changed = images.new_empty(images.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)
    for start in range(0, len(images), at_once):
        block = slice(start, start + at_once)
        of_block = _change_block(images[block], {name: each[block] for name, each in draws.items()})
        torch.clamp(of_block, 0, 1, out=changed[block])
    return changed


def _change_block(images: Tensor, draws: Draws) -> Tensor:
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
        images = contrasted(images, numbers("contrast"))
    if "saturation" in draws:
        images = saturated(images, numbers("saturation"))
    if "hue" in draws:
        images = hued(images, numbers("hue"))
    if "erase" in draws:
        images = erased(images, draws["erase"])
    if "blur" in draws:
        images = blurred(images, draws["blur"])
    return images
