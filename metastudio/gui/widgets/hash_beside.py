"""Compares large pictures beside the window before they are put into a task; small ones at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.widgets.acceptable_pictures import compare_beside, to_compare

_AT_ONCE_BYTES = 8_000_000


class HashBeside(QObject):
    """Makes calls one after the other, each when the files that it compares are known.

    Signals:
        busy_changed(object): whether files are being read.
    """

    busy_changed = Signal(object)

    def __init__(self, parent: QObject | None = None, *, at_once_bytes: int = _AT_ONCE_BYTES) -> None:
        super().__init__(parent)
        self._at_once_bytes = at_once_bytes
        self._waiting: deque[tuple[dict[str, int], Callable[[], object]]] = deque()
        self._task: BackgroundTask | None = None

    def first(self, paths: Sequence[str], owners: Mapping[str, str], then: Callable[[], object]) -> None:
        """Call `then` when it is known which of these pictures are the same as others; at once where that is quick."""
        sizes = to_compare(paths, owners)
        if self._task is None and sum(sizes.values()) <= self._at_once_bytes:
            then()
            return
        self._waiting.append((sizes, then))
        if self._task is None:
            self.busy_changed.emit(True)
            self._begin()

    def close(self) -> None:
        """Forget what waits, and end the thread."""
        self._waiting.clear()
        if self._task is not None:
            self._task.close()
            self._end()

    def _begin(self) -> None:
        sizes = self._waiting[0][0]
        self._task = BackgroundTask(lambda _tell, stop: compare_beside(sizes, stop), self)
        self._task.succeeded.connect(self._on_task_ended)
        self._task.failed.connect(self._on_task_ended)  # then the call itself meets the fault, where it is shown
        self._task.start()

    @Slot(object)
    def _on_task_ended(self, _outcome: object) -> None:
        if self.sender() is not self._task:
            return
        _, then = self._waiting.popleft()
        self._task.close()
        if self._waiting:
            self._task.deleteLater()
            self._begin()
        else:
            self._end()
        then()

    def _end(self) -> None:
        if self._task is not None:
            self._task.deleteLater()
            self._task = None
        self.busy_changed.emit(False)
