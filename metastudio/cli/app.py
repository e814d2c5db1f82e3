"""The program's front door: which command is meant, and what becomes of errors, signals and bugs.

Who opens the studio waits for no command: they are imported where one is meant.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from metastudio.cli.signals import ENDING_SIGNALS
from metastudio.errors import MetaStudioError

_ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "-1", "MALLOC_TOP_PAD_": "268435456"}
"""By default glibc gives every large tensor back to the system; keeping them trains up to 1.7 times as fast."""


class Interrupted(BaseException):
    """The person or the system asked this process to end, in a moment when there is nothing to save."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say, those of the process where none are given; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names that no encoding knows shall not end the program
            stream.reconfigure(errors="backslashreplace")
    if argv is None and arguments[:1] in (["train"], ["finish"], ["demo"], ["forecast"]):
        _take_better_allocator()
    try:
        if _means_studio(arguments):
            return _studio(arguments)
        before = _end_by_exception()
        try:
            return _command(arguments)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    except MetaStudioError as error:
        from metastudio.cli.report import show_error

        show_error(error, as_json="--json" in arguments)
        return error.exit_code
    except Interrupted as interrupted:
        return interrupted.exit_code
    except Exception as error:  # noqa: BLE001 - the last place that can say what happened
        from metastudio.cli.crash import write_crash_report

        path = write_crash_report(error, arguments)
        sys.stderr.write(
            f"MS-700 Something unexpected happened: this is a bug of MetaStudio. {type(error).__name__}: {error}\n"
            f"The crash report lies in {path}\n"
        )
        return MetaStudioError.exit_code


def _command(arguments: list[str]) -> int:
    from metastudio.cli.commands import app

    try:
        app(args=arguments, prog_name="metastudio")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _means_studio(arguments: list[str]) -> bool:
    if not arguments or arguments[0] in {"--sample", "--new-window"}:
        return True
    path = Path(arguments[0])
    return path.name == "project.toml" or (path / "project.toml").is_file()


def _studio(arguments: list[str]) -> int:
    from metastudio.gui.app import main as open_studio

    return open_studio(arguments)


def _end_by_exception() -> dict[signal.Signals, Any]:
    """Let signals end the program by exception, with the exit code that says so; return the handlers before."""

    def interrupt(number: int, _: FrameType | None) -> None:
        raise Interrupted(130 if number == signal.SIGINT else 143)

    try:
        return {number: signal.signal(number, interrupt) for number in ENDING_SIGNALS}
    except ValueError:  # not the main thread, in which alone signals arrive
        return {}


def _take_better_allocator() -> None:
    """Start this process over with other settings of glibc's allocator, which only its start can take."""
    if sys.platform != "linux" or any(name in os.environ for name in _ALLOCATOR):
        return
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **_ALLOCATOR})  # noqa: S606
