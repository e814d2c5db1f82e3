"""Makes a tree of as many pictures as anyone brings: small, distinct, of the usual sizes, with the usual faults.

Every picture is cut at random from a few large canvases, so that hardly two look the same by chance. On purpose some
are copies, some nearly so, and some are cut off: what the list of problems must find again.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

_CANVASES = 24
_CANVAS_PX = 2048
_SIDES_PX = (100, 500, 110)
"""Shortest, longest and most usual side of a picture; of a PNG none is longer than `_MOST_PNG_PX`."""
_MOST_PNG_PX = 160
_EVERY_COPY, _EVERY_NEAR_COPY, _EVERY_CUT_OFF = 1000, 1500, 2000


def make_tree(folder: Path, *, images: int, classes: int) -> Iterator[int]:
    """Make `images` pictures in `classes` folders below `folder`; yield how many are there so far."""
    sizes = class_sizes(images, classes)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        done = 0
        for count in pool.map(_make_class, [folder] * classes, range(classes), sizes, chunksize=4):
            done += count
            yield done


def class_sizes(images: int, classes: int) -> list[int]:
    """Return how many pictures each class has: between a third and five thirds of the mean, the same every time."""
    draw = random.Random(0)  # noqa: S311 - pictures, not secrets
    shares = [draw.uniform(1, 5) for _ in range(classes)]
    sizes = [max(1, int(images * share / sum(shares))) for share in shares]
    sizes[0] += images - sum(sizes)
    return sizes


def _make_class(folder: Path, number: int, size: int) -> int:
    draw = random.Random(number)  # noqa: S311 - as above
    own = folder / f"{draw.choice('abcdefghijklmnopqrstuvwxyz')}{draw.choice('aeiou')}-class-{number:04d}"
    own.mkdir(parents=True, exist_ok=True)
    before = own
    for place in range(size):
        path = own / f"picture-{place:04d}.{'png' if draw.random() < 0.1 else 'jpg'}"
        if place and draw.random() < 1 / _EVERY_COPY:
            path = path.with_suffix(before.suffix)
            shutil.copyfile(before, path)
        elif place and draw.random() < 1 / _EVERY_NEAR_COPY:
            with Image.open(before) as picture:
                picture.convert("RGB").save(path, **_options(path, quality=60))
        else:
            content = _content(draw, path)
            if draw.random() < 1 / _EVERY_CUT_OFF:
                content = content[: len(content) // 2]
            path.write_bytes(content)
            before = path
    return size


def _content(draw: random.Random, path: Path) -> bytes:
    """Return the bytes of a picture: a random piece of a random canvas."""
    width, height = (int(draw.triangular(*_SIDES_PX)) for _ in range(2))
    if path.suffix == ".png":
        width, height = min(width, _MOST_PNG_PX), min(height, _MOST_PNG_PX)
    left, top = draw.randrange(_CANVAS_PX - width), draw.randrange(_CANVAS_PX - height)
    buffer = io.BytesIO()
    piece = _canvas(draw.randrange(_CANVASES)).crop((left, top, left + width, top + height))
    piece.save(buffer, **_options(path, quality=75))
    return buffer.getvalue()


def _options(path: Path, *, quality: int) -> dict[str, object]:
    return {"format": "PNG", "compress_level": 1} if path.suffix == ".png" else {"format": "JPEG", "quality": quality}


@cache
def _canvas(number: int) -> Image.Image:
    """Return clouds of colour, coarse ones with finer ones over them."""
    numbers = np.random.default_rng(number)
    coarse, fine = (
        Image.fromarray(numbers.integers(0, 256, (cells, cells, 3), dtype=np.uint8)).resize(
            (_CANVAS_PX, _CANVAS_PX), Image.Resampling.BICUBIC
        )
        for cells in (32, 256)
    )
    return Image.blend(coarse, fine, 0.3)


def bytes_below(folder: Path) -> int:
    """Return the size of all files below a folder."""
    return sum((Path(base) / name).stat().st_size for base, _, names in os.walk(folder) for name in names)
