"""The frame: the window opens at once, shows its seven pages, tells errors in one place and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QRunnable, Qt, QThread, QThreadPool, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QUndoCommand
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QWidget
from waiting_runs import make_glyphs, tiny_experiment, waiting_run

from metastudio.errors import DataError, ResourceError, problem
from metastudio.gui import theme
from metastudio.gui.app import build_window, check_screen, spoilt_settings_text
from metastudio.gui.dialogs.leave_dialog import LeaveDialog
from metastudio.gui.main_window import MainWindow
from metastudio.gui.messages import ErrorDialog, Messages, body_of
from metastudio.gui.opening import create_project, open_project
from metastudio.gui.run_trash import trash_with_undo
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.labels import ElidedLabel
from metastudio.gui.widgets.problem_strip import ProblemStrip
from metastudio.gui.widgets.toast import Toast, ToastStack
from metastudio.runs.project import Project
from metastudio.runs.run_folder import list_runs
from metastudio.runs.run_state import State
from metastudio.runs.run_trash import restore, trash
from metastudio.runs.worker_lock import is_worker_alive

SOON_MS = 90_000


@pytest.fixture
def window(qtbot, tmp_path: Path) -> Iterator[MainWindow]:
    made = build_window(QGuiApplication.instance(), settings_path=tmp_path / "studio.ini")
    made.studio.appearance.set_mode("light")
    made.show()
    yield made
    made._may_leave = True
    made.close()
    made.deleteLater()


@pytest.fixture
def opened(window: MainWindow, tmp_path: Path) -> MainWindow:
    draft = tiny_experiment(make_glyphs(tmp_path / "glyphs"))
    Project.create(tmp_path / "project", name="Glyphs", draft=draft)
    open_project(window.studio, tmp_path / "project")
    return window


# the window


def test_the_frame_is_drawn_before_anything_slow_is_imported() -> None:
    code = """
import sys
from PySide6.QtWidgets import QApplication
from metastudio.cli.app import main
from metastudio.gui.app import build_frame, show_frame, take_up
app = QApplication([])
window = build_frame(app)
show_frame(app, window)
assert window.isVisible() and not window.grab().isNull()
print(sorted({"numpy", "pydantic", "typer", "torch", "pyqtgraph", "PIL"} & set(sys.modules)))
take_up(window)
assert window.studio.jobs.parent() is window.studio and window._status.isVisible()
window.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[0] == "[]", done.stderr


def test_the_window_needs_no_torch_and_no_plots_to_open(tmp_path: Path) -> None:
    code = """
import sys
from PySide6.QtWidgets import QApplication
from metastudio.gui.app import build_window
app = QApplication([])
window = build_window(app)
window.show()
app.processEvents()
window.close()
print([name for name in ("torch", "pyqtgraph", "qtawesome") if name in sys.modules])
"""
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_every_page_opens_by_its_shortcut_and_marks_its_door(opened: MainWindow, qtbot) -> None:
    actions = {each.shortcut().toString(): each for each in opened.findChildren(QAction)}
    for number, door in enumerate(opened.doors, start=1):
        actions[f"Ctrl+{number}"].trigger()
        assert opened.current_page.key == door.key
        assert opened._rail._buttons[door.key].isChecked()


def test_the_window_with_every_page_fits_into_1024_by_600(opened: MainWindow, qtbot) -> None:
    for door in opened.doors:
        opened.show_page(door.key)
        opened.resize(1024, 600)
        qtbot.wait(20)
        assert (opened.width(), opened.height()) == (1024, 600), door.key


def test_whoever_hears_the_window_hears_a_name_for_every_control(opened: MainWindow) -> None:
    for key in ("jobs", "runs"):
        page = opened.page(key)
        nameless = [
            each
            for each in page.findChildren(QPushButton)
            if each.isVisibleTo(page) and not each.text() and not each.accessibleName()
        ]
        assert nameless == []


def test_the_title_is_the_project(opened: MainWindow) -> None:
    assert opened.windowTitle() == "Glyphs – MetaStudio"
    assert opened.studio.settings.last_project == str(opened.studio.project.folder)


def test_an_empty_project_is_made_where_it_is_asked_for(window: MainWindow, tmp_path: Path) -> None:
    create_project(window.studio, tmp_path / "My leaves")
    assert window.studio.project.name == "My leaves"
    assert (tmp_path / "My leaves" / "project.toml").is_file()


def test_a_geometry_that_is_off_every_screen_is_not_taken_up(window: MainWindow, qtbot, tmp_path: Path) -> None:
    window.resize(900, 500)
    window.move(QPoint(90_000, 90_000))
    window.studio.settings.geometry = window.saveGeometry()
    window._restore_geometry()
    screens = [each.availableGeometry() for each in QGuiApplication.screens()]
    assert any(each.intersects(QRect(window.pos(), window.size())) for each in screens)


def test_light_and_dark_change_everything_and_are_remembered(window: MainWindow) -> None:
    window.on_theme_toggled()
    assert theme.tokens() is theme.DARK
    assert window.studio.settings.theme_mode == "dark"
    assert window.palette().window().color().name() == theme.DARK.page
    window.on_theme_toggled()
    assert theme.tokens() is theme.LIGHT


