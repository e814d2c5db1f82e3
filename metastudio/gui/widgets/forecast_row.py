"""How long and how much memory: asked for with a button, forgotten when the experiment is another."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui import theme
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.trial import tried
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.wording import bytes_text, duration_text
from metastudio.runs.forecast import Forecast


class ForecastRow(QWidget):
    """A button, and below it what the trial found.

    Signals:
        failed(object): the error that ended the trial.
    """

    failed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._experiment: ExperimentConfig | None = None
        self._pictures = 0
        self._task: BackgroundTask | None = None
        self.button = QPushButton(icon("mdi6.timer-outline"), "")
        self.button.clicked.connect(self._on_clicked)
        self.text = WrappingLabel("", "caption")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP // 2)
        column.addWidget(self.button)
        column.addWidget(self.text)
        self._show("")

    def set_experiment(self, experiment: ExperimentConfig | None, pictures: int) -> None:
        """Say what would be started; what was known of something else is forgotten.

        Args:
            experiment: None where something prevents the start; its target tasks do not count.
            pictures: How many there are.
        """
        if experiment is not None:
            experiment = experiment.model_copy(update={"targets": ()})
        if (experiment, pictures) == (self._experiment, self._pictures):
            return
        self._experiment, self._pictures = experiment, pictures
        self._end()
        self._show("")

    def close_task(self) -> None:
        """End trials that may still run, and wait for them."""
        for task in self.findChildren(BackgroundTask):
            task.close()

    @Slot()
    def _on_clicked(self) -> None:
        if self._task is not None:
            self._end()
            self._show("")
            return
        experiment = self._experiment
        if experiment is None:
            return
        self._task = BackgroundTask(lambda tell, stop: tried(experiment, tell, stop), self)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(self._on_failed)
        self._task.finished.connect(self._task.deleteLater)
        self._task.start()
        self._show(self.tr("Trying it for some seconds…"))

    @Slot(object)
    def _on_succeeded(self, found: Forecast) -> None:
        if self.sender() is not self._task:  # it was cancelled in the meantime
            return
        self._end()
        text = self.tr("About {time}, {memory}, {rate} tasks/s on {device}; target tasks and exports come on top.")
        self._show(
            text.format(
                time=duration_text(found.seconds),
                memory=bytes_text(found.memory_bytes),
                rate=f"{found.tasks_per_s:.3g}",
                device=found.device,
            )
        )

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self.sender() is not self._task:
            return
        self._end()
        self._show("")
        self.failed.emit(error)

    def _end(self) -> None:
        """Let go of a trial; its thread ends its process by itself, and the window does not wait for that."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _show(self, text: str) -> None:
        is_trying = self._task is not None
        self.button.setText(self.tr("Cancel the trial") if is_trying else self.tr("How long will it take?"))
        self.button.setEnabled(self._experiment is not None)
        tip = self.tr("Tries it for some seconds in a process of its own: time, memory and tasks per second.")
        self.button.setToolTip(tip if self._experiment is not None else self.tr("Something prevents the start."))
        self.text.setText(text)
        self.text.setVisible(bool(text))
