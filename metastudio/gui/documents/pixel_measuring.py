"""Measures mean and deviation of the pictures to learn from, beside the window."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.catalog.data_spec import Moments, Preprocessing
from metastudio.gui.documents.background_task import BackgroundTask, Progress, ShouldStop
from metastudio.images.image_index import ImageClass


class ToMeasure(NamedTuple):
    """What is measured: the pictures of these classes, as they are brought to the network."""

    classes: tuple[ImageClass, ...]
    preprocessing: Preprocessing


class PixelMeasuring(QObject):
    """Only the newest question counts.

    Signals:
        succeeded(object): the `Moments` of what was asked.
        failed(object): the exception for which there are none.
    """

    succeeded = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: BackgroundTask | None = None
        self.asked: ToMeasure | None = None

    def begin(self, asked: ToMeasure) -> None:
        """Measure this instead of whatever was asked before."""
        self.end()
        self.asked = asked

        def work(_tell: Progress, stop: ShouldStop) -> Moments:
            from metastudio.images.pixel_moments import pixel_moments  # noqa: PLC0415 - Pillow loads beside the window

            return pixel_moments(asked.classes, asked.preprocessing, should_stop=stop)

        self._task = BackgroundTask(work, self)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(self._on_failed)
        self._task.start()

    def end(self) -> None:
        """Want no answer any more."""
        self.asked = None
        if self._task is not None:
            self._task.release()
            self._task = None

    def close(self) -> None:
        """End, and wait for every thread."""
        self.end()
        for task in self.findChildren(BackgroundTask):
            task.close()

    @Slot(object)
    def _on_succeeded(self, moments: Moments) -> None:
        if self.sender() is self._task:
            self.end()
            self.succeeded.emit(moments)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self.end()
            self.failed.emit(error)