def test_letters_grow_and_shrink_within_bounds(window: MainWindow) -> None:
    normal = theme.font().pixelSize()
    for _ in range(20):
        window.on_larger()
    assert normal < theme.font().pixelSize() <= 1.7 * normal
    window.on_normal_size()
    assert theme.font().pixelSize() == normal


def test_the_foot_of_the_window_says_what_undo_would_undo(opened: MainWindow) -> None:
    opened.studio.push(QUndoCommand("Move 3 classes"))
    assert opened._status.undo_button.text() == 'undo: "Move 3 classes"'
    opened._status.undo_button.click()
    assert not opened._status.undo_button.isVisible()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a screen")
def test_no_screen_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ResourceError, match="no screen") as caught:
        check_screen()
    assert caught.value.exit_code == 5
    monkeypatch.setenv("DISPLAY", ":987")
    with pytest.raises(ResourceError):
        check_screen()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    check_screen()


def test_c30_settings_that_cannot_be_read_are_kept_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "studio.ini"
    path.write_text("[look]\ntheme=dark\nno equals sign here\n", encoding="utf-8")

    first = StudioSettings(path)
    assert first.kept_aside is not None
    assert "no equals sign here" in first.kept_aside.read_text("utf-8")
    assert str(first.kept_aside) in spoilt_settings_text(first.kept_aside)
    first.theme_mode = "light"
    first.sync()

    again = StudioSettings(path)
    assert again.kept_aside is None
    assert again.theme_mode == "light"
    assert len(list(tmp_path.glob("*.bad-*"))) == 1


def test_spoilt_settings_read_as_defaults(tmp_path: Path) -> None:
    path = tmp_path / "studio.ini"
    path.write_text("[look]\ntheme=purple\nfont_scale=nan\n[plots]\nsmoothing=many\n[window]\ngeometry=5\n")
    settings = StudioSettings(path)
    assert (settings.theme_mode, settings.font_scale) == ("system", 1.0)
    assert settings.number("plots/smoothing", 0.6, low=0, high=1) == 0.6
    assert settings.geometry.isEmpty()


# leaving


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["keep", "pause"])
def test_closing_with_a_job_asks_and_loses_nothing(opened: MainWindow, qtbot, answer: str) -> None:
    studio = opened.studio
    experiment = tiny_experiment(Path(studio.project.experiment.data.folders[0]), iterations=100_000)
    job = studio.jobs.enqueue(waiting_run(studio.runs_folder, experiment))
    qtbot.waitUntil(lambda: job.iteration > 6, timeout=SOON_MS)
    opened.close()
    dialog = opened.findChild(LeaveDialog)
    assert opened.isVisible()
    dialog.stay_button.click()
    assert opened.isVisible()
    assert job.is_working
    opened.close()
    dialog = next(each for each in opened.findChildren(LeaveDialog) if each.isVisible())
    (dialog.keep_button if answer == "keep" else dialog.pause_button).click()
    qtbot.waitUntil(lambda: not opened.isVisible(), timeout=SOON_MS)
    assert opened.findChildren(QThread, options=Qt.FindChildOption.FindChildrenRecursively) == [] or all(
        not each.isRunning() for each in opened.findChildren(QThread)
    )
    if answer == "pause":
        assert job.run.state().state is State.PAUSED
    else:
        assert is_worker_alive(job.run)
        job.thread = None
        from metastudio.jobs.job_queue import JobQueue

        again = JobQueue()
        again.watch_folder(job.run.path.parent)
        again.force(again.jobs[0])
        qtbot.waitUntil(lambda: not again.working, timeout=SOON_MS)
        again.shut_down()


# errors


