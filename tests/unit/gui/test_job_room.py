"""The queue in the window: edit, copy, extend, branch off, discard with undo; what others do; two studios; the tray."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QSystemTrayIcon
from unit.gui.page_studio import make_run
from unit.gui.test_jobs_page import StillThread, add_job, step, tell

from metastudio.gui.app import build_window
from metastudio.gui.dialogs.extend_dialog import ExtendDialog
from metastudio.gui.dialogs.job_dialog import JobDialog
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.doorbell import Doorbell, Wish, ring
from metastudio.gui.job_news import JobNews
from metastudio.gui.main_window import MainWindow
from metastudio.gui.opening import create_project, open_project
from metastudio.gui.pages.jobs_page import JobsPage
from metastudio.gui.studio import Studio
from metastudio.gui.tray import Tray, headline
from metastudio.gui.widgets.job_menu import JobMenu
from metastudio.gui.widgets.toast import Toast
from metastudio.jobs import job as job_module
from metastudio.jobs.job import Job
from metastudio.jobs.job_queue import JobQueue
from metastudio.runs.control import Wanted
from metastudio.runs.events import Failed, Started, Validated
from metastudio.runs.project import Project
from metastudio.runs.project_lock import ProjectLock
from metastudio.runs.queue_file import read_queue
from metastudio.runs.run_commands import Command
from metastudio.runs.run_folder import list_runs
from metastudio.runs.run_state import Origin, State
from metastudio.runs.worker_lock import hold_worker_lock

SOON_MS = 30_000


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> Iterator[JobsPage]:
    studio.jobs._is_shut = True  # nothing starts here
    made = JobsPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    made.on_shown()
    yield made
    made.shut_down()


@pytest.fixture
def news(studio: Studio, page: JobsPage) -> JobNews:
    return JobNews(studio, page)


def add_waiting(studio: Studio, document: ProjectDocument) -> Job:
    """A job that was never begun."""
    job = add_job(studio, document)
    shutil.rmtree(job.run.checkpoints_folder)
    return job


def press(toasts: list[Toast], text: str) -> None:
    toast = next(each for each in reversed(toasts) if each.action_text == text)
    assert toast.action is not None
    toast.action()


def dialog_of(page: JobsPage, kind: type, qtbot):
    qtbot.waitUntil(lambda: any(each.isVisible() for each in page.findChildren(kind)), timeout=SOON_MS)
    return next(each for each in page.findChildren(kind) if each.isVisible())


@pytest.fixture(autouse=True)
def _real_enqueue(monkeypatch: pytest.MonkeyPatch) -> None:
    from unit.gui.page_studio import RecordingQueue

    monkeypatch.setattr(RecordingQueue, "enqueue", JobQueue.enqueue)


# editing and copying


def test_what_waits_is_edited_in_its_place_and_the_change_can_be_taken_back(
    page: JobsPage, studio: Studio, document, news: JobNews, toasts: list[Toast], qtbot
) -> None:
    first, second, third = (add_waiting(studio, document) for _ in range(3))
    page.show_job(second)
    page._do(second, "edit")
    dialog = dialog_of(page, JobDialog, qtbot)
    assert not dialog.take_button.isEnabled()
    assert dialog.take_button.toolTip() == "Nothing is changed yet."
    dialog._on_option_changed("training.iterations", 77)
    with qtbot.waitSignal(studio.jobs.job_replaced, timeout=SOON_MS):
        dialog.take_button.click()
    changed = studio.jobs.jobs[1]
    assert [each.run for each in studio.jobs.jobs] == [first.run, changed.run, third.run]
    assert changed.run.experiment().training.iterations == 77
    assert changed.run.data().parts == first.run.data().parts
    assert page.job is changed
    assert not second.run.exists(), "the one before is in the trash"
    press(toasts, "Undo")
    assert [each.run for each in studio.jobs.jobs] == [first.run, second.run, third.run]
    assert second.run.state().state is State.QUEUED
    assert second.run.experiment() == second.experiment, "a frozen configuration was never changed"


def test_a_copy_with_changes_is_queued_and_the_first_stays(page: JobsPage, studio: Studio, document, qtbot) -> None:
    job = add_job(studio, document, State.FINISHED)
    page._do(job, "change")
    dialog = dialog_of(page, JobDialog, qtbot)
    dialog._on_method_chosen("prototypical")
    dialog._on_device_picked("cpu")
    with qtbot.waitSignal(studio.jobs.job_added, timeout=SOON_MS):
        dialog.take_button.click()
    copy = studio.jobs.jobs[-1]
    assert (copy.experiment.algorithm.name, copy.experiment.device) == ("prototypical", "cpu")
    assert copy.state is State.QUEUED
    assert job.experiment.algorithm.name == "maml"


def test_what_cannot_be_trained_is_not_taken_and_says_why(page: JobsPage, studio: Studio, document, qtbot) -> None:
    job = add_waiting(studio, document)
    page._do(job, "edit")
    dialog = dialog_of(page, JobDialog, qtbot)
    dialog._on_option_changed("episodes.n_query", 50)
    assert not dialog.take_button.isEnabled()
    assert dialog.take_button.toolTip()
    dialog.accept()
    assert dialog.isVisible()
    dialog.reject()


def test_a_job_that_starts_while_it_is_edited_goes_on_and_the_change_becomes_a_job_of_its_own(
    page: JobsPage, studio: Studio, document, qtbot
) -> None:
    job = add_waiting(studio, document)
    changed = job.experiment.model_copy(update={"seed": 5})
    studio.jobs.edit(job, changed)
    job.thread = StillThread(job.run, parent=studio.jobs)
    job.state = State.PREPARING
    qtbot.waitUntil(lambda: len(studio.jobs.jobs) == 2, timeout=SOON_MS)
    assert studio.jobs.jobs[0] is job
    assert job.run.exists()
    assert studio.jobs.jobs[1].experiment.seed == 5


def test_what_was_begun_and_waits_to_go_on_keeps_its_configuration(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document)
    assert "What was begun" in str(job.why_not(Command.EDIT))
    studio.jobs.edit(job, job.experiment.model_copy(update={"seed": 9}))
    assert studio.jobs._calls == []


# extending and branching off


def test_a_finished_job_is_extended_and_the_dialog_says_what_becomes_of_the_rate(
    page: JobsPage, studio: Studio, document, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document.set_option("training.schedule", "cosine")
    job = add_job(studio, document, State.FINISHED)
    asked = []
    monkeypatch.setattr(studio.jobs, "extend", lambda job, count: asked.append((job, count)))
    page.headline.buttons["extend"].click()
    dialog = dialog_of(page, ExtendDialog, qtbot)
    assert "to iteration 75" in dialog._total.text(), "half as much again, from its last checkpoint at 50"
    assert "rises again" in dialog._about_the_rate(job.experiment.training)
    assert "rises" not in dialog._about_the_rate(job.experiment.training.model_copy(update={"schedule": "constant"}))
    dialog.count.setValue(30)
    dialog.accept()
    assert asked == [(job, 30)]


def test_another_job_starts_from_a_checkpoint_with_settings_that_fit_it(
    page: JobsPage, studio: Studio, document, toasts: list[Toast], qtbot
) -> None:
    document.set_option("backbone.filters", 16)
    job = add_job(studio, document, State.FINISHED)
    document.set_option("backbone.filters", 64)
    before = document.experiment
    checkpoint = job.run.checkpoints()[0]
    with qtbot.waitSignal(studio.page_wanted) as wanted:
        page._do(job, f"start_from:{checkpoint}")
    assert wanted.args == ["learn"]
    assert document.experiment.initial_weights == str(checkpoint)
    assert document.experiment.backbone.filters == 16
    assert document.experiment.data.folders == before.data.folders
    press(toasts, "Undo")
    assert document.experiment == before


def test_the_headline_says_where_a_run_comes_from(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document)
    job.origin = Origin(kind="extended", run="/somewhere/runs/first", iteration=2000)
    page._show_job()
    assert "goes on from first at 2,000" in page.headline._facts.full_text()
    job.origin = Origin(kind="weights", run="/somewhere/runs/first")
    page._show_job()
    assert "starts from the best of first" in page.headline._facts.full_text()


# the menu and the keys


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.PAUSED, State.FINISHED])
def test_the_menu_offers_what_the_state_allows_and_says_why_not_the_rest(
    page: JobsPage, studio: Studio, document, state: State
) -> None:
    waits = state is State.QUEUED
    job = add_waiting(studio, document) if waits else add_job(studio, document, state, works=state.needs_worker)
    job.is_held = True
    menu = JobMenu(job, is_first=True, is_last=True, parent=page)
    keys = {
        "resume": Command.START,
        "pause": Command.PAUSE,
        "finish": Command.FINISH,
        "edit": Command.EDIT,
        "duplicate": Command.DUPLICATE,
        "extend": Command.EXTEND,
        "remove": Command.REMOVE,
        "discard": Command.DISCARD,
    }
    actions = {each.data(): each for each in menu.actions()}
    for key, command in keys.items():
        why = job.why_not(command)
        assert actions[key].isEnabled() == (why is None), key
        assert why is None or actions[key].toolTip() == str(why)
    assert not actions["earlier"].isEnabled()
    branches = next(each.menu() for each in menu.actions() if each.menu())
    if state is not State.QUEUED:
        assert [each.text() for each in branches.actions()] == ["iteration 50 (best, last)"]
    menu.deleteLater()


def test_the_keys_of_the_queue_do_what_the_menu_says(page: JobsPage, studio: Studio, document, qtbot) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    line = page.queue._line
    line.setCurrentRow(0)
    qtbot.keyClick(line, Qt.Key.Key_Space)
    assert job.state is State.PAUSING
    job.thread = None
    studio.jobs._change(job, State.PAUSED)
    job.ask(Wanted.RUN)
    line.setCurrentRow(0)
    qtbot.keyClick(line, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert page.findChildren(JobDialog) == [], "what was begun keeps its configuration"
    qtbot.keyClick(line, Qt.Key.Key_Space)
    assert job.state is State.QUEUED


def test_finish_is_grey_before_anything_is_trained(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document, State.PREPARING, works=True)
    page.show_job(job)
    assert not page.headline.buttons["finish"].isEnabled()
    assert "Nothing is trained yet" in page.headline.buttons["finish"].toolTip()
    assert page.headline.buttons["pause"].isEnabled()


def test_force_asks_only_where_iterations_would_be_lost(
    page: JobsPage, studio: Studio, document, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[Job] = []
    monkeypatch.setattr(studio.jobs, "force", forced.append)
    job = add_job(studio, document, State.RUNNING, works=True)  # its checkpoint is of iteration 50
    tell(studio, job, *(step(number) for number in range(1, 58)))
    studio.jobs.pause(job)
    monkeypatch.setattr(job_module, "FORCE_AFTER_S", -1.0)
    page.show_job(job)
    page.headline.buttons["force"].click()
    box = dialog_of(page, QMessageBox, qtbot)
    assert "The 7 iterations after its last checkpoint are lost" in box.text()
    assert forced == []
    next(each for each in box.buttons() if each.text() == "Force").click()
    assert forced == [job]
    job.ask(Wanted.DISCARD)
    page._do(job, "force")
    assert forced == [job, job]


# discarding


def test_a_discarded_job_comes_back_at_its_place_from_the_toast(
    page: JobsPage, studio: Studio, document, news: JobNews, toasts: list[Toast]
) -> None:
    first, second, third = (add_job(studio, document) for _ in range(3))
    studio.jobs.discard(second)
    assert [each.run for each in studio.jobs.jobs] == [first.run, third.run]
    assert not second.run.exists()
    press(toasts, "Undo")
    assert [each.run for each in studio.jobs.jobs] == [first.run, second.run, third.run]
    back = studio.jobs.jobs[1]
    assert (back.state, back.is_held) == (State.PAUSED, True), "it has a checkpoint, and asks before it goes on"


# a restart


def test_order_and_what_was_taken_out_survive_a_restart_and_nothing_starts_by_itself(
    page: JobsPage, studio: Studio, document, toasts: list[Toast], qtbot
) -> None:
    jobs = [add_job(studio, document) for _ in range(3)]
    studio.jobs.move(jobs[2], 0)
    studio.jobs.remove(jobs[0])
    studio.jobs._order.flush()
    assert read_queue(document.runs_folder).order == (jobs[2].run.name, jobs[1].run.name)
    again = JobQueue()
    again.watch_folder(document.runs_folder)
    assert [each.run for each in again.jobs] == [jobs[2].run, jobs[1].run]
    assert all(each.is_held for each in again.held)
    assert len(again.held) == 2
    again._is_shut = True
    again.enqueue(jobs[0].run)  # from the Runs page
    again.shut_down()
    assert jobs[0].run.name in read_queue(document.runs_folder).order


def test_everything_that_waits_for_the_person_goes_on_with_one_click(page: JobsPage, studio: Studio, document) -> None:
    waiting, paused = add_job(studio, document), add_job(studio, document, State.PAUSED)
    paused.run.write_state(paused.run.state().model_copy(update={"state": State.PAUSED}))
    for job in (waiting, paused):
        job.is_held = True
    page._show_job()
    assert page.queue.all_button.isVisible()
    assert page.queue.all_button.text() == "Go on with all 2"
    page.queue.all_button.click()
    assert [each.is_held for each in studio.jobs.jobs] == [False, False]
    assert paused.state is State.QUEUED
    page._show_job()
    assert not page.queue.all_button.isVisible()


def test_the_next_start_asks_about_what_waits(studio: Studio, document, news: JobNews, toasts: list[Toast]) -> None:
    job = add_job(studio, document)
    job.is_held = True
    studio.project_changed.emit(document)
    assert toasts[-1].text == f"{job.title} waits for you to go on with it."
    assert toasts[-1].action_text == "Show"


# what others do


def test_a_run_that_somebody_else_starts_appears_and_is_watched(studio: Studio, document, qtbot) -> None:
    run = make_run(document)
    queue = JobQueue()
    queue.watch_folder(document.runs_folder)
    assert queue.jobs == ()
    other = make_run(document)
    for each in (run, other):
        each.write_state(each.state().model_copy(update={"state": State.RUNNING}))
    with hold_worker_lock(other):
        queue._watch.look()
        qtbot.waitUntil(lambda: bool(queue.working), timeout=SOON_MS)
        (job,) = queue.working
        assert (job.run, job.state) == (other, State.RUNNING)
        other.write_state(other.state().model_copy(update={"state": State.PAUSED}))
    qtbot.waitUntil(lambda: not queue.working, timeout=SOON_MS)
    assert job.state is State.PAUSED
    with hold_worker_lock(other):  # it is resumed in a terminal
        other.write_state(other.state().model_copy(update={"state": State.RUNNING}))
        queue._watch.look()
        qtbot.waitUntil(lambda: job.is_working, timeout=SOON_MS)
        other.write_state(other.state().model_copy(update={"state": State.FINISHED}))
    qtbot.waitUntil(lambda: job.state is State.FINISHED, timeout=SOON_MS)
    queue.shut_down()


def test_a_run_that_was_removed_by_others_leaves_the_queue(studio: Studio, document, qtbot) -> None:
    run = make_run(document)
    run.write_state(run.state().model_copy(update={"state": State.PAUSED}))
    queue = JobQueue()
    queue.watch_folder(document.runs_folder)
    assert len(queue.jobs) == 1
    parked = document.runs_folder.rename(document.runs_folder.with_name("unplugged"))
    queue._watch.look()
    qtbot.waitUntil(lambda: queue._watch._call is None, timeout=SOON_MS)
    assert len(queue.jobs) == 1, "a folder out of reach says nothing about what lies in it"
    parked.rename(document.runs_folder)
    run.path.rename(document.runs_folder / ".gone")
    queue._watch.look()
    qtbot.waitUntil(lambda: not queue.jobs, timeout=SOON_MS)
    queue.shut_down()


def test_a_paused_job_says_what_it_waits_for_and_offers_to_reconnect(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document, State.PAUSED)
    tell(
        studio,
        job,
        Failed(code="MS-310", what="The folder is gone.", where="/media/stick", todo="Reconnect the drive."),
    )
    page._show_job()
    assert page.banner.text() == "Paused. The folder is gone. (/media/stick) Reconnect the drive."
    assert page.banner.button.text() == "Reconnect and resume"
    page.banner.button.click()
    assert job.state is State.QUEUED


# two studios, second launches


@pytest.fixture
def window(qtbot, tmp_path: Path) -> Iterator[MainWindow]:
    made = build_window(QGuiApplication.instance(), settings_path=tmp_path / "studio.ini")
    made.show()
    yield made
    made._may_leave = True
    made.close()
    made.deleteLater()


def test_d12_the_second_studio_only_looks_and_says_who_holds_the_project(
    window: MainWindow, tmp_path: Path, qtbot
) -> None:
    Project.create(tmp_path / "shared", name="Shared")
    other = ProjectLock(tmp_path / "shared")
    assert other.acquire() is None
    open_project(window.studio, tmp_path / "shared")
    document = window.studio.project
    assert f"process {os.getpid()} on" in window._banner.text()
    assert window.windowTitle() == "Shared (read-only) – MetaStudio"
    assert "project-held" in [each.code for each in document.problems()]
    before = (tmp_path / "shared" / "project.toml").read_bytes()
    document.set_option("training.iterations", 7)
    qtbot.wait(800)
    assert (tmp_path / "shared" / "project.toml").read_bytes() == before
    learn = window.page("learn")
    learn._show_start()
    assert "only be looked at" in learn.start_button.toolTip()
    assert window.studio.jobs.is_read_only
    other.release()
    window._banner.button.click()
    assert window._banner.isHidden()
    assert window.windowTitle() == "Shared – MetaStudio"
    assert other.acquire() is not None
    assert not window.studio.jobs.is_read_only


def test_a_project_is_free_again_when_another_is_opened_or_the_window_closes(
    window: MainWindow, tmp_path: Path
) -> None:
    create_project(window.studio, tmp_path / "one")
    lock = ProjectLock(tmp_path / "one")
    assert lock.acquire() is not None
    open_project(window.studio, tmp_path / "one")
    assert window._banner.isHidden(), "opened again by the same window"
    create_project(window.studio, tmp_path / "two")
    assert lock.acquire() is None
    lock.release()
    window.close()
    last = ProjectLock(tmp_path / "two")
    assert last.acquire() is None
    last.release()


def test_f27_a_second_launch_hands_its_project_to_the_window_that_is_open(
    window: MainWindow, tmp_path: Path, qtbot
) -> None:
    create_project(window.studio, tmp_path / "one")
    Project.create(tmp_path / "two", name="Two")
    bell = Doorbell(window)
    assert bell.listen()
    bell.rung.connect(window.on_rung)
    code = "import sys; from PySide6.QtCore import QCoreApplication; app = QCoreApplication([]);"
    code += "from metastudio.gui.doorbell import Wish, ring; print(ring(Wish(sys.argv[1])))"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "two")],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    ) as second:
        qtbot.waitUntil(lambda: window.studio.project.name == "Two", timeout=SOON_MS)
        assert second.stdout is not None
        assert second.stdout.read().strip() == "True"
    bell.close()
    assert not ring(Wish()), "nobody listens any more"


def test_a_second_bell_does_not_take_the_place_of_the_first(qapp, qtbot) -> None:
    first, second = Doorbell(), Doorbell()
    assert first.listen()
    assert not second.listen()
    first.close()
    assert second.listen()
    second.close()


def test_what_rings_with_nonsense_is_sent_away(qapp, qtbot) -> None:
    from PySide6.QtNetwork import QLocalSocket

    from metastudio.gui import doorbell

    bell = Doorbell()
    heard: list[object] = []
    bell.rung.connect(heard.append)
    assert bell.listen()
    socket = QLocalSocket()
    socket.connectToServer(doorbell._name())
    assert socket.waitForConnected(1000)
    socket.write(b"open sesame\n")
    socket.flush()
    qtbot.waitUntil(lambda: socket.state() == QLocalSocket.LocalSocketState.UnconnectedState, timeout=SOON_MS)
    assert heard == []
    bell.close()


# tray and notification


def test_the_tray_says_the_headline_number(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    started = Started(iteration=0, iterations=100, device="cpu", executor="one", threads=1)
    validated = Validated(iteration=20, accuracy=0.961, ci95=0.006, loss=0.4, episodes=100, is_best=True)
    tell(studio, job, started, *(step(number) for number in range(1, 63)), validated)
    tray = Tray(studio.jobs, page)
    assert headline(job) == f"{job.title} 62 % · 96.1 ± 0.6 % · 19 s left".replace("62 %", "62%")
    assert "96.1 ± 0.6 %" in tray.icon.toolTip()
    assert tray.menu.actions()[0].text() == headline(job)
    assert not tray.icon.icon().isNull()
    pause = next(each for each in tray.menu.actions() if each.text() == "Pause all jobs")
    pause.trigger()
    assert job.state is State.PAUSING
    tray.close()


def test_the_end_of_a_job_is_a_notification_when_the_window_is_elsewhere(
    qtbot, page: JobsPage, studio: Studio, document, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    monkeypatch.setattr(QSystemTrayIcon, "supportsMessages", staticmethod(lambda: True))
    for name in ("show", "setVisible"):  # the offscreen platform has no place for it
        monkeypatch.setattr(QSystemTrayIcon, name, lambda *_: None)
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _icon, _title, text, *_: told.append(text))
    tray = Tray(studio.jobs, page)
    kept = JobNews(studio, page, tray)
    job = add_job(studio, document, State.RUNNING, works=True)
    tell(studio, job, Validated(iteration=9, accuracy=0.953, ci95=0.004, loss=0.1, episodes=9, is_best=True))
    monkeypatch.setattr(page, "isActiveWindow", lambda: True)
    job.thread = None
    studio.jobs._change(job, State.FINISHED)
    assert told == [], "who looks at the window sees the toast"
    monkeypatch.setattr(page, "isActiveWindow", lambda: False)
    kept._told.clear()
    studio.jobs._change(job, State.FINISHED)
    qtbot.waitUntil(lambda: told == [f"{job.title} is finished. 95.3 ± 0.4 %"])
    visible: list[bool] = []
    monkeypatch.setattr(QSystemTrayIcon, "setVisible", lambda _icon, is_visible: visible.append(is_visible))
    tray.show_jobs()
    assert visible == [True], "an icon that goes takes its message along"
    studio.jobs.job_changed.emit(job)
    qtbot.wait(700)
    assert len(told) == 1, "its history was read, which is no news"
    tray.close()


def test_the_queue_shows_nothing_that_a_read_only_project_could_do(page: JobsPage, studio: Studio, document) -> None:
    for _ in range(2):
        add_job(studio, document).is_held = True
    studio.jobs.is_read_only = True
    page._show_job()
    assert not page.queue.all_button.isVisible()
    for each in page.headline.buttons.values():
        assert not (each.isVisible() and each.isEnabled())
        assert not each.isVisible() or "only be looked at" in each.toolTip()
    assert not page.banner.button.isVisible()
    studio.jobs.discard(studio.jobs.jobs[0])
    assert len(studio.jobs.jobs) == 2
    assert len([each for each in list_runs(document.runs_folder) if each.state().state is State.QUEUED]) == 2
