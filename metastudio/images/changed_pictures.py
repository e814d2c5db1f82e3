"""What became of pictures on the disk while a run was trained with them as they were before."""

# ruff: noqa: PTH110, PTH116, PTH120, PTH122 - paths are strings here

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from metastudio.errors import Problem, Severity, problem
from metastudio.images.fingerprints import sha256_of
from metastudio.images.folder_walk import READABLE_SUFFIXES, is_ignored
from metastudio.images.image_index import ImageIndex
from metastudio.images.problems import Cancelled, UnreadableImage


class PictureWatch:
    """Remembers at its making which pictures lie in the folders of an index, and tells later what changed there."""

    def __init__(self, index: ImageIndex) -> None:
        self._index = index
        self._folders = sorted({os.path.dirname(path) for each in index.classes for path in each.file_list.paths})
        self._before = self._listed(lambda: False)

    def changes(self, *, should_stop: Callable[[], bool]) -> tuple[Problem, ...]:
        """Return one note if pictures of the index went or changed, or others came to their folders.

        Nothing is said of a folder that is gone as a whole, or cannot be looked into: its pictures may be back soon.

        Raises:
            Cancelled: if `should_stop` says so.
        """
        if not all(os.path.exists(each) for each in self._index.folders):
            return ()
        now = self._listed(should_stop)
        gone = altered = 0
        for each in self._index.classes:
            if should_stop():
                raise Cancelled
            for file in each.files:
                folder = os.path.dirname(file.path)
                if folder not in now:
                    continue
                try:
                    status = os.stat(file.path)
                except FileNotFoundError:
                    gone += 1
                except OSError:  # it is there, and cannot be looked at now
                    continue
                else:
                    is_same = (status.st_size, status.st_mtime_ns) == (file.size_bytes, file.modified_ns)
                    altered += not is_same and _is_altered(file.path, file.sha256)
        new = sum(len(names - self._before.get(folder, names)) for folder, names in now.items())
        if not gone + altered + new:
            return ()
        return (
            problem(
                "pictures-changed",
                "Pictures changed on the disk meanwhile: {gone} gone, {altered} altered, {new} new in their "
                "folders. "
                "It was trained with those of its start.",
                severity=Severity.NOTE,
                gone=gone,
                altered=altered,
                new=new,
            ),
        )

    def _listed(self, should_stop: Callable[[], bool]) -> dict[str, frozenset[str]]:
        """Return the names of pictures by folder; those that cannot be looked into are left out."""
        found = {}
        for folder in self._folders:
            if should_stop():
                raise Cancelled
            with suppress(OSError), os.scandir(folder) as entries:
                found[folder] = frozenset(each.name for each in entries if _is_picture(each))
        return found


def _is_picture(entry: os.DirEntry[str]) -> bool:
    suffix = os.path.splitext(entry.name)[1].lower()
    return suffix in READABLE_SUFFIXES and not is_ignored(entry.name) and entry.is_file()


def _is_altered(path: str, sha256: str) -> bool:
    """Return whether a file whose time or size is another holds other bytes."""
    try:
        return sha256_of(path) != sha256
    except UnreadableImage:
        return True
