"""What there is to say about the chosen runs: one in words and notes, several by what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.forms.wording import sentence
from metastudio.gui.models.run_rows import RunRow
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel, WrappingLabel
from metastudio.gui.widgets.paired_panel import PairedPanel
from metastudio.gui.wording import accuracy_text, origin_text, state_text
from metastudio.runs.differences import differences
from metastudio.runs.run_commands import Command, why_not
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

_SAVE_AFTER_MS = 800
_ICONS_ONLY = frozenset({"extend", "folder", "trash"})


class RunDetails(QFrame):
    """Details of the selection.

    Signals:
        action_wanted(str): try_it, hand_over, report, resume, extend, folder, trash.
        notes_changed(object, str): the `RunFolder`, and what was written about it.
        tags_changed(object, object): the `RunFolder`, and a tuple of its tags.
    """

    action_wanted = Signal(str)
    notes_changed = Signal(object, str)
    tags_changed = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: RunFolder | None = None
        self._title = ElidedLabel("", "section")
        self._facts = WrappingLabel("", "quiet")
        self._notes = QPlainTextEdit()
        self._notes.setPlaceholderText(self.tr("Notes"))
        self._notes.setAccessibleName(self.tr("Notes about this run"))
        self._notes.setTabChangesFocus(True)
        self._notes.setMinimumHeight(48)
        self._notes.textChanged.connect(self._on_notes_edited)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save_notes)
        self._table = QTableWidget()
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._table.verticalHeader().hide()
        self._table.setShowGrid(False)
        self._table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._table.setAccessibleName(self.tr("What differs"))
        self.tags = QLineEdit()
        self.tags.setPlaceholderText(self.tr("Tags, with commas between them"))
        self.tags.setAccessibleName(self.tr("Tags of this run"))
        self.tags.editingFinished.connect(self._on_tags_edited)
        self.paired = PairedPanel()
        written = QWidget()
        lines_written = QVBoxLayout(written)
        lines_written.setContentsMargins(0, 0, 0, 0)
        lines_written.setSpacing(theme.GAP)
        lines_written.addWidget(self.tags)
        lines_written.addWidget(self._notes, 1)
        self._middle = QStackedWidget()
        self._middle.addWidget(written)
        self._middle.addWidget(self._table)
        self.buttons: dict[str, QPushButton] = {}
        lines = [QHBoxLayout(), QHBoxLayout()]
        for key, (line, text, icon_name) in self._actions().items():
            button = QPushButton(icon(icon_name), "" if key in _ICONS_ONLY else text)
            button.setAccessibleName(text)
            button.setProperty("key", key)
            button.clicked.connect(self._on_button_clicked)
            lines[line].addWidget(button, 0 if key in _ICONS_ONLY else 1)
            self.buttons[key] = button
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self._title)
        column.addWidget(self._facts)
        column.addWidget(self.paired)
        column.addWidget(self._middle, 1)
        for each in lines:
            each.setSpacing(theme.GAP)
            column.addLayout(each)
        self.setMinimumWidth(270)
        self.show_rows([])

    def _actions(self) -> dict[str, tuple[int, str, str]]:
        """Return for each action the line of its button, its name, and its icon."""
        return {
            "try_it": (0, self.tr("Try it"), "mdi6.target"),
            "hand_over": (0, self.tr("Hand over"), "mdi6.package-variant-closed"),
            "report": (1, self.tr("Report"), "mdi6.file-document-outline"),
            "resume": (1, self.tr("Resume"), "mdi6.play"),
            "extend": (1, self.tr("Extend…"), "mdi6.arrow-expand-right"),
            "folder": (1, self.tr("Folder"), "mdi6.folder-outline"),
            "trash": (1, self.tr("Trash"), "mdi6.delete-outline"),
        }

    def show_rows(self, rows: Sequence[RunRow]) -> None:
        """Show the chosen runs."""
        self.save_notes()
        self._run = rows[0].run if len(rows) == 1 and rows[0].state is not None else None
        one = rows[0] if len(rows) == 1 else None
        self._middle.setVisible(bool(rows))
        self._middle.setCurrentIndex(1 if len(rows) > 1 else 0)
        if one is not None:
            self._title.setText(one.name)
            self._facts.setText(one.problem or self._facts_of(one))
            self._facts.show()
            self._notes.blockSignals(True)
            self._notes.setPlainText(one.run.notes().text)
            self._notes.blockSignals(False)
            self._notes.setEnabled(one.state is not None)
            self.tags.setText(", ".join(one.tags))
            self.tags.setEnabled(one.state is not None)
        elif rows:
            self._title.setText(self.tr("{count} runs").format(count=len(rows)))
            self._show_differences(rows)
        else:
            self._title.setText(self.tr("Nothing is chosen"))
            self._facts.show()
            self._facts.setText(
                self.tr("Choose one run or several in the table: their curves are laid over one another.")
            )
        self._show_paired(rows)
        self._show_buttons(rows)

    def _show_paired(self, rows: Sequence[RunRow]) -> None:
        """Offer to ask two runs the same episodes."""
        is_pair = len(rows) == 2 and all(each.state is not None for each in rows)
        self.paired.setVisible(is_pair)
        if is_pair:
            self.paired.show_pair(*rows)
        else:
            self.paired.stop()

    def shut_down(self) -> None:
        """Keep what was written, and end what is under way."""
        self.save_notes()
        self.paired.stop()

    def _facts_of(self, row: RunRow) -> str:
        words = [row.method, row.task]
        words.append(state_text(row.state) if row.state else "")
        if row.accuracy is not None:
            words.append(self.tr("best on meta-val {accuracy}").format(accuracy=accuracy_text(row.accuracy, row.ci95)))
        lines = [" · ".join(filter(None, words)), *self._why_it_stopped(row)]
        if row.origin is not None:
            lines.append(origin_text(row.origin))
        lines += [
            self.tr("meta-test, {statistics} statistics: {accuracy} over {episodes} episodes").format(
                statistics=each.statistics, accuracy=accuracy_text(each.accuracy, each.ci95), episodes=each.episodes
            )
            for each in row.run.evaluations()[-3:]
        ]
        return "\n".join(lines)

    def _why_it_stopped(self, row: RunRow) -> list[str]:
        if row.state is State.FAILED:
            return [f"⚠ {row.failure}"] if row.failure else []
        if row.state is State.INTERRUPTED:
            return [self.tr("⚠ Its worker is gone. Resume goes on from its last checkpoint.")]
        return []

    def _show_differences(self, rows: Sequence[RunRow]) -> None:
        known: list[dict[str, Any]] = []
        for row in rows:
            try:
                known.append(row.run.experiment().model_dump(mode="json"))
            except MetaStudioError:
                known.append({})
        found = differences(known)
        best = [each for each in rows if each.accuracy is not None]
        self._facts.setText(self._verdict(best) if len(best) > 1 else "")
        self._facts.setVisible(bool(self._facts.text()))
        self._table.setColumnCount(1 + len(rows))
        self._table.setHorizontalHeaderLabels([self.tr("differs"), *(each.name for each in rows)])
        self._table.setRowCount(len(found))
        for place, (name, values) in enumerate(found.items()):
            for column, text in enumerate((name, *values)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self._table.setItem(place, column, item)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def _verdict(self, rows: Sequence[RunRow]) -> str:
        """Say which is best, and whether the intervals tell it from the next."""
        first, second = sorted(rows, key=lambda each: each.accuracy or 0.0, reverse=True)[:2]
        gap = (first.accuracy or 0.0) - (second.accuracy or 0.0)
        if first.ci95 is None or second.ci95 is None or gap <= (first.ci95**2 + second.ci95**2) ** 0.5:
            return self.tr("{first} and {second} are a tie: their difference lies within the intervals.").format(
                first=first.name, second=second.name
            )
        return self.tr("{first} is ahead of {second} on meta-val.").format(first=first.name, second=second.name)

    def _show_buttons(self, rows: Sequence[RunRow]) -> None:
        one = rows[0] if len(rows) == 1 else None
        has_model = one is not None and one.state is not None and one.run.last() is not None
        nothing = self.tr("Choose one run that has a checkpoint.")
        tips = {
            "try_it": self.tr("Drop a few pictures, and see what it makes of them"),
            "hand_over": self.tr("Export it, verified, to use it elsewhere"),
        }
        for key, tip in tips.items():
            self.buttons[key].setEnabled(has_model)
            self.buttons[key].setToolTip(tip if has_model else nothing)
        can_go_on = one is not None and one.state is not None and one.state.can_go_on
        self.buttons["resume"].setEnabled(can_go_on)
        self.buttons["resume"].setToolTip(
            self.tr("Queue it; it goes on from its last checkpoint")
            if can_go_on
            else self.tr("Only what was paused, interrupted or failed goes on.")
        )
        is_known = one is not None and one.state is not None
        self.buttons["report"].setEnabled(is_known)
        self.buttons["report"].setToolTip(
            self.tr("One page with settings, curves, results and pictures, to read and to send")
            if is_known
            else self.tr("Choose one run.")
        )
        why = why_not(one.state, Command.EXTEND) if one is not None and one.state is not None else None
        self.buttons["extend"].setEnabled(is_known and why is None)
        extending = sentence(why) if why is not None else self.tr("Extend… train it for longer, as a run of its own")
        self.buttons["extend"].setToolTip(extending if is_known else self.tr("Choose one run."))
        self.buttons["folder"].setEnabled(one is not None)
        self.buttons["folder"].setToolTip(
            self.tr("Open the run's folder") if one is not None else self.tr("Choose one run.")
        )
        is_idle = bool(rows) and not any(each.state is not None and each.state.needs_worker for each in rows)
        self.buttons["trash"].setEnabled(is_idle)
        busy = self.tr("A worker is at work on it.") if rows else self.tr("Choose a run.")
        self.buttons["trash"].setToolTip(self.tr("It can be taken back.") if is_idle else busy)

    @Slot()
    def _on_notes_edited(self) -> None:
        self._timer.start()

    @Slot()
    def _on_tags_edited(self) -> None:
        tags = tuple(dict.fromkeys(filter(None, (each.strip() for each in self.tags.text().split(",")))))
        if self._run is not None and tags != self._run.notes().tags:
            self.tags_changed.emit(self._run, tags)

    @Slot()
    def save_notes(self) -> None:
        """Keep what was written, now."""
        if self._timer.isActive() or self.sender() is self._timer:
            self._timer.stop()
            if self._run is not None:
                self.notes_changed.emit(self._run, self._notes.toPlainText())

    @Slot()
    def _on_button_clicked(self) -> None:
        self.action_wanted.emit(self.sender().property("key"))

    def keyPressEvent(self, event: Any) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.save_notes()
        super().keyPressEvent(event)
