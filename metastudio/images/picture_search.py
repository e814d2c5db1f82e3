"""Finds pictures again by their content, wherever they lie now."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from metastudio.images.fingerprints import sha256_of
from metastudio.images.folder_walk import READABLE_SUFFIXES, is_ignored
from metastudio.images.problems import Cancelled, UnreadableImage

MOST_LOOKED_AT: Final = 100_000
"""Files of a folder that are looked at, those in folders within it included."""

Candidate = tuple[str, int]
"""A file and its size in bytes."""


def find_pictures(
    wanted: Mapping[str, int],
    candidates: Iterable[Candidate],
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, str]:
    """Return where each picture lies that is among the candidates, by its sha256.

    Only files of a size that is looked for are read, and none once everything is found.

    Args:
        wanted: Size in bytes of each picture, by its sha256.
        candidates: The first that has the content is taken.
        on_progress: Told how many pictures are found, and how many are wanted.
        should_stop: Asked for each candidate.

    Raises:
        Cancelled: if `should_stop` says so.
    """
    found: dict[str, str] = {}
    missing: dict[int, set[str]] = {}
    for sha256, size in wanted.items():
        missing.setdefault(size, set()).add(sha256)
    seen: set[str] = set()
    for path, size in candidates:
        if should_stop is not None and should_stop():
            raise Cancelled
        if not missing:
            break
        if size not in missing or path in seen:
            continue
        seen.add(path)
        try:
            sha256 = sha256_of(path)
        except UnreadableImage:  # then it is not the picture, whatever it is
            continue
        if sha256 in missing[size]:
            found[sha256] = path
            missing[size].remove(sha256)
            if not missing[size]:
                del missing[size]
            if on_progress is not None:
                on_progress(len(found), len(wanted))
    return found


def pictures_below(folder: Path, *, depth: int) -> Iterator[Candidate]:
    """Yield the pictures of a folder, and of those within it down to `depth`; links are not followed.

    Args:
        folder: Where to look; what cannot be read is passed over.
        depth: 0 for the folder alone.
    """
    left = MOST_LOOKED_AT
    waiting = [(os.fspath(folder), depth)]
    while waiting:
        here, levels = waiting.pop(0)
        try:
            with os.scandir(here) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in listed:
            left -= 1
            if left < 0:
                return
            if is_ignored(entry.name):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if levels:
                        waiting.append((entry.path, levels - 1))
                elif entry.is_file(follow_symlinks=False) and _is_picture(entry.name):
                    yield entry.path, entry.stat(follow_symlinks=False).st_size
            except OSError:
                continue


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in READABLE_SUFFIXES  # noqa: PTH122 - any string is a name here
