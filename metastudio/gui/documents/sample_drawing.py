"""Draws the sample pictures of an empty project, beside the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.gui.documents.background_task import BackgroundTask


class SampleDrawing(QObject):
    """One drawing at a time.

    Signals:
        ended(): it is drawn, or has failed.
        drawn(object): the folder of the pictures, as text.
        failed(object): the exception for which there are none.
    """

    ended = Signal()
    drawn = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: BackgroundTask | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it draws."""
        return self._task is not None

    def begin(self, folder: Path) -> None:
        """Draw into a folder."""

        def work(_tell: object, _stop: object) -> str:
            from metastudio.images.sample_glyphs import make_sample_glyphs  # noqa: PLC0415 - numpy beside the window

            make_sample_glyphs(folder)
            return str(folder)

        self._task = BackgroundTask(work, self)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(self._on_failed)
        self._task.start()

    def end(self) -> None:
        """Stop what is under way."""
        if self._task is not None:
            self._task.close()
            self._task.deleteLater()
            self._task = None
        self.ended.emit()

    @Slot(object)
    def _on_succeeded(self, folder: str) -> None:
        self.end()
        self.drawn.emit(folder)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.end()
        self.failed.emit(error)
