"""How a picture becomes the square that a network sees: one file for training and for every exported model.

Exports carry this file unchanged, so it needs Pillow and nothing else. The rules:

* the first frame or page; turned once as its EXIF orientation says;
* transparent pictures lie on white; CMYK becomes RGB by Pillow's rule; colour profiles are ignored;
* 16-bit grey is divided by 257; other integer and float grey goes from its darkest value, 0, to its brightest, 255;
* big JPEGs are decoded at a fraction of their size, never below twice the square's side.
"""

from __future__ import annotations

import functools
import math
import os
from contextlib import suppress
from typing import IO

from PIL import Image

MAX_PIXELS = 100_000_000
MAX_SIDE_PX = 32_767
MAX_ASPECT = 100

_FORMATS = ("BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "QOI", "TIFF", "WEBP", "AVIF")
# Not here: formats that start another program (EPS), and TGA, which has no mark and would take anything for a picture.

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION_TAG = 0x0112
_WHITE = 255


class RefusedPicture(ValueError):  # noqa: N818 - the name says what the picture is
    """The picture is whole, but beyond the limits above."""


def prepare(source: str | os.PathLike[str] | IO[bytes], image_size: int, colour: str, fit: str) -> Image.Image:
    """Return the square that the network sees of a file: mode "L" for colour "grey", else "RGB".

    Raises:
        Exception: whatever Pillow throws at a broken file, `RefusedPicture` for one beyond the limits.
    """
    return fit_to_square(open_picture(source, needed_px=image_size), image_size, colour, fit)


def open_picture(
    source: str | os.PathLike[str] | IO[bytes],
    *,
    needed_px: int = 0,
    max_pixels: int = MAX_PIXELS,
    oddities: list[str] | None = None,
) -> Image.Image:
    """Return a picture upright, opaque, of mode "L" or "RGB".

    Args:
        source: A path, or an open binary file.
        needed_px: Side of the square it will be brought to; lets big JPEGs be decoded small.
        max_pixels: Pictures with more are refused before they are decoded.
        oddities: Gets Pillow's name of the format, then "first frame" where there are more.

    Raises:
        Exception: whatever Pillow throws at a broken file, `RefusedPicture` for one beyond the limits.
    """
    with Image.open(source, formats=known_formats()) as picture:
        _check_size(picture.size, max_pixels)
        if oddities is not None:
            oddities.append(str(picture.format))
            if _frame_count(picture) > 1:
                oddities.append("first frame")
        if needed_px:
            picture.draft(None, (2 * needed_px, 2 * needed_px))
        picture.load()
        turn = _TURNS.get(_orientation(picture))
        opaque = _opaque(picture)
    return opaque if turn is None else opaque.transpose(turn)


def fit_to_square(picture: Image.Image, image_size: int, colour: str, fit: str) -> Image.Image:
    """Return a picture of mode "L" or "RGB" as a square of `image_size` pixels a side.

    Args:
        picture: Of mode "L" or "RGB".
        image_size: Side of the square.
        colour: "grey" or "colour".
        fit: "crop" keeps the middle, "pad" adds white margins, "stretch" distorts.

    Raises:
        ValueError: if `fit` is something else.
    """
    mode = "L" if colour == "grey" else "RGB"
    width, height = picture.size
    if fit == "stretch":
        square = _scaled(picture, (image_size, image_size))
    elif fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        square = _scaled(picture, (image_size, image_size), (left, top, left + side, top + side))
    elif fit == "pad":
        scale = image_size / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = Image.new(picture.mode, (image_size, image_size), "white")
        square.paste(_scaled(picture, size), ((image_size - size[0]) // 2, (image_size - size[1]) // 2))
    else:
        raise ValueError(f"fit is {fit!r}, it must be 'crop', 'pad' or 'stretch'")
    return square if square.mode == mode else square.convert(mode)


def _scaled(
    picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    return picture.resize(size, Image.Resampling.BICUBIC, box, reducing_gap=3.0)


@functools.cache
def known_formats() -> tuple[str, ...]:
    """Return the formats that are taken and that this build of Pillow can open."""
    Image.init()
    return tuple(each for each in _FORMATS if each in Image.OPEN)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > MAX_SIDE_PX:
        raise RefusedPicture(f"image too large ({width}×{height})")
    if max(size) > MAX_ASPECT * min(size):
        raise RefusedPicture(f"image too long and thin ({width}×{height})")


def _frame_count(picture: Image.Image) -> int:
    with suppress(Exception):  # a broken later frame is no reason against the first
        return int(getattr(picture, "n_frames", 1))
    return 1


def _orientation(picture: Image.Image) -> int:
    with suppress(Exception):  # broken EXIF is as none
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    return 1


def _opaque(picture: Image.Image) -> Image.Image:
    """Return a loaded picture of any mode as "L" or "RGB", transparency laid on white."""
    if picture.mode in ("La", "RGBa"):
        picture = picture.convert(picture.mode.upper())
    if picture.has_transparency_data:
        is_grey = picture.mode in ("1", "L", "LA")
        layered = picture.convert("LA" if picture.mode == "LA" else "RGBA")
        ground = Image.new(layered.mode[:-1], layered.size, "white")
        ground.paste(layered.convert(ground.mode), mask=layered.getchannel("A"))
        return ground.convert("L") if is_grey else ground
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bits(picture)
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return grey of more than 8 bits as "L"."""
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format in ("PNG", "PPM")):
        darkest, brightest = 0.0, 65535.0
    else:
        extrema = picture.convert("F").getextrema()
        darkest, brightest = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]
    if not math.isfinite(darkest + brightest):
        raise RefusedPicture("holds values that are not numbers")
    scale = 255 / (brightest - darkest) if brightest > darkest else 0.0
    shift = 0.5 - darkest * scale  # the half rounds, since "L" cuts off
    return picture.convert("F").point(lambda value: value * scale + shift).convert("L")
