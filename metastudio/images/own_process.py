"""Runs one long function in a process of its own, so that its Python does not hold up the threads of this one.

A thread does not do for hundreds of thousands of files: whoever paints a window then waits for the interpreter lock at
every stroke.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, Final, TypeVar

from metastudio.errors import ResourceError
from metastudio.images.problems import Cancelled

T = TypeVar("T")

_LOOK_EVERY_S: Final = 0.1
_PATIENCE_S: Final = 3.0


def in_own_process(
    function: Callable[..., T], *args: object, tell: Callable[..., None], should_stop: Callable[[], bool]
) -> T:
    """Return `function(*args, tell=…, should_stop=…)`, which runs elsewhere; everything that passes is pickled.

    Args:
        function: At the top of a module.
        *args: What it gets.
        tell: Gets here what the function tells there, as it does so.
        should_stop: Asked here ten times a second.

    Raises:
        Cancelled: if `should_stop` says so; a process that does not end in time is killed.
        ResourceError: if the process ended without a word, as where the system killed it.
        Exception: what the function raised.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(there, function, args), daemon=False)
    process.start()
    there.close()
    try:
        while not should_stop():
            try:
                if not here.poll(_LOOK_EVERY_S):
                    continue
                kind, payload = here.recv()
            except (EOFError, OSError) as error:
                raise ResourceError(
                    "The process that reads the pictures ended without a word.",
                    todo="Try again; where it happens again, the machine may be short of memory.",
                ) from error
            if kind == "told":
                tell(*payload)
            elif kind == "raised":
                raise payload
            else:
                return payload  # type: ignore[no-any-return]
        raise Cancelled
    finally:
        here.close()  # what the process tells next ends it
        process.join(_PATIENCE_S)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _run(connection: Connection, function: Callable[..., Any], args: tuple[object, ...]) -> None:
    """Answer for the function, in the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    _end_with_parent()

    def send(kind: str, payload: object) -> None:
        try:
            connection.send((kind, payload))
        except OSError as error:  # nobody waits any more
            raise Cancelled from error

    def tell(*payload: object) -> None:
        send("told", payload)

    def should_stop() -> bool:
        try:
            return connection.poll()  # nothing is ever sent here: only its end can be read
        except OSError:  # which Windows says so
            return True

    with contextlib.suppress(Cancelled):
        try:
            result = function(*args, tell=tell, should_stop=should_stop)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again where somebody waits for it
            send("raised", error)
        else:
            send("done", result)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        threading.Thread(target=lambda: (wait_for([sentinel]), os._exit(1)), daemon=True).start()
