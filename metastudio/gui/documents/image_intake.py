"""Makes folders of the project from archives and loose pictures that were dropped, beside the window."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.errors import MetaStudioError, Problem
from metastudio.gui.documents.background_task import BackgroundTask, Progress, ShouldStop
from metastudio.images.kept_pictures import copy_into, unpack_into


@dataclass(frozen=True)
class Order:
    """One drop of which folders of the project shall be made.

    Attributes:
        folder: Where the project keeps its own pictures.
        sources: What is taken where it lies, along with the rest.
        archives: What is unpacked.
        pictures: What is copied, as `(class, paths)`.
        title: What the step of the undo stack is called.
    """

    folder: Path
    sources: tuple[str, ...]
    archives: tuple[str, ...]
    pictures: tuple[tuple[str, tuple[str, ...]], ...]
    title: str


@dataclass
class Arrival:
    """What became of an order.

    Attributes:
        title: As in the order.
        sources: What the project takes now, in the order of the drop.
        problems: What was left out on the way.
        errors: Why archives or classes were refused; the others went on.
    """

    title: str
    sources: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    errors: list[MetaStudioError] = field(default_factory=list)


class ImageIntake(QObject):
    """One order at a time; the next ones wait. What is cancelled leaves nothing behind.

    Signals:
        started(object): work of a kind began: "unpack" or "copy".
        progressed(object, object): how much is done, and of how much (0 where unknown).
        ended(): it ended, well, badly or cancelled.
        arrived(object): the `Arrival` of an order.
        failed(object): the exception for which there is none.
    """

    started = Signal(object)
    progressed = Signal(object, object)
    ended = Signal()
    arrived = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Order] = []
        self._task: BackgroundTask | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an order is being worked on."""
        return self._task is not None

    def take(self, order: Order) -> None:
        """Work on an order, now or after those before it."""
        self._waiting.append(order)
        if self._task is None:
            self._begin()

    def cancel(self) -> None:
        """Stop the order under way, and forget those that wait."""
        self._waiting.clear()
        self._end()

    def _begin(self) -> None:
        order = self._waiting.pop(0)
        self._task = BackgroundTask(lambda tell, stop: _made(order, tell, stop), self)
        self._task.progressed.connect(self._on_progressed)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(self._on_failed)
        self.started.emit("unpack" if order.archives else "copy")
        self._task.start()

    def _end(self) -> None:
        if self._task is None:
            return
        self._task.close()
        self._task.deleteLater()
        self._task = None
        if self._waiting:
            self._begin()
        else:
            self.ended.emit()

    @Slot(object)
    def _on_progressed(self, progress: tuple[int, int]) -> None:
        if self.sender() is self._task:
            self.progressed.emit(*progress)

    @Slot(object)
    def _on_succeeded(self, arrival: Arrival) -> None:
        if self.sender() is self._task:
            self._end()
            self.arrived.emit(arrival)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._end()
            self.failed.emit(error)


def _made(order: Order, tell: Progress, stop: ShouldStop) -> Arrival:
    """Make the folders of an order; what it made is removed again where it cannot end."""
    arrival = Arrival(order.title, list(order.sources))
    made: list[Path] = []
    try:
        for archive in order.archives:
            try:
                folder, contents = unpack_into(order.folder, archive, on_progress=tell, should_stop=stop)
            except MetaStudioError as error:
                arrival.errors.append(error)
                continue
            made.append(folder)
            arrival.problems += contents.notes()
        for name, paths in order.pictures:
            try:
                folder, problems = copy_into(order.folder, name, paths, on_progress=tell, should_stop=stop)
            except MetaStudioError as error:
                arrival.errors.append(error)
                continue
            made.append(folder)
            arrival.problems += problems
    except BaseException:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    arrival.sources += map(str, made)
    return arrival
