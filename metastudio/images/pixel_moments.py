"""Mean and standard deviation of the pixels of pictures: what a network's input can be normalised by."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from metastudio.catalog.data_spec import Moments, Preprocessing
from metastudio.errors import DataError
from metastudio.images.decoding import decode
from metastudio.images.image_index import ImageClass
from metastudio.images.problems import Cancelled, UnreadableImage

MOST_PICTURES = 1000
_DIGITS = 4
_LEAST_DEVIATION = 0.001


def pixel_moments(
    classes: Sequence[ImageClass],
    preprocessing: Preprocessing,
    *,
    most: int = MOST_PICTURES,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    on_unreadable: Callable[[str], None] = lambda _path: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Moments:
    """Return mean and standard deviation of each channel over all pixels of pictures, to four digits.

    Pixels are in [0, 1], brightness inverted where that is chosen. Of more than `most` pictures as many are taken, as
    evenly from the classes as can be, the same ones each time. Pictures that cannot be read are left out.

    Raises:
        DataError: if no picture can be read, or all pixels of a channel are alike.
        Cancelled: if `should_stop` says so.
    """
    chosen = _chosen(classes, most)
    counts = np.zeros((preprocessing.channels, 256), np.int64)
    for done, path in enumerate(chosen):
        if should_stop():
            raise Cancelled
        try:
            pixels = decode(path, preprocessing)  # (H, W, C)
        except UnreadableImage:
            on_unreadable(path)
            continue
        for channel in range(len(counts)):
            counts[channel] += np.bincount(pixels[..., channel].ravel(), minlength=256)
        on_progress(done + 1, len(chosen))
    if not counts.any():
        raise DataError("No picture to learn from can be read.", todo="Add pictures, or look at the health list.")
    values = np.arange(256) / 255
    if preprocessing.invert:
        values = 1 - values
    shares = counts / counts.sum(axis=1, keepdims=True)  # (C, 256)
    mean = shares @ values  # (C,)
    deviation = np.sqrt((shares * (values - mean[:, None]) ** 2).sum(axis=1))  # (C,)
    if deviation.min() < _LEAST_DEVIATION:
        raise DataError("All pixels of these pictures are alike, so there is nothing to divide by.")
    return tuple(np.round(mean, _DIGITS).tolist()), tuple(np.round(deviation, _DIGITS).tolist())


def _chosen(classes: Sequence[ImageClass], most: int) -> list[str]:
    """Return the paths of at most so many pictures: one of every class, then another of every class …, at random."""
    chance = random.Random(0)  # noqa: S311 - a sample, the same each time
    waiting = [(each, iter(chance.sample(range(len(each.files)), min(len(each.files), most)))) for each in classes]
    chance.shuffle(waiting)  # where there are more classes than pictures to take
    paths: list[str] = []
    while waiting and len(paths) < most:
        left = []
        for each, places in waiting:
            place = next(places, None)
            if place is not None and len(paths) < most:
                paths.append(each.files[place].path)
                left.append((each, places))
        waiting = left
    return paths
