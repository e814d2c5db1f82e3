"""From stored pictures to features: those of a trained model before it adapts, or the pixels themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.algorithms.adapted_network import settled_moments
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.backbones.normalization import Moments
from metastudio.engine.tasks.pixels import network_input, unit_input
from metastudio.images.image_store import ImageStore

MOST_PIXELS_SIDE = 16
"""Raw pictures are compared at this side, or as they are where they are smaller: small shifts matter less then."""
_BLOCK_PIXELS, _MOMENT_PIXELS = 1 << 19, 1 << 20


def picture_features(
    store: ImageStore,
    preprocessing: Preprocessing,
    learner: MetaLearner | None,
    *,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Tensor:
    """Return features (n, D) of all pictures of a store, on the CPU.

    Normalisation takes its statistics from all of them, or from as many, evenly chosen, as are a million pixels; a
    learner that keeps running statistics uses those. So a picture's features do not depend on the pictures near it.

    Args:
        store: n pictures; the rows of a class follow each other.
        preprocessing: What the pictures were decoded with.
        learner: Embeds them with its meta-parameters as they are; None compares pixels.
        on_progress: Gets the numbers of pictures embedded and of all; it may end the work by raising.
    """
    size = preprocessing.image_size**2
    rows = np.arange(len(store.images))
    features: Tensor | None = None
    with torch.no_grad():
        moments = None
        if learner is not None:
            moments = _moments(learner, store, preprocessing, most=max(1, _MOMENT_PIXELS // size))
        for block in np.array_split(rows, -(-len(rows) * size // _BLOCK_PIXELS)):
            pixels = store.images[block]  # (b, H, W, C)
            if learner is None or moments is None:
                embedded = pixel_features(unit_input(pixels, preprocessing))
            else:
                embedded = learner.features(network_input(pixels, preprocessing), moments)
            if features is None:
                features = embedded.new_empty(len(rows), embedded.shape[1])
            features[int(block[0]) : int(block[-1]) + 1] = embedded
            on_progress(int(block[-1]) + 1, len(rows))
    assert features is not None  # noqa: S101 - no store is empty
    return features


def pixel_features(images: Tensor) -> Tensor:
    """Return images (B, C, H, W), scaled down, as vectors (B, D) of mean 0 and length 1: brightness plays no role."""
    if images.shape[-1] > MOST_PIXELS_SIDE:
        images = F.interpolate(images, size=(MOST_PIXELS_SIDE, MOST_PIXELS_SIDE), mode="area")
    flat = images.flatten(1)
    return F.normalize(flat - flat.mean(dim=1, keepdim=True))


def _moments(learner: MetaLearner, store: ImageStore, preprocessing: Preprocessing, *, most: int) -> Moments:
    chosen = _evenly(store, most)

    def support_pass(moments: Moments) -> Tensor:
        return learner.features(network_input(store.images[chosen], preprocessing), moments)

    return settled_moments(learner, "running" if learner.statistics == "running" else "support", support_pass)


def _evenly(store: ImageStore, most: int) -> NDArray[np.int64]:
    """Return the rows of at most so many pictures, of as many classes as there can be."""
    rank = np.concatenate([np.arange(len(each.files)) for each in store.index.classes])  # (n,) place in the class
    order = np.argsort(rank, kind="stable")  # the first picture of every class, then the second …
    count = min(most, len(order))
    return np.sort(order[np.arange(count) * len(order) // count])
