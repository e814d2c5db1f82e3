"""What the interpreter says when the whole program is torn down, kept in a file, and found at the next start."""

from __future__ import annotations

import faulthandler
import os
import platform
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil
from PySide6.QtCore import QCoreApplication

from metastudio import __version__

if TYPE_CHECKING:
    from metastudio.gui.studio import Studio

_PREFIX = "open-"
_OFFERED_MS = 60_000


class CrashWatch:
    """Keeps a file while the studio is open, which is empty unless the program ends by a fault of memory or an abort.

    Several windows have a file each, by the number of their process.

    Args:
        folder: Where crash reports lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{_PREFIX}{os.getpid()}.txt"
        self._file: IO[str] | None = None

    def begin(self) -> Path | None:
        """Watch from now on; return the report of a studio that crashed since the last start, if there is one.

        A folder that cannot be written is not watched: the studio opens all the same.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            left = [report for each in sorted(self._folder.glob(f"{_PREFIX}*.txt")) if (report := _kept(each))]
            self._file = self._path.open("w", encoding="utf-8")
        except OSError:
            return None
        faulthandler.enable(self._file)
        return left[-1] if left else None

    def end(self) -> None:
        """Stop watching: the studio closes in order."""
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)


def offer_report(studio: Studio, report: Path) -> None:
    """Say that the studio crashed, and offer what is known of it to be read and copied."""
    title = _tr("MetaStudio ended unexpectedly the last time.")
    body = _tr("Your project is as it was last saved. What the interpreter said lies in {path}.").format(path=report)

    def show() -> None:
        studio.messages.show_report(title, body, report)

    studio.toast(title, severity="warning", action_text=_tr("Show report"), action=show, shown_ms=_OFFERED_MS)


def _tr(text: str) -> str:
    return QCoreApplication.translate("crash_watch", text)


def _kept(path: Path) -> Path | None:
    """Return the report that a process left when it crashed; nothing of one that lives, or was ended from outside."""
    number = path.stem.removeprefix(_PREFIX)
    if not number.isdigit() or (psutil.pid_exists(int(number)) and int(number) != os.getpid()):
        return None
    said = path.read_text("utf-8", "replace").strip()
    if said:
        report = path.with_name(f"crash-{path.stat().st_mtime_ns}.txt")
        report.write_text(f"MetaStudio {__version__}, {platform.platform()}\n\n{said}\n", encoding="utf-8")
    path.unlink()
    return report if said else None
