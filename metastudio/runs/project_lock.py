"""Who has a project open: a lock that the system frees when its process dies, and a note that says who holds it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from filelock import FileLock, Timeout

from metastudio.errors import MetaStudioError
from metastudio.runs.atomic import write_atomically
from metastudio.runs.worker_lock import SIGN_OF_LIFE_S, Holder

REFRESH_EVERY_S = 30.0
"""A note must be refreshed well within `SIGN_OF_LIFE_S`: the lock of another computer cannot be asked for."""


class ProjectLock:
    """The right to change a project; one studio has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._note = folder / ".studio.json"
        self._lock = FileLock(folder / ".studio.lock", timeout=0)

    @property
    def is_held(self) -> bool:
        """Whether it is ours."""
        return self._lock.is_locked

    def acquire(self) -> Holder | None:
        """Take the lock and return None, or return who has it.

        A note from another computer counts while it is fresh; it is never stolen before. Where the folder cannot be
        written there is nothing to lock, and nobody who could change it.
        """
        other = self._holder()
        if other is not None and other.host != socket.gethostname() and self._is_fresh():
            return other
        try:
            self._lock.acquire()
        except Timeout:
            return self._holder() or Holder(0, socket.gethostname())
        except OSError:
            return None
        self.refresh()
        return None

    def refresh(self) -> None:
        """Say that we are still here; nothing where the lock is not ours."""
        if self.is_held:
            with contextlib.suppress(MetaStudioError):  # a full disk takes the note, never the lock
                write_atomically(self._note, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))

    def release(self) -> None:
        """Give the lock back, if it is ours."""
        if self.is_held:
            with contextlib.suppress(OSError):
                self._note.unlink(missing_ok=True)
            self._lock.release()

    def _holder(self) -> Holder | None:
        try:
            said = json.loads(self._note.read_bytes())
            return Holder(int(said["pid"]), str(said["host"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _is_fresh(self) -> bool:
        try:
            return time.time() - self._note.stat().st_mtime < SIGN_OF_LIFE_S
        except OSError:
            return False
