"""The queue as a line of jobs that can be chosen, dragged into another order, duplicated and taken out."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QWidget,
)

from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.job_menu import JobMenu
from metastudio.gui.widgets.labels import label
from metastudio.gui.wording import STATE_ICONS, job_state_text
from metastudio.jobs.job import Job
from metastudio.jobs.job_queue import JobQueue
from metastudio.runs.run_commands import Command

_HEIGHT_PX = 36
_PLAIN_KEYS = {int(Qt.Key.Key_Delete): "discard", int(Qt.Key.Key_Space): "toggle"}
_COMMANDS = {
    "pause": Command.PAUSE,
    "resume": Command.START,
    "discard": Command.DISCARD,
    "remove": Command.REMOVE,
    "duplicate": Command.DUPLICATE,
    "edit": Command.EDIT,
}
_CTRL_KEYS = {int(Qt.Key.Key_D): "duplicate", int(Qt.Key.Key_E): "edit"}


class _Line(QListWidget):
    """The list itself: flows from left to right, dragged within itself only.

    Signals:
        moved(int, int): the row that was dragged, and where it should go.
        action_pressed(str): the key of an action was pressed: toggle, edit, duplicate or discard.
    """

    moved = Signal(int, int)
    action_pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setSelectionMode(QListWidget.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSpacing(2)
        self.setIconSize(QSize(16, 16))
        self.setFixedHeight(_HEIGHT_PX)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QListWidget { background: transparent; border: none; }")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def dropEvent(self, event: QDropEvent) -> None:
        row = self.currentRow()
        target = self.indexAt(event.position().toPoint()).row()
        if event.source() is self and row >= 0:
            self.moved.emit(row, target if target >= 0 else self.count() - 1)
        event.setDropAction(Qt.DropAction.IgnoreAction)  # the queue moves it, and the list follows
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if is_alt and event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right} and self.currentRow() >= 0:
            step = 1 if event.key() == Qt.Key.Key_Right else -1
            self.moved.emit(self.currentRow(), self.currentRow() + step)
            return
        is_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        action = _CTRL_KEYS.get(event.key()) if is_ctrl else _PLAIN_KEYS.get(event.key())
        if action is not None:
            self.action_pressed.emit(action)
            return
        super().keyPressEvent(event)


class QueueStrip(QWidget):
    """Shows every job of the queue; choosing one shows it above.

    Signals:
        job_chosen(object): a `Job`.
        action_wanted(object, str): a `Job`, and what `JobMenu` offers.
        all_wanted(): everything that waits for the person should go on.
    """

    job_chosen = Signal(object)
    action_wanted = Signal(object, str)
    all_wanted = Signal()

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._line = _Line()
        self._line.setAccessibleName(self.tr("Queue"))
        self._line.setToolTip(self.tr("Drag to reorder (Alt+arrows); Space pauses and resumes, Delete discards."))
        self._line.currentRowChanged.connect(self._on_row_changed)
        self._line.moved.connect(self._on_moved)
        self._line.action_pressed.connect(self._on_action_pressed)
        self._line.customContextMenuRequested.connect(self._on_menu_wanted)
        self._more = QToolButton()
        self._more.setIcon(icon("mdi6.dots-horizontal"))
        self._more.setAccessibleName(self.tr("More for this job"))
        self._more.setToolTip(self.tr("Edit, duplicate, extend, move, take out"))
        self._more.clicked.connect(self._on_more_clicked)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(label(self.tr("queue"), "quiet"))
        line.addWidget(self._line, 1)
        self.all_button = QPushButton(icon("mdi6.play"), "")
        self.all_button.setToolTip(
            self.tr("Start and resume everything that waits for you, each when its device is free")
        )
        self.all_button.clicked.connect(self.all_wanted)
        line.addWidget(self.all_button)
        line.addWidget(self._more)
        self.show_jobs(None)

    def show_jobs(self, chosen: Job | None) -> None:
        """Show the queue as it is now, with one job marked."""
        self._line.blockSignals(True)
        jobs = self._queue.jobs
        while self._line.count() > len(jobs):
            self._line.takeItem(self._line.count() - 1)
        for row, job in enumerate(jobs):
            item = self._line.item(row)
            if item is None:
                item = QListWidgetItem()
                self._line.addItem(item)
            state = job_state_text(job)
            share = f" {job.share:.0%}" if job.iteration else ""
            text = f"{job.title}  {state}{share}  ({job.device})"
            if item.text() != text:
                item.setText(text)
                item.setToolTip(job.run.name)
                item.setIcon(icon(*STATE_ICONS[job.state]))
        self._line.setCurrentRow(jobs.index(chosen) if chosen in jobs else -1)
        self._line.blockSignals(False)
        self._more.setEnabled(chosen in jobs)
        held = len(self._queue.held)
        self.all_button.setVisible(held > 1 and not self._queue.is_read_only)
        self.all_button.setText(self.tr("Go on with all {count}").format(count=held))

    def _job(self) -> Job | None:
        row = self._line.currentRow()
        return self._queue.jobs[row] if 0 <= row < len(self._queue.jobs) else None

    @Slot(int)
    def _on_row_changed(self, row: int) -> None:
        if 0 <= row < len(self._queue.jobs):
            self.job_chosen.emit(self._queue.jobs[row])

    @Slot(int, int)
    def _on_moved(self, row: int, place: int) -> None:
        self._queue.move(self._queue.jobs[row], place)

    @Slot(str)
    def _on_action_pressed(self, action: str) -> None:
        job = self._job()
        if job is None:
            return
        if action == "toggle":
            action = "pause" if job.is_working else "resume"
        if action == "discard" and job.why_not(Command.DISCARD) is not None:
            action = "remove"
        if job.why_not(_COMMANDS[action]) is None:
            self.action_wanted.emit(job, action)

    @Slot()
    def _on_more_clicked(self) -> None:
        self._open_menu(self._more.mapToGlobal(QPoint(0, self._more.height())))

    @Slot(QPoint)
    def _on_menu_wanted(self, place: QPoint) -> None:
        if self._line.itemAt(place) is not None:
            self._open_menu(self._line.mapToGlobal(place))

    def _open_menu(self, place: QPoint) -> None:
        job = self._job()
        if job is None:
            return
        jobs = self._queue.jobs
        menu = JobMenu(job, is_first=job is jobs[0], is_last=job is jobs[-1], parent=self)
        menu.setEnabled(not self._queue.is_read_only)
        menu.action_wanted.connect(self._on_menu_action)
        menu.popup(place)

    @Slot(object, str)
    def _on_menu_action(self, job: Job, key: str) -> None:
        if job not in self._queue.jobs:  # it left while the menu was open
            return
        if key in {"earlier", "later"}:
            self._queue.move(job, self._queue.jobs.index(job) + (1 if key == "later" else -1))
        else:
            self.action_wanted.emit(job, key)
