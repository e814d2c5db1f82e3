"""Ends a process that does not listen."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

import psutil


def kill_with_children(pid: int) -> None:
    """Kill a process and what it started, also what leads a session of its own, as torchrun's processes do."""
    try:
        below = [each.pid for each in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        below = []
    for each in (pid, *below):
        _kill_group(each)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(OSError):
        if sys.platform != "win32" and os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
