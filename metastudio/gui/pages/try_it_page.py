"""Try it: drop support pictures, the model adapts at once; drop queries, see what it says, and correct it."""

from __future__ import annotations

import random
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.experiment import TargetTask
from metastudio.errors import MetaStudioError, Problem
from metastudio.gui import commands, theme
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.try_out import TryOut, TryOutState
from metastudio.gui.documents.unseen_task import draw_unseen_task
from metastudio.gui.models.shown_name import printable
from metastudio.gui.pages.page import Page
from metastudio.gui.widgets.class_bin import ClassBins
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.inner_steps_panel import InnerStepsPanel
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.query_side import QuerySide
from metastudio.gui.widgets.run_picker import RunChoice, RunPicker
from metastudio.gui.wording import count_text

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

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
        self.queries = QuerySide(self.try_out)
        self.queries.problems_found.connect(self._on_problems_found)
        self.queries.failed.connect(self._on_queries_failed)
        self.splitter.addWidget(self.queries)
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
        self.bins.shut_down()
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
        self.other_button = QPushButton()
        self.other_button.clicked.connect(self.try_out.use_offered)
        self.note = WrappingLabel("", "quiet")

        self.inner_steps = InnerStepsPanel(self.try_out)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(scroll, 1)
        column.addWidget(self.reason)
        column.addWidget(self.other_button, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.note)
        column.addWidget(self.inner_steps)
        side.setMinimumWidth(360)
        return side

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.inner_steps.plot.setFixedHeight(_PLOT_PX if self.height() > _LOW_PAGE_PX else _LOW_PLOT_PX)

    # project, run, target

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        self.try_out.show_state(TryOutState())
        self.bins.image_folder = self.queries.image_folder = document.folder / "dropped" if document else None
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

    @Slot(object)
    def _on_queries_failed(self, error: MetaStudioError) -> None:
        self.studio.messages.show_error(error)

    # showing

    def _show_everything(self) -> None:
        self.stack.setCurrentWidget(self.splitter if self.try_out.run is not None else self.empty)
        has_run = self.try_out.run is not None
        self.runs.setVisible(has_run)
        self.save_button.setVisible(has_run)
        self._on_state_changed()
        self._on_adapted_changed()
        self._on_busy_changed(self.try_out.busy)
        self.inner_steps.show_run()

    @Slot()
    def _on_state_changed(self) -> None:
        if self.bins.classes() != self.try_out.state.classes:
            self.bins.set_classes(self.try_out.state.classes)
        names = self.try_out.class_names
        self.save_button.setEnabled(len(names) >= 2)
        self.save_button.setToolTip(
            self.tr("Keep these classes for the end of a run and for Hand over")
            if len(names) >= 2
            else self.tr("A task needs pictures of two classes.")
        )

    @Slot()
    def _on_adapted_changed(self) -> None:
        adapted = self.try_out.adapted
        is_begun = bool(self.try_out.class_names)
        theme.set_role(self.reason, "warning" if is_begun else "quiet")
        self.reason.setText(f"⚠ {self.try_out.reason}" if self.try_out.reason and is_begun else self.try_out.reason)
        self.reason.setVisible(bool(self.try_out.reason))
        is_retryable = bool(self.try_out.reason) and not self.try_out.prevents()
        self.again_button.setVisible(is_retryable)
        self.other_button.setVisible(self.try_out.offered is not None)
        if self.try_out.offered is not None:
            iteration = count_text(self.try_out.offered)
            self.other_button.setText(self.tr("Use the checkpoint of iteration {n}").format(n=iteration))
        said = [*(f"⚠ {each}" for each in adapted.problems), adapted.note and f"ⓘ {adapted.note}"] if adapted else []
        if adapted and self.try_out.checkpoint is not None:
            from_where = self.tr("ⓘ From the checkpoint of iteration {n}: the best one is broken.")
            said.insert(0, from_where.format(n=count_text(self.try_out.checkpoint)))
        self.note.setText("\n".join(filter(None, said)))
        self.note.setVisible(bool(self.note.text()))

    @Slot(object)
    def _on_busy_changed(self, sentence: str) -> None:
        self.set_title(self.tr("Try it"), sentence)
        self.cancel_button.setVisible(bool(sentence))
