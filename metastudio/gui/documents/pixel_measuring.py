"""Measures mean and deviation of the pictures to learn from, beside the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.catalog.data_spec import Moments, Preprocessing
from metastudio.gui.documents.background_task import BackgroundTask, Progress, ShouldStop
from metastudio.images.image_index import ImageClass


class PixelMeasuring(QObject):
    """Only the newest question counts.

    Signals:
        measured(object, object): the `Preprocessing` that was asked about, and its `Moments`.
        failed(object): the exception for which there are none.
    """

    measured = Signal(object, object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: BackgroundTask | None = None
        self._asked = Preprocessing()

    def begin(self, classes: Sequence[ImageClass], preprocessing: Preprocessing) -> None:
        """Measure these classes as this preprocessing brings their pictures to the network."""
        self.end()
        self._asked = preprocessing

        def work(_tell: Progress, stop: ShouldStop) -> Moments:
            from metastudio.images.pixel_moments import pixel_moments  # noqa: PLC0415 - Pillow loads beside the window

            return pixel_moments(classes, preprocessing, should_stop=stop)

        self._task = BackgroundTask(work, self)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(self._on_failed)
        self._task.start()

    def end(self) -> None:
        """Want no answer any more."""
        if self._task is not None:
            self._task.release()
            self._task = None

    @Slot(object)
    def _on_succeeded(self, moments: Moments) -> None:
        if self.sender() is self._task:
            self.end()
            self.measured.emit(self._asked, moments)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self.end()
            self.failed.emit(error)
