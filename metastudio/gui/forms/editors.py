"""The editors of a form, one for each kind of value: what cannot be read is kept as typed, for the form to refuse.

Each has the signal `edited(value)`, emitted only when a person changes it, and `value()` / `set_value(value)`.
The wheel over an editor without focus scrolls the page, never the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.options import Kind, OptionInfo
from metastudio.gui.forms.wording import plain
from metastudio.gui.widgets.spin_box import TEXT_MARGIN_PX

_LARGEST_SPIN = 2**31 - 1
_LARGEST_STEPPED_BY_ONE = 1024
_STEPS = (1.0, 2.0, 5.0)


class WholeNumberSpin(QSpinBox):
    """A whole number within bounds.

    Signals:
        edited(object): the new `int`.
    """

    edited = Signal(object)

    def __init__(self, minimum: int = 0, maximum: int = _LARGEST_SPIN) -> None:
        super().__init__()
        self.setRange(minimum, maximum)
        self.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
        self.setGroupSeparatorShown(True)
        if maximum > _LARGEST_STEPPED_BY_ONE:
            self.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.valueChanged.connect(self._on_value_changed)

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`."""
        with QSignalBlocker(self):
            self.setValue(int(value))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn only with focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _on_value_changed(self, value: int) -> None:
        self.edited.emit(value)


