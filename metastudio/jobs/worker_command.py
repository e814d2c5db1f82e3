"""How our own processes are started: the command line, the environment, and the priority below the window's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from metastudio.runs.control import Wanted
from metastudio.runs.session_priority import lower_session_priority

NICENESS = 10


def program() -> list[str]:
    """Return the command that runs MetaStudio: this Python, or the bundled program where there is none."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "metastudio"]


def worker_command(run: str | os.PathLike[str], wanted: Wanted = Wanted.RUN) -> tuple[list[str], dict[str, str]]:
    """Return argv and environment of a worker on `run`, which may only be wanted to finish.

    What it prints goes nowhere: the run folder has it all.
    """
    return [*program(), "train", os.fspath(run), *["--finish"] * (wanted is Wanted.FINISH)], _environment()


def forecast_command(experiment_file: str | os.PathLike[str]) -> tuple[list[str], dict[str, str]]:
    """Return argv and environment of a process that tries an experiment and prints its forecast as a JSON line."""
    return [*program(), "forecast", os.fspath(experiment_file), "--json"], _environment()


def compare_command(
    first: str | os.PathLike[str], second: str | os.PathLike[str], episodes: int
) -> tuple[list[str], dict[str, str]]:
    """Return argv and environment of a process that compares two runs and prints the answer as JSON lines."""
    runs = [os.fspath(first), os.fspath(second)]
    return [*program(), "compare", *runs, "--episodes", str(episodes), "--json"], _environment()


def session_command() -> tuple[list[str], dict[str, str]]:
    """Return argv and environment of the process that answers questions."""
    return [*program(), "serve"], _environment()


def _environment() -> dict[str, str]:
    """Return ours, with UTF-8 whatever the locale, and the package found from wherever the window was started."""
    package = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH", "")
    path = known if package in known.split(os.pathsep) else os.pathsep.join(filter(None, (package, known)))
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "PYTHONPATH": path}


def start_worker(argv: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a worker in a session of its own, so that it outlives the window; errors it cannot log go to `log`.

    Raises:
        OSError: if it cannot be started.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
            creationflags=_creation_flags(),
        )
    lower_priority(process.pid)
    return process


def hidden_flags() -> int:
    """Return the flags that keep Windows from opening a console for a process; 0 elsewhere."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _creation_flags() -> int:
    if sys.platform == "win32":
        return hidden_flags() | subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0


def lower_priority(pid: int) -> None:
    """Let the window go first where both want the processor; `pid` leads a session of its own."""
    if sys.platform == "win32":  # done by the creation flags
        return
    try:
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    except OSError:  # it ended already, or we may not
        return
    lower_session_priority(NICENESS, pid)
