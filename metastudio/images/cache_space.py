"""What the program keeps on the disk to be fast: how much it is, and how it is let go of."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from metastudio import paths

THUMBNAILS: Final = "thumbnails"
_FOLDERS: Final = ("stores", "maps", "indexes", THUMBNAILS)
"""Folders below the cache folder that are ours; it may be one that a person shares with other things."""


def cache_bytes() -> int:
    """Return the size of decoded pictures, lists of files and thumbnails in the cache folder."""
    return sum(_size_of(file) for folder in _cached() for file in folder.rglob("*"))


def empty_cache() -> None:
    """Remove all of it; what is needed again is made again. What another program holds open stays."""
    for folder in _cached():
        shutil.rmtree(folder, ignore_errors=True)


def _cached() -> Iterator[Path]:
    return (paths.cache_folder() / name for name in _FOLDERS)


def _size_of(file: Path) -> int:
    with contextlib.suppress(OSError):
        return file.stat().st_size if file.is_file() else 0
    return 0
