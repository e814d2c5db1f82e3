"""A picture's look in 64 bits: pictures that look alike have hashes that differ in few bits."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """Return 64 bits that say where brightness rises from left to right in a picture (H, W, C)."""
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return int.from_bytes(np.packbits(imagehash.dhash(picture).hash).tobytes(), "big")
