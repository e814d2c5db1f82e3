"""Tasks: N, K and Q beside a really sampled episode, what the images allow, and the person's own target tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.errors import DataError
from metastudio.gui import commands, theme
from metastudio.gui.forms.wording import sentence, translated
from metastudio.gui.models.shown_name import groups_told_apart, isolated
from metastudio.gui.pages.page import Page
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.class_column import PART_MARKS
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.episode_view import EpisodeRow, EpisodeView
from metastudio.gui.widgets.feasible_gauge import FeasibleGauge
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.spin_box import spin_box
from metastudio.gui.widgets.target_tasks import TargetTasks
from metastudio.images.episode_draw import draw_episode
from metastudio.images.episode_limits import Feasible, feasible, too_small
from metastudio.runs.preflight import train_spec

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_QUARTER_TURNS = 4
_TRAIN_SHOTS = "algorithm.train_n_shot"
_SLIDERS = {"n_way": (2, 20), "n_shot": (1, 20), "n_query": (1, 30)}


class TasksPage(Page):
    """The second page: what a task is, and which tasks the person has."""

    key: ClassVar[str] = "tasks"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self._document: ProjectDocument | None = None
        self._number = 0
        self._is_showing = False
        self._spins: dict[str, QSpinBox] = {}
        self._sliders: dict[str, QSlider] = {}
        self._targets = TargetTasks()
        self._targets.trial_wanted.connect(self._on_trial_wanted)
        self._targets.setMinimumWidth(320)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(theme.GROUP)
        split.addWidget(self._make_episode_panel())
        split.addWidget(self._targets)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        self.body.addWidget(self._make_shape_panel())
        self.body.addWidget(split, 1)
        studio.project_changed.connect(self._on_project_changed)
        self._on_project_changed(studio.project)

    # building

    def _make_shape_panel(self) -> QWidget:
        panel = QFrame()
        theme.set_role(panel, "panel")
        line = QHBoxLayout()
        line.setSpacing(theme.GAP)
        titles = {
            "n_way": self.tr("Classes N"),
            "n_shot": self.tr("Examples K"),
            "n_query": self.tr("Questions Q"),
        }
        for name, title in titles.items():
            field = EpisodeSpec.model_fields[name]
            slider, spin = QSlider(Qt.Orientation.Horizontal), spin_box(2 if name == "n_way" else 1, 1000)
            slider.setRange(*_SLIDERS[name])
            slider.setMinimumWidth(56)
            calm_wheel(slider)
            spin.setFixedWidth(68)
            for widget in (slider, spin):
                widget.setToolTip(translated(field.description))
                widget.setAccessibleName(title)
            slider.valueChanged.connect(spin.setValue)
            spin.valueChanged.connect(self._on_spin_changed)
            self._sliders[name], self._spins[name] = slider, spin
            line.addWidget(label(title))
            line.addWidget(slider, 1)
            line.addWidget(spin)
            line.addSpacing(theme.GAP)
        self._gauge = FeasibleGauge()
        self._feasible = WrappingLabel("", "quiet")
        self._lower_button = QPushButton()
        self._lower_button.clicked.connect(self._on_lower_clicked)
        self._exclude_button = QPushButton()
        self._exclude_button.clicked.connect(self._on_exclude_clicked)
        below = QHBoxLayout()
        below.setSpacing(theme.GAP)
        below.addWidget(self._gauge)
        below.addWidget(self._feasible, 1)
        below.addWidget(self._lower_button)
        below.addWidget(self._exclude_button)
        column = QVBoxLayout(panel)
        column.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        column.setSpacing(theme.GAP)
        column.addLayout(line)
        column.addLayout(below)
        return panel

    def _make_episode_panel(self) -> QWidget:
        panel = QFrame()
        theme.set_role(panel, "panel")
        self._part = QComboBox()
        self._part.setAccessibleName(self.tr("Draw from"))
        self._part.setToolTip(self.tr("Which classes the episode is drawn from"))
        for part in Part:
            self._part.addItem(f"{PART_MARKS[part]} {part.label}", part)
        self._part.currentIndexChanged.connect(self._show_episode)
        calm_wheel(self._part)
        self._again_button = QPushButton(self.tr("Another one"))
        self._again_button.clicked.connect(self.draw_another)
        QShortcut(QKeySequence("Ctrl+R"), self, self.draw_another)
        self._episode_title = label("", "section")
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self._episode_title, 1)
        head.addWidget(self._part)
        head.addWidget(self._again_button)
        self._episode = EpisodeView()
        self._episode.setAccessibleName(self.tr("A sampled episode"))
        self._no_episode = EmptyState("mdi6.view-grid-outline", "", "")
        self._images_button = self._no_episode.add_button(self.tr("Go to Images"), self._on_images_clicked)
        self._episode_stack = QStackedWidget()
        self._episode_stack.setStyleSheet("QStackedWidget, QAbstractScrollArea { background: transparent; }")
        self._episode_stack.addWidget(self._episode)
        self._episode_stack.addWidget(self._no_episode)
        column = QVBoxLayout(panel)
        column.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self._episode_stack, 1)
        return panel

    # the project

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        if self._document is not None:
            for signal, slot in self._links(self._document):
                signal.disconnect(slot)
        self._document = document
        self._number = 0
        if document is not None:
            for signal, slot in self._links(document):
                signal.connect(slot)
        self._targets.set_document(document)
        self._show_all()

    def _links(self, document: ProjectDocument) -> tuple:
        return (
            (document.index_changed, self._show_all),
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
        self._show_feasible()
        self._show_episode()

    def _spec(self) -> EpisodeSpec:
        return self._document.experiment.episodes if self._document is not None else EpisodeSpec()

    def _shape(self, part: Part) -> EpisodeSpec:
        """Return what is really drawn: some methods train with other shots."""
        if part is Part.META_TRAIN and self._document is not None:
            return train_spec(self._document.experiment)
        return self._spec().for_test()

    def _show_shape(self) -> None:
        spec = self._spec()
        self._is_showing = True
        for name, spin in self._spins.items():
            value = getattr(spec, name)
            if spin.value() != value:
                spin.setValue(value)
            with QSignalBlocker(self._sliders[name]):
                low, high = _SLIDERS[name]
                self._sliders[name].setRange(low, max(high, value))
                self._sliders[name].setValue(value)
            for widget in (spin, self._sliders[name]):
                widget.setEnabled(self._document is not None)
        self._is_showing = False
        about = self.tr("{n_way}-way {n_shot}-shot, {n_query} queries a class").format(**dict(spec))
        training = self._shape(Part.META_TRAIN)
        if training != self._shape(Part.META_TEST):
            about += self.tr(" · in training {n_way} ways, {n_shot} shots, {n_query} queries").format(**dict(training))
        self.set_title(self.tr("Tasks"), about)

    @Slot()
    def _on_spin_changed(self) -> None:
        if self._document is None or self._is_showing:
            return
        values = {name: spin.value() for name, spin in self._spins.items()}
        commands.set_episodes(self._document, episodes=self._spec().model_copy(update=values))

    # what the images allow

    def _feasible_by_part(self) -> dict[Part, Feasible]:
        if self._document is None:
            return {}
        document = self._document
        rotations = document.experiment.data.rotations_as_classes
        found = {part: feasible(document.used, document.parts, part, rotations_as_classes=rotations) for part in Part}
        return {part: each for part, each in found.items() if each.n_way}

    def _show_feasible(self) -> None:
        allowed = self._feasible_by_part()
        self._lower_button.hide()
        self._exclude_button.hide()
        spec = self._spec()
        smallest = min(allowed.values(), key=lambda each: each.n_images, default=Feasible(0, 0, ""))
        self._gauge.set_values(spec.n_shot, spec.n_query, smallest.n_images)
        self._gauge.setVisible(bool(allowed))
        if not allowed:
            self._say(self.tr("What is feasible shows here when there are images."), "quiet")
            return
        scarce = next((part for part in allowed if allowed[part].n_way < self._shape(part).n_way), None)
        needed = {part: self._shape(part).n_shot + self._shape(part).n_query for part in allowed}
        short = [part for part in allowed if allowed[part].n_images < needed[part]]
        if scarce is not None:
            self._say_too_few_classes(scarce, allowed[scarce])
        elif short:
            self._say_too_few_images(min(short, key=lambda part: allowed[part].n_images), allowed)
        else:
            fewest = min(allowed, key=lambda part: allowed[part].n_way)
            text = self.tr("Fits: K + Q up to {images} pictures ({name} has {images}), N up to {ways} classes ({part})")
            self._say(
                text.format(
                    images=smallest.n_images,
                    name=isolated(smallest.limiting_class),
                    ways=allowed[fewest].n_way,
                    part=fewest.label,
                ),
                "quiet",
            )

    def _say(self, text: str, role: str) -> None:
        self._feasible.setText(text)
        theme.set_role(self._feasible, role)

    def _say_too_few_classes(self, part: Part, allowed: Feasible) -> None:
        text = self.tr("{part} has {count} classes, fewer than the {n_way} ways of an episode.").format(
            part=part.label, count=allowed.n_way, n_way=self._shape(part).n_way
        )
        self._say(text, "warning" if part is Part.META_TEST else "bad")
        if allowed.n_way >= 2:
            self._offer_lower("n_way", self.tr("Lower N to {value}"), allowed.n_way)

    def _say_too_few_images(self, part: Part, allowed: dict[Part, Feasible]) -> None:
        here, spec = allowed[part], self._shape(part)
        text = self.tr("K + Q = {needed}, but K + Q ≤ {images} ({name} has {images} images).").format(
            needed=spec.n_shot + spec.n_query, images=here.n_images, name=isolated(here.limiting_class)
        )
        self._say(text, "bad")
        if spec.n_shot != self._spec().n_shot and spec.n_shot > 1:  # the method trains with shots of its own
            fits = max(1, min(spec.n_shot - 1, here.n_images - spec.n_query))
            self._offer_lower(_TRAIN_SHOTS, self.tr("Lower the shots in training to {value}"), fits)
        elif here.n_images > spec.n_shot:
            self._offer_lower("n_query", self.tr("Lower Q to {value}"), here.n_images - spec.n_shot)
        elif here.n_images > 1:
            self._offer_lower("n_shot", self.tr("Lower K to {value}"), here.n_images - 1)
        names = self._too_small()
        others = sum(each.n_way for each in allowed.values()) - len(names)
        self._exclude_button.setText(
            self.tr("Exclude {name}").format(name=isolated(names[0].rpartition("/")[2]))
            if len(names) == 1
            else self.tr("Exclude {count} classes").format(count=len(names))
        )
        self._exclude_button.setVisible(bool(names))
        self._exclude_button.setEnabled(others > 0)
        reason = self.tr("Every class is too small: lower K or Q instead.")
        self._exclude_button.setToolTip(", ".join(map(isolated, names[:20])) if others > 0 else reason)

    def _too_small(self) -> tuple[str, ...]:
        document = self._document
        if document is None:
            return ()
        return tuple(
            name for part in Part for name in too_small(document.used, document.parts, part, self._shape(part))
        )

    def _offer_lower(self, option: str, template: str, value: int) -> None:
        self._lower_button.setText(template.format(value=value))
        self._lower_button.setProperty("option", option)
        self._lower_button.setProperty("value", value)
        self._lower_button.show()

    @Slot()
    def _on_lower_clicked(self) -> None:
        """Lower what was offered, and with it what training has of its own."""
        if self._document is None:
            return
        option, value = self._lower_button.property("option"), self._lower_button.property("value")
        if option == _TRAIN_SHOTS:
            self._document.set_option(option, value)
            return
        spec, own = self._spec(), f"train_{self._lower_button.property('option')}"
        changes = {option: min(value, getattr(spec, option))}
        if getattr(spec, own, 0) > value:
            changes[own] = value
        commands.set_episodes(self._document, episodes=spec.model_copy(update=changes))

    @Slot()
    def _on_exclude_clicked(self) -> None:
        if self._document is not None and (names := self._too_small()):
            commands.exclude_classes(self._document, names=names)

    # the episode

    @Slot()
    def draw_another(self) -> None:
        """Show the next episode."""
        self._number += 1
        self._show_episode()

    @Slot()
    def _show_episode(self) -> None:
        part = Part(self._part.currentData())  # Qt keeps the word alone
        self._episode_title.setText(self.tr("Episode {number}").format(number=self._number + 1))
        document = self._document
        has_images = document is not None and bool(document.used.classes)
        self._again_button.setEnabled(has_images)
        self._again_button.setToolTip(
            self.tr("Draw the next episode, as training will (Ctrl+R)") if has_images else self.tr("Add images first.")
        )
        if not has_images:
            text = self.tr("Add images, and a really sampled episode shows here: exactly what training will see.")
            self._show_no_episode(self.tr("No images yet"), text)
            return
        try:
            rows = self._drawn(document, part)
        except DataError as error:
            text = f"{sentence(error.what)} {sentence(error.todo)}"
            self._show_no_episode(self.tr("No episode can be drawn"), text)
            return
        self._episode.set_rows(rows)
        self._episode_stack.setCurrentWidget(self._episode)

    def _show_no_episode(self, title: str, text: str) -> None:
        self._episode.set_rows(())
        self._no_episode.set_text(title, text)
        self._episode_stack.setCurrentWidget(self._no_episode)

    def _drawn(self, document: ProjectDocument, part: Part) -> tuple[EpisodeRow, ...]:
        classes = [each for each in document.used.classes if document.parts.get(each.name) is part]
        spec = self._shape(part)
        turns = document.experiment.data.rotations_as_classes and part is Part.META_TRAIN
        drawn = draw_episode(
            [len(each.files) for each in classes],
            spec.n_way,
            spec.n_shot,
            spec.n_query,
            seed=document.experiment.seed,
            part=part,
            number=self._number,
            rotations=_QUARTER_TURNS if turns else 1,
        )
        groups = groups_told_apart(classes[position].name for position in drawn.classes)
        return tuple(
            EpisodeRow(
                classes[position].name,
                tuple(classes[position].files[image].path for image in support),
                tuple(classes[position].files[image].path for image in query),
                int(quarter_turns),
                groups[classes[position].name],
            )
            for position, quarter_turns, support, query in zip(
                drawn.classes, drawn.quarter_turns, drawn.support, drawn.query, strict=True
            )
        )

    @Slot()
    def _on_images_clicked(self) -> None:
        self.studio.show_page("images")

    @Slot(object)
    def _on_trial_wanted(self, name: str) -> None:
        self.studio.select_target(name, page="try_it")
