"""A form made of options: titled sections, the advanced ones folded, every error shown at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from metastudio.catalog.options import OptionInfo
from metastudio.errors import Problem
from metastudio.gui.forms.field import Field
from metastudio.gui.forms.wording import sentence
from metastudio.gui.widgets.labels import label

_ROW_SPACING_PX = 12


class OptionForm(QWidget):
    """A section of a form.

    Signals:
        edited(object, object): an option's dotted name and its value as entered, which may be wrong.
    """

    edited = Signal(object, object)

    def __init__(self, title: str, options: Iterable[OptionInfo]) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.fields: dict[str, Field] = {}
        self._heading = label(title, "section")
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(_ROW_SPACING_PX)
        self._rows.addWidget(self._heading)
        self.none_label = label(self.tr("Nothing to set here."), "caption")
        self._rows.addWidget(self.none_label)

        self.advanced = QWidget()
        self._advanced_rows = QVBoxLayout(self.advanced)
        self._advanced_rows.setContentsMargins(0, 0, 0, 0)
        self._advanced_rows.setSpacing(_ROW_SPACING_PX)
        self.fold_button = QToolButton()
        self.fold_button.setCheckable(True)
        self.fold_button.setAutoRaise(True)
        self.fold_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold_button.toggled.connect(self._on_fold_button_toggled)
        for option in options:
            self._add(option)
        plain_count = sum(not field.option.is_advanced for field in self.fields.values())
        advanced_count = len(self.fields) - plain_count
        self.none_label.setVisible(not self.fields)
        self.fold_button.setText(self.tr("Advanced ({count})").format(count=advanced_count))
        self._rows.addWidget(self.fold_button)
        self._rows.addWidget(self.advanced)
        self._rows.addStretch(1)
        self.fold_button.setVisible(advanced_count > 0)
        self._on_fold_button_toggled(False)

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values by dotted name; those of other forms are left alone."""
        for name, field in self.fields.items():
            if name in values:
                field.set_value(values[name])

    def set_problems(self, problems: Iterable[Problem]) -> None:
        """Show all problems under their fields, and unfold the advanced ones where one of them is wrong."""
        texts: dict[str, list[str]] = {}
        for problem in problems:
            text = " ".join(filter(None, (sentence(problem.message), sentence(problem.todo))))
            texts.setdefault(_field_of(problem.where, self.fields), []).append(text)
        for name, field in self.fields.items():
            field.set_error(" ".join(texts.get(name, ())))
            if name in texts and field.option.is_advanced:
                self.fold_button.setChecked(True)

    def _add(self, option: OptionInfo) -> None:
        field = Field(option)
        field.edited.connect(self.edited)
        self.fields[option.name] = field
        (self._advanced_rows if option.is_advanced else self._rows).addWidget(field)

    @Slot(bool)
    def _on_fold_button_toggled(self, is_open: bool) -> None:
        self.advanced.setVisible(is_open)
        self.fold_button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)


def _field_of(where: str, fields: Mapping[str, Field]) -> str:
    """Return the field a problem belongs to: `evaluation.statistics.0` is said of `evaluation.statistics`."""
    while where and where not in fields:
        where = where.rpartition(".")[0]
    return where
