"""How hard the classes are to tell apart: a map of them, and the pairs that are most easily confused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal, SignalInstance, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass
from metastudio.gui import commands, theme
from metastudio.gui.documents.difficulty import Difficulty, Scope
from metastudio.gui.documents.project_state import CHOICES
from metastudio.gui.models.shown_name import isolated, printable
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.class_column import PART_MARKS
from metastudio.gui.widgets.class_scatter import ClassScatter
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.labels import ElidedLabel, WrappingLabel
from metastudio.gui.widgets.pair_actions import PairActions
from metastudio.gui.widgets.pair_list import PairListView
from metastudio.gui.widgets.progress_bar import ProgressBar
from metastudio.gui.widgets.run_picker import RunChoice, RunPicker
from metastudio.gui.wording import count_text, counted
from metastudio.images.library_task import library_classes
from metastudio.runs.class_map import ClassPair

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.jobs.session_thread import SessionThread
    from metastudio.runs.questions import Progress
    from metastudio.runs.run_folder import RunFolder

_MOST_PAIRS = 200
_LIBRARY_QUERIES = 5
_BAR_AFTER_MS = 300


class DifficultyPanel(QFrame):
    """Shows what `Difficulty` knows, and lets the person act on a pair of classes.

    Attributes:
        difficulty: What is known, and asks for more.

    Signals:
        task_wanted(object): classes (`TargetClass`) of which the person wants a new target task.
        pins_wanted(object): names of classes that the composer should show.
        excluded(object): a class was left out of the project, as an undo step; what was done, in a sentence.
    """

    task_wanted = Signal(object)
    pins_wanted = Signal(object)
    excluded = Signal(object)

    def __init__(self, session: SessionThread, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._document: ProjectDocument | None = None
        self.difficulty = Difficulty(session, self)
        self.difficulty.changed.connect(self._on_difficulty_changed)
        self.difficulty.progressed.connect(self._on_difficulty_progressed)
        self.runs = RunPicker(without=self.tr("Raw pixels, no model"))
        self.runs.setAccessibleName(self.tr("Compare the classes as seen by"))
        self.runs.setToolTip(self.tr("Whose features are compared: those of a trained model, or the pixels themselves"))
        self.runs.setMinimumContentsLength(16)
        self.runs.run_chosen.connect(self._on_run_chosen)
        self.scope_box = QComboBox()
        self.scope_box.setAccessibleName(self.tr("Classes on the map"))
        self.scope_box.setToolTip(self.scope_box.accessibleName())
        self.scope_box.activated.connect(self._on_scope_activated)
        calm_wheel(self.scope_box)
        self.measure_button = QPushButton(self.tr("Compare"))
        self.measure_button.clicked.connect(self.difficulty.measure)
        self.about = WrappingLabel("", "quiet")
        self.progress = self._progress_row()
        self.scatter = ClassScatter(self.difficulty.files)
        self.scatter.class_chosen.connect(self.choose_class)
        self.pairs = PairListView(self.difficulty.files)
        self.pairs.pair_chosen.connect(self._on_pair_chosen)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Pairs with a class called…"))
        self.search.setAccessibleName(self.tr("Show pairs with a class called"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._show_pairs)
        self.empty = EmptyState("mdi6.scatter-plot-outline", "", "")
        self.empty_button = self.empty.add_button(self.tr("Compare the classes"), self.difficulty.measure)
        self.stack = QStackedWidget()
        self.stack.setStyleSheet("QStackedWidget { background: transparent; }")
        self.stack.addWidget(self._body())
        self.stack.addWidget(self.empty)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self.runs, 1)
        head.addWidget(self.scope_box)
        head.addWidget(self.measure_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self.about)
        column.addWidget(self.progress)
        column.addWidget(self.stack, 1)
        self._show_everything()

    def _progress_row(self) -> QWidget:
        self._phase = ElidedLabel("", "caption")
        self._bar = ProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the comparison"))
        self.cancel_button = QPushButton(self.tr("Cancel"))
        self.cancel_button.clicked.connect(self.difficulty.cancel)
        self._bar_timer = QTimer(self)
        self._bar_timer.setSingleShot(True)
        self._bar_timer.setInterval(_BAR_AFTER_MS)
        row = QWidget()
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self._phase)
        column.addWidget(self._bar)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addLayout(column, 1)
        line.addWidget(self.cancel_button)
        row.hide()
        self._bar_timer.timeout.connect(row.show)
        return row

    def _body(self) -> QWidget:
        self.pair_actions = PairActions()
        self.pair_actions.task_wanted.connect(self._on_task_wanted)
        self.pair_actions.pins_wanted.connect(self.pins_wanted)
        self.pair_actions.exclusion_wanted.connect(self._on_exclusion_wanted)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.search)
        column.addWidget(self.pairs, 1)
        column.addWidget(self.pair_actions)
        split = QSplitter()
        split.setChildrenCollapsible(False)
        split.setHandleWidth(theme.GROUP)
        split.addWidget(self.scatter)
        split.addWidget(right)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        return split

    # what is shown

    def set_document(self, document: ProjectDocument | None) -> None:
        """Look at another project."""
        for known, is_new in ((self._document, False), (document, True)):
            if known is not None:
                for signal, slot in self._links(known):
                    signal.connect(slot) if is_new else signal.disconnect(slot)
        self._document = document
        self.difficulty.set_document(document)
        self._show_scopes()
        self.refresh_runs()

    def _links(self, document: ProjectDocument) -> tuple[tuple[SignalInstance, Callable[..., object]], ...]:
        return (
            (document.index_changed, self.difficulty.refresh),
            (document.split_changed, self.difficulty.refresh),
            (document.experiment_changed, self._on_experiment_changed),
            (document.targets_changed, self._on_targets_changed),
        )

    @Slot(object)
    def _on_experiment_changed(self, sections: frozenset[str]) -> None:
        if sections & {f"data.{name}" for name in CHOICES}:
            self.difficulty.refresh()

    @Slot()
    def refresh_runs(self) -> None:
        """Read anew which models there are."""
        self.runs.refresh(self._document.runs_folder if self._document is not None else None)

    def select_run(self, run: RunFolder | None) -> None:
        """Compare the classes as this run's model sees them, as soon as the list has it."""
        self.runs.select(run)

    def shut_down(self) -> None:
        """End what runs beside the window."""
        self.difficulty.cancel()
        self.runs.close_task()

    def choose_class(self, name: str) -> None:
        """Choose the pair of a class and the one that it is most easily taken for."""
        found = self.difficulty.map
        if found is not None and (pairs := found.pairs(1, of={name})):
            self.pairs.choose(pairs[0])
            self.pairs.setFocus()

    @Slot()
    def _show_scopes(self) -> None:
        scope = self.difficulty.scope
        self.scope_box.clear()
        self.scope_box.addItem(self.tr("All classes"), "")
        for part in Part:
            self.scope_box.addItem(f"{PART_MARKS[part]} {part.label}", f"part {part.value}")
        for target in self._document.targets if self._document is not None else ():
            self.scope_box.addItem(
                self.tr("Task “{name}”").format(name=printable(target.name)), f"target {target.name}"
            )
        place = self.scope_box.findData(_word_of(scope))
        self.scope_box.setCurrentIndex(max(0, place))
        if place < 0:
            self.difficulty.set_scope(None)

    @Slot()
    def _on_targets_changed(self) -> None:
        self._show_scopes()
        if self.difficulty.is_of_target():
            self.difficulty.refresh()

    @Slot()
    def _on_difficulty_changed(self) -> None:
        self._show_everything()

    def _show_everything(self) -> None:
        found = self.difficulty.map
        has_map = found is not None and len(found.names) >= 2
        self.about.setText(self._about())
        self.about.setVisible(bool(self.about.text()))
        theme.set_role(self.about, "warning" if self.difficulty.reason else "quiet")
        self.scatter.show_map(found if has_map else None)
        self._show_pairs()
        self.stack.setCurrentIndex(0 if has_map else 1)
        self._show_emptiness()
        can_measure = len(self.difficulty.classes) >= 2 and not self.difficulty.is_busy
        self.measure_button.setVisible(has_map)
        self.measure_button.setText(self.tr("Compare again"))
        self.measure_button.setEnabled(can_measure)
        self.empty_button.setEnabled(can_measure)

    def _about(self) -> str:
        """Return what the map is of, how far it can be trusted, and what is not on it."""
        found, reason = self.difficulty.map, self.difficulty.reason
        if reason:
            return f"⚠ {reason}"
        if found is None:
            return ""
        chosen, run = self.runs.chosen, self.difficulty.run
        if run is None:
            text = self.tr("From raw pixels, no model: what is alike here may still be easy for a trained one.")
        else:
            text = self.tr("From the features of {run}, iteration {iteration}, before it adapts.")
            name = chosen.title.partition(" · ")[0] if chosen is not None else run.name
            text = text.format(run=name, iteration=count_text(found.iteration or 0))
        many = self.tr("{count} classes, up to {most} pictures each; the map shows {share} % of how they differ.")
        shown = f"{100 * found.shown_share:.0f}"
        parts = [text, many.format(count=f"{len(found.names):,}", most=max(found.pictures, default=0), share=shown)]
        if found.trained_on:
            one = self.tr("1 of the compared classes it was trained on: it tells those apart better than new ones.")
            many = self.tr(
                "{count} of the compared classes it was trained on: it tells those apart better than new ones."
            )
            parts.append(counted(found.trained_on, one, many))
        if self.difficulty.newer:
            one, many = self.tr("⚠ 1 class has changed since."), self.tr("⚠ {count} classes have changed since.")
            parts.append(counted(self.difficulty.newer, one, many))
        if found.problems:
            one = self.tr("⚠ 1 thing was left out: {first}")
            many = self.tr("⚠ {count} things were left out, the first: {first}")
            parts.append(counted(len(found.problems), one, many, first=printable(found.problems[0])))
        return " ".join(parts)

    def _show_emptiness(self) -> None:
        count = len(self.difficulty.classes)
        if self._document is None or not self._document.used.classes:
            title, text = (
                self.tr("No images yet"),
                self.tr("Add images, and this says which classes are hard to tell apart."),
            )
        elif count < 2:
            title = self.tr("Nothing to compare")
            text = self.tr("Two classes with pictures are needed; here there are {count}.").format(count=count)
        elif self.difficulty.run is None:
            title = self.tr("Which classes are hard to tell apart?")
            text = self.tr(
                "Some pictures of each class are compared as they are, pixel by pixel, before anything is learned. "
                "Once a model is trained, choose it above: then its own view of the classes is mapped."
            )
        else:
            title = self.tr("Which classes does the model take for each other?")
            text = self.tr(
                "Some pictures of each class go through the trained model. Classes whose pictures it places near each "
                "other are the ones it will confuse."
            )
        self.empty.set_text(title, text)
        self.empty_button.setVisible(count >= 2)

    @Slot()
    def _show_pairs(self) -> None:
        found, wanted = self.difficulty.map, self.search.text().strip().casefold()
        pairs: tuple[ClassPair, ...] = ()
        if found is not None and len(found.names) >= 2:
            of = {name for name in found.names if wanted in name.casefold()} if wanted else None
            pairs = found.pairs(_MOST_PAIRS, of=of)
        self.pairs.show_pairs(pairs)
        self._show_actions(self.pairs.current())

    @Slot(object)
    def _on_pair_chosen(self, pair: ClassPair | None) -> None:
        self.scatter.choose(() if pair is None else (pair.first, pair.second))
        self._show_actions(pair)

    def _show_actions(self, pair: ClassPair | None) -> None:
        self.pair_actions.show_pair(pair, self._document, is_of_target=self.difficulty.is_of_target())

    # the person

    @Slot(object)
    def _on_run_chosen(self, choice: RunChoice | None) -> None:
        self.difficulty.set_run(choice.run if choice is not None else None)
        self._show_everything()

    @Slot(int)
    def _on_scope_activated(self, _index: int) -> None:
        self.difficulty.set_scope(_scope_of(self.scope_box.currentData()))

    @Slot(object)
    def _on_difficulty_progressed(self, progress: Progress | None) -> None:
        if progress is None:
            self._bar_timer.stop()
            self.progress.hide()
            self._show_everything()
            return
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        phases = {
            "waiting": self.tr("Waiting…"),
            "loading the checkpoint": self.tr("Loading the checkpoint…"),
            "reading pictures": self.tr("Reading pictures…"),
            "looking at pictures": self.tr("Looking at pictures…"),
            "comparing classes": self.tr("Comparing classes…"),
        }
        self._phase.setText(phases.get(progress.phase, progress.phase))
        if not self.progress.isVisible() and not self._bar_timer.isActive():
            self._bar_timer.start()
        self.measure_button.setEnabled(False)
        self.empty_button.setEnabled(False)

    @Slot(object)
    def _on_task_wanted(self, pair: ClassPair) -> None:
        if self._document is not None:
            self.task_wanted.emit(self._target_classes((pair.first, pair.second)))

    def _target_classes(self, names: tuple[str, str]) -> tuple[TargetClass, ...]:
        assert self._document is not None  # noqa: S101 - asked by the caller
        if self.difficulty.is_of_target():
            task = next(each for each in self._document.targets if each.name == self.difficulty.scope)
            return tuple(each for each in task.classes if each.name in names)
        shape = self._document.experiment.episodes
        found = [each for each in self._document.used.classes if each.name in names]
        return library_classes(found, n_shot=shape.n_shot, n_query=min(_LIBRARY_QUERIES, shape.n_query))

    @Slot(object)
    def _on_exclusion_wanted(self, name: str) -> None:
        if self._document is not None:
            commands.exclude_classes(self._document, names=[name])
            self.excluded.emit(self.tr("{name} is excluded.").format(name=isolated(name)))


def _word_of(scope: Scope) -> str:
    """Return the scope as the box keeps it: Qt would forget that a part is no plain word."""
    if scope is None:
        return ""
    return f"part {scope.value}" if isinstance(scope, Part) else f"target {scope}"


def _scope_of(word: str) -> Scope:
    kind, _, name = word.partition(" ")
    if not word:
        return None
    return Part(name) if kind == "part" else name
