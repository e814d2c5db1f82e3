"""Learn: choose a method, a recipe, every setting and a device; see what prevents the start; queue it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.recipes import Recipe, recipes, with_recipe
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import MetaStudioError, Problem, Severity
from metastudio.gui import theme
from metastudio.gui.dialogs.help_dialog import HelpDialog, method_page
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.forms.experiment_form import ExperimentForm
from metastudio.gui.forms.wording import translated
from metastudio.gui.pages.page import Page
from metastudio.gui.widgets.at_the_end import AtTheEnd
from metastudio.gui.widgets.device_picker import DevicePicker
from metastudio.gui.widgets.forecast_row import ForecastRow
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.widgets.method_shelf import MethodShelf
from metastudio.gui.widgets.problem_strip import ProblemStrip
from metastudio.gui.widgets.recipe_bar import RecipeBar
from metastudio.runs.preflight import preflight
from metastudio.runs.run_folder import RunFolder, create_run

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_SIDE_PX = 232
_REST_AFTER_START_MS = 800
_MOST_PROBLEMS = 3
_MOST_OF_THE_SIDE = 0.42


class LearnPage(Page):
    """Methods at the left, the form in the middle, device, what happens at the end and the start at the right."""

    key: ClassVar[str] = "learn"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self.set_title(self.tr("Learn"))
        self._document: ProjectDocument | None = None
        self._creating: BackgroundTask | None = None
        self._has_asked_devices = False
        self._blocking: tuple[Problem, ...] = ()
        self._originals: dict[str, Problem] = {}

        self.about_button = QPushButton(self.tr("About this method"))
        self.about_button.setIcon(icon("mdi6.book-open-variant"))
        self.about_button.setToolTip(self.tr("Its idea in plain words, when to use it, its settings and its paper"))
        self.about_button.clicked.connect(self._on_about_clicked)
        self.add_header_widget(self.about_button)
        self.shelf = MethodShelf(ALGORITHMS)
        self.shelf.setFixedWidth(_SIDE_PX)
        self.shelf.method_chosen.connect(self._on_method_chosen)
        self.recipes = RecipeBar(recipes())
        self.recipes.recipe_chosen.connect(self._on_recipe_chosen)
        self.form = ExperimentForm()
        self.form.option_changed.connect(self._on_option_changed)
        self.form.problems_changed.connect(self._check_soon)
        self.devices = DevicePicker()
        self.devices.device_picked.connect(self._on_device_picked)
        self.devices.refresh_wanted.connect(self._ask_devices)
        self.at_the_end = AtTheEnd()
        self.at_the_end.selection_changed.connect(self._check_soon)
        self.at_the_end.exports_changed.connect(self._on_exports_changed)
        self.strip = ProblemStrip(most=_MOST_PROBLEMS, are_rows_links=True)
        self.strip.problem_activated.connect(self._on_problem_activated)
        self.forecast = ForecastRow()
        self.forecast.failed.connect(self._on_forecast_failed)
        self.hint = WrappingLabel("", "caption")
        self.start_button = QPushButton(self.tr("Start learning"))
        theme.set_role(self.start_button, "primary")
        self.start_button.setEnabled(False)  # until it is known that nothing prevents it
        self.start_button.clicked.connect(self.start)
        shortcut = QShortcut(QKeySequence(Qt.Modifier.CTRL | Qt.Key.Key_Return), self)
        shortcut.activated.connect(self.start)

        columns = QHBoxLayout()
        columns.setSpacing(theme.GROUP)
        columns.addWidget(self.shelf)
        columns.addWidget(_line())
        columns.addLayout(self._middle(), 1)
        columns.addWidget(_line())
        columns.addWidget(self._right())
        self.body.addLayout(columns, 1)

        self._check_timer = QTimer(self)
        self._check_timer.setSingleShot(True)
        self._check_timer.setInterval(0)
        self._check_timer.timeout.connect(self._check)
        self._rest_timer = QTimer(self)
        self._rest_timer.setSingleShot(True)
        self._rest_timer.setInterval(_REST_AFTER_START_MS)
        self._rest_timer.timeout.connect(self._show_start)
        studio.project_changed.connect(self._on_project_changed)
        studio.session.devices_changed.connect(self._on_devices_changed)
        self._on_project_changed(studio.project)

    def on_shown(self) -> None:
        """Ask which devices there are, once."""
        if not self._has_asked_devices:
            self._has_asked_devices = True
            self.devices.set_devices(self.studio.session.devices)
            self._ask_devices()

    def shut_down(self) -> None:
        """Wait for a run that is being made."""
        self._check_timer.stop()
        self._rest_timer.stop()
        self.forecast.close_task()
        if self._creating is not None:
            self._creating.close()

    def experiment(self) -> ExperimentConfig | None:
        """Return what would be started: the draft, with the target tasks that are ticked."""
        if self._document is None:
            return None
        return self._document.experiment.model_copy(update={"targets": self.at_the_end.chosen()})

    @Slot()
    def start(self) -> None:
        """Make the run beside the window and queue it; nothing happens while that is not possible."""
        self._check()
        document, experiment = self._document, self.experiment()
        if document is None or experiment is None or not self.start_button.isEnabled():
            return
        index, parts, folder = document.used, dict(document.parts), document.runs_folder
        self._creating = BackgroundTask(
            lambda _tell, _stop: create_run(experiment, index, parts, runs_folder=folder), self
        )
        self._creating.succeeded.connect(self._on_create_succeeded)
        self._creating.failed.connect(self._on_create_failed)
        self._show_start()
        self._creating.start()

    # layout

    def _middle(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(theme.GROUP)
        column.addWidget(self.recipes)
        self.form.setObjectName("scrolled")
        self._form_area = _scrolled(self.form)
        column.addWidget(self._form_area, 1)
        return column

    def _right(self) -> QWidget:
        side = QWidget()
        side.setFixedWidth(_SIDE_PX)
        upper = QWidget()
        upper.setObjectName("scrolled")
        rows = QVBoxLayout(upper)
        rows.setContentsMargins(0, 0, theme.GAP, 0)
        rows.setSpacing(theme.GROUP)
        rows.addWidget(self.devices)
        rows.addWidget(self.at_the_end)
        rows.addStretch(1)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(_scrolled(upper), 1)
        self._strip_area = _scrolled(self.strip)
        column.addWidget(self._strip_area)
        column.addWidget(self.forecast)
        column.addWidget(self.hint)
        column.addWidget(self.start_button)
        return side

    # the document

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        self._document = document
        if document is not None:
            document.experiment_changed.connect(self._show_experiment)
            document.split_changed.connect(self._show_classes)
            document.index_changed.connect(self._show_classes)
            document.targets_changed.connect(self._show_targets)
            document.problems_changed.connect(self._check_soon)
            self._show_experiment()
            self._show_targets()
        self._show_classes()

    @Slot()
    def _show_experiment(self) -> None:
        if self._document is None:
            return
        experiment = self._document.experiment
        self.shelf.set_method(experiment.algorithm.name)
        self.recipes.set_experiment(experiment)
        self.form.set_experiment(experiment)
        self.devices.set_device(experiment.device)
        self.at_the_end.formats.set_value(experiment.exports)
        self._show_classes()

    @Slot()
    def _show_classes(self) -> None:
        document = self._document
        if document is not None:
            turned = document.experiment.data.rotations_as_classes
            self.shelf.set_classes(document.parts, rotations_as_classes=turned)
        self._check_soon()

    @Slot()
    def _show_targets(self) -> None:
        if self._document is not None:
            self.at_the_end.set_targets(self._document.targets)
        self._check_soon()

    # what a person does

    @Slot(object, object)
    def _on_option_changed(self, name: str, value: object) -> None:
        if self._document is None:
            return
        try:
            self._document.set_option(name, value)
        except MetaStudioError as error:  # it changed under the form's feet
            self.studio.messages.show_error(error)
            self._show_experiment()

    @Slot(object)
    def _on_method_chosen(self, name: str) -> None:
        self._on_option_changed("algorithm.name", name)

    @Slot()
    def _on_about_clicked(self) -> None:
        entry = ALGORITHMS[self.form.algorithm]
        HelpDialog(method_page(entry.name), entry.title, self).show()

    @Slot(object)
    def _on_device_picked(self, name: str) -> None:
        self._on_option_changed("device", name)

    @Slot(object)
    def _on_exports_changed(self, formats: tuple[str, ...]) -> None:
        self._on_option_changed("exports", formats)

    @Slot(object)
    def _on_recipe_chosen(self, recipe: Recipe) -> None:
        if self._document is None:
            return
        filled = parse_experiment(with_recipe(self._document.experiment.model_dump(), recipe))
        self._document.push(self.tr("Recipe “{title}”").format(title=translated(recipe.title)), filled)

    @Slot(object)
    def _on_problem_activated(self, shown: Problem) -> None:
        problem = self._originals.get(str(shown), shown)
        first = problem.where.partition(".")[0]
        if field := self.form.reveal(problem.where):
            # one that was folded finds its place first
            QTimer.singleShot(0, field, lambda: self._form_area.ensureWidgetVisible(field))
            return
        if first in {"episodes", "targets"}:
            self.studio.show_page("tasks")
        elif problem.where == "device":
            self.devices.setFocus()
        else:
            self.studio.show_page("images")

    # devices

    @Slot()
    def _ask_devices(self) -> None:
        self.devices.set_searching()
        self.studio.session.ask_devices()

    @Slot(object)
    def _on_devices_changed(self, devices: object) -> None:
        self.devices.set_devices(devices)  # type: ignore[arg-type]

    # what prevents the start

    @Slot()
    def _check_soon(self) -> None:
        self._check_timer.start()

    @Slot()
    def _check(self) -> None:
        document, experiment = self._document, self.experiment()
        found: list[Problem] = list(self.form.problems())
        if document is not None and experiment is not None:
            found += document.state.split_problems
            found += preflight(experiment, document.readable, document.parts)
        shown = [self._in_words(each) for each in found]
        self._originals = dict(zip(map(str, shown), found, strict=True))
        self._blocking = tuple(each for each in shown if each.severity is Severity.ERROR)
        self.strip.set_problems(shown)
        pictures = document.readable.file_count if document is not None else 0
        self.forecast.set_experiment(None if self._blocking else experiment, pictures)
        QTimer.singleShot(0, self, self._fit_strip)  # new rows count once they are shown
        self._show_start()

    def _fit_strip(self) -> None:
        """Give the problems the height that they need, as long as that leaves room for the devices above."""
        self._strip_area.setVisible(bool(self.strip.problems()))
        needed = self.strip.layout().totalHeightForWidth(_SIDE_PX)
        self._strip_area.setFixedHeight(min(needed, round(_MOST_OF_THE_SIDE * self.height())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_strip()

    def _in_words(self, problem: Problem) -> Problem:
        """Return a problem with the title of its option in place of the dotted name, and nothing said twice."""
        title = self.form.title_of(problem.where)
        is_dotted = problem.where.partition(".")[0] in ExperimentConfig.model_fields
        is_said = bool(problem.where) and problem.where in str(problem.message)
        return replace(problem, where=title) if title or is_dotted or is_said else problem

    @Slot()
    def _show_start(self) -> None:
        document = self._document
        is_scanning = document is not None and document.is_busy and not document.index.classes
        reason = ""
        if document is None:
            reason = self.tr("No project is open.")
        elif document.project.is_read_only:
            reason = self.tr("This project can only be looked at, so no run can be made in it.")
        elif self._creating is not None or self._rest_timer.isActive():
            reason = self.tr("The run is being made…")
        elif is_scanning:
            reason = self.tr("The folders are still being read.")
        elif self._blocking:
            reason = str(self._blocking[0])
        self.start_button.setEnabled(not reason)
        self.start_button.setToolTip(reason or self.tr("Queue it and watch it learn (Ctrl+Return)"))
        self.start_button.setAccessibleDescription(self.start_button.toolTip())
        counted = {1: self.tr("One thing prevents the start.")}
        many = self.tr("{count} things prevent the start.").format(count=len(self._blocking))
        self.hint.setText(counted.get(len(self._blocking), many) if self._blocking else reason)
        self.hint.setVisible(bool(self.hint.text()))

    # making the run

    @Slot(object)
    def _on_create_succeeded(self, run: RunFolder) -> None:
        self._end_creating()
        self.studio.jobs.enqueue(run)
        self.studio.show_page("jobs")

    @Slot(object)
    def _on_create_failed(self, error: Exception) -> None:
        self._end_creating()
        self.studio.messages.show_error(error)

    @Slot(object)
    def _on_forecast_failed(self, error: Exception) -> None:
        self.studio.messages.show_error(error)

    def _end_creating(self) -> None:
        if self._creating is not None:
            self._creating.close()
            self._creating.deleteLater()
            self._creating = None
        self._rest_timer.start()
        self._show_start()


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(widget)
    return area


def _line() -> QFrame:
    made = QFrame()
    theme.set_role(made, "vertical-hairline")
    return made
