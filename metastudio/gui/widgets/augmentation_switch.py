"""One change of pictures in training: its switch, its strength, and why it is grey where it does nothing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Signal
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.options import options_of
from metastudio.gui import theme
from metastudio.gui.forms.wording import translated
from metastudio.gui.widgets.spin_box import spin_box

_OPTIONS = {each.name: each for each in options_of(Augmentation)}
_STRENGTH_PX = 76


class AugmentationSwitch(QWidget):
    """A switch with its strength beside it.

    Signals:
        edited(object): the options that the person changed, by name.
        pointed(object): the pointer or the keyboard is on the change of this name; it left where the name is empty.
    """

    edited = Signal(object)
    pointed = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.reason = ""
        option = _OPTIONS[name]
        self.title = translated(option.title)
        self.box = QCheckBox(self.title)
        self.box.setAccessibleDescription(translated(option.help))
        self.box.installEventFilter(self)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.TIGHT)
        line.addWidget(self.box, 1)
        self._strength = STRENGTHS[name]
        self.spin = None
        if self._strength:
            strength = _OPTIONS[self._strength]
            low, high = int(strength.minimum or 0), int(strength.maximum or 0)
            gap = "" if strength.unit == "°" else " "
            self.spin = spin_box(low, high, suffix=gap + strength.unit)
            self.spin.setFixedWidth(_STRENGTH_PX)
            self.spin.setAccessibleName(translated(strength.title))
            self.spin.setToolTip(f"{translated(strength.title)}: {translated(strength.help)}")
            self.spin.installEventFilter(self)
            self.spin.valueChanged.connect(self._on_strength_changed)
            line.addWidget(self.spin)
        self.box.toggled.connect(self._on_toggled)
        self.set_value(Augmentation(), "")

    def set_value(self, value: Augmentation, reason: str) -> None:
        """Show the settings, without telling anyone; a reason says why the change does nothing."""
        is_on = bool(getattr(value, self.name))
        self.reason = translated(reason)
        help_text = translated(_OPTIONS[self.name].help)
        with QSignalBlocker(self.box):
            self.box.setChecked(is_on)
        self.box.setEnabled(is_on or not reason)  # what is on can always be switched off
        self.box.setToolTip(self.reason or help_text)
        self.box.setAccessibleDescription(self.reason or help_text)
        if self.spin is not None:
            with QSignalBlocker(self.spin):
                self.spin.setValue(int(getattr(value, self._strength)))
            self.spin.setEnabled(is_on and not reason)

    def words(self, value: Augmentation) -> str:
        """Return the change with its strength, for a line of text: ``"Turn 15°"``."""
        if self.spin is None:
            return self.title
        return f"{self.title} {getattr(value, self._strength)}{self.spin.suffix()}"

    def _on_toggled(self, is_on: bool) -> None:
        self.edited.emit({self.name: is_on})

    def _on_strength_changed(self, value: int) -> None:
        self.edited.emit({self._strength: value})

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.pointed.emit(self.name)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed.emit("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn:
            self.pointed.emit(self.name)
        elif event.type() == QEvent.Type.FocusOut:
            self.pointed.emit("")
        return super().eventFilter(watched, event)
