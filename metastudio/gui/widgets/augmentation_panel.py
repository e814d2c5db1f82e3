"""Random changes of pictures in training: switches, and what they do to a picture of the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.augmentation import STRENGTHS, Augmentation, without_effect
from metastudio.catalog.data_spec import Preprocessing
from metastudio.gui import theme
from metastudio.gui.documents.picture_preview import PicturePreview, SeenPicture
from metastudio.gui.forms.wording import translated
from metastudio.gui.widgets.augmentation_switch import AugmentationSwitch
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.labels import ElidedLabel, WrappingLabel, label
from metastudio.gui.widgets.small_picture import SmallPicture
from metastudio.runs.questions import AskPreview

if TYPE_CHECKING:
    from metastudio.jobs.session_thread import SessionThread

DRAWS = 6
_ROWS = 4
_PICTURE_PX = 56
_LEAST_HEIGHT_PX = 140


class _Shrinking(QScrollArea):
    """As high as its content where there is room, and scrolls where there is not."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        content.setObjectName("scrolled")
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def sizeHint(self) -> QSize:
        return self.widget().sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.widget().minimumSizeHint().width(), _LEAST_HEIGHT_PX)


class AugmentationPanel(QFrame):
    """Folded, it says what is on; open, it shows a picture and some draws of it, and only then asks the engine.

    The draws are of all that is on together, or of one change alone, on or not, while that is pointed at.

    Signals:
        augmentation_edited(object): the person chose another `Augmentation`.
    """

    augmentation_edited = Signal(object)

    def __init__(self, session: SessionThread, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._value = Augmentation()
        self._preprocessing = Preprocessing()
        self._path = ""
        self._pointed = ""
        self._first = 0
        self._preview = PicturePreview(session, self)
        self._preview.answered.connect(self._on_answered)
        self._preview.failed.connect(self._on_failed)
        self._preview.waited.connect(self._on_waited)
        self.fold_button = QToolButton()
        self.fold_button.setText(self.tr("Augmentation"))
        self.fold_button.setToolTip(self.tr("Random changes of pictures in training; never elsewhere"))
        self.fold_button.setCheckable(True)
        self.fold_button.setAutoRaise(True)
        self.fold_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold_button.toggled.connect(self._on_fold_toggled)
        self.summary = ElidedLabel("", "caption")
        heading = QHBoxLayout()
        heading.setSpacing(theme.GAP)
        heading.addWidget(self.fold_button)
        heading.addWidget(self.summary, 1)
        self.body = _Shrinking(self._make_body())
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.TIGHT, 12, theme.TIGHT)
        column.setSpacing(theme.TIGHT)
        column.addLayout(heading)
        column.addWidget(self.body)
        self._on_fold_toggled(False)
        self._show_value()

    def _make_body(self) -> QWidget:
        body = QWidget()
        self.switches = {name: AugmentationSwitch(name) for name in STRENGTHS}
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GROUP)
        grid.setVerticalSpacing(theme.TIGHT)
        for place, switch in enumerate(self.switches.values()):
            switch.edited.connect(self._on_switch_edited)
            switch.pointed.connect(self._on_switch_pointed)
            grid.addWidget(switch, place % _ROWS, place // _ROWS)
        self.pictures_combo = QComboBox()
        words = {"all": self.tr("all pictures"), "support": self.tr("support only"), "query": self.tr("queries only")}
        for word, text in words.items():
            self.pictures_combo.addItem(text, word)
        field = Augmentation.model_fields["pictures"]
        self.pictures_combo.setToolTip(translated(field.description or ""))
        self.pictures_combo.setAccessibleName(translated(field.title or ""))
        self.pictures_combo.activated.connect(self._on_pictures_activated)
        calm_wheel(self.pictures_combo)
        grid.addWidget(self.pictures_combo, len(STRENGTHS) % _ROWS, len(STRENGTHS) // _ROWS)
        for place in range(-(-(len(STRENGTHS) + 1) // _ROWS)):
            grid.setColumnStretch(place, 1)

        self.original = SmallPicture(self.tr("What the network sees of the picture as it is"), _PICTURE_PX)
        self.drawn = [
            SmallPicture(self.tr("Changed at random, {number}").format(number=number), _PICTURE_PX)
            for number in range(1, DRAWS + 1)
        ]
        self.another_button = QPushButton(self.tr("Another one"))
        self.another_button.setToolTip(self.tr("Draw other changes of the same picture"))
        self.another_button.clicked.connect(self._on_another_clicked)
        strip = QHBoxLayout()
        strip.setSpacing(theme.GAP)
        strip.addWidget(self.original)
        strip.addWidget(label("→", "quiet"))
        for picture in self.drawn:
            strip.addWidget(picture)
        strip.addSpacing(theme.GAP)
        strip.addWidget(self.another_button)
        strip.addStretch(1)
        self.caption = ElidedLabel("", "caption")
        self.notes = WrappingLabel("", "caption")
        rows = QVBoxLayout(body)
        rows.setContentsMargins(0, 0, 0, theme.TIGHT)
        rows.setSpacing(theme.GAP)
        rows.addLayout(grid)
        rows.addWidget(self.notes)
        rows.addLayout(strip)
        rows.addWidget(self.caption)
        return body

    # what is shown

    def set_value(self, value: Augmentation, preprocessing: Preprocessing) -> None:
        """Show settings, without telling anyone."""
        if (value, preprocessing) != (self._value, self._preprocessing):
            self._value, self._preprocessing = value, preprocessing
            self._show_value()
            self._ask()

    def set_path(self, path: str) -> None:
        """Show what becomes of this file; an empty path shows nothing."""
        if path != self._path:
            self._path = path
            self._ask()

    def shut_down(self) -> None:
        """Want no more answers."""
        self._preview.cancel()

    def _show_value(self) -> None:
        reasons = {name: without_effect(name, self._preprocessing) for name in STRENGTHS}
        for name, switch in self.switches.items():
            switch.set_value(self._value, reasons[name])
        self.pictures_combo.setCurrentIndex(self.pictures_combo.findData(self._value.pictures))
        on = [self.switches[name].words(self._value) for name in self._value.switched_on]
        self.summary.setText(", ".join(on) or self.tr("off: pictures are trained on as they are"))
        notes = []
        for reason in dict.fromkeys(filter(None, reasons.values())):
            titles = [self.switches[name].title for name in STRENGTHS if reasons[name] == reason]
            notes.append(f"{', '.join(titles)}: {translated(reason)}")
        if self._value.flip:
            notes.append(self.tr("⚠ Mirror: a mirrored letter may be another letter, as b and d are."))
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        self.body.updateGeometry()

    def _shown(self) -> Augmentation:
        """Return the settings whose draws are shown."""
        if self._pointed and not self.switches[self._pointed].reason:
            return self._value.alone(self._pointed)
        return self._value

    def _ask(self) -> None:
        if not (self.body.isVisible() and self._path):
            self._preview.cancel()
            if not self._path:
                self._show_pictures(None)
                self.caption.setText(self.tr("Choose a class at the left to see its pictures changed."))
            return
        question = AskPreview(
            file=self._path,
            preprocessing=self._preprocessing,
            augmentation=self._shown(),
            draws=DRAWS,
            first=self._first,
        )
        self._preview.ask(question)

    def _show_pictures(self, seen: SeenPicture | None) -> None:
        images = seen.pictures if seen is not None else (None,) * (1 + DRAWS)
        for picture, image in zip((self.original, *self.drawn), images, strict=True):
            picture.set_image(image)

    @Slot(object)
    def _on_answered(self, seen: SeenPicture) -> None:
        self._show_pictures(seen)
        shown = seen.question.augmentation
        on = [self.switches[name].words(shown) for name in shown.effective(seen.question.preprocessing)]
        if not on:
            text = self.tr("Nothing is on. Point at a change to see what it does to this picture.")
        elif shown == self._value:
            text = self.tr("As training may see it: {changes}. Point at a change to see it alone.").format(
                changes=", ".join(on)
            )
        else:
            text = self.tr("{change} alone").format(change=on[0])
        self.caption.setText(text)
        self.another_button.setEnabled(bool(on))

    @Slot(object)
    def _on_failed(self, reason: str) -> None:
        self._show_pictures(None)
        self.caption.setText(f"⚠ {reason}")

    @Slot()
    def _on_waited(self) -> None:
        self.caption.setText(self.tr("Waiting for the engine…"))

    # what a person does

    @Slot(bool)
    def _on_fold_toggled(self, is_open: bool) -> None:
        self.fold_button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.body.setVisible(is_open)
        self._ask()

    @Slot(object)
    def _on_switch_edited(self, changes: dict[str, object]) -> None:
        self.augmentation_edited.emit(self._value.model_copy(update=changes))

    @Slot(object)
    def _on_switch_pointed(self, name: str) -> None:
        if name != self._pointed:
            self._pointed = name
            self._ask()

    @Slot()
    def _on_pictures_activated(self) -> None:
        chosen = self.pictures_combo.currentData()
        self.augmentation_edited.emit(self._value.model_copy(update={"pictures": chosen}))

    @Slot()
    def _on_another_clicked(self) -> None:
        self._first += DRAWS
        self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._preview.cancel()
