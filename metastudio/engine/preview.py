"""What the network sees of one picture, and what training makes of it: the very code of adaptation and training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from metastudio.engine.tasks.augmentation import Augmenter, change
from metastudio.engine.tasks.pixels import normalized
from metastudio.engine.tasks.target_task import read_picture
from metastudio.runs.questions import AskPreview, PreviewAnswer, packed_pixels

_SEED = 0


def preview(question: AskPreview) -> PreviewAnswer:
    """Return a picture as it is and as drawn, in bytes.

    Raises:
        UnreadableImage: if it cannot be read.
    """
    in_unit_range = question.preprocessing.changed(normalization="none")
    image = read_picture(question.file, in_unit_range)  # (1, C, H, W)
    images = torch.cat([image, _drawn(image, question)])
    seen = normalized(image, question.preprocessing.moments)
    return PreviewAnswer(
        side=image.shape[-1],
        channels=image.shape[1],
        pictures=tuple(map(_packed, images)),
        least=float(seen.min()),
        most=float(seen.max()),
    )


def _drawn(image: Tensor, question: AskPreview) -> Tensor:
    """Return (draws, C, H, W) pictures: each is drawn as the only one of an episode with its number."""
    images = image.expand(question.draws, -1, -1, -1)
    if not question.draws or not question.augmentation.effective(question.preprocessing):
        return images
    augmenter = Augmenter(question.augmentation, question.preprocessing, seed=_SEED)
    draws = [augmenter.draws(question.first + place, 1) for place in range(question.draws)]
    return change(images, {name: np.concatenate([each[name] for each in draws]) for name in draws[0]})


def _packed(image: Tensor) -> str:
    """Return an image (C, H, W) in [0, 1] as bytes (H, W, C)."""
    return packed_pixels((image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy().tobytes())
