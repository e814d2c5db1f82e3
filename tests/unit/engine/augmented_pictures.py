"""Pictures to augment, and the changes of them that tests ask for."""

from __future__ import annotations

import torch
from torch import Tensor

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.tasks.augmentation import Augmenter, change

COLOUR = Preprocessing(image_size=24, colour="colour")
ALL_ON = Augmentation(**dict.fromkeys(STRENGTHS, True))


def pictures(count: int = 16, channels: int = 3, side: int = 24) -> Tensor:
    """Return images (B, C, H, W), a bright disc on darker ground, channels last in memory as the engine has them."""
    random = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    disc = ((x - side / 3) ** 2 + (y - side / 2) ** 2 < (side / 4) ** 2).float()
    tint = 0.2 + 0.4 * torch.rand(count, 1, 1, channels, generator=random)
    return (tint * (0.5 + disc[None, :, :, None])).permute(0, 3, 1, 2)


def changed(name: str, images: Tensor, *, preprocessing: Preprocessing = COLOUR, **options: object) -> Tensor:
    augmenter = Augmenter(ALL_ON.alone(name).model_copy(update=options), preprocessing, seed=1)
    return change(images, augmenter.draws(0, len(images)))
