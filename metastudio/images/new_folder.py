"""A folder that gets its name when it is whole: until then it lies beside its place under a hidden name."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from metastudio.errors import ResourceError

_UNFINISHED: Final = ".unpacking-"
_ABANDONED_AFTER_S: Final = 86_400.0


@contextlib.contextmanager
def new_folder(folder: Path, size_bytes: int) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` when the body ends well; otherwise nothing of it is left.

    Raises:
        ResourceError: if `folder` exists, if `size_bytes` do not fit, or if it cannot be written.
    """
    require_new(folder)
    free = shutil.disk_usage(next(each for each in folder.parents if each.exists())).free
    if free < size_bytes:
        raise ResourceError(
            "The disk is full.",
            where=str(folder),
            todo="Free {megabytes} MB; nothing was written.",
            megabytes=max(1, -(-(size_bytes - free) // 1_000_000)),
        )
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        begun = folder.with_name(f"{_UNFINISHED}{secrets.token_hex(6)}")
        begun.mkdir()
    try:
        yield begun
        with writing(folder):
            begun.rename(folder)
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def require_new(folder: Path) -> None:
    """Refuse to begin where something lies already.

    Raises:
        ResourceError: if it does.
    """
    if folder.exists() or folder.is_symlink():
        raise ResourceError("Something is already there.", where=str(folder), todo="Choose another folder.")


def new_file(path: Path) -> int:
    """Return the descriptor of a file that was not there before; a link is never followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o666)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says of writing into what a person can do about it.

    Raises:
        ResourceError: where the body raises an OSError.
    """
    try:
        yield
    except OSError as error:
        raise ResourceError(
            "The pictures could not be written.",
            where=str(folder),
            why=f"The system says: {error.strerror or error}.",
            todo="Check that the disk has room and that you may write to the folder.",
        ) from error


def _sweep(parent: Path) -> None:
    """Remove what was broken off long ago."""
    for leftover in parent.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):  # it is another's, or already gone: no harm in leaving it
            if time.time() - leftover.stat().st_mtime > _ABANDONED_AFTER_S:
                shutil.rmtree(leftover, ignore_errors=True)
