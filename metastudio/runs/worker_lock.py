"""Who works on a run: a lock that the system frees when its process dies, and a note that says who holds it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from metastudio.errors import LockedError
from metastudio.runs.atomic import write_atomically
from metastudio.runs.kill import kill_with_children

if TYPE_CHECKING:
    from metastudio.runs.run_folder import RunFolder

SIGN_OF_LIFE_S = 120.0
"""A worker on another host, whose lock cannot be asked for, counts as alive while it wrote an event this recently."""

_ATTEMPT_S = 2.0


class Holder(NamedTuple):
    """The process that holds, or last held, the lock."""

    pid: int
    host: str


@contextlib.contextmanager
def hold_worker_lock(run: RunFolder) -> Iterator[None]:
    """Hold the lock of `run`; only its holder writes `run.json`.

    Raises:
        LockedError: if another worker holds it, here or on another host.
    """
    other = lock_holder(run)
    if other is not None and other.host != socket.gethostname() and _wrote_lately(run):
        raise _locked(run, other)
    lock = FileLock(run.lock_path, timeout=_ATTEMPT_S)  # longer than any glance of is_worker_alive
    try:
        lock.acquire()
    except Timeout:
        raise _locked(run, lock_holder(run)) from None
    try:
        write_atomically(run.holder_path, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        yield
    finally:
        with contextlib.suppress(OSError):
            run.holder_path.unlink(missing_ok=True)
        lock.release()


def is_worker_alive(run: RunFolder) -> bool:
    """Return whether a worker is at work on `run`."""
    holder = lock_holder(run)
    if holder is not None and holder.host != socket.gethostname():
        return _wrote_lately(run)
    if not run.lock_path.exists():
        return False
    lock = FileLock(run.lock_path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:  # a read-only medium: nobody can be at work there
        return False
    lock.release()
    return False


def lock_holder(run: RunFolder) -> Holder | None:
    """Return who holds the lock, or held it when it died; None where nobody does."""
    try:
        said = json.loads(run.holder_path.read_bytes())
        return Holder(int(said["pid"]), str(said["host"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def force_worker(run: RunFolder) -> None:
    """Kill the worker that holds the lock, if one does; what came after its last checkpoint is lost.

    Raises:
        LockedError: if it is at work on another computer, where this one has no power.
    """
    holder = lock_holder(run)
    if holder is None or not is_worker_alive(run):
        return
    if holder.host != socket.gethostname():
        raise LockedError(
            "The worker is at work on another computer, '{host}'.",
            host=holder.host,
            where=str(run.path),
            todo="End process {pid} there.",
            pid=holder.pid,
        )
    kill_with_children(holder.pid)


def _wrote_lately(run: RunFolder) -> bool:
    try:
        return time.time() - run.events_path.stat().st_mtime < SIGN_OF_LIFE_S
    except OSError:
        return False


def _locked(run: RunFolder, holder: Holder | None) -> LockedError:
    who = f"Process {holder.pid} on {holder.host} holds it." if holder else ""
    return LockedError(
        "Another worker is already at work on this run.",
        where=str(run.path),
        why=who,
        todo="Wait until it ends, or pause it first.",
    )
