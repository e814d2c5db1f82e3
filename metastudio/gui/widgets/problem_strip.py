"""A list of everything that is wrong, as sentences; each row may lead to what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from metastudio.errors import Problem
from metastudio.gui import theme
from metastudio.gui.widgets.icons import severity_icon
from metastudio.gui.widgets.labels import WrappingLabel

_ICON_PX = 16


class ProblemStrip(QFrame):
    """Shows problems, errors first, and hides itself when there are none; more than `most` are counted.

    Signals:
        problem_activated(object): the person wants to see what this `Problem` is about.
    """

    problem_activated = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, most: int = 8, are_rows_links: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName("problemStrip")
        self._most = most
        self._are_rows_links = are_rows_links
        self._problems: tuple[Problem, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        self._column.setSpacing(theme.TIGHT)
        self.hide()

    def problems(self) -> tuple[Problem, ...]:
        """Return what is shown."""
        return self._problems

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show these problems instead of the ones before."""
        order = {"error": 0, "warning": 1, "note": 2}
        ordered = tuple(sorted(problems, key=lambda each: order[each.severity]))
        if ordered == self._problems:
            return
        self._problems = ordered
        while (item := self._column.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        for number, problem in enumerate(ordered[: self._most]):
            self._column.addWidget(self._row(number, problem))
        if (left := len(ordered) - self._most) > 0:
            more = WrappingLabel(self.tr("and {count} more").format(count=left), "caption")
            self._column.addWidget(more)
        self.setAccessibleName(self.tr("{count} problems").format(count=len(ordered)))
        self.setVisible(bool(ordered))

    def _row(self, number: int, problem: Problem) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        picture = QLabel()
        picture.setPixmap(severity_icon(problem.severity).pixmap(_ICON_PX, _ICON_PX))
        picture.setFixedWidth(_ICON_PX)
        line.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        text = WrappingLabel(str(problem))
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(text)
        line.addLayout(words, 1)
        if self._are_rows_links:
            link = QPushButton(self.tr("Show"))
            theme.set_role(link, "link")
            link.setAccessibleName(self.tr("Show: {problem}").format(problem=problem))
            link.setProperty("number", number)
            link.clicked.connect(self._on_link_clicked)
            words.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)  # below: the strip of a page's side is narrow
        return row

    @Slot()
    def _on_link_clicked(self) -> None:
        self.problem_activated.emit(self._problems[self.sender().property("number")])
