"""The settings of one job, to be changed before it runs: of what waits, or of a copy."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.errors import ConfigurationError, Severity
from metastudio.gui import theme
from metastudio.gui.documents.project_state import with_option
from metastudio.gui.forms.experiment_form import ExperimentForm
from metastudio.gui.widgets.device_picker import DevicePicker
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.widgets.method_shelf import MethodShelf
from metastudio.gui.widgets.problem_strip import ProblemStrip
from metastudio.runs.preflight import preflight
from metastudio.runs.questions import Device
from metastudio.runs.run_folder import FrozenData

_SIZE = (860, 640)
_SIDE_PX = 232


class JobDialog(QDialog):
    """Shows an experiment; its pictures and their split stay those of the run.

    Signals:
        taken(object): the changed `ExperimentConfig`.
    """

    taken = Signal(object)

    def __init__(
        self,
        experiment: ExperimentConfig,
        data: FrozenData,
        devices: tuple[Device, ...],
        *,
        title: str,
        button: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*_SIZE)
        self._before = self._experiment = experiment
        self._data = data
        self.shelf = MethodShelf(ALGORITHMS)
        self.shelf.setFixedWidth(_SIDE_PX)
        self.shelf.set_classes(data.parts, rotations_as_classes=experiment.data.rotations_as_classes)
        self.shelf.method_chosen.connect(self._on_method_chosen)
        self.form = ExperimentForm()
        self.form.setObjectName("scrolled")
        self.form.option_changed.connect(self._on_option_changed)
        self.form.problems_changed.connect(self._show_problems)
        self.devices = DevicePicker()
        self.devices.set_devices(devices)
        self.devices.device_picked.connect(self._on_device_picked)
        self.strip = ProblemStrip(most=4)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.take_button = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.take_button.setText(button)
        theme.set_role(self.take_button, "primary")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self.form.set_experiment(experiment)
        self.shelf.set_method(experiment.algorithm.name)
        self.devices.set_device(experiment.device)
        self._show_problems()

    def _lay_out(self) -> None:
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.form)
        right = QVBoxLayout()
        right.setSpacing(theme.GROUP)
        right.addWidget(self.devices)
        right.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(theme.GROUP)
        columns.addWidget(self.shelf)
        columns.addWidget(area, 1)
        columns.addLayout(right)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.EDGE, theme.EDGE, theme.EDGE, theme.GROUP)
        column.setSpacing(theme.GROUP)
        intro = self.tr("Pictures, their split and target tasks stay as they were frozen for this job.")
        column.addWidget(WrappingLabel(intro, "quiet"))
        column.addLayout(columns, 1)
        column.addWidget(self.strip)
        column.addWidget(self.buttons)

    @property
    def experiment(self) -> ExperimentConfig:
        """The experiment as it is now."""
        return self._experiment

    def accept(self) -> None:
        """Give the changed experiment away, if nothing prevents its start."""
        if self.take_button.isEnabled():
            self.taken.emit(self._experiment)
            super().accept()

    @Slot(object)
    def _on_method_chosen(self, name: str) -> None:
        self._on_option_changed("algorithm.name", name)

    @Slot(object)
    def _on_device_picked(self, name: str) -> None:
        self._on_option_changed("device", name)

    @Slot(object, object)
    def _on_option_changed(self, name: str, value: object) -> None:
        try:
            self._experiment = with_option(self._experiment, name, value)
        except ConfigurationError as error:  # the form shows it under its field, others here
            self.strip.set_problems(error.problems)
            self.take_button.setEnabled(False)
            return
        self.form.set_experiment(self._experiment)
        self.shelf.set_method(self._experiment.algorithm.name)
        self._show_problems()

    @Slot()
    def _show_problems(self) -> None:
        found = [*self.form.problems(), *preflight(self._experiment, self._data.index, self._data.parts)]
        self.strip.set_problems(found)
        errors = [each for each in found if each.severity is Severity.ERROR]
        reason = str(errors[0]) if errors else ""
        if not reason and self._experiment == self._before:
            reason = self.tr("Nothing is changed yet.")
        self.take_button.setEnabled(not reason)
        self.take_button.setToolTip(reason)
