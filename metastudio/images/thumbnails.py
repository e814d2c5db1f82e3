"""Small JPEG pictures of pictures, to be kept in a file, and read back with suspicion."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metastudio.images.decoding import thumbnail_of
from metastudio.images.problems import unreadable

SIDE_PX: Final = 64
_QUALITY: Final = 80
_JPEG: Final = b"\xff\xd8\xff"


def small_jpeg(content: bytes, path: str) -> bytes:
    """Return a picture file's bytes as a JPEG no longer than `SIDE_PX` at any side; `path` is only spoken of.

    Raises:
        UnreadableImage: if they are no picture that can be read.
    """
    buffer = io.BytesIO()
    Image.fromarray(thumbnail_of(content, path, SIDE_PX)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def small_pixels(jpeg: bytes, name: str) -> NDArray[np.uint8]:
    """Return what `small_jpeg` made, as (h, w, 3).

    Raises:
        UnreadableImage: if it is something else, damaged, or larger.
    """
    if not jpeg.startswith(_JPEG):
        raise unreadable(name, "is no JPEG")
    return thumbnail_of(jpeg, name, SIDE_PX, max_pixels=SIDE_PX * SIDE_PX)
