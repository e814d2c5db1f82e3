"""Tasks: N, K and Q beside a really sampled episode, what the images allow, and the person's own target tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.gui import commands, theme
from metastudio.gui.pages.page import Page
from metastudio.gui.widgets.difficulty_panel import DifficultyPanel
from metastudio.gui.widgets.episode_panel import EpisodePanel
from metastudio.gui.widgets.feasibility import Feasibility
from metastudio.gui.widgets.shape_panel import ShapePanel
from metastudio.gui.widgets.target_tasks import TargetTasks
from metastudio.runs.preflight import part_spec

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio


class TasksPage(Page):
    """The second page: what a task is, and which tasks the person has."""

    key: ClassVar[str] = "tasks"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self._document: ProjectDocument | None = None
        self.shape = ShapePanel()
        self.shape.episodes_changed.connect(self._on_shape_episodes_changed)
        self.shape.train_shots_changed.connect(self._on_shape_train_shots_changed)
        self.feasibility = Feasibility()
        self.feasibility.mended.connect(self.studio.toast_step)
        self.episode = EpisodePanel()
        self.episode.part_changed.connect(self._show_feasibility)
        self.episode.images_wanted.connect(self._on_images_wanted)
        self.targets = TargetTasks()
        self.targets.trial_wanted.connect(self._on_trial_wanted)
        self.targets.told.connect(self._on_targets_told)
        self.targets.setMinimumWidth(320)
        panel = QFrame()
        theme.set_role(panel, "panel")
        line = QHBoxLayout(panel)
        line.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        line.setSpacing(theme.EDGE)
        line.addWidget(self.shape, 5)
        line.addWidget(self.feasibility, 7)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(theme.GROUP)
        split.addWidget(self._left())
        split.addWidget(self.targets)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        self.body.addWidget(panel)
        self.body.addWidget(split, 1)
        studio.project_changed.connect(self._on_project_changed)
        self._on_project_changed(studio.project)

    def _left(self) -> QWidget:
        """Return the episode and the difficulty of the classes, one of them seen."""
        self.difficulty = DifficultyPanel(self.studio.session)
        self.difficulty.task_wanted.connect(self.targets.begin_with)
        self.difficulty.pins_wanted.connect(self._on_pins_wanted)
        self.difficulty.excluded.connect(self.studio.toast_step)
        self.difficulty.difficulty.changed.connect(self._on_difficulty_changed)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.addTab(self.tr("Episode"))
        self.tabs.addTab(self.tr("Difficulty"))
        self.tabs.setTabToolTip(1, self.tr("Which classes are hard to tell apart"))
        self.tabs.setAccessibleName(self.tr("Episode, or difficulty of the classes"))
        self.stack = QStackedWidget()
        self.stack.addWidget(self.episode)
        self.stack.addWidget(self.difficulty)
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        column.addWidget(self.tabs)
        column.addWidget(self.stack, 1)
        return left

    def on_shown(self) -> None:
        """See which models there are now."""
        self.difficulty.refresh_runs()

    def shut_down(self) -> None:
        """Stop what is being read and compared."""
        self.targets.shut_down()
        self.difficulty.shut_down()

    # the project

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        if self._document is not None:
            for signal, slot in self._links(self._document):
                signal.disconnect(slot)
        self._document = document
        if document is not None:
            for signal, slot in self._links(document):
                signal.connect(slot)
        self.targets.set_document(document)
        self.difficulty.set_document(document)
        self.episode.set_document(document)
        self._show_all()

    def _links(self, document: ProjectDocument) -> tuple:
        return (
            (document.index_changed, self._show_all),
            (document.readable_changed, self._show_all),
            (document.split_changed, self._show_all),
            (document.experiment_changed, self._on_experiment_changed),
        )

    @Slot(object)
    def _on_experiment_changed(self, sections: frozenset[str]) -> None:
        if sections & {"episodes", "seed", "data", "algorithm"}:
            self._show_all()

    @Slot()
    def _show_all(self) -> None:
        self._show_shape()
        self._show_feasibility()
        self.episode.show_episode()

    @Slot()
    def _show_feasibility(self) -> None:
        self.feasibility.show_part(self._document, self.episode.part)

    def _show_shape(self) -> None:
        document = self._document
        spec = document.experiment.episodes if document is not None else EpisodeSpec()
        shots = getattr(document.experiment.algorithm, "train_n_shot", 0) if document is not None else 0
        self.shape.show_shape(spec, train_shots=shots, is_enabled=document is not None)
        about = self.tr("{n_way}-way {n_shot}-shot, {n_query} queries a class").format(**dict(spec))
        if document is not None:
            training = part_spec(document.experiment, Part.META_TRAIN)
            if training != part_spec(document.experiment, Part.META_TEST):
                text = self.tr(" · in training {n_way} ways, {n_shot} shots, {n_query} queries")
                about += text.format(**dict(training))
        self.set_title(self.tr("Tasks"), about)

    # the person

    @Slot(object)
    def _on_shape_episodes_changed(self, episodes: EpisodeSpec) -> None:
        if self._document is not None:
            commands.set_episodes(self._document, episodes=episodes)

    @Slot(int)
    def _on_shape_train_shots_changed(self, value: int) -> None:
        if self._document is not None:
            self._document.set_option("algorithm.train_n_shot", value)

    @Slot(object, str)
    def _on_targets_told(self, text: str, severity: str) -> None:
        self.studio.toast(text, severity=severity)

    @Slot()
    def _on_difficulty_changed(self) -> None:
        self.episode.set_map(self.difficulty.difficulty.project_map())

    @Slot(object)
    def _on_pins_wanted(self, names: tuple[str, ...]) -> None:
        if self._document is not None:
            self.episode.pin_classes(self._document.parts[names[0]], names)
            self.tabs.setCurrentIndex(0)
            self.episode.view.setFocus()

    @Slot()
    def _on_images_wanted(self) -> None:
        self.studio.show_page("images")

    @Slot(object)
    def _on_trial_wanted(self, name: str) -> None:
        self.studio.select_target(name, page="try_it")
