"""What the images allow: the feasible region, the class that limits it, and a click to mend what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.gui import commands, theme
from metastudio.gui.models.shown_name import isolated
from metastudio.gui.widgets.feasible_map import FeasibleMap
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.wording import counted
from metastudio.images.episode_limits import Feasible, feasible, too_small
from metastudio.runs.preflight import part_spec

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument


class Feasibility(QWidget):
    """The map of one part, a sentence, and buttons; a part that does not fit is spoken of though another is shown.

    Signals:
        mended(object): a button changed the project; what it did, in a sentence.
    """

    mended = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: ProjectDocument | None = None
        self._part = Part.META_TRAIN
        self._spoken_of = Part.META_TRAIN
        self._lower: dict[QPushButton, tuple[str, int]] = {}
        self.map = FeasibleMap()
        self.map.chosen.connect(self._on_map_chosen)
        self.text = WrappingLabel("", "quiet")
        self.exclude_button = QPushButton()
        self.exclude_button.clicked.connect(self._on_exclude_clicked)
        self.shots_button, self.queries_button, self.ways_button = (QPushButton() for _ in range(3))
        buttons = QGridLayout()
        buttons.setSpacing(theme.TIGHT)
        for place, button in enumerate((self.exclude_button, self.ways_button, self.queries_button, self.shots_button)):
            buttons.addWidget(button, place // 2, place % 2)
            if button is not self.exclude_button:
                button.clicked.connect(self._on_lower_clicked)
        column = QVBoxLayout()
        column.setSpacing(theme.TIGHT)
        column.addWidget(self.text)
        column.addLayout(buttons)
        column.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GROUP)
        line.addWidget(self.map)
        line.addLayout(column, 1)

    def show_part(self, document: ProjectDocument | None, part: Part) -> None:
        """Show what the images of a project allow, drawn for one part."""
        self._document, self._part = document, part
        for button in (self.exclude_button, self.shots_button, self.queries_button, self.ways_button):
            button.hide()
        allowed = self._allowed()
        self.map.setVisible(bool(allowed))
        if not allowed:
            self._say(self.tr("What is feasible shows here when there are images."), "quiet")
            return
        self.map.set_state(allowed.get(part, Feasible()), self._shape(part), part)
        for each in (part, *(other for other in allowed if other is not part)):
            if each not in allowed:
                continue
            self._spoken_of = each
            if allowed[each].n_way < self._shape(each).n_way:
                self._say_too_few_classes(each, allowed[each])
                return
            if allowed[each].n_images < self._shape(each).n_shot + self._shape(each).n_query:
                self._say_too_few_images(each, allowed[each])
                return
        self._say_what_fits(part, allowed.get(part, Feasible()))

    def _allowed(self) -> dict[Part, Feasible]:
        """Return what each part that has classes allows."""
        if self._document is None:
            return {}
        document = self._document
        turned = document.experiment.data.rotations_as_classes
        found = {part: feasible(document.readable, document.parts, part, rotations_as_classes=turned) for part in Part}
        return {part: each for part, each in found.items() if each.n_way}

    def _shape(self, part: Part) -> EpisodeSpec:
        return part_spec(self._document.experiment, part) if self._document is not None else EpisodeSpec()

    # sentences

    def _say(self, text: str, role: str) -> None:
        self.text.setText(text)
        theme.set_role(self.text, role)

    def _say_what_fits(self, part: Part, allowed: Feasible) -> None:
        if not allowed.n_way:
            self._say(self.tr("There are no classes in {part}.").format(part=part.label), "quiet")
            return
        if len(set(allowed.sizes)) == 1:
            text = self.tr(
                "Fits: K + Q up to {images} pictures (each class has {images}), N up to {ways} classes ({part})."
            )
        else:
            text = self.tr(
                "Fits: K + Q up to {images} pictures ({name} has {images}), N up to {ways} classes ({part})."
            )
        name, ways = isolated(allowed.limiting_class), f"{allowed.n_way:,}"
        text = text.format(images=allowed.n_images, name=name, ways=ways, part=part.label)
        larger = next((size for size in allowed.sizes if size > allowed.n_images), 0)
        if larger and allowed.ways_with(larger) >= self._shape(part).n_way:
            one, many = self.tr("Without it up to {images}."), self.tr("Without {count} small classes up to {images}.")
            text += " " + counted(allowed.count_below(larger), one, many, images=larger)
        self._say(text, "quiet")

    def _say_too_few_classes(self, part: Part, allowed: Feasible) -> None:
        one = self.tr("{part} has 1 class, fewer than the {n_way} ways of an episode.")
        many = self.tr("{part} has {count} classes, fewer than the {n_way} ways of an episode.")
        text = counted(allowed.n_way, one, many, part=part.label, n_way=self._shape(part).n_way)
        self._say(text, "warning" if part is Part.META_TEST else "bad")
        if allowed.n_way >= 2:
            self._offer(self.ways_button, self.tr("Lower N to {value}"), "n_way", allowed.n_way)

    def _say_too_few_images(self, part: Part, allowed: Feasible) -> None:
        shape, most = self._shape(part), allowed.n_images
        text = self.tr("{part}: K + Q = {needed}, but K + Q ≤ {images} ({name} has {images} images).").format(
            part=part.label, needed=shape.n_shot + shape.n_query, images=most, name=isolated(allowed.limiting_class)
        )
        self._say(text, "bad")
        if most > shape.n_shot:
            self._offer(self.queries_button, self.tr("Lower Q to {value}"), "n_query", most - shape.n_shot)
        fits = most - shape.n_query
        if fits >= 1 or (most <= shape.n_shot and most > 1):  # at least a step, where neither is enough alone
            has_own = part is Part.META_TRAIN and shape.n_shot != self._document.experiment.episodes.n_shot
            title = self.tr("Lower K in training to {value}") if has_own else self.tr("Lower K to {value}")
            self._offer(self.shots_button, title, "n_shot", fits if fits >= 1 else most - 1)
        self._offer_exclusion()

    def _offer(self, button: QPushButton, template: str, name: str, value: int) -> None:
        button.setText(template.format(value=value))
        self._lower[button] = (name, value)
        button.show()

    def _offer_exclusion(self) -> None:
        names = self._too_small()
        left = len(self._document.parts) - len(names)
        short = isolated(names[0].rpartition("/")[2]) if names else ""
        self.exclude_button.setText(
            counted(len(names), self.tr("Exclude {name}"), self.tr("Exclude {count} classes"), name=short)
        )
        self.exclude_button.setVisible(bool(names))
        self.exclude_button.setEnabled(left > 0)
        reason = self.tr("Every class is too small: lower K or Q instead.")
        self.exclude_button.setToolTip(", ".join(map(isolated, names[:20])) if left > 0 else reason)

    def _too_small(self) -> tuple[str, ...]:
        document = self._document
        return tuple(
            name for part in Part for name in too_small(document.readable, document.parts, part, self._shape(part))
        )

    # the person

    @Slot(int, int)
    def _on_map_chosen(self, n_shot: int, n_query: int) -> None:
        if self._document is not None:
            commands.set_shape(self._document, part=self._part, n_shot=n_shot, n_query=n_query)

    @Slot()
    def _on_lower_clicked(self) -> None:
        name, value = self._lower[self.sender()]
        text = self.sender().text()
        commands.set_shape(self._document, part=self._spoken_of, title=text, **{name: value})
        self.mended.emit(self.tr("Done: {what}.").format(what=text))

    @Slot()
    def _on_exclude_clicked(self) -> None:
        if names := self._too_small():
            one, many = self.tr("{name} is excluded."), self.tr("{count} classes are excluded.")
            commands.exclude_classes(self._document, names=names)
            self.mended.emit(counted(len(names), one, many, name=isolated(names[0])))
