"""The events of a run on disk: appended one line at a time, read from any offset while they are still being written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from metastudio.runs.atomic import resources
from metastudio.runs.events import Event, from_line, to_line


class EventLog:
    """Appends events to a file, each of them out of our hands before `append` returns.

    What a worker that died left without its line end is closed first, so that it spoils no other line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with resources(path):
            self._file = path.open("ab+", buffering=0)
        self._is_torn = self._file.tell() > 0 and self._last_byte() != b"\n"

    def _last_byte(self) -> bytes:
        self._file.seek(-1, 2)
        return self._file.read(1)

    def append(self, event: Event) -> None:
        """Append one event.

        Raises:
            ResourceError: if the disk is full or gone.
        """
        line = memoryview((b"\n" if self._is_torn else b"") + to_line(event).encode("ascii") + b"\n")
        self._is_torn = True
        with resources(self._path, len(line)):
            while line:
                line = line[self._file.write(line) :]
        self._is_torn = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def read_events(path: Path, offset: int = 0) -> tuple[tuple[Event, ...], int, int]:
    """Return the events from byte `offset` on, the offset to go on from, and how many lines were no events.

    An unfinished last line is left for the next reading; it counts as torn until it is finished. Lines of kinds that
    this version does not know, and lines that a loss of power tore, are left out and counted.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return (), offset, 0
    *lines, tail = content.split(b"\n")
    events: list[Event] = []
    torn = int(bool(tail))
    for line in lines:
        try:
            events.append(from_line(line))
        except ValueError:
            torn += bool(line)
    return tuple(events), offset + len(content) - len(tail), torn


def each_event(path: Path) -> Iterator[Event]:
    """Yield the events of a run one by one, however many there are; lines that are none are left out."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if not line.endswith(b"\n"):
                return  # it is being written
            with contextlib.suppress(ValueError):
                yield from_line(line)