class NumberEdit(QLineEdit):
    """A number as people write it, 1e-3 included; Up and Down walk 1, 2, 5, 10 … in either direction.

    Signals:
        edited(object): a number, or the text itself where it is none (a form shows why it is refused).
    """

    edited = Signal(object)

    def __init__(self, *, is_whole: bool = False, largest: float = math.inf) -> None:
        super().__init__()
        self._is_whole = is_whole
        self._largest = largest
        self.textEdited.connect(self._on_text_edited)

    def value(self) -> int | float | str:
        """Return the number, or the text where it is none."""
        text = self.text().strip()
        for reading in (int,) if self._is_whole else (int, float):
            try:
                return reading(text)
            except ValueError:
                continue
        return text

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`; a number that is already written differently stays as typed."""
        if self.value() != value or not self.text():
            self.setText(value if isinstance(value, str) else str(value) if self._is_whole else f"{value:.6g}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with Up and Down."""
        if event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            self._step(up=event.key() == Qt.Key.Key_Up)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step with focus, scroll the page without."""
        if self.hasFocus() and event.angleDelta().y():
            self._step(up=event.angleDelta().y() > 0)
        else:
            event.ignore()

    def _step(self, *, up: bool) -> None:
        value = self.value()
        if isinstance(value, str):
            return
        if self._is_whole:
            stepped: int | float = max(0, int(value) + (1 if up else -1))
        else:
            stepped = next_nice(float(value), up=up)
        if stepped > self._largest:
            return
        self.set_value(stepped)
        self.edited.emit(self.value())

    def _on_text_edited(self, _text: str) -> None:
        self.edited.emit(self.value())


def next_nice(value: float, *, up: bool) -> float:
    """Return the next of … 0.1, 0.2, 0.5, 1, 2, 5, 10 … above or below a value; zero and negatives stay."""
    if value <= 0:
        return value
    exponent = math.floor(math.log10(value))
    near = [step * 10.0**power for power in (exponent - 1, exponent, exponent + 1) for step in _STEPS]
    beyond = [each for each in near if (each > value * 1.0001 if up else each < value * 0.9999)]
    return float(f"{(min if up else max)(beyond):.6g}")


class SwitchEdit(QCheckBox):
    """Yes or no.

    Signals:
        edited(object): the new `bool`.
    """

    edited = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.clicked.connect(self._on_clicked)

    def value(self) -> bool:
        """Return whether it is on."""
        return self.isChecked()

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`."""
        self.setChecked(bool(value))

    def _on_clicked(self, is_on: bool) -> None:
        self.edited.emit(is_on)


class ChoiceEdit(QComboBox):
    """One of several words.

    Signals:
        edited(object): the chosen word as files write it.
    """

    edited = Signal(object)

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__()
        for choice in choices:
            self.addItem(plain(choice), choice)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.activated.connect(self._on_activated)

    def value(self) -> str:
        """Return the chosen word."""
        return str(self.currentData())

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`."""
        self.setCurrentIndex(self.findData(str(value)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn only with focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _on_activated(self, _index: int) -> None:
        self.edited.emit(self.value())


class ChoicesEdit(QWidget):
    """Any number of several words, each a check box.

    Signals:
        edited(object): the chosen words in the order of the menu, a tuple.
    """

    edited = Signal(object)

    def __init__(self, choices: Sequence[str], titles: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._boxes = {choice: QCheckBox((titles or {}).get(choice) or plain(choice)) for choice in choices}
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.setSpacing(4)
        for box in self._boxes.values():
            box.clicked.connect(self._on_clicked)
            rows.addWidget(box)
        self.setFocusProxy(next(iter(self._boxes.values())))

    def value(self) -> tuple[str, ...]:
        """Return the chosen words."""
        return tuple(choice for choice, box in self._boxes.items() if box.isChecked())

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`."""
        for choice, box in self._boxes.items():
            box.setChecked(choice in value)

    def setAccessibleName(self, name: str) -> None:
        """Name the group and each of its boxes."""
        super().setAccessibleName(name)
        for box in self._boxes.values():
            box.setAccessibleName(f"{name}: {box.text()}")

    def _on_clicked(self) -> None:
        self.edited.emit(self.value())


class TextEdit(QLineEdit):
    """A line of text.

    Signals:
        edited(object): the new text.
    """

    edited = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.textEdited.connect(self._on_text_edited)

    def value(self) -> str:
        """Return the text."""
        return self.text()

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`; the caret stays where it is."""
        if self.text() != str(value):
            self.setText(str(value))

    def _on_text_edited(self, text: str) -> None:
        self.edited.emit(text)


class FolderEdit(QWidget):
    """A folder: typed, or chosen in a dialog.

    Signals:
        edited(object): the new path, as text.
    """

    edited = Signal(object)

    def __init__(self, choose: Callable[[QWidget, str], str] | None = None) -> None:
        super().__init__()
        self._choose = choose or _ask_for_folder
        self.line = TextEdit()
        self.line.edited.connect(self.edited)
        self.button = QPushButton(self.tr("Browse…"))
        self.button.setToolTip(self.tr("Choose a folder"))
        self.button.clicked.connect(self._on_button_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self.setFocusProxy(self.line)

    def value(self) -> str:
        """Return the path."""
        return self.line.text()

    def set_value(self, value: Any) -> None:
        """Show a path without emitting `edited`."""
        self.line.set_value(value)

    def setAccessibleName(self, name: str) -> None:
        """Name the line and its button."""
        super().setAccessibleName(name)
        self.line.setAccessibleName(name)
        self.button.setAccessibleName(self.tr("Browse for {name}").format(name=name))

    def _on_button_clicked(self) -> None:
        chosen = self._choose(self, self.value())
        if chosen:
            self.set_value(chosen)
            self.edited.emit(chosen)


def _ask_for_folder(parent: QWidget, start: str) -> str:
    return QFileDialog.getExistingDirectory(parent, "", start or str(Path.home()))


Editor = WholeNumberSpin | NumberEdit | SwitchEdit | ChoiceEdit | ChoicesEdit | TextEdit | FolderEdit
_FOLDER_OPTIONS = {"initial_weights"}


def editor_for(option: OptionInfo) -> Editor:
    """Return the editor of an option, chosen by its kind and bounds.

    Raises:
        ValueError: for a kind that no form edits (tables have pages of their own).
    """
    match option.kind:
        case Kind.INTEGER:
            return _whole_number(option)
        case Kind.NUMBER:
            return NumberEdit(largest=math.inf if option.maximum is None else option.maximum)
        case Kind.SWITCH:
            return SwitchEdit()
        case Kind.CHOICE:
            return ChoiceEdit(option.choices)
        case Kind.CHOICES:
            return ChoicesEdit(option.choices)
        case Kind.TEXT:
            return FolderEdit() if option.name in _FOLDER_OPTIONS else TextEdit()
        case _:
            raise ValueError(f"no editor for {option.name} of kind {option.kind}")


def _whole_number(option: OptionInfo) -> WholeNumberSpin | NumberEdit:
    low = 0 if option.minimum is None else int(option.minimum) + option.excludes_minimum
    high = _LARGEST_SPIN if option.maximum is None else int(option.maximum) - option.excludes_maximum
    if high > _LARGEST_SPIN:  # a spin box counts in 32 bits
        return NumberEdit(is_whole=True, largest=high)
    return WholeNumberSpin(low, high)
