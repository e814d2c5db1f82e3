"""The window: the rail, the pages, the status row; pages are made when first wanted, and closing asks about jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio import __version__
from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.actions import build_menus
from metastudio.gui.dialogs.help_dialog import HelpDialog
from metastudio.gui.dialogs.leave_dialog import LeaveDialog
from metastudio.gui.doors import doors, page_type
from metastudio.gui.pages.page import Page
from metastudio.gui.studio import Studio
from metastudio.gui.theme import Mode
from metastudio.gui.widgets.banner import Banner
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.rail import Rail
from metastudio.gui.widgets.toast import Toast, ToastStack
from metastudio.paths import replaced_folders, resources_folder

if TYPE_CHECKING:
    from metastudio.gui.doorbell import Wish

_FIRST_SIZE = (1280, 800)
_LEAST_SIZE = (960, 560)
_PAUSE_PATIENCE_MS = 60_000
_FOOT_PX = 32


class MainWindow(QMainWindow):
    """The one window.

    Closing, in this order: ask about running jobs; keep the geometry; shut the pages down; save and close the project;
    end the job threads (workers live on unless paused); end the session. After that no thread is left.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self.doors = doors()
        self.theme_actions: QActionGroup | None = None
        self._pages: dict[str, Page] = {}
        self._leave_dialog: LeaveDialog | None = None
        self._may_leave = False
        self._is_shut = False
        self._rail = Rail(self.doors)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._before_the_first_page())
        right = self._right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        self._folders = Banner()
        self._folders.button.clicked.connect(self._folders.hide)
        right.addWidget(self._folders)
        self._show_replaced_folders()
        self._banner = Banner()
        self._banner.button.clicked.connect(self._on_open_again)
        right.addWidget(self._banner)
        right.addWidget(self._stack, 1)
        self._foot = QFrame()
        self._foot.setObjectName("statusRow")
        self._foot.setFixedHeight(_FOOT_PX)
        right.addWidget(self._foot)
        middle = QWidget()
        line = QHBoxLayout(middle)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        line.addWidget(self._rail)
        line.addLayout(right, 1)
        self.setCentralWidget(middle)
        self._toasts = ToastStack(middle, bottom_px=_FOOT_PX)
        build_menus(self)
        self.setMinimumSize(*_LEAST_SIZE)
        self._restore_geometry()
        self._show_title()

        self._rail.page_chosen.connect(self.show_page)
        self._rail.theme_clicked.connect(self.on_theme_toggled)
        studio.page_wanted.connect(self.show_page)
        studio.toasted.connect(self._on_toasted)
        studio.project_changed.connect(self._on_project_changed)
        studio.undo_stack.cleanChanged.connect(self._show_title)
        studio.appearance.changed.connect(self._rail.show_theme)

    def take_up(self) -> None:
        """Show how the studio's jobs stand, which it has taken up by now."""
        # the frame is seen before these are imported
        from metastudio.gui.job_news import JobNews
        from metastudio.gui.tray import Tray
        from metastudio.gui.widgets.status_row import StatusRow

        jobs = self.studio.jobs
        self._status = StatusRow(jobs, self.studio.undo_stack)
        self._status.jobs_button.clicked.connect(self._on_jobs_clicked)
        self._right.replaceWidget(self._foot, self._status)
        self._foot.hide()  # until it goes it would lie over the window's corner
        self._foot.deleteLater()
        self.tray = Tray(jobs, self)
        self.tray.window_wanted.connect(self._come_to_front)
        self.tray.quit_wanted.connect(self.close)
        self._job_news = JobNews(self.studio, self, self.tray)
        jobs.failed.connect(self._on_failed)
        jobs.idle.connect(self._on_jobs_idle)

    def _before_the_first_page(self) -> EmptyState:
        """Return what stands there while the first project is opened, which draws pictures at the very first start."""
        return EmptyState(
            "mdi6.shape-outline",
            self.tr("Opening the project…"),
            self.tr("At the first start the pictures of the sample project are drawn; that takes a few seconds."),
        )

    # pages

    def page(self, key: str) -> Page:
        """Return a page, made now if it was never shown."""
        if key not in self._pages:
            page = page_type(key)(self.studio)
            self._pages[key] = page
            self._stack.addWidget(page)
        return self._pages[key]

    @property
    def current_page(self) -> Page | None:
        """The page at the front."""
        page = self._stack.currentWidget()
        return page if isinstance(page, Page) else None

    @Slot(str)
    def show_page(self, key: str) -> None:
        """Bring a page to the front."""
        before, page = self.current_page, self.page(key)
        self._rail.show_page(key)
        if before is page:
            return
        if before is not None:
            before.on_hidden()
        self._stack.setCurrentWidget(page)
        page.on_shown()
        page.setFocus()

    @Slot()
    def on_page_action(self) -> None:
        """Go to the page of the menu line that was chosen."""
        action = self.sender()
        if isinstance(action, QAction):
            self.show_page(action.data())

    @Slot()
    def _on_jobs_clicked(self) -> None:
        self.show_page("jobs")

    # project

    @Slot()
    def on_new_project(self) -> None:
        """Ask where, and begin an empty project there."""
        folder, _ = QFileDialog.getSaveFileName(
            self, self.tr("New project: name its folder"), str(self._projects_folder() / self.tr("My project"))
        )
        if folder:
            self._open(Path(folder), create=True)

    @Slot()
    def on_open_project(self) -> None:
        """Ask which, and open it."""
        folder = QFileDialog.getExistingDirectory(
            self, self.tr("Open a project's folder"), str(self._projects_folder())
        )
        if folder:
            self._open(Path(folder))

    @Slot()
    def on_open_sample(self) -> None:
        """Open the sample project, made now if it is missing."""
        from metastudio.gui.opening import open_sample

        open_sample(self.studio)

    @Slot()
    def on_open_folder(self) -> None:
        """Show the project's folder in the system's file manager."""
        if self.studio.project is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.studio.project.folder)))

    def _open(self, folder: Path, *, create: bool = False) -> None:
        from metastudio.gui.opening import create_project, open_project

        try:
            (create_project if create else open_project)(self.studio, folder)
        except MetaStudioError as error:
            self.studio.messages.show_error(error)

    def _projects_folder(self) -> Path:
        from metastudio.paths import documents_folder

        return self.studio.project.folder.parent if self.studio.project else documents_folder()

    @Slot(object)
    def on_rung(self, wish: Wish) -> None:
        """Come to the front for a second launch, and open what it named if it is another project."""
        from metastudio.gui.opening import open_first

        self._come_to_front()
        folder = Path(wish.project)
        folder = folder.parent if folder.name == "project.toml" else folder
        is_open = self.studio.project is not None and self.studio.project.folder == folder
        if not (wish.project or wish.sample) or is_open:
            return
        try:
            open_first(self.studio, named=wish.project, sample=wish.sample)
        except MetaStudioError as error:
            self.studio.messages.show_error(error)

    @Slot()
    def _come_to_front(self) -> None:
        self.setWindowState((self.windowState() & ~Qt.WindowState.WindowMinimized) | Qt.WindowState.WindowActive)
        self.show()
        self.raise_()
        self.activateWindow()

    @Slot()
    def _on_open_again(self) -> None:
        if self.studio.project is not None:
            self._open(self.studio.project.folder)

    def _show_replaced_folders(self) -> None:
        """Say once that settings or decoded pictures lie in another place than usual, which may not last."""
        text = self.tr("{folder} cannot be written. {taken} is taken instead, and may be gone at the next start.")
        lines = [text.format(folder=wanted, taken=taken) for wanted, taken in replaced_folders().items()]
        self._folders.show_text("\n".join(lines), "warning", button=self.tr("OK"))

    def _show_holder(self) -> None:
        holder = self.studio.project.project.held_by if self.studio.project else None
        text = self.tr(
            "Another MetaStudio has this project open: process {pid} on {host}. Here it can only be looked at; "
            "no change is kept, and no job is started or stopped."
        )
        shown = text.format(pid=holder.pid or "?", host=holder.host) if holder is not None else ""
        self._banner.show_text(shown, "warning", button=self.tr("Try again"))

    @Slot(object)
    def _on_project_changed(self, document: object) -> None:  # noqa: ARG002
        self._show_title()
        self._show_holder()
        if self.current_page is None:
            self.show_page("images")

    @Slot()
    def _show_title(self) -> None:
        name = self.studio.project.name if self.studio.project else ""
        if self.studio.project is not None and self.studio.project.project.is_read_only:
            name = self.tr("{project} (read-only)").format(project=name)
        self.setWindowTitle(self.tr("{project} – MetaStudio").format(project=name) if name else "MetaStudio")

    # looks

    @Slot()
    def on_theme_action(self) -> None:
        """Take the colours of the menu line that was chosen."""
        action = self.sender()
        if isinstance(action, QAction):
            self._set_theme(action.data())

    @Slot()
    def on_theme_toggled(self) -> None:
        """Change from light to dark or back."""
        self._set_theme("light" if theme.tokens() is theme.DARK else "dark")

    def _set_theme(self, mode: Mode) -> None:
        self.studio.appearance.set_mode(mode)
        self.studio.settings.theme_mode = mode
        for action in self.theme_actions.actions() if self.theme_actions else ():
            action.setChecked(action.data() == mode)

    @Slot()
    def on_larger(self) -> None:
        """Make all letters larger."""
        self._set_font_scale(self.studio.appearance.font_scale + 0.1)

    @Slot()
    def on_smaller(self) -> None:
        """Make all letters smaller."""
        self._set_font_scale(self.studio.appearance.font_scale - 0.1)

    @Slot()
    def on_normal_size(self) -> None:
        """Give letters their own size again."""
        self._set_font_scale(1.0)

    def _set_font_scale(self, scale: float) -> None:
        self.studio.appearance.set_font_scale(scale)
        self.studio.settings.font_scale = self.studio.appearance.font_scale

    @Slot()
    def on_full_screen(self) -> None:
        """Fill the screen, or no longer."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _restore_geometry(self) -> None:
        """Go where the window was, if that place is still on a screen."""
        self.resize(*_FIRST_SIZE)
        if not self.restoreGeometry(self.studio.settings.geometry):
            screen = self.screen().availableGeometry()
            self.resize(self.size().boundedTo(screen.size()))
            self.move(screen.center() - self.rect().center())
            return
        frame = self.frameGeometry()
        seen = [each.availableGeometry().intersected(frame) for each in QGuiApplication.screens()]
        if max(each.width() * each.height() for each in seen) < frame.width() * frame.height() / 4:
            self.resize(self.size().boundedTo(self.screen().availableSize()))
            self.move(self.screen().availableGeometry().topLeft())

    # help

    @Slot()
    def on_help(self) -> None:
        """Open the user guide."""
        HelpDialog(resources_folder() / "help" / "index.md", self.tr("Help"), self).show()

    @Slot()
    def on_keyboard(self) -> None:
        """List every shortcut of the menus."""
        lines = []
        for action in self.findChildren(QAction):
            if not action.shortcut().isEmpty() and action.text():
                keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
                lines.append(f"<tr><td><b>{keys}</b>&nbsp;&nbsp;</td><td>{action.text().replace('&', '')}</td></tr>")
        self._tell(self.tr("Keyboard"), f"<table>{''.join(dict.fromkeys(lines))}</table>")

    @Slot()
    def on_about(self) -> None:
        """Say what this is."""
        text = self.tr(
            "MetaStudio {version}<br>Few-shot learning from folders of images: "
            "compose tasks, meta-train, adapt, export.<br><br>Nothing leaves this machine."
        )
        self._tell(self.tr("About MetaStudio"), text.format(version=__version__))

    def _tell(self, title: str, text: str) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, title, text, QMessageBox.StandardButton.Close, self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    # news

    @Slot(object)
    def _on_toasted(self, toast: Toast) -> None:
        self._toasts.show_toast(toast)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.studio.messages.show_error(error)

    # leaving

    def closeEvent(self, event: QCloseEvent) -> None:
        jobs = self.studio.jobs
        has_own = bool(jobs.working) and not jobs.is_read_only
        if not self._may_leave and has_own and not QGuiApplication.instance().isSavingSession():
            event.ignore()
            self._ask_about_jobs()
            return
        self.shut_down()
        event.accept()

    def close_for_good(self) -> None:
        """Close without a question: the system ends the program. Jobs go on, and the next start finds them."""
        self._may_leave = True
        self.close()

    def _ask_about_jobs(self) -> None:
        if self._leave_dialog is None:
            self._leave_dialog = LeaveDialog(len(self.studio.jobs.working), self)
            self._leave_dialog.answered.connect(self._on_leave_answered)
        self._leave_dialog.open()

    @Slot(str)
    def _on_leave_answered(self, answer: str) -> None:
        dialog = self._leave_dialog
        if dialog is None:
            return
        if answer == "pause":
            dialog.show_pausing()
            QTimer.singleShot(_PAUSE_PATIENCE_MS, dialog.keep_button, dialog.keep_button.click)
            self._may_leave = True
            self.studio.jobs.pause_all()
            return
        self._leave_dialog = None
        dialog.deleteLater()
        if answer == "stay":
            self._may_leave = False
            self.studio.jobs.take_up()
            return
        self._may_leave = True
        dialog.hide()
        self.close()

    @Slot()
    def _on_jobs_idle(self) -> None:
        """The last worker is gone: if the window only waited for it, it closes."""
        if self._may_leave and not self._is_shut:
            if self._leave_dialog is not None:
                self._leave_dialog.hide()
            self.close()

    def shut_down(self) -> None:
        """End everything that runs beside the window, once."""
        if self._is_shut:
            return
        self._is_shut = True
        self.tray.close()
        self.studio.settings.geometry = self.saveGeometry()
        self.studio.settings.sync()
        try:
            for page in self._pages.values():
                page.shut_down()
            if self.studio.project is not None:
                self.studio.project.close()
        except MetaStudioError as error:  # the last changes could not be saved
            self.studio.messages.set_window(None)  # what it shows outlives the window
            self.studio.messages.show_error(error)
        finally:
            self.studio.shut_down()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._rail.show_theme()
