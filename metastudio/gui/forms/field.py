"""One option in a form: its title, editor, help, what is wrong with it, and the way back to its default."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QWidget

from metastudio.catalog.options import Kind, OptionInfo
from metastudio.gui import theme
from metastudio.gui.forms.editors import ChoicesEdit, Editor, NumberEdit, WholeNumberSpin, editor_for
from metastudio.gui.forms.wording import plain, translated
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel, label

_TITLE_WIDTH_PX = 140
_LEAST_EDITOR_PX = 96
_NUMBER_PX = 104
_MOST_EDITOR_PX = 240


class Field(QWidget):
    """An option's row in a form.

    Signals:
        edited(object, object): the option's dotted name and the value as entered, which may be wrong.
    """

    edited = Signal(object, object)

    def __init__(self, option: OptionInfo) -> None:
        super().__init__()
        self.option = option
        self._default = option.default
        self._unfit = ""
        title = translated(option.title)

        self.editor: Editor = editor_for(option)
        self.editor.setAccessibleName(title)
        self.editor.setAccessibleDescription(translated(option.help))
        self.editor.setToolTip(self._tool_tip())
        self.editor.edited.connect(self._on_editor_edited)
        self.label = label(title)
        self.label.setWordWrap(True)
        self.label.setBuddy(self.editor)
        self.label.setFixedWidth(_TITLE_WIDTH_PX)
        self.label.setMinimumHeight(theme.CONTROL_HEIGHT)
        self.label.setToolTip(self._tool_tip())
        self.reset_button = QToolButton()
        self.reset_button.setAutoRaise(True)
        self.reset_button.setIcon(icon("mdi6.restore", "quiet"))
        self.reset_button.clicked.connect(self._on_reset_clicked)
        self.help_label = WrappingLabel(translated(option.help), "caption")
        self.error_label = WrappingLabel("", "bad")
        self.error_label.setVisible(False)

        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.GAP)
        grid.setVerticalSpacing(theme.TIGHT)
        grid.addWidget(self.label, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.editor, 0, 1)
        if option.unit:
            grid.addWidget(label(translated(option.unit), "caption"), 0, 2)
            self.label.setAccessibleDescription(translated(option.unit))
        grid.addWidget(self.reset_button, 0, 4, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.error_label, 1, 0, 1, 5)
        grid.addWidget(self.help_label, 2, 0, 1, 5)
        grid.setColumnStretch(3, 1)
        if not isinstance(self.editor, ChoicesEdit):
            self.editor.setMinimumWidth(_LEAST_EDITOR_PX)
            is_number = isinstance(self.editor, WholeNumberSpin | NumberEdit)
            self.editor.setMaximumWidth(_NUMBER_PX if is_number else _MOST_EDITOR_PX)
            self.editor.setSizePolicy(QSizePolicy.Policy.Preferred, self.editor.sizePolicy().verticalPolicy())
        self.set_value(option.default)

    @property
    def error(self) -> str:
        """What is wrong, empty where nothing is."""
        return self.error_label.text().removeprefix("⚠ ")

    def value(self) -> Any:
        """Return the value as entered."""
        return self.editor.value()

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`."""
        if value is not None:
            self.editor.set_value(value)
        self._show_reset()
        if self._unfit:
            self._show_unfit()

    def set_default(self, value: Any) -> None:
        """Say what reset goes back to, where it is not the catalogue's default."""
        self._default = value
        self._show_reset()

    def set_unfit(self, reason: str) -> None:
        """Grey an option that does nothing as things are, and say why; what is not its default can still be changed."""
        self._unfit = translated(reason)
        self._show_unfit()

    def set_error(self, text: str) -> None:
        """Show what is wrong under the editor; an empty text takes it away."""
        self.error_label.setText(f"⚠ {text}" if text else "")
        self.error_label.setVisible(bool(text))
        theme.set_invalid(self.editor, bool(text))
        description = translated(self.option.help)
        self.editor.setAccessibleDescription(f"{text} {description}" if text else description)

    def _tool_tip(self) -> str:
        allowed = "" if self.option.choices else self.option.range_text
        lines = [translated(self.option.help), self.tr("Allowed: {range}.").format(range=allowed) if allowed else ""]
        return "\n".join([*(line for line in lines if line), self.option.name])

    def _show_unfit(self) -> None:
        self.editor.setEnabled(not self._unfit or self.value() != self._default)
        help_text = translated(self.option.help)
        self.help_label.setText(f"{help_text} {self._unfit}".rstrip())

    def _show_reset(self) -> None:
        is_default = self._default is None or self.value() == self._default
        self.reset_button.setEnabled(not is_default)
        shown = plain(str(self._default)) if self.option.kind is Kind.CHOICE else _shown(self._default)
        self.reset_button.setToolTip(
            self.tr("This is the default.") if is_default else self.tr("Back to {value}").format(value=shown)
        )
        self.reset_button.setAccessibleName(
            self.tr("Reset {title} to {value}").format(title=translated(self.option.title), value=shown)
        )

    @Slot(object)
    def _on_editor_edited(self, value: object) -> None:
        self._show_reset()
        self.edited.emit(self.option.name, value)

    @Slot()
    def _on_reset_clicked(self) -> None:
        self.set_value(self._default)
        self.edited.emit(self.option.name, self._default)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