def test_a_project_that_cannot_be_saved_says_so_and_still_leaves_no_thread(
    qtbot, opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ResourceError("The disk is full.")

    closed = []
    monkeypatch.setattr(opened.studio.project, "close", refuse)
    monkeypatch.setattr(opened.studio.messages, "show_error", lambda error: closed.append(str(error)))
    monkeypatch.setattr(opened.studio.session, "stop", lambda: closed.append("session"))
    opened.close()
    monkeypatch.undo()
    opened.studio.project.close()
    assert closed == ["The disk is full.", "session"]


@pytest.fixture
def messages(qapp, tmp_path: Path) -> Iterator[Messages]:
    made = Messages(crash_folder=tmp_path / "crashes")
    made.install()
    yield made
    made.uninstall()


def dialogs() -> list[ErrorDialog]:
    return [each for each in QGuiApplication.instance().topLevelWidgets() if isinstance(each, ErrorDialog)]


def close_dialogs(qtbot) -> None:
    for each in dialogs():
        each.close()
    qtbot.waitUntil(lambda: not dialogs())


class Broken(QWidget):
    def paintEvent(self, event) -> None:  # noqa: ARG002, N802
        raise ValueError("cannot paint")


class BrokenThread(QThread):
    def run(self) -> None:
        raise ValueError("cannot work")


def fail() -> None:
    raise ValueError("cannot go on")


def raise_in_slot(qtbot) -> None:
    QTimer.singleShot(0, fail)


def raise_in_thread(qtbot) -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def raise_in_qthread(qtbot) -> None:
    thread = BrokenThread()
    thread.start()
    thread.wait()


def raise_in_paint(qtbot) -> QWidget:
    widget = Broken()
    qtbot.addWidget(widget)
    widget.show()
    for _ in range(3):
        widget.repaint()
    return widget


class BrokenRunnable(QRunnable):
    def run(self) -> None:
        raise ValueError("cannot work")


def raise_in_runnable(qtbot) -> QRunnable:
    work, pool = BrokenRunnable(), QThreadPool()
    work.setAutoDelete(False)
    pool.start(work)
    pool.waitForDone()
    return work


@pytest.mark.parametrize("fault", [raise_in_slot, raise_in_thread, raise_in_qthread, raise_in_runnable, raise_in_paint])
def test_an_exception_anywhere_is_one_dialog_one_log_and_one_file(
    messages: Messages, qtbot, caplog, tmp_path: Path, fault
) -> None:
    kept = fault(qtbot)
    qtbot.waitUntil(lambda: len(dialogs()) == 1)
    qtbot.wait(50)
    assert len(dialogs()) == 1
    assert len(list((tmp_path / "crashes").iterdir())) == 1
    assert sum(record.levelname == "ERROR" for record in caplog.records) == 1
    del kept
    close_dialogs(qtbot)


def test_a_known_error_is_shown_in_its_own_words_with_a_report_to_copy(messages: Messages, qtbot, tmp_path) -> None:
    problems = [problem("x", "Class {name} is too small.", name="oak")]
    messages.show_error(
        DataError("{count} classes are too small.", count=1, where="/leaves", todo="Lower Q.", problems=problems)
    )
    (dialog,) = dialogs()
    assert dialog.accessibleName() == "1 classes are too small."
    assert "Lower Q." in dialog.accessibleDescription()
    assert "Class oak is too small." in dialog.accessibleDescription()
    next(each for each in dialog.findChildren(QPushButton) if each.text() == "Copy report").click()
    assert "MS-300" in QGuiApplication.clipboard().text()
    assert not (tmp_path / "crashes").exists()
    close_dialogs(qtbot)


def test_braces_in_a_message_are_shown_as_they_are() -> None:
    assert "{odd}" in body_of(DataError("It is odd.", why="{odd}"))


# small widgets


def test_toasts_go_by_themselves_stay_under_the_pointer_and_do_what_they_offer(qtbot) -> None:
    over = QWidget()
    qtbot.addWidget(over)
    over.resize(800, 600)
    over.show()
    stack = ToastStack(over)
    done = []
    stack.show_toast(Toast("Gone", shown_ms=30))
    qtbot.waitUntil(lambda: not stack.isVisible())
    stack.show_toast(Toast("Moved", action_text="Undo", action=lambda: done.append(1), shown_ms=0))
    (button,) = [each for each in stack.findChildren(QPushButton) if each.isVisible()]
    assert over.rect().contains(stack.geometry())
    button.click()
    assert done == [1]
    qtbot.waitUntil(lambda: not stack.isVisible())


def test_problems_are_listed_errors_first_and_lead_somewhere(qtbot) -> None:
    strip = ProblemStrip(most=2, are_rows_links=True)
    qtbot.addWidget(strip)
    from metastudio.errors import Severity

    warning = problem("w", "Small.", severity=Severity.WARNING)
    errors = [problem("a", "Wrong."), problem("b", "Bad.")]
    strip.set_problems([warning, *errors])
    shown = [each.text() for each in strip.findChildren(QLabel) if each.text()]
    assert shown == ["Wrong.", "Bad.", "and 1 more"]
    with qtbot.waitSignal(strip.problem_activated) as caught:
        strip.findChildren(QPushButton)[1].click()
    assert caught.args[0] is errors[1]
    strip.set_problems([])
    assert strip.isHidden()


def test_a_long_text_is_shortened_and_told_whole(qtbot) -> None:
    shown = ElidedLabel("A very long name of a very long run")
    qtbot.addWidget(shown)
    shown.resize(60, 20)
    shown.show()
    assert shown.text().endswith("…")
    assert shown.toolTip() == shown.full_text()


def test_a_trashed_run_comes_back_whole(opened: MainWindow, qtbot) -> None:
    studio = opened.studio
    experiment = tiny_experiment(Path(studio.project.experiment.data.folders[0]))
    run = waiting_run(studio.runs_folder, experiment)
    trashed = trash(run)
    assert list_runs(studio.runs_folder) == []
    assert restore(trashed) == run
    assert run.experiment() == experiment
    trash_with_undo(studio, [run])
    undo = [each for each in opened.findChildren(QPushButton) if each.text() == "Undo" and each.isVisible()][-1]
    undo.click()
    assert list_runs(studio.runs_folder) == [run]


def test_the_dialog_about_jobs_can_be_left_by_escape(qtbot) -> None:
    dialog = LeaveDialog(2)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.answered) as caught:
        dialog.reject()
    assert caught.args == ["stay"]
    assert isinstance(dialog, QDialog)
