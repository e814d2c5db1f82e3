"""Starts the processes that share a run as `torchrun` does, each with its variables; without torchrun's own process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return int(listener.getsockname()[1])


@contextmanager
def ranks(arguments: Sequence[Sequence[str]], **variables: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Start one Python for each list of arguments, the first of rank 0; kill what is left of them at the end."""
    port, count = free_port(), len(arguments)
    started: list[subprocess.Popen[str]] = []
    try:
        for rank, each in enumerate(arguments):
            place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
            meeting = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
            said = {name: str(value) for name, value in {**place, **meeting, **variables}.items()}
            started.append(
                subprocess.Popen(
                    [sys.executable, *each],
                    cwd=PROJECT,
                    env={**os.environ, **said},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def endings(processes: Sequence[subprocess.Popen[str]], *, timeout_s: float = 120) -> list[tuple[int, str, str]]:
    """Wait for all, and return exit code, standard output and standard error of each."""
    said = [process.communicate(timeout=timeout_s) for process in processes]
    return [(process.returncode, *each) for process, each in zip(processes, said, strict=True)]
