"""The studio's place beside the clock: the headline number while jobs work, and news when a window is elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from metastudio.gui import theme
from metastudio.gui.wording import accuracy_text, duration_text, state_text
from metastudio.jobs.job import Job
from metastudio.jobs.job_queue import JobQueue

_EVERY_MS = 2000
_ICON_PX = 64
_SHOWN_MS = 8000
_TAKEN_IN_MS = 500
_MOST_LINES = 5


def headline(job: Job) -> str:
    """Return a job in a line: ``maml-5w1s 62 % · 96.1 ± 0.6 % · 3 min left``."""
    parts = [f"{job.title} {job.share:.0%}" if job.curves.last_step is not None else job.title]
    if job.curves.last_step is None or job.state.value != "running":
        parts.append(state_text(job.state))
    if (best := job.curves.best) is not None:
        parts.append(accuracy_text(best.accuracy, best.ci95))
    if (left := job.seconds_left()) is not None:
        parts.append(QCoreApplication.translate("Tray", "{time} left").format(time=duration_text(left)))
    return " · ".join(parts)


class Tray(QObject):
    """Shows an icon that fills with the first job's iterations; only while jobs work or it says something.

    Signals:
        window_wanted(): the icon, its first line, or a message was clicked.
        quit_wanted(): its last line was.
    """

    window_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, jobs: JobQueue, window: QWidget) -> None:
        super().__init__(window)
        self._jobs = jobs
        self._share = -1
        self.icon = QSystemTrayIcon(self)
        self.icon.activated.connect(self._on_activated)
        self.icon.messageClicked.connect(self.window_wanted)
        self.menu = QMenu(window)
        self.icon.setContextMenu(self.menu)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.show_jobs)
        self._message = "", ""
        self._shows_message = QTimer(self)
        self._shows_message.setSingleShot(True)
        self._shows_message.setInterval(_TAKEN_IN_MS + _SHOWN_MS)
        self._shows_message.timeout.connect(self.show_jobs)  # then it goes, if no job works
        for signal in (jobs.job_added, jobs.job_changed, jobs.job_removed, jobs.idle):
            signal.connect(self.show_jobs)
        jobs.events_arrived.connect(self._on_events_arrived)
        self.show_jobs()

    def tell(self, title: str, text: str) -> bool:
        """Show a message of the system; return whether the desktop takes any."""
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return False
        is_there = self.icon.isVisible()
        self._message = title, text
        self._shows_message.start()
        self.icon.show()
        if is_there:
            self._show_message()
        else:  # the desktop takes it in a little later, and drops what an icon says before
            QTimer.singleShot(_TAKEN_IN_MS, self, self._show_message)
        return True

    @Slot()
    def _show_message(self) -> None:
        self.icon.showMessage(*self._message, self.icon.icon(), _SHOWN_MS)

    def close(self) -> None:
        """Take the icon away."""
        self._timer.stop()
        self._shows_message.stop()
        self.icon.hide()

    @Slot()
    def show_jobs(self) -> None:
        """Show how the jobs stand now."""
        working = self._jobs.working
        lines = [headline(each) for each in working[:_MOST_LINES]]
        more = len(self._jobs.jobs) - len(lines)
        if more:
            lines.append(self.tr("{count} more").format(count=more))
        self.icon.setToolTip("\n".join(["MetaStudio", *lines]))
        self._show_menu(lines)
        self._show_share(round(100 * working[0].share) if working else 0)
        is_wanted = bool(working) or self._shows_message.isActive()
        self.icon.setVisible(is_wanted and QSystemTrayIcon.isSystemTrayAvailable())

    def _show_menu(self, lines: list[str]) -> None:
        self.menu.clear()
        for line in lines:
            self._add(line, self.window_wanted)
        self.menu.addSeparator()
        self._add(self.tr("Show the window"), self.window_wanted)
        if self._jobs.working:
            self._add(self.tr("Pause all jobs"), self._on_pause_all)
        self._add(self.tr("Quit"), self.quit_wanted)

    def _add(self, text: str, on_triggered: object) -> None:
        action = QAction(text, self.menu)
        action.triggered.connect(on_triggered)
        self.menu.addAction(action)

    def _show_share(self, percent: int) -> None:
        if percent == self._share:
            return
        self._share = percent
        picture = QPixmap(_ICON_PX, _ICON_PX)
        picture.fill(Qt.GlobalColor.transparent)
        tokens = theme.tokens()
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.quiet))
        painter.drawEllipse(4, 4, _ICON_PX - 8, _ICON_PX - 8)
        painter.setBrush(QColor(tokens.accent))
        painter.drawPie(4, 4, _ICON_PX - 8, _ICON_PX - 8, 90 * 16, round(-3.6 * percent * 16))
        painter.end()
        self.icon.setIcon(QIcon(picture))

    @Slot()
    def _on_events_arrived(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _on_pause_all(self) -> None:
        for job in self._jobs.working:
            self._jobs.pause(job)

    @Slot(object)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.window_wanted.emit()
