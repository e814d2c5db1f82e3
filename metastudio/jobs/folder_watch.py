"""Looks after a folder of runs: what others start, end or remove there while the window is open."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from metastudio.errors import MetaStudioError
from metastudio.jobs.call_thread import CallThread
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

_EVERY_MS = 2000


class Seen(NamedTuple):
    """A run and what it is: its state, None where it is no longer there."""

    run: RunFolder
    state: State | None


class FolderWatch(QObject):
    """Every two seconds, beside the window, looks at runs that are new and at those it is told to look at.

    A run that was seen and can be nobody's any more is not read again, so that ten thousand old ones cost a listing.
    Shutting down: `stop()`, which waits for a look under way.

    Signals:
        seen(object): a tuple of `Seen`; looks that found nothing are not told.
    """

    seen = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._known: set[str] = set()
        self._watched: tuple[RunFolder, ...] = ()
        self._call: CallThread | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def begin(self, folder: Path, known: Iterable[str]) -> None:
        """Look after a folder; runs with these names are no news."""
        self._folder = folder
        self._known = set(known)
        self._timer.start()

    def watch(self, runs: Iterable[RunFolder]) -> None:
        """Look at these runs each time, beside the new ones."""
        self._watched = tuple(runs)

    @Slot()
    def look(self) -> None:
        """Look now, unless a look is under way."""
        folder = self._folder
        if folder is None or self._call is not None:
            return
        known, watched = frozenset(self._known), self._watched
        self._call = CallThread(lambda: _look(folder, known, watched), self)
        self._call.succeeded.connect(self._on_looked)
        self._call.failed.connect(self._on_failed)
        self._call.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()
        self._folder = None
        if self._call is not None:
            self._call.wait()
            self._call.deleteLater()
            self._call = None

    @Slot(object)
    def _on_looked(self, found: tuple[Path, frozenset[str], tuple[Seen, ...]]) -> None:
        self._end_call()
        folder, names, seen = found
        if folder != self._folder:
            return
        self._known |= names
        if seen:
            self.seen.emit(seen)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:  # noqa: ARG002  # the folder is out of reach just now
        self._end_call()

    def _end_call(self) -> None:
        if self._call is not None:
            self._call.wait()
            self._call.deleteLater()
            self._call = None


def _look(
    folder: Path, known: frozenset[str], watched: tuple[RunFolder, ...]
) -> tuple[Path, frozenset[str], tuple[Seen, ...]]:
    """Return the folder, the names of new runs, and what new and watched runs are."""
    if not folder.is_dir():  # out of reach, which says nothing about what lies in it
        return folder, frozenset(), ()
    present = {each.name for each in folder.iterdir() if not each.name.startswith(".")}
    new = [RunFolder(folder / name) for name in sorted(present - known)]
    new = [run for run in new if run.exists()]  # one that is only being made comes next time
    seen = []
    for run in (*new, *watched):
        try:
            seen.append(Seen(run, run.effective_state() if run.exists() else None))
        except MetaStudioError:  # the Runs page says what is wrong with it
            continue
    return folder, frozenset(run.name for run in new), tuple(seen)
