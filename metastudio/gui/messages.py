"""The one place where errors reach a person: a dialog for those that need reading, a log and a crash file for ours."""

from __future__ import annotations

import datetime
import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QtMsgType, Signal, Slot, qInstallMessageHandler, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from metastudio import __version__
from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.widgets.icons import severity_icon
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.paths import config_folder

_log = logging.getLogger(__name__)
_KEPT_CRASH_FILES = 20
_MOST_LINES = 12


class ErrorDialog(QDialog):
    """Says what happened, where, why and what to do, and lets the person copy a report."""

    def __init__(self, title: str, body: str, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._report = report
        self.setWindowTitle(self.tr("MetaStudio"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(480)
        head = QHBoxLayout()
        head.setSpacing(theme.GROUP)
        picture = QLabel()
        picture.setPixmap(severity_icon("error").pixmap(32, 32))
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        heading = WrappingLabel(title, "section")
        heading.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head.addWidget(heading, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.EDGE, theme.EDGE, theme.EDGE, theme.GROUP)
        column.setSpacing(theme.GROUP)
        column.addLayout(head)
        if body.count("\n") < _MOST_LINES:
            text = WrappingLabel(body)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            text.setVisible(bool(body))
            column.addWidget(text)
        else:
            long_text = QPlainTextEdit(body)
            long_text.setReadOnly(True)
            long_text.setMinimumHeight(220)
            column.addWidget(long_text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = QPushButton(self.tr("Copy report"))
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._on_copy_clicked)
        buttons.rejected.connect(self.reject)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        column.addStretch(1)
        column.addWidget(buttons)
        self.setAccessibleName(title)
        self.setAccessibleDescription(body)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._report)


class Messages(QObject):
    """Shows errors, from whatever thread they come; the same fault is shown once, however often it happens.

    Signals:
        crashed(object): a `(kind, error, traceback)` nobody caught, from any thread; handled in the GUI thread.
    """

    crashed = Signal(object)

    def __init__(self, *, crash_folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._crash_folder = crash_folder
        self._seen: dict[tuple[str, ...], int] = {}
        self._window: QWidget | None = None
        self._dialog: ErrorDialog | None = None
        self._restore: list[Callable[[], object]] = []
        self.crashed.connect(self._on_crashed, Qt.ConnectionType.QueuedConnection)

    def set_window(self, window: QWidget | None) -> None:
        """Show dialogs over this window."""
        self._window = window

    def show_error(self, error: Exception) -> None:
        """Show an error that was caught: in its own words if it is ours, else as a fault of the program."""
        if not isinstance(error, MetaStudioError):
            self._on_crashed((type(error), error, error.__traceback__))
            return
        self._open(title_of(error), body_of(error), report_of(error))

    def show_report(self, title: str, body: str, path: Path) -> None:
        """Show a report that lies in a file; one that is gone leaves only the words."""
        report = path.read_text("utf-8", "replace") if path.is_file() else ""
        self._open(title, f"{body}\n\n{report}".strip(), report)

    def install(self) -> None:
        """Catch what nobody else does: in slots, paint events, threads, destructors, and Qt's own warnings."""
        before = sys.excepthook, threading.excepthook, sys.unraisablehook
        sys.excepthook = self._excepthook
        threading.excepthook = self._threading_excepthook
        sys.unraisablehook = self._unraisable_hook
        handler = qInstallMessageHandler(_on_qt_message)

        def restore() -> None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = before
            qInstallMessageHandler(handler)

        self._restore.append(restore)

    def uninstall(self) -> None:
        """Give the hooks back."""
        while self._restore:
            self._restore.pop()()

    def _excepthook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        self.crashed.emit((kind, error, trace))

    def _threading_excepthook(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_type is not SystemExit:
            self.crashed.emit((arguments.exc_type, arguments.exc_value, arguments.exc_traceback))

    def _unraisable_hook(self, unraisable: sys.UnraisableHookArgs) -> None:
        self.crashed.emit((unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback))

    @Slot(object)
    def _on_crashed(self, what: tuple[type[BaseException], BaseException, TracebackType | None]) -> None:
        kind, error, trace = what
        if isinstance(error, MetaStudioError):
            _log.warning("uncaught: %s", error)
            self._open(title_of(error), body_of(error), report_of(error))
            return
        frames = traceback.extract_tb(trace)
        fault = (kind.__name__, *(f"{each.filename}:{each.lineno}" for each in frames[-3:]))
        self._seen[fault] = self._seen.get(fault, 0) + 1
        if self._seen[fault] > 1:  # a paint event raises sixty times a second
            return
        _log.error("uncaught", exc_info=(kind, error, trace))
        report = report_of(error)
        path = self._write_crash_file(report)
        body = self.tr("{kind}: {error}").format(kind=kind.__name__, error=error)
        where = self.tr("A report lies in {path}.").format(path=path) if path else ""
        advice = self.tr("Your project is saved and running jobs are not touched. You can go on working.")
        self._open(
            self.tr("Something in MetaStudio went wrong."), "\n\n".join(filter(None, (body, advice, where))), report
        )

    def _open(self, title: str, body: str, report: str) -> None:
        if self._dialog is not None:  # one at a time; the log has the others
            _log.warning("not shown, a dialog is open: %s %s", title, body)
            return
        self._dialog = ErrorDialog(title, body, report, self._window)
        self._dialog.destroyed.connect(self._on_dialog_destroyed)
        self._dialog.open()

    @Slot()
    def _on_dialog_destroyed(self) -> None:
        self._dialog = None

    def _write_crash_file(self, report: str) -> Path | None:
        try:
            folder = self._crash_folder or config_folder() / "crashes"
            folder.mkdir(parents=True, exist_ok=True)
            stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
            path = folder / f"crash-{stamp}.txt"
            path.write_text(report, encoding="utf-8", errors="backslashreplace")
            for old in sorted(folder.glob("crash-*.txt"))[:-_KEPT_CRASH_FILES]:
                old.unlink(missing_ok=True)
        except OSError:
            return None
        return path


def title_of(error: MetaStudioError) -> str:
    """Return what happened, as one sentence."""
    return str(error.what)


def body_of(error: MetaStudioError) -> str:
    """Return where, why and what to do, and every problem, one a line."""
    lines = [error.where, error.why, str(error.todo)]
    lines += [f"• {each}" for each in error.problems]
    return "\n".join(line for line in lines if line)


def report_of(error: BaseException) -> str:
    """Return everything that helps to find the cause, as text to copy."""
    head = f"MetaStudio {__version__}, Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}"
    code = f"{error.code}: " if isinstance(error, MetaStudioError) else ""
    trace = "".join(traceback.format_exception(error))
    return f"{head}\n{code}{error}\n\n{trace}"


def _on_qt_message(kind: QtMsgType, context: object, text: str) -> None:  # noqa: ARG001
    if text.startswith("This plugin does not support"):  # a screen that only exists in memory
        return
    levels = {QtMsgType.QtDebugMsg: logging.DEBUG, QtMsgType.QtInfoMsg: logging.INFO}
    levels |= {QtMsgType.QtWarningMsg: logging.WARNING}
    _log.log(levels.get(kind, logging.ERROR), "Qt: %s", text)
