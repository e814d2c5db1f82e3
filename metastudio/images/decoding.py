"""The only door to Pillow: a file becomes an array, or an error that says why it cannot be shown."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import logging
import os
import re
import stat
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from metastudio.catalog.data_spec import Preprocessing
from metastudio.images import preprocessing as rules
from metastudio.images.folder_walk import REFUSED_SUFFIXES
from metastudio.images.image_index import ImageFile
from metastudio.images.problems import UnreadableImage, unreadable

MAX_FILE_BYTES = 1 << 30
_NETWORK_ERRORS = {errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, getattr(errno, "ESTALE", errno.EIO)}
_SAME_SUFFIX = {"JPEG": ("JPEG", "MPO"), "MPO": ("JPEG", "MPO"), "BMP": ("BMP", "DIB"), "DIB": ("BMP", "DIB")}
_WAITS_S = (0.1, 0.4, 1.6)
_ODD_ASPECT = 3

logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what matters of it becomes a problem with a reason


@dataclass(frozen=True)
class Decoded:
    """A file read once: its pixels (H, W, C), what it is on the disk, and what was odd about it."""

    pixels: NDArray[np.uint8]
    file: ImageFile
    oddities: tuple[str, ...] = ()


def decode(path: str | os.PathLike[str], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return the square (H, W, C) that the network sees, before scaling to [0, 1] and inverting.

    Raises:
        UnreadableImage: for every way in which a file can be bad.
    """
    return decode_file(os.fspath(path), preprocessing).pixels


def decode_file(path: str, preprocessing: Preprocessing) -> Decoded:
    """Read, hash and decode a file in one go, so that hash and pixels are of the same bytes.

    Raises:
        UnreadableImage: for every way in which a file can be bad.
    """
    content, file = read_file(path)
    oddities: list[str] = []
    with _explained(path, content):
        picture = rules.open_picture(io.BytesIO(content), needed_px=preprocessing.image_size, oddities=oddities)
        if oddities[0] not in _formats_of(path):
            oddities.append("wrong extension")
        if min(picture.size) < preprocessing.image_size:
            oddities.append("tiny")
        if max(picture.size) >= _ODD_ASPECT * min(picture.size):
            oddities.append("odd aspect")
        square = rules.fit_to_square(picture, preprocessing.image_size, preprocessing.colour, preprocessing.fit)
    pixels = np.frombuffer(bytearray(square.tobytes()), np.uint8)  # writable, as torch wants it
    return Decoded(pixels.reshape(square.height, square.width, preprocessing.channels), file, tuple(oddities[1:]))


def _formats_of(path: str) -> tuple[str, ...]:
    """Return Pillow's names of what the suffix of `path` promises."""
    named = Image.registered_extensions().get(os.path.splitext(path)[1].lower(), "")  # noqa: PTH122
    return _SAME_SUFFIX.get(named, (named,))


def thumbnail(path: str | os.PathLike[str], side_px: int) -> NDArray[np.uint8]:
    """Return the whole picture, no side longer than `side_px`, as (h, w, 3).

    Raises:
        UnreadableImage: for every way in which a file can be bad.
    """
    content, _ = read_file(os.fspath(path))
    return thumbnail_of(content, os.fspath(path), side_px)


