"""Starts the studio: checks that there is a screen, dresses the program, opens the window and then a project."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from metastudio.errors import MetaStudioError, ResourceError
from metastudio.logs import log_to_file
from metastudio.paths import config_folder

_log = logging.getLogger(__name__)
_COLLECT_EVERY_MS = 250
_SWITCH_S = 0.0005
"""Python's own 5 ms add up while one scrolls and thumbnails come in."""


def check_screen() -> None:
    """Make sure that there is a screen, where Qt itself would end the process.

    Raises:
        ResourceError: if there is none.
    """
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] not in {"", "xcb"}:
        return
    if os.environ.get("WAYLAND_DISPLAY") or _x_answers(os.environ.get("DISPLAY", "")):
        return
    raise ResourceError(
        "There is no screen to open a window on.",
        why="Neither DISPLAY nor WAYLAND_DISPLAY leads to one.",
        todo="Use the command line ('metastudio --help'), or log in with a screen.",
    )


def _x_answers(display: str) -> bool:
    """Return whether an X server answers; of one on another host that is not known, and it counts as there."""
    host, _, rest = display.partition(":")
    if not rest or host not in {"", "unix"}:
        return bool(rest)
    number = rest.split(".")[0]
    for address in (f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"):  # noqa: S108  # where X puts it
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(address)
            except OSError:
                continue
            return True
    return False


def main(argv: Sequence[str] = ()) -> int:
    """Open the studio and return its exit code when it is closed.

    Raises:
        ResourceError: if there is no screen.
    """
    parser = argparse.ArgumentParser("metastudio", description="Open the studio.")
    parser.add_argument("project", nargs="?", default="", help="folder of a project")
    parser.add_argument("--sample", action="store_true", help="open the sample project")
    parser.add_argument("--new-window", action="store_true", help="open another window beside one that is open")
    arguments = parser.parse_args(list(argv))
    check_screen()
    project = str(Path(arguments.project).expanduser().absolute()) if arguments.project else ""
    return _open(project, sample=arguments.sample, is_alone=not arguments.new_window)


def _open(project: str, *, sample: bool, is_alone: bool = True) -> int:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from metastudio.gui.crash_watch import CrashWatch, offer_report
    from metastudio.gui.doorbell import Doorbell, Wish, ring

    app = QApplication.instance() or QApplication(sys.argv[:1])
    if is_alone and ring(Wish(project, sample)):
        return 0
    handler = log_to_file(config_folder() / "studio.log")
    try:
        window = build_frame(app)
    except MetaStudioError:
        logging.getLogger().removeHandler(handler)
        raise
    show_frame(app, window)
    take_up(window)
    messages = window.studio.messages
    messages.install()
    watch = CrashWatch(config_folder() / "crashes")
    crashed = watch.begin()
    doorbell = Doorbell(window)
    doorbell.listen()
    doorbell.rung.connect(window.on_rung)
    QTimer.singleShot(0, window, lambda: begin(window, project, sample=sample))
    if (aside := window.studio.settings.kept_aside) is not None:
        window.studio.toast(spoilt_settings_text(aside), severity="warning")
    if crashed is not None:
        offer_report(window.studio, crashed)
    ended_by = _close_at_signals(window)
    prefer_the_window(window)
    code = app.exec()
    gc.enable()
    doorbell.close()
    messages.uninstall()
    watch.end()
    logging.getLogger().removeHandler(handler)
    handler.close()
    return 128 + ended_by[0] if ended_by else code


def show_frame(app, window) -> None:
    """Draw the window now; what a person does in it is heard when all of it is there."""
    from PySide6.QtCore import QEventLoop

    window.show()
    app.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def prefer_the_window(window) -> None:
    """Let other threads keep the interpreter from the window for no longer than a blink, and none collect garbage."""
    from PySide6.QtCore import QTimer

    from metastudio.gui.garbage import RestWatch, collect_if_due

    rest = RestWatch()
    sys.setswitchinterval(_SWITCH_S)
    gc.disable()
    collecting = QTimer(window, interval=_COLLECT_EVERY_MS)
    collecting.timeout.connect(lambda: collect_if_due(is_at_rest=rest.is_at_rest()))
    collecting.start()


def spoilt_settings_text(aside: Path) -> str:
    """Return what is said of settings that could not be read."""
    from PySide6.QtCore import QCoreApplication

    said = "The settings of the studio could not be read. It begins with the usual ones; the old file is {path}."
    return QCoreApplication.translate("app", said).format(path=aside)


def _close_at_signals(window) -> list[int]:
    """Close the window in order when the system ends the program; jobs go on. Return where the signal's number will be.

    Python hears a signal when it next has something to do in this thread: when garbage is looked for, at the latest.
    """
    heard: list[int] = []

    def close(number: int, _frame: object) -> None:
        heard.append(number)
        window.close_for_good()

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), close)
    return heard


def build_window(app, *, settings_path: Path | None = None):
    """Return the window with everything behind it, not yet shown; no project is open and no thread runs."""
    window = build_frame(app, settings_path=settings_path)
    take_up(window)
    return window


def take_up(window) -> None:
    """Give the frame of a window its queue of jobs and its line to torch; only then can a project be opened."""
    from metastudio.jobs.job_queue import JobQueue
    from metastudio.jobs.session_thread import SessionThread

    window.studio.take_up(JobQueue(), SessionThread())
    window.take_up()


def build_frame(app, *, settings_path: Path | None = None):
    """Return the window as it is seen first: menus, rail, and a word that a project is being opened.

    It imports little, so that it is there at once; what is behind the pages takes three times as long to import.
    """
    from metastudio.gui.main_window import MainWindow
    from metastudio.gui.messages import Messages
    from metastudio.gui.settings import StudioSettings
    from metastudio.gui.studio import Studio
    from metastudio.gui.theme import Appearance

    app.setApplicationName("metastudio")
    app.setApplicationDisplayName("MetaStudio")
    app.setDesktopFileName("metastudio")
    settings = StudioSettings(settings_path)
    messages = Messages()
    studio = Studio(
        settings=settings,
        messages=messages,
        appearance=Appearance(app, mode=settings.theme_mode, font_scale=settings.font_scale),
    )
    window = MainWindow(studio)
    studio.setParent(window)
    messages.setParent(window)
    messages.set_window(window)
    return window


def begin(window, project: str = "", *, sample: bool = False) -> None:
    """Open the first project, then start the process that answers questions."""
    from metastudio.gui.opening import open_first

    try:
        open_first(window.studio, named=project, sample=sample)
    except MetaStudioError as error:
        window.studio.messages.show_error(error)
    window.studio.session.start()
    window.studio.session.ask_devices()
