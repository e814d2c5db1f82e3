"""Try it: drop support pictures, the model adapts at once; drop queries, see what it says, and correct it."""

from __future__ import annotations

import random
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QMimeData, Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QPushButton,
    QScrollArea,
    QSlider,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.experiment import TargetTask
from metastudio.errors import MetaStudioError, Problem
from metastudio.gui import commands, theme
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.try_out import NONE_OF_THESE, TryOut, TryOutState
from metastudio.gui.documents.unseen_task import draw_unseen_task
from metastudio.gui.models.judged_accuracy import wilson_interval
from metastudio.gui.models.query_list_model import QueryListModel
from metastudio.gui.models.shown_name import printable
from metastudio.gui.pages.page import Page
from metastudio.gui.widgets.class_bin import ClassBins
from metastudio.gui.widgets.drop_files import dropped_files, pictures_of, save_image
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.query_view import QueryView
from metastudio.gui.widgets.run_picker import RunChoice, RunPicker

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_MOST_STEPS_SHOWN = 10
_PLOT_PX, _LOW_PLOT_PX, _LOW_PAGE_PX = 168, 136, 600
_MOST_PROBLEMS_SHOWN = 3


class TryItPage(Page):
    """Support bins, steps and the adaptation curve at the left, queries with their answers at the right."""

    key: ClassVar[str] = "try_it"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self.set_title(self.tr("Try it"))
        self.try_out = TryOut(studio.session, studio.undo_stack, self)
        self.try_out.state_changed.connect(self._on_state_changed)
        self.try_out.adapted_changed.connect(self._on_adapted_changed)
        self.try_out.busy_changed.connect(self._on_busy_changed)
        self._drawing: BackgroundTask | None = None

        self.runs = RunPicker()
        self.runs.run_chosen.connect(self._on_run_chosen)
        self.save_button = QPushButton(self.tr("Save as target task…"))
        self.save_button.clicked.connect(self._on_save_clicked)
        self.cancel_button = QPushButton(self.tr("Cancel"))
        theme.set_role(self.cancel_button, "link")
        self.cancel_button.clicked.connect(self.try_out.cancel)
        self.again_button = QPushButton(self.tr("Adapt again"))
        theme.set_role(self.again_button, "link")
        self.again_button.clicked.connect(self.try_out.adapt)
        self.add_header_widget(self.cancel_button)
        self.add_header_widget(self.again_button)
        self.add_header_widget(self.runs)
        self.add_header_widget(self.save_button)

        self.stack = QStackedWidget()
        self.empty = EmptyState(
            "mdi6.image-search-outline",
            self.tr("Nothing to try yet"),
            self.tr("When a run has learned something, it appears here: drop a few pictures of each thing, and ask."),
        )
        self.empty.add_button(self.tr("Go to Learn"), self._on_learn_clicked, is_primary=True)
        self.stack.addWidget(self.empty)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._support_side())
        self.splitter.addWidget(self._query_side())
        self.splitter.setHandleWidth(theme.GROUP)
        self.splitter.setSizes([460, 540])
        self.stack.addWidget(self.splitter)
        self.body.addWidget(self.stack, 1)

        studio.project_changed.connect(self._on_project_changed)
        studio.run_selected.connect(self._on_run_selected)
        studio.target_selected.connect(self._on_target_selected)
        self._on_project_changed(studio.project)
        self.runs.select(studio.selected_run)
        if studio.selected_target:
            self._on_target_selected(studio.selected_target)
        self._show_everything()

    def on_shown(self) -> None:
        """Look which runs there are now."""
        self.runs.refresh(self.studio.runs_folder)

    def shut_down(self) -> None:
        """Let go of what is being asked and read."""
        self.runs.close_task()
        self._end_drawing()
        self.try_out.cancel()

    # layout

    def _support_side(self) -> QWidget:
        self.task_button = QPushButton(self.tr("Saved tasks"))
        self.task_button.setIcon(icon("mdi6.folder-open-outline"))
        self.task_menu = QMenu(self.task_button)
        self.task_menu.triggered.connect(self._on_task_chosen)
        self.task_button.setMenu(self.task_menu)
        self.draw_button = QPushButton(self.tr("Draw unseen classes"))
        self.draw_button.setIcon(icon("mdi6.dice-multiple-outline"))
        self.draw_button.setToolTip(
            self.tr("Take classes that were kept back for meta-test: the model has never seen them")
        )
        self.draw_button.clicked.connect(self._on_draw_clicked)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(label(self.tr("Support"), "section"))
        head.addStretch(1)
        head.addWidget(self.task_button)
        head.addWidget(self.draw_button)

        self.bins = ClassBins()
        self.bins.setObjectName("scrolled")
        self.bins.bins_changed.connect(self._on_bins_changed)
        self.bins.problems_found.connect(self._on_problems_found)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.bins)

        self.reason = WrappingLabel("", "warning")
        self.note = WrappingLabel("", "quiet")

        self.steps = QSlider(Qt.Orientation.Horizontal)
        self.steps.setAccessibleName(self.tr("Inner steps"))
        self.steps.setToolTip(self.tr("Adapt with this many steps; the curve shows what each one did"))
        self.steps.setPageStep(1)
        self.steps.valueChanged.connect(self._on_steps_changed)
        self.steps_text = label("", "quiet")
        self.steps_row = QWidget()
        line = QHBoxLayout(self.steps_row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(label(self.tr("Inner steps")))
        line.addWidget(self.steps, 1)
        line.addWidget(self.steps_text)

        from metastudio.gui.widgets.adaptation_plot import AdaptationPlot  # noqa: PLC0415 - pyqtgraph loads when needed

        self.plot = AdaptationPlot()
        self.no_steps = WrappingLabel(
            self.tr("This method has no inner steps: it looks at the support pictures once."), "caption"
        )
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(scroll, 1)
        column.addWidget(self.reason)
        column.addWidget(self.note)
        column.addWidget(self.steps_row)
        column.addWidget(self.plot)
        column.addWidget(self.no_steps)
        side.setMinimumWidth(360)
        return side

    def _query_side(self) -> QWidget:
        self.score = label("", "quiet")
        self.add_button = QPushButton(self.tr("Add pictures…"))
        self.add_button.clicked.connect(self._on_add_clicked)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(label(self.tr("Queries"), "section"))
        head.addWidget(self.score)
        head.addStretch(1)
        head.addWidget(self.add_button)

        self.model = QueryListModel(self.try_out, self)
        self.view = QueryView(self.model)
        self.view.accepted.connect(self._on_accepted)
        self.view.corrected.connect(self._on_corrected)
        self.view.removed.connect(self.try_out.remove_queries)
        self.view.files_dropped.connect(self._on_queries_dropped)
        self.view.selectionModel().selectionChanged.connect(self._show_judging)

        self.right_button = QPushButton(self.tr("Right"))
        self.right_button.setIcon(icon("mdi6.check", "good"))
        self.right_button.setToolTip(self.tr("The answer is right (Enter)"))
        self.right_button.clicked.connect(self._on_right_clicked)
        self.correct_button = QPushButton(self.tr("Correct"))
        self.correct_button.setIcon(icon("mdi6.pencil", "warning"))
        self.correct_button.setToolTip(self.tr("Say which class it is (1 to 9); the picture joins the support"))
        self.correct_menu = QMenu(self.correct_button)
        self.correct_menu.triggered.connect(self._on_correction_chosen)
        self.correct_button.setMenu(self.correct_menu)
        self.none_button = QPushButton(self.tr("None of these"))
        self.none_button.setIcon(icon("mdi6.close", "quiet"))
        self.none_button.setToolTip(self.tr("It belongs to no class here (0)"))
        self.none_button.clicked.connect(self._on_none_clicked)
        judging = QHBoxLayout()
        judging.setSpacing(theme.GAP)
        for button in (self.right_button, self.correct_button, self.none_button):
            judging.addWidget(button)
        judging.addStretch(1)

        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0, 99)
        self.threshold.setAccessibleName(self.tr("None of these below"))
        self.threshold.setToolTip(self.tr("An answer less sure than this counts as none of these classes"))
        self.threshold.valueChanged.connect(self._on_threshold_changed)
        self.threshold_text = label("", "quiet")
        self.threshold_text.setMinimumWidth(36)
        believing = QHBoxLayout()
        believing.setSpacing(theme.GAP)
        believing.addWidget(label(self.tr("None of these below")))
        believing.addWidget(self.threshold, 1)
        believing.addWidget(self.threshold_text)

        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        column.addLayout(judging)
        column.addLayout(believing)
        side.setMinimumWidth(360)
        return side

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.plot.setFixedHeight(_PLOT_PX if self.height() > _LOW_PAGE_PX else _LOW_PLOT_PX)

    # project, run, target

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        self.try_out.show_state(TryOutState())
        self.bins.image_folder = document.folder / "dropped" if document else None
        if document is not None:
            document.targets_changed.connect(self._show_targets)
        self._show_targets()
        self.runs.refresh(self.studio.runs_folder)

    @Slot(object)
    def _on_run_selected(self, run: object) -> None:
        self.runs.select(run)  # type: ignore[arg-type]
        self.runs.refresh(self.studio.runs_folder)

    @Slot(object)
    def _on_run_chosen(self, choice: RunChoice | None) -> None:
        self.try_out.set_run(choice.run if choice else None, choice.experiment if choice else None)
        default = self.try_out.default_steps
        if default is not None:
            self.steps.blockSignals(True)
            self.steps.setRange(0, max(_MOST_STEPS_SHOWN, 2 * default))
            self.steps.setValue(default)
            self.steps.blockSignals(False)
        self._show_everything()

    @Slot(str)
    def _on_target_selected(self, name: str) -> None:
        targets = self.studio.project.targets if self.studio.project else ()
        task = next((each for each in targets if each.name == name), None)
        if task is not None:
            self._begin(task)

    @Slot()
    def _show_targets(self) -> None:
        self.task_menu.clear()
        targets = self.studio.project.targets if self.studio.project else ()
        for task in targets:
            self.task_menu.addAction(printable(task.name).replace("&", "&&")).setData(task.name)
        self.task_button.setEnabled(bool(targets))
        self.task_button.setToolTip(
            self.tr("Take a target task of the project") if targets else self.tr("The project has no target tasks yet.")
        )

    @Slot(object)
    def _on_task_chosen(self, action: object) -> None:
        self._on_target_selected(action.data())  # type: ignore[attr-defined]

    def _begin(self, task: TargetTask) -> None:
        known = {path: each.name for each in task.classes for path in each.query}
        state = TryOutState(
            classes=tuple(each.model_copy(update={"query": ()}) for each in task.classes),
            queries=tuple(dict.fromkeys([*known, *task.unlabelled])),
            known=MappingProxyType(known),
        )
        self.try_out.begin(state, self.tr("Try {name}").format(name=printable(task.name)))

    @Slot()
    def _on_draw_clicked(self) -> None:
        if self.try_out.run is None or self._drawing is not None:
            return
        run, number = self.try_out.run, random.randrange(2**31)  # noqa: S311 - any task will do
        self._drawing = BackgroundTask(lambda _tell, _stop: draw_unseen_task(run, number), self)
        self._drawing.succeeded.connect(self._on_draw_succeeded)
        self._drawing.failed.connect(self._on_draw_failed)
        self.draw_button.setEnabled(False)
        self._drawing.start()

    @Slot(object)
    def _on_draw_succeeded(self, state: TryOutState) -> None:
        self._end_drawing()
        self.try_out.begin(state, self.tr("Draw unseen classes"))

    @Slot(object)
    def _on_draw_failed(self, error: Exception) -> None:
        self._end_drawing()
        self.studio.toast(str(error), severity="warning")

    def _end_drawing(self) -> None:
        if self._drawing is not None:
            self._drawing.close()
            self._drawing.deleteLater()
            self._drawing = None
            self.draw_button.setEnabled(True)

    @Slot()
    def _on_save_clicked(self) -> None:
        document = self.studio.project
        if document is None:
            return
        taken = {each.name for each in document.targets}
        count = len(taken) + 1
        free = next(name for n in range(count, 2 * count + 1) if (name := self._task_name(n)) not in taken)
        name, is_given = QInputDialog.getText(
            self, self.tr("Save as target task"), self.tr("Name of the task"), text=free
        )
        if is_given and name.strip():
            self.save_as(name.strip())

    def save_as(self, name: str) -> None:
        """Keep the try-out as a target task of the project; one of the same name is replaced."""
        document = self.studio.project
        if document is None:
            return
        kept = [each for each in document.targets if each.name != name]
        title = self.tr("Save task {name}").format(name=printable(name))
        commands.set_targets(document, targets=[*kept, self.try_out.target(name)], title=title)
        self.studio.toast(
            self.tr("“{name}” is a target task of the project now.").format(name=printable(name)), severity="good"
        )

    def _task_name(self, number: int) -> str:
        return self.tr("Task {number}").format(number=number)

    @Slot()
    def _on_learn_clicked(self) -> None:
        self.studio.show_page("learn")

    # support

    @Slot(object)
    def _on_bins_changed(self, title: str) -> None:
        self.try_out.set_classes(self.bins.classes(), title)

    @Slot(object)
    def _on_problems_found(self, problems: tuple[Problem, ...]) -> None:
        shown = [str(each) for each in problems[:_MOST_PROBLEMS_SHOWN]]
        if len(problems) > _MOST_PROBLEMS_SHOWN:
            shown.append(self.tr("And {count} more.").format(count=len(problems) - _MOST_PROBLEMS_SHOWN))
        self.studio.toast("\n".join(shown), severity="warning")

    @Slot(int)
    def _on_steps_changed(self, steps: int) -> None:
        self.try_out.set_inner_steps(steps)
        self._show_steps()

    # queries

    @Slot(object)
    def _on_queries_dropped(self, mime: QMimeData) -> None:
        QTimer.singleShot(0, self, lambda: self._take_queries(mime))

    def _take_queries(self, mime: QMimeData) -> None:
        dropped = dropped_files(mime)
        paths = [*dropped.pictures, *(path for folder in dropped.folders for path in pictures_of(folder))]
        if dropped.image is not None and self.bins.image_folder is not None:
            try:
                paths.append(save_image(dropped.image, self.bins.image_folder))
            except MetaStudioError as error:
                self.studio.messages.show_error(error)
        self.try_out.add_queries(paths)
        if dropped.problems:
            self._on_problems_found(dropped.problems)

    @Slot()
    def _on_add_clicked(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, self.tr("Pictures to ask about"))
        self.try_out.add_queries(paths)

    @Slot(object)
    def _on_accepted(self, path: str) -> None:
        self.try_out.accept(path)
        self.view.go_on()

    @Slot(object, int)
    def _on_corrected(self, path: str, number: int) -> None:
        self.try_out.correct(path, self.try_out.class_names[number] if number >= 0 else NONE_OF_THESE)
        self.view.go_on()

    @Slot()
    def _on_right_clicked(self) -> None:
        for query in self.view.selected():
            self.try_out.accept(query.path)
        self.view.go_on()

    @Slot()
    def _on_none_clicked(self) -> None:
        for query in self.view.selected():
            self.try_out.correct(query.path, NONE_OF_THESE)
        self.view.go_on()

    @Slot(object)
    def _on_correction_chosen(self, action: object) -> None:
        for query in self.view.selected():
            self.try_out.correct(query.path, action.data())  # type: ignore[attr-defined]
        self.view.go_on()

    @Slot(int)
    def _on_threshold_changed(self, percent: int) -> None:
        self.try_out.set_threshold(percent / 100)
        self._show_threshold()

    # showing

    def _show_everything(self) -> None:
        self.stack.setCurrentWidget(self.splitter if self.try_out.run is not None else self.empty)
        has_run = self.try_out.run is not None
        self.runs.setVisible(has_run)
        self.save_button.setVisible(has_run)
        self._on_state_changed()
        self._on_adapted_changed()
        self._on_busy_changed(self.try_out.busy)
        self._show_steps()
        self._show_threshold()

    @Slot()
    def _on_state_changed(self) -> None:
        if self.bins.classes() != self.try_out.state.classes:
            self.bins.set_classes(self.try_out.state.classes)
        names = self.try_out.class_names
        self.correct_menu.clear()
        for number, name in enumerate(names):
            shortcut = f"{number + 1}  " if number < 9 else ""
            self.correct_menu.addAction(shortcut + printable(name).replace("&", "&&")).setData(name)
        self.save_button.setEnabled(len(names) >= 2)
        self.save_button.setToolTip(
            self.tr("Keep these classes for the end of a run and for Hand over")
            if len(names) >= 2
            else self.tr("A task needs pictures of two classes.")
        )
        self._show_queries()

    @Slot()
    def _on_adapted_changed(self) -> None:
        adapted = self.try_out.adapted
        is_begun = bool(self.try_out.class_names)
        theme.set_role(self.reason, "warning" if is_begun else "quiet")
        self.reason.setText(f"⚠ {self.try_out.reason}" if self.try_out.reason and is_begun else self.try_out.reason)
        self.reason.setVisible(bool(self.try_out.reason))
        is_retryable = bool(self.try_out.reason) and not self.try_out.prevents()
        self.again_button.setVisible(is_retryable)
        said = [*(f"⚠ {each}" for each in adapted.problems), adapted.note and f"ⓘ {adapted.note}"] if adapted else []
        self.note.setText("\n".join(filter(None, said)))
        self.note.setVisible(bool(self.note.text()))
        self.plot.show_steps(adapted.losses if adapted else (), adapted.accuracies if adapted else ())
        self._show_queries()

    @Slot(object)
    def _on_busy_changed(self, sentence: str) -> None:
        self.set_title(self.tr("Try it"), sentence)
        self.cancel_button.setVisible(bool(sentence))

    @Slot()
    def _show_queries(self) -> None:
        self.model.refresh()
        right, total = self.try_out.score()
        if total:
            low, high = wilson_interval(right, total)
            self.score.setText(
                self.tr("{right} of {total} right: {share:.0f} % ({low:.0f} to {high:.0f} %)").format(
                    right=right, total=total, share=100 * right / total, low=100 * low, high=100 * high
                )
            )
            self.score.setToolTip(self.tr("In brackets: the 95 % interval (Wilson), wide while few are judged"))
        else:
            self.score.setText("")
        self._show_judging()

    @Slot()
    def _show_judging(self) -> None:
        queries = [each for each in self.view.selected() if each.answer is not None]
        why_not = "" if queries else self.tr("Select a picture that has an answer.")
        for button, tip in (
            (self.right_button, self.tr("The answer is right (Enter)")),
            (self.correct_button, self.tr("Say which class it is (1 to 9); the picture joins the support")),
            (self.none_button, self.tr("It belongs to no class here (0)")),
        ):
            button.setEnabled(bool(queries))
            button.setToolTip(why_not or tip)

    def _show_steps(self) -> None:
        default = self.try_out.default_steps
        has_steps = default is not None
        self.steps_row.setVisible(has_steps)
        self.plot.setVisible(has_steps)
        self.no_steps.setVisible(not has_steps and self.try_out.run is not None)
        if has_steps and self.try_out.experiment is not None:
            trained = getattr(self.try_out.experiment.algorithm, "inner_steps", default)
            text = self.tr("{steps} (trained with {trained})").format(steps=self.steps.value(), trained=trained)
            self.steps_text.setText(text)

    def _show_threshold(self) -> None:
        self.threshold_text.setText(f"{self.threshold.value()} %" if self.threshold.value() else self.tr("off"))
