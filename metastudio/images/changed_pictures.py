"""What became of pictures on the disk since a run took its snapshot of them."""

# ruff: noqa: PTH116, PTH122 - paths are strings here

from __future__ import annotations

import os
from contextlib import suppress

from metastudio.errors import Problem, Severity, problem
from metastudio.images.folder_walk import READABLE_SUFFIXES, is_ignored
from metastudio.images.image_index import ImageIndex


def changed_pictures(index: ImageIndex, *, since_s: float) -> tuple[Problem, ...]:
    """Return one note if pictures of `index` went or changed, or others came to the folders that they lie in.

    Args:
        index: The snapshot.
        since_s: Unix time from which on a picture that is not in the snapshot is new; what lay there before was left
            out on purpose.
    """
    known = {file.path: (file.size_bytes, file.modified_ns) for each in index.classes for file in each.files}
    folders = {os.path.dirname(path) for path in known}  # noqa: PTH120
    now: dict[str, os.stat_result] = {}
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:  # a folder that is gone holds no picture
            for entry in entries:
                with suppress(OSError):
                    if entry.path in known or _is_picture(entry.name):
                        now[entry.path] = os.stat(entry.path)
    gone = sum(path not in now for path in known)
    altered = sum(path in now and (now[path].st_size, now[path].st_mtime_ns) != was for path, was in known.items())
    new = sum(path not in known and stat.st_ctime > since_s for path, stat in now.items())
    if not gone + altered + new:
        return ()
    return (
        problem(
            "pictures-changed",
            "Pictures changed on the disk since this run began: {gone} gone, {altered} altered, {new} new. It was "
            "trained with them as they were then.",
            severity=Severity.NOTE,
            gone=gone,
            altered=altered,
            new=new,
        ),
    )


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in READABLE_SUFFIXES and not is_ignored(name)
