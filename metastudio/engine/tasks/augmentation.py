"""Random changes of training pictures by kornia, each drawn by our own generator.

Importing this takes kornia with it, a second of work: whoever needs it imports it where augmentation is on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from kornia.enhance import (
    adjust_brightness,
    adjust_contrast_with_mean_subtraction,
    adjust_hue,
    adjust_saturation_with_gray_subtraction,
)
from kornia.filters import gaussian_blur2d
from kornia.geometry.bbox import bbox_generator, bbox_to_mask
from kornia.geometry.transform import get_affine_matrix2d, hflip, warp_affine
from torch import Tensor

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.tasks.pixels import normalized, unnormalized

Draws = Mapping[str, Tensor]
"""For each change that is made, (B, 5) numbers in [0, 1), a row for each picture."""

_STREAM = 0xA06
_NUMBERS = 5
_MOST_VALUES = 4_000_000
"""Numbers changed at once: the copies on the way to an augmented picture take some ten times their memory."""
_LEAST_SIGMA_PX = 0.1
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

    def meta_batch(self, episodes: Sequence[Episode], first: int) -> list[Episode]:
        """Return the training episodes with numbers `first` and following, their pictures changed as chosen.

        Plain batches, which have no support, are changed whatever pictures were chosen.
        """
        chosen = [self._chosen(episode) for episode in episodes]
        images = [image for pictures in chosen for image in pictures.values()]
        counts = [sum(map(len, pictures.values())) for pictures in chosen]
        draws = [self.draws(first + place, count) for place, count in enumerate(counts)]
        together = {name: torch.cat([each[name] for each in draws]) for name in self.changes}
        pictures = unnormalized(torch.cat(images), self._preprocessing)
        seen = normalized(self.change(pictures, together), self._preprocessing)
        changed = iter(torch.split(seen, [len(each) for each in images]))
        return [
            _with_pictures(episode, {role: next(changed) for role in pictures})
            for episode, pictures in zip(episodes, chosen, strict=True)
        ]

    def draws(self, number: int, count: int) -> Draws:
        """Return what is drawn for the `count` pictures of episode `number`."""
        found = {}
        for place, name in enumerate(STRENGTHS):
            if name in self.changes:
                sequence = np.random.SeedSequence([self.seed, _STREAM, number, place])
                numbers = np.random.Generator(np.random.PCG64(sequence)).random((count, _NUMBERS), np.float32)
                found[name] = torch.from_numpy(numbers)
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

    def _chosen(self, episode: Episode) -> dict[str, Tensor]:
        """Return the images to be changed, by the name of their role."""
        roles = {"all": ("support", "query")}.get(self.augmentation.pictures, (self.augmentation.pictures,))
        if not len(episode.support):
            roles = ("query",)
        return {role: getattr(episode, role).images for role in roles}

    def _change_block(self, images: Tensor, draws: Draws) -> Tensor:
        if "flip" in draws:
            images = torch.where(_every_second(draws["flip"][:, 0]), hflip(images), images)
        if _GEOMETRIC & draws.keys():
            images = self._moved(images, draws)
        images = self._coloured(images, draws)
        if "erase" in draws:
            images = self._erased(images, draws["erase"])
        if "blur" in draws:
            images = self._blurred(images, draws["blur"])
        return images.clamp(0, 1)

    def _share(self, name: str) -> float:
        return float(getattr(self.augmentation, STRENGTHS[name])) / 100

    def _moved(self, images: Tensor, draws: Draws) -> Tensor:
        """Return images turned, shifted, scaled and cut out, all in one sampling so that they stay sharp."""
        count, side = len(images), images.shape[-1]
        centre = images.new_full((count, 2), (side - 1) / 2)
        angle, shift = images.new_zeros(count), images.new_zeros(count, 2)
        scale = images.new_ones(count)
        if "rotate" in draws:
            angle = _either_way(draws["rotate"][:, 0]) * self.augmentation.rotate_degrees
        if "scale" in draws:
            scale = scale + _either_way(draws["scale"][:, 0]) * self._share("scale")
        if "shift" in draws:
            shift = _either_way(draws["shift"][:, :2]) * self._share("shift") * side
        matrix = get_affine_matrix2d(shift, centre, scale[:, None].expand(-1, 2), angle)  # (B, 3, 3)
        if "crop" in draws:
            off = draws["crop"][:, 0] * self._share("crop")
            larger = 1 / (1 - off)
            aside = _either_way(draws["crop"][:, 1:3]) * (larger * off * side / 2)[:, None]
            matrix = get_affine_matrix2d(aside, centre, larger[:, None].expand(-1, 2), torch.zeros_like(angle)) @ matrix
        moved: Tensor = warp_affine(images, matrix[:, :2], (side, side), padding_mode="border")
        return moved

    def _coloured(self, images: Tensor, draws: Draws) -> Tensor:
        if "brightness" in draws:
            images = adjust_brightness(images, _either_way(draws["brightness"][:, 0]) * self._share("brightness"))
        if "contrast" in draws:
            factor = 1 + _either_way(draws["contrast"][:, 0]) * self._share("contrast")
            images = adjust_contrast_with_mean_subtraction(images, factor)
        if "saturation" in draws:
            factor = 1 + _either_way(draws["saturation"][:, 0]) * self._share("saturation")
            images = adjust_saturation_with_gray_subtraction(images, factor)
        if "hue" in draws:
            images = adjust_hue(images, _either_way(draws["hue"][:, 0]) * self._share("hue") * 2 * math.pi)
        return images

    def _erased(self, images: Tensor, drawn: Tensor) -> Tensor:
        side = images.shape[-1]
        area = drawn[:, 0] * self._share("erase") * side * side
        tall = torch.exp2(_either_way(drawn[:, 1]))  # from twice as wide as high to twice as high as wide
        height = (area * tall).sqrt().clamp(max=side)
        width = (area / height.clamp(min=1e-6)).clamp(max=side)
        left, top = drawn[:, 2] * (side - width), drawn[:, 3] * (side - height)
        box = bbox_generator(left, top, width, height)  # (B, 4, 2)
        is_inside = bbox_to_mask(box, side, side)[:, None] > 0  # (B, 1, H, W)
        return torch.where(is_inside & _every_second(drawn[:, 4]), images.mean((2, 3), keepdim=True), images)

    def _blurred(self, images: Tensor, drawn: Tensor) -> Tensor:
        most = max(self._share("blur") * images.shape[-1], 2 * _LEAST_SIGMA_PX)
        sigma = _LEAST_SIGMA_PX + drawn[:, :1] * (most - _LEAST_SIGMA_PX)  # (B, 1)
        width = 2 * math.ceil(2.5 * most) + 1
        if len(images) == 1:  # alone and grey it would meet another kernel, which rounds otherwise
            images, sigma = images.expand(2, -1, -1, -1), sigma.expand(2, -1)
        blurred: Tensor = gaussian_blur2d(images, width, sigma.expand(-1, 2))
        return blurred[: len(drawn)]


def _with_pictures(episode: Episode, images: Mapping[str, Tensor]) -> Episode:
    """Return the episode with other pictures, by the name of their role."""
    support = LabelledImages(images.get("support", episode.support.images), episode.support.labels)
    query = LabelledImages(images.get("query", episode.query.images), episode.query.labels)
    return replace(episode, support=support, query=query)


def _either_way(drawn: Tensor) -> Tensor:
    """Return numbers in [0, 1) as numbers in [-1, 1)."""
    return 2 * drawn - 1


def _every_second(drawn: Tensor) -> Tensor:
    """Return (B, 1, 1, 1), true for about half of the pictures."""
    return (drawn < 0.5)[:, None, None, None]
