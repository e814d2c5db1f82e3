"""Writing files so that whoever reads them finds the old state or the new one, never something between.

Every operation goes through one small `FileLayer`, so that tests can let the n-th one fail, or die there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from metastudio.errors import IntegrityError, ResourceError

TEMPORARY_PREFIX = ".writing-"
"""Names that begin so are unfinished; `sweep` removes them."""

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_WINDOWS_RETRIES = 10
_numbers = itertools.count()


class FileLayer:
    """The few operations by which anything reaches the disk, or leaves it."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder, and those above it."""
        folder.mkdir(parents=True)

    def create(self, path: Path) -> int:
        """Return the descriptor of a new file."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)

    def write(self, descriptor: int, content: bytes) -> None:
        """Write all of `content`."""
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]

    def fsync(self, descriptor: int) -> None:
        """Return when the system says that the file is on the disk."""
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Let `source` take the place of `target`, at once; on Windows wait for whoever still reads `target`."""
        for attempt in range(_WINDOWS_RETRIES):
            try:
                source.replace(target)
            except PermissionError:
                if sys.platform != "win32" or attempt == _WINDOWS_RETRIES - 1:
                    raise
                time.sleep(0.02 * 2**attempt)
            else:
                return

    def remove(self, path: Path) -> None:
        """Remove a file or a folder that is no longer needed; nothing where it is gone."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


_layer = FileLayer()


@contextlib.contextmanager
def file_layer(layer: FileLayer) -> Iterator[None]:
    """Send every operation through `layer`, for tests of what happens when the disk fails."""
    global _layer  # noqa: PLW0603
    before, _layer = _layer, layer
    try:
        yield
    finally:
        _layer = before


def write_atomically(path: Path, content: bytes | str) -> None:
    """Give the file `path` the new `content`; text is written as UTF-8 with the line ends it has.

    Raises:
        ResourceError: if the disk is full or cannot be written; the old file is whole.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = temporary_beside(path)
    with resources(path, len(data)):
        try:
            _write_new(temporary, data)
            _layer.replace(temporary, path)
        except BaseException:
            _clean_up(temporary)
            raise
        _fsync_folder(path.parent)


def write_folder_atomically(path: Path, files: Mapping[str, bytes]) -> None:
    """Make the new folder `path` with these files in it, each read back and compared before it gets its name.

    Raises:
        ResourceError: if the disk is full or cannot be written; nothing is left behind.
        IntegrityError: if the disk gives back something else than what was written.
    """
    size = sum(len(content) for content in files.values())
    require_free_space(path.parent, size)
    temporary = temporary_beside(path)
    with resources(path, size):
        try:
            _layer.make_folder(temporary)
            for name, content in files.items():
                _write_new(temporary / name, content)
            for name, content in files.items():
                if hashlib.sha256((temporary / name).read_bytes()).digest() != hashlib.sha256(content).digest():
                    raise IntegrityError(
                        "The disk gave back something else than what was written to it.",
                        where=str(path / name),
                        todo="Check the disk, or put the project on another one.",
                    )
            _fsync_folder(temporary)
            _layer.replace(temporary, path)
        except BaseException:
            _clean_up(temporary)
            raise
        _fsync_folder(path.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder so that no reader takes what is half removed for whole."""
    condemned = temporary_beside(folder)
    with resources(folder), contextlib.suppress(FileNotFoundError):
        _layer.replace(folder, condemned)
        _clean_up(condemned)


def sweep(folder: Path, *, older_than_s: float = 3600.0) -> int:
    """Remove what broken-off writing left in `folder`; return how many things it were."""
    swept = 0
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        try:
            if time.time() - leftover.stat().st_mtime < older_than_s:
                continue
            _layer.remove(leftover)
        except OSError:  # it is another's, or already gone: no harm in leaving it
            continue
        swept += 1
    return swept


def require_free_space(folder: Path, size_bytes: int) -> None:
    """Refuse to begin what cannot fit.

    Raises:
        ResourceError: if fewer than `size_bytes` are free where `folder` lies.
    """
    with contextlib.suppress(OSError):
        existing = next(each for each in (folder, *folder.parents) if each.exists())
        free = shutil.disk_usage(existing).free
        if free < size_bytes:
            raise disk_full(folder, size_bytes - free)


def disk_full(where: Path, missing_bytes: int) -> ResourceError:
    """Return the error that says how much to free."""
    return ResourceError(
        "The disk is full.",
        where=str(where),
        todo="Free {megabytes} MB; what was written before is whole.",
        megabytes=max(1, -(-missing_bytes // 1_000_000)),
    )


def temporary_beside(path: Path) -> Path:
    """Return a name of our own in the folder of `path`, which `sweep` would remove."""
    return path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{next(_numbers)}-{path.name}"[:200])


def _write_new(path: Path, content: bytes) -> None:
    descriptor = _layer.create(path)
    try:
        _layer.write(descriptor, content)
        _layer.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # folders cannot be opened there, and NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _layer.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clean_up(path: Path) -> None:
    with contextlib.suppress(OSError):  # a leftover does no harm, and `sweep` comes again
        _layer.remove(path)


@contextlib.contextmanager
def resources(path: Path, size_bytes: int = 0) -> Iterator[None]:
    """Turn what the system says of a disk into what a person can do about it.

    Raises:
        ResourceError: where the body raises an OSError; a full disk says how much to free.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(path, size_bytes) from error
        raise ResourceError(
            "'{name}' could not be written.",
            name=path.name,
            where=str(path),
            why=f"The system says: {error.strerror or error}.",
            todo="Check that the disk is there and that you may write to the folder.",
        ) from error