def thumbnail_of(content: bytes, path: str, side_px: int, *, max_pixels: int = rules.MAX_PIXELS) -> NDArray[np.uint8]:
    """Return the same of a file's bytes; `path` is only spoken of, pictures of more than `max_pixels` are refused.

    Raises:
        UnreadableImage: for every way in which the bytes can be bad.
    """
    with _explained(path, content):
        picture = rules.open_picture(io.BytesIO(content), needed_px=side_px, max_pixels=max_pixels)
        picture.thumbnail((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
        return np.array(picture.convert("RGB"), dtype=np.uint8)


def read_file(path: str) -> tuple[bytes, ImageFile]:
    """Return the bytes of a file and what it is; pipes and devices are never opened.

    Raises:
        UnreadableImage: if it is not a plain file, is empty, too big, or cannot be read.
    """
    for wait_s in (*_WAITS_S, None):
        try:
            return _read(path)
        except OSError as error:
            if error.errno in _NETWORK_ERRORS and wait_s is not None:
                time.sleep(wait_s)
                continue
            raise _os_reason(path, error) from error
        except ValueError as error:  # a NUL in the name
            raise unreadable(path, "its name cannot be opened") from error
        except MemoryError as error:
            raise unreadable(path, "needs more memory than there is", code="no-memory") from error
    raise AssertionError("the last attempt returns or raises")


def _read(path: str) -> tuple[bytes, ImageFile]:
    _check_plain(path, os.stat(path))  # noqa: PTH116 - any string is a path here
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        _check_plain(path, about)  # it may have been replaced in between
        content = file.read()
    if not content:
        raise unreadable(path, "0 bytes")
    return content, ImageFile(path, len(content), about.st_mtime_ns, hashlib.sha256(content).hexdigest())


def _check_plain(path: str, about: os.stat_result) -> None:
    if stat.S_ISDIR(about.st_mode):
        raise unreadable(path, "is a folder")
    if not stat.S_ISREG(about.st_mode):
        raise unreadable(path, "is not a plain file (a pipe, socket or device)")
    if about.st_size > MAX_FILE_BYTES:
        raise unreadable(path, "file too large ({megabytes} MB)", megabytes=about.st_size // 1_000_000)


def _os_reason(path: str, error: OSError) -> UnreadableImage:
    match error:
        case FileNotFoundError():
            return unreadable(path, "is no longer there", code="file-gone", todo="Scan the folder again.")
        case PermissionError():
            return unreadable(
                path, "may not be read (permission denied)", code="not-allowed", todo="Allow yourself to read it."
            )
        case _ if error.errno in _NETWORK_ERRORS:
            return unreadable(path, "the disk did not answer ({why})", code="disk-silent", why=error.strerror)
        case _:
            return unreadable(path, "cannot be read ({why})", why=error.strerror or str(error))


@contextlib.contextmanager
def _explained(path: str, content: bytes) -> Iterator[None]:
    """Turn whatever Pillow throws into an `UnreadableImage` with a reason that a person understands."""
    with _quiet:
        try:
            yield
        except rules.RefusedPicture as error:
            raise unreadable(path, str(error), code="refused") from error
        except Image.DecompressionBombError as error:
            raise unreadable(
                path, "image too large{size}", code="refused", size=_size_without_limit(content)
            ) from error
        except MemoryError as error:
            raise unreadable(path, "needs more memory than there is", code="no-memory") from error
        except UnidentifiedImageError as error:
            template, todo = _what_it_looks_like(content)
            suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - any string is a path here
            if template == "not an image" and suffix in REFUSED_SUFFIXES:
                raise unreadable(path, "{kind} is not supported", todo=_SAVE_AS, kind=suffix[1:].upper()) from error
            raise unreadable(path, template, todo=todo) from error
        except Exception as error:
            raise unreadable(path, "{reason}", reason=_damage(error)) from error


def _size_without_limit(content: bytes) -> str:
    """Return `` (60000×60000)`` of a picture so big that Pillow does not even open it; it is never decoded."""
    with _limit_lifted, contextlib.suppress(Exception):  # it may be broken as well
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(io.BytesIO(content), formats=rules.known_formats()) as picture:
                return " ({}×{})".format(*picture.size)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    return ""


_limit_lifted = threading.Lock()


def _damage(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    is_cut_off = isinstance(error, EOFError) or any(
        word in text.lower()
        for word in ("truncat", "not enough", "unexpected end", "buffer is not large", "end of file")
    )
    return f"truncated ({text})" if is_cut_off else f"damaged ({text})"


_SAVE_AS = "Save it as PNG or JPEG first."
_MARKS: tuple[tuple[bytes, str, str], ...] = (
    (rb"\s*%!PS|\xc5\xd0\xd3\xc6", "EPS is not supported", _SAVE_AS),
    (rb"%PDF", "PDF is not supported", _SAVE_AS),
    (rb"\xd7\xcd\xc6\x9a|\x01\x00\x00\x00.{36} EMF", "WMF is not supported", _SAVE_AS),
    (rb"....ftyp(hei|hev|mif1|msf1)", "HEIC is not supported in this build", _SAVE_AS),
    (rb"....ftypcrx|FUJIFILMCCD-RAW|IIRO|IIU\x00", "camera RAW is not supported in this build", _SAVE_AS),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "JPEG XL is not supported in this build", _SAVE_AS),
    (rb"8BPS", "Photoshop files are not supported", _SAVE_AS),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "not an image (looks like an archive)", "Unpack it first."),
    (rb"\xff\xd8|\x89PNG|GIF8|BM|II\*\x00|MM\x00\*|RIFF", "damaged (its beginning is broken or cut off)", ""),
    (rb"(?i).*<svg", "SVG drawings are not supported", "Draw it as PNG first."),
    (rb"(?i).*<(!doctype )?html", "not an image (looks like HTML)", "It is probably the page of a failed download."),
    (rb"[\t\n\r -~]+\Z", "not an image (looks like text)", ""),
)


def _what_it_looks_like(content: bytes) -> tuple[str, str]:
    """Return the reason why a file that no decoder knows is not taken, and what to do."""
    head = content[:1024]
    for mark, reason, todo in _MARKS:
        if re.match(mark, head, re.DOTALL):
            return reason, todo
    return "not an image", ""


class _Quiet:
    """Keeps Pillow's warnings from whoever listens; counts its users, for `catch_warnings` knows nothing of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._filters: warnings.catch_warnings[None] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\b")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._filters is not None:
                self._filters.__exit__(None, None, None)


_quiet = _Quiet()
