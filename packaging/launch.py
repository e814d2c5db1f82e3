"""What happens once everything is set up: the studio or its terminal twin, or the whole suite with its summary."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import qt_libraries

PROJECT = Path(__file__).resolve().parent.parent
MOST_TEST_PROCESSES = 4  # each imports torch


def studio(python: Path, arguments: list[str]) -> int:
    """Open the studio on the sample project; where no window can open, say so and do the same job in the terminal."""
    command = ["demo"]
    if not _names_a_display():
        print("» There is no display here, so the same job runs in the terminal.", flush=True)
    else:
        qt_libraries.ensure(with_a_screen=True)
        if _can_open_a_window(python):
            command = ["--sample"]
        else:
            print("» The display does not answer, so the same job runs in the terminal.", flush=True)
    return _become([str(python), "-m", "metastudio", *command, *arguments])


def _become(command: list[str]) -> int:
    """Run `command` in place of this process, so that signals reach it; Windows can only wait for it."""
    os.chdir(PROJECT)
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.call(command)


def _names_a_display() -> bool:
    if platform.system() != "Linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _can_open_a_window(python: Path) -> bool:
    """Return whether Qt starts here; it ends the process where its display does not answer."""
    code = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"
    return subprocess.run([python, "-c", code], check=False, capture_output=True).returncode == 0


def suite(python: Path, pytest_arguments: list[str]) -> int:
    """Run every check, also after one failed; print what passed and return 0 only if all did."""
    qt_libraries.ensure(with_a_screen=False)
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    results = []
    for title, arguments in _checks(pytest_arguments):
        print(f"\n» {title}", flush=True)
        started = time.monotonic()
        code = subprocess.call([python, "-m", *arguments], cwd=PROJECT, env=environment)
        results.append((title, code, time.monotonic() - started))
    print("\n» Summary")
    for title, code, seconds in results:
        print(f"  {title:<13} {'passed' if code == 0 else f'FAILED ({code})':<12} {seconds:6.1f} s")
    failed = [title for title, code, _ in results if code != 0]
    print(f"» Failed: {', '.join(failed)}" if failed else "» Everything passed", flush=True)
    return 1 if failed else 0


def _checks(pytest_arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Return each check's title and what Python is called with."""
    processes = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2, MOST_TEST_PROCESSES)
    parallel = ["-n", str(processes), "--dist", "worksteal"]
    return [
        ("ruff check", ["ruff", "check", "."]),
        ("ruff format", ["ruff", "format", "--check", "."]),
        ("mypy", ["mypy"]),
        ("pytest", ["pytest", *parallel, "--durations", "10", *pytest_arguments]),
    ]
