"""A really sampled episode of a part, "another one", and pins that keep what the person wants to go on seeing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from metastudio.catalog.data_spec import Part
from metastudio.errors import DataError
from metastudio.gui import theme
from metastudio.gui.forms.wording import sentence
from metastudio.gui.models.episode_pins import EpisodePins
from metastudio.gui.models.shown_name import groups_told_apart
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.class_column import PART_MARKS
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.episode_layout import EpisodeRow, Place
from metastudio.gui.widgets.episode_view import EpisodeView
from metastudio.gui.widgets.labels import label
from metastudio.gui.wording import counted, percent
from metastudio.images.episode_draw import draw_episode, keep_pinned
from metastudio.runs.preflight import part_spec

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.runs.class_map import ClassMap

_QUARTER_TURNS = 4
_ODD = 1.5
"""An episode is harder or easier than most if its classes are confused so many times as often, or as seldom."""


class EpisodePanel(QFrame):
    """Draws episodes as training does. Pins are this panel's alone: neither the project nor training knows of them.

    Signals:
        part_changed(): `part` is another.
        images_wanted(): there are none, and the person wants to add some.
    """

    part_changed = Signal()
    images_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._document: ProjectDocument | None = None
        self._number = 0
        self._pins = {part: EpisodePins() for part in Part}
        self.part_box = QComboBox()
        self.part_box.setAccessibleName(self.tr("Draw from"))
        self.part_box.setToolTip(self.tr("Which classes the episode is drawn from"))
        for part in Part:
            self.part_box.addItem(f"{PART_MARKS[part]} {part.label}", part)
        self.part_box.currentIndexChanged.connect(self._on_part_changed)
        calm_wheel(self.part_box)
        self.again_button = QPushButton(self.tr("Another one"))
        self.again_button.clicked.connect(self.draw_another)
        QShortcut(QKeySequence("Ctrl+R"), self, self.draw_another)
        self.clear_button = QPushButton()
        theme.set_role(self.clear_button, "link")
        self.clear_button.setToolTip(
            self.tr(
                "Let go of everything pinned. Pins belong to this page: they are not saved with the project, and "
                "training draws its episodes without them."
            )
        )
        self.clear_button.clicked.connect(self.clear_pins)
        self.title = label("", "section")
        self.difficulty = label("", "quiet")
        self._map: ClassMap | None = None
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self.title)
        head.addWidget(self.difficulty)
        head.addWidget(self.clear_button)
        head.addStretch(1)
        head.addWidget(self.part_box)
        head.addWidget(self.again_button)
        self.view = EpisodeView()
        self.view.setAccessibleName(self.tr("A sampled episode"))
        self.view.pin_toggled.connect(self._on_view_pin_toggled)
        self.no_episode = EmptyState("mdi6.view-grid-outline", "", "")
        self.images_button = self.no_episode.add_button(self.tr("Go to Images"), self.images_wanted.emit)
        self.stack = QStackedWidget()
        self.stack.setStyleSheet("QStackedWidget, QAbstractScrollArea { background: transparent; }")
        self.stack.addWidget(self.view)
        self.stack.addWidget(self.no_episode)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self.stack, 1)

    @property
    def part(self) -> Part:
        """The part that episodes are drawn from."""
        return Part(self.part_box.currentData())  # Qt keeps the word alone

    def set_document(self, document: ProjectDocument | None) -> None:
        """Draw from another project, from its first episode on, with nothing pinned."""
        self._document = document
        self._number = 0
        self._pins = {part: EpisodePins() for part in Part}
        self.show_episode()

    @Slot()
    def draw_another(self) -> None:
        """Show the next episode."""
        self._number += 1
        self.show_episode()

    @Slot()
    def clear_pins(self) -> None:
        """Show the episode as training draws it."""
        self._pins[self.part] = EpisodePins()
        self.view.setFocus()  # the button goes
        self.show_episode()

    def pin_classes(self, part: Part, names: Sequence[str]) -> None:
        """Show these classes of a part in every episode, until the person lets go of them."""
        self._pins[part].pin_classes(names)
        if part is not self.part:
            self.part_box.setCurrentIndex(self.part_box.findData(part))
        self.show_episode()

    def set_map(self, found: ClassMap | None) -> None:
        """Say from now on how hard the shown episode is, by a map of the project's classes."""
        self._map = found
        self._say_difficulty()

    def _say_difficulty(self) -> None:
        """Say how easily the classes of the episode are confused, against any classes of the part."""
        names = {row.name for row in self.view.rows()}
        found, document = self._map, self._document
        self.difficulty.hide()
        if found is None or document is None or len(names) < 2 or not names <= found.positions.keys():
            return
        here = found.mean_confusion(names)
        usual = found.mean_confusion([name for name, part in document.parts.items() if part is self.part])
        if math.isnan(here):
            return
        if here > _ODD * usual:
            word = self.tr("harder than most")
        else:
            word = self.tr("easier than most") if here < usual / _ODD else self.tr("about as hard as most")
        self.difficulty.setText(word)
        self.difficulty.setToolTip(
            self.tr(
                "Of two classes of this episode, {here} of the pictures lie nearer to the other one; of any two "
                "classes of {part}, {usual}. From the map under Difficulty."
            ).format(here=percent(here), usual=percent(usual), part=self.part.label)
        )
        self.difficulty.show()

    @Slot()
    def show_episode(self) -> None:
        """Draw the episode as the project now stands."""
        self.title.setText(self.tr("Episode {number}").format(number=self._number + 1))
        count = len(self._pins[self.part])
        self.clear_button.setText(counted(count, self.tr("Clear 1 pin"), self.tr("Clear {count} pins")))
        self.clear_button.setVisible(count > 0)
        document = self._document
        has_images = document is not None and bool(document.used.classes)
        self.again_button.setEnabled(has_images)
        tip = self.tr("Draw the next episode, as training will (Ctrl+R)")
        if count:
            tip = self.tr("Draw the next episode; what is pinned stays (Ctrl+R)")
        self.again_button.setToolTip(tip if has_images else self.tr("Add images first."))
        if not has_images:
            text = self.tr("Add images, and a really sampled episode shows here: exactly what training will see.")
            self._show_none(self.tr("No images yet"), text)
            return
        try:
            rows = self._drawn(document)
        except DataError as error:
            text = f"{sentence(error.what)} {sentence(error.todo)}"
            self._show_none(self.tr("No episode can be drawn"), text)
            return
        self.view.set_rows(rows)
        self._say_difficulty()
        self.stack.setCurrentWidget(self.view)

    def _show_none(self, title: str, text: str) -> None:
        self.view.set_rows(())
        self._say_difficulty()
        self.no_episode.set_text(title, text)
        self.stack.setCurrentWidget(self.no_episode)

    def _drawn(self, document: ProjectDocument) -> tuple[EpisodeRow, ...]:
        part, pins = self.part, self._pins[self.part]
        classes = [each for each in document.readable.classes if document.parts.get(each.name) is part]
        sizes = [len(each.files) for each in classes]
        spec = part_spec(document.experiment, part)
        turns = _QUARTER_TURNS if document.experiment.data.rotations_as_classes and part is Part.META_TRAIN else 1
        which = {"seed": document.experiment.seed, "part": part, "number": self._number}
        drawn = draw_episode(sizes, spec.n_way, spec.n_shot, spec.n_query, rotations=turns, **which)
        drawn = keep_pinned(drawn, pins.among(classes, turns=turns), sizes, **which)
        groups = groups_told_apart(classes[position].name for position in drawn.classes)
        rows = []
        for row, position in enumerate(drawn.classes):
            found, quarter_turns = classes[position], int(drawn.quarter_turns[row])
            rows.append(
                EpisodeRow(
                    found.name,
                    tuple(found.files[image].path for image in drawn.support[row]),
                    tuple(found.files[image].path for image in drawn.query[row]),
                    quarter_turns,
                    groups[found.name],
                    pins.shown(row, found.name, quarter_turns),
                )
            )
        return tuple(rows)

    @Slot(object)
    def _on_view_pin_toggled(self, place: Place) -> None:
        row, pins = self.view.rows()[place.row], self._pins[self.part]
        if place.role:
            path = row.files(place.role)[place.position]
            pins.toggle_file(place.row, row.name, row.quarter_turns, (place.role, place.position), path)
        else:
            pins.toggle_class(place.row, row.name, row.quarter_turns)
        self.show_episode()

    @Slot()
    def _on_part_changed(self) -> None:
        self.part_changed.emit()
        self.show_episode()
