"""What a test left running: threads, Qt threads and child processes, each with the place where it was started."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psutil

T = TypeVar("T")

GRACE_S = 3.0
# Helpers that a library keeps for the whole process.
LASTING_THREADS = ("execnet", "pytest_timeout", "tqdm_monitor", "ThreadPoolExecutorQueueManager", "QueueFeederThread")
LASTING_PROCESSES = ("multiprocessing.resource_tracker",)

_started_at: weakref.WeakKeyDictionary[object, str] = weakref.WeakKeyDictionary()
_process_started_at: dict[int, str] = {}
_qt_threads: weakref.WeakSet[Any] = weakref.WeakSet()


def _place() -> str:
    """Return the innermost line of ours that led here, or the innermost line at all."""
    frames = traceback.extract_stack()[:-2]
    ours = [frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename]
    frame = (ours or frames)[-1]
    return f"{frame.filename}:{frame.lineno} in {frame.name}"


def remember_where_things_start() -> None:
    """Note from now on the place at which every thread and child process is started."""
    start_thread, open_process = threading.Thread.start, subprocess.Popen.__init__

    @functools.wraps(start_thread)
    def start(self: threading.Thread) -> None:
        _started_at[self] = _place()
        start_thread(self)

    @functools.wraps(open_process)
    def init(self: subprocess.Popen[Any], *args: Any, **kwargs: Any) -> None:
        open_process(self, *args, **kwargs)
        _process_started_at[self.pid] = _place()

    threading.Thread.start = start  # type: ignore[method-assign]
    subprocess.Popen.__init__ = init  # type: ignore[method-assign]


@functools.cache
def remember_where_qt_threads_start() -> None:
    """Note the place at which every QThread is started; does nothing before somebody imported Qt."""
    core = sys.modules["PySide6.QtCore"]
    start_qt_thread = core.QThread.start

    def start(self: Any, *args: Any) -> None:
        _qt_threads.add(self)
        _started_at[self] = _place()
        start_qt_thread(self, *args)

    core.QThread.start = start


def _lasting_thread(thread: threading.Thread) -> bool:
    return thread.name.startswith(LASTING_THREADS) or isinstance(thread, threading._DummyThread)


def _running_qt_threads() -> list[Any]:
    if "PySide6.QtCore" not in sys.modules:
        return []
    is_valid = __import__("shiboken6").isValid
    return [thread for thread in list(_qt_threads) if is_valid(thread) and thread.isRunning()]


def _command_line(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _running_children() -> list[psutil.Process]:
    children = psutil.Process(os.getpid()).children()
    lines = [(child, _command_line(child)) for child in children]
    return [child for child, line in lines if line and not any(name in line for name in LASTING_PROCESSES)]


def _settle(find: Callable[[], list[T]]) -> list[T]:
    """Return what `find` still finds after at most `GRACE_S` seconds in which it may end."""
    until = time.monotonic() + GRACE_S
    while (found := find()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


@contextmanager
def nothing_left_running() -> Iterator[list[str]]:
    """Yield a list that, after the block, names what it started and left running; stops those child processes."""
    if "PySide6.QtCore" in sys.modules:
        remember_where_qt_threads_start()
    threads_before = set(threading.enumerate())
    qt_before = _running_qt_threads()
    children_before = {child.pid for child in _running_children()}
    left: list[str] = []
    yield left

    def new_threads() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each not in threads_before and not _lasting_thread(each)]

    for thread in _settle(new_threads):
        left.append(f"thread {thread.name!r}, started at {_started_at.get(thread, 'an unknown place')}")
    for qt_thread in _settle(lambda: [each for each in _running_qt_threads() if each not in qt_before]):
        left.append(
            f"{type(qt_thread).__name__} (QThread), started at {_started_at.get(qt_thread, 'an unknown place')}"
        )
    for child in _settle(lambda: [each for each in _running_children() if each.pid not in children_before]):
        place = _process_started_at.get(child.pid, "an unknown place")
        left.append(f"process {child.pid} `{_command_line(child)}`, started at {place}")
        child.kill()
