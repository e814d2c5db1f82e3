"""Thumbnails of large pictures, kept in one file of the cache folder, so that no photograph is decoded twice.

A small picture is decoded as fast as its thumbnail would be fetched; it is not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metastudio.images.decoding import thumbnail, thumbnail_of
from metastudio.images.problems import UnreadableImage

WORTH_KEEPING_BYTES: Final = 100_000
"""Of a file smaller than this no thumbnail is kept."""
MOST_BYTES: Final = 512 << 20
_QUALITY: Final = 90
_PRUNE_EVERY: Final = 500


class KeptThumbnails:
    """Answers from any thread. A file of its own that is damaged is begun anew; where none can be written it decodes.

    Args:
        folder: Where ``thumbnails.sqlite`` lies.
        most_bytes: What the pictures in it may take; those used longest ago go first.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path = folder / "thumbnails.sqlite"
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._is_broken = False
        self._added = 0

    def thumbnail(self, path: str, side_px: int) -> NDArray[np.uint8]:
        """Return the whole picture, no side longer than `side_px`, as (h, w, 3).

        Raises:
            UnreadableImage: for every way in which a file can be bad.
        """
        try:
            about = os.stat(path)  # noqa: PTH116 - any string is a path here
        except (OSError, ValueError):
            return thumbnail(path, side_px)  # which says why
        if about.st_size < WORTH_KEEPING_BYTES:
            return thumbnail(path, side_px)
        named = f"{side_px}\0{about.st_size}\0{about.st_mtime_ns}\0{path}".encode("utf-8", "surrogatepass")
        key = hashlib.sha256(named).digest()
        kept = self._kept(key)
        if kept is not None:
            with contextlib.suppress(UnreadableImage):  # then it is decoded again
                return thumbnail_of(kept, path, side_px)
        pixels = thumbnail(path, side_px)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY)
        self._keep(key, buffer.getvalue())
        return pixels

    def close(self) -> None:
        """Let go of the file; it is opened again when it is wanted."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _kept(self, key: bytes) -> bytes | None:
        with self._opened() as file:
            if file is None:
                return None
            found = file.execute("SELECT jpeg FROM thumbnails WHERE key = ?", (key,)).fetchone()
            if found is None:
                return None
            file.execute("UPDATE thumbnails SET used = ? WHERE key = ?", (time.time(), key))
            return bytes(found[0])
        return None

    def _keep(self, key: bytes, jpeg: bytes) -> None:
        with self._opened() as file:
            if file is None:
                return
            file.execute("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)", (key, jpeg, time.time()))
            if self._added % _PRUNE_EVERY == 0:
                self._prune(file)
            self._added += 1

    def _prune(self, file: sqlite3.Connection) -> None:
        """Remove what was used longest ago, a tenth more than must be."""
        (total,) = file.execute("SELECT COALESCE(SUM(LENGTH(jpeg)), 0) FROM thumbnails").fetchone()
        if total <= self._most_bytes:
            return
        gone = []
        for key, size in file.execute("SELECT key, LENGTH(jpeg) FROM thumbnails ORDER BY used"):
            if total <= 0.9 * self._most_bytes:
                break
            gone.append((key,))
            total -= size
        file.executemany("DELETE FROM thumbnails WHERE key = ?", gone)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        """Give the open file to one thread at a time; None where there is no use in trying."""
        with self._lock:
            if self._file is None and not self._is_broken:
                self._open_or_begin_anew()
            try:
                yield self._file
            except sqlite3.Error:
                self._begin_anew()

    def _open_or_begin_anew(self) -> None:
        try:
            self._open()
        except (sqlite3.Error, OSError):
            self._begin_anew()

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA synchronous = OFF")  # what is lost with the power is only made again
        self._file.execute("PRAGMA auto_vacuum = FULL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS thumbnails (key BLOB PRIMARY KEY, jpeg BLOB, used REAL) WITHOUT ROWID"
        )

    def _begin_anew(self) -> None:
        """Drop a file that cannot be read; where that does not help nothing is kept any more."""
        if self._file is not None:
            self._file.close()
            self._file = None
        try:
            self._path.unlink(missing_ok=True)
            self._open()
        except (sqlite3.Error, OSError):
            self._is_broken = True
