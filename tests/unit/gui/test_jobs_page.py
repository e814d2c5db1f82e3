"""The Jobs page: one job with true words and buttons, its curves, and the queue below."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from unit.gui.page_studio import make_run

from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.jobs_page import JobsPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.status_row import StatusRow
from metastudio.jobs import job as job_module
from metastudio.jobs.job import Job, title_of
from metastudio.jobs.job_thread import JobThread
from metastudio.runs.control import Wanted
from metastudio.runs.events import Capacity, CheckpointSaved, InnerTrace, OuterStep, Preparing, Started, Validated
from metastudio.runs.run_commands import Command
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State, summary_of


class StillThread(JobThread):
    """Watches nothing, so that a test says itself what a worker would."""

    def run(self) -> None:
        return


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> Iterator[JobsPage]:
    made = JobsPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    made.on_shown()
    yield made
    made.shut_down()


def add_job(studio: Studio, document: ProjectDocument, state: State = State.QUEUED, *, works: bool = False) -> Job:
    run = make_run(document)
    run.write_state(run.state().model_copy(update={"state": State.QUEUED}))
    made = Job(run, run.experiment(), state)
    if works:
        made.thread = StillThread(run, parent=studio.jobs)
    studio.jobs._add(made)
    return made


def step(iteration: int) -> OuterStep:
    return OuterStep(
        iteration=iteration,
        loss=1 / iteration,
        accuracy=0.5,
        accuracy_before=0.2 if iteration % 10 == 1 else None,
        loss_before=None,
        gradient_norm=1.0,
        lr=0.001,
        tasks_per_s=61.4,
        memory_bytes=412_000_000,
        elapsed_s=0.5 * iteration,
    )


def tell(studio: Studio, job: Job, *events: object) -> None:
    job.curves.add(events)
    studio.jobs.events_arrived.emit(job, events)


def shown(page: JobsPage) -> set[str]:
    return {key for key, button in page.headline.buttons.items() if button.isVisibleTo(page)}


def test_an_empty_page_says_what_belongs_there_and_leads_to_it(page: JobsPage, studio: Studio, qtbot) -> None:
    assert page._stack.currentWidget() is page._empty
    with qtbot.waitSignal(studio.page_wanted) as caught:
        page._on_learn_clicked()
    assert caught.args == ["learn"]


def test_numbers_of_a_running_job_are_in_its_line(page: JobsPage, studio: Studio, document, qtbot) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    started = Started(iteration=0, iterations=2000, device="cpu", executor="one", threads=1)
    tell(studio, job, started, *(step(number) for number in range(1, 1241)))
    page._show_job()
    line = page.headline._facts.full_text()
    for words in ("iteration 1,240 / 2,000", "61.4 tasks/s", "7 min left", "412 MB"):
        assert words in line
    assert page._progress.value() == 620
    assert shown(page) == {"pause", "finish", "discard"}
    studio.jobs.finish(job)
    assert "left" not in page.headline._facts.full_text(), "it does not train on"


def test_a_paused_job_is_resumed_or_finished_where_it_has_a_checkpoint(
    page: JobsPage, studio: Studio, document
) -> None:
    job = add_job(studio, document, State.PAUSED)
    assert shown(page) == {"resume", "discard", "remove"}
    assert "no checkpoint" in str(job.why_not(Command.FINISH))
    tell(studio, job, CheckpointSaved(iteration=3, path="step_000003"))
    page._show_job()
    assert shown(page) == {"resume", "finish", "discard", "remove"}
    assert page.headline.buttons["finish"].isEnabled()


def test_what_waits_to_be_finished_says_so_and_can_be_resumed_instead(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document, State.PAUSED)
    tell(studio, job, CheckpointSaved(iteration=3, path="step_000003"))
    studio.jobs._is_shut = True  # its device is taken
    studio.jobs.finish(job)
    assert (job.state, page.headline._state.text()) == (State.QUEUED, "waits to be finished")
    assert "waits to be finished" in page.queue._line.item(0).text()
    assert shown(page) == {"resume", "discard"}
    page.headline.buttons["resume"].click()
    assert job.wanted is Wanted.RUN
    assert shown(page) == {"discard"}


def test_preparing_shows_its_phase_and_how_far_it_is(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document, State.PREPARING, works=True)
    page._show_job()
    assert "iteration" not in page.headline._facts.full_text()
    tell(studio, job, Preparing(phase="reading images", done=30, total=120))
    page._show_job()
    assert "reading images 30 / 120" in page.headline._facts.full_text()
    assert (page._progress.value(), page._progress.maximum()) == (30, 120)


@pytest.mark.parametrize(
    ("wanted", "key", "word"),
    [
        (Wanted.PAUSE, "pause", "Pausing…"),
        (Wanted.FINISH, "finish", "Finishing…"),
        (Wanted.DISCARD, "discard", "Discarding…"),
    ],
)
def test_the_button_says_which_stop_is_under_way_and_force_comes_after_some_seconds(
    page: JobsPage, studio: Studio, document, monkeypatch: pytest.MonkeyPatch, wanted: Wanted, key: str, word: str
) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    page.headline.buttons[key].click()
    assert job.wanted is wanted
    assert (job.run.path / "control").read_text().strip() == wanted
    assert shown(page) == {key}
    assert page.headline.buttons[key].text() == word
    assert not page.headline.buttons[key].isEnabled()
    later = time.monotonic() + job_module.FORCE_AFTER_S + 1
    monkeypatch.setattr(job_module.time, "monotonic", lambda: later)
    page._show_job()
    assert shown(page) == {key, "force"}


@pytest.mark.parametrize(
    ("state", "words", "button"),
    [
        (State.INTERRUPTED, "Interrupted. It was killed.", "Resume"),
        (State.FAILED, "Failed. It was killed.", "Try again"),
    ],
)
def test_what_ended_badly_says_why_and_offers_to_go_on(
    page: JobsPage, studio: Studio, document, state: State, words: str, button: str
) -> None:
    job = add_job(studio, document, state)
    job.reason = "It was killed."
    page._show_job()
    assert page.banner.text().startswith(words)
    assert page.banner.button.text() == button
    studio.jobs._is_shut = True  # resumed, but not started here
    page.banner.button.click()
    assert job.state is State.QUEUED
    assert page.banner.isHidden()


def test_curves_have_their_points_and_the_fan_its_tasks(page: JobsPage, studio: Studio, document, qtbot) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    traces = [
        InnerTrace(iteration=at, task=task, support_losses=(2.0, 1.0, 0.5), query_losses=(2.0, 1.2, 0.8))
        for at in (1, 11)
        for task in range(4)
    ]
    validated = Validated(iteration=20, accuracy=0.9, ci95=0.01, loss=0.4, episodes=100, is_best=True)
    tell(studio, job, *(step(number) for number in range(1, 31)), *traces, validated)
    plots = page.plots
    qtbot.waitUntil(lambda: plots.inner.traced_text.text() == "at 11" and plots.rounds.is_idle)
    assert len(plots.outer.curve("loss").x) == 30
    assert list(plots.accuracy.curve("before").x) == [1, 11, 21]
    assert plots.accuracy.curve("best").name == "90.0 ± 1.0 %"
    fan = [plots.inner.curve(f"{kind} {task}") for kind in ("support", "query") for task in range(4)]
    assert {each.style for each in fan} == {Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine}
    plots.inner.traced.setValue(0)
    assert plots.inner.traced_text.text() == "at 1"
    tell(studio, job, *(each.model_copy(update={"iteration": 21}) for each in traces[:4]))
    plots._draw()
    assert plots.inner.traced_text.text() == "at 1", "it stays where the person put it"


def test_a_method_without_inner_steps_says_so_in_their_place(page: JobsPage, studio: Studio, document) -> None:
    document.set_option("algorithm.name", "prototypical")
    job = add_job(studio, document, State.RUNNING, works=True)
    tell(studio, job, step(1))
    page.plots._draw()
    assert "without inner steps" in page.plots.inner._message.text()


def test_plots_are_drawn_ten_times_a_second_at_most_however_many_events_come(
    page: JobsPage, studio: Studio, document, qtbot
) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    begun, steps = [], page.plots.rounds._begin
    page.plots.rounds._begin = lambda: begun.append(time.monotonic()) or steps()
    began = time.monotonic()
    for number in range(1, 200):
        tell(studio, job, step(number))
        qtbot.wait(1)
    assert 1 <= len(begun) <= 12.5 * (time.monotonic() - began) + 1
    assert all(after - before > 0.07 for before, after in itertools.pairwise(begun))


def test_every_plot_shows_the_last_event_of_a_burst(page: JobsPage, studio: Studio, document, qtbot) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    for number in range(1, 61):
        tell(studio, job, step(number))
        if number % 6 == 0:
            qtbot.wait(7)
    qtbot.waitUntil(lambda: page.plots.rounds.is_idle)
    assert [plot.curve("raw").x[-1] for plot in (page.plots.accuracy, page.plots.outer, page.plots.pace)] == [60] * 3


def test_what_came_while_the_drawing_was_halfway_round_is_drawn_too(
    page: JobsPage, studio: Studio, document, qtbot
) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    tell(studio, job, step(1))
    draw, told = page.plots.accuracy.refresh, []

    def draw_and_hear() -> None:
        draw()
        if not told:
            told.append(2)
            tell(studio, job, step(2))

    page.plots.accuracy.refresh = draw_and_hear
    page.plots.rounds.request()
    qtbot.waitUntil(lambda: bool(told) and page.plots.rounds.is_idle)
    assert [plot.curve("raw").x[-1] for plot in (page.plots.accuracy, page.plots.outer, page.plots.pace)] == [2] * 3


def test_a_job_that_ends_by_itself_can_no_longer_be_finished_and_says_why(
    page: JobsPage, studio: Studio, document
) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    tell(studio, job, step(1))
    studio.jobs._change(job, State.FINISHING)
    buttons = page.headline.buttons
    assert not buttons["finish"].isEnabled()
    assert buttons["finish"].toolTip() == "It is already finishing…"
    assert buttons["pause"].isEnabled(), "what it evaluates and exports can wait for another time"
    assert buttons["discard"].isEnabled()
    assert page.headline._state.width() >= page.headline._state.sizeHint().width()


def test_the_status_row_shows_a_change_at_once_and_whole(page: JobsPage, studio: Studio, document, qtbot) -> None:
    row = StatusRow(studio.jobs, QUndoStack(page))
    qtbot.addWidget(row)
    row.resize(900, 32)
    row.show()
    job = add_job(studio, document, State.RUNNING, works=True)
    tell(studio, job, step(1))
    studio.jobs._change(job, State.FINISHING)
    assert "finishing…" in row.jobs_button.text()
    assert row.jobs_button.width() >= row.jobs_button.sizeHint().width()
    row._timer.stop()


def test_the_sentence_of_an_empty_page_has_the_height_it_needs(page: JobsPage, qtbot) -> None:
    text = page._empty._text
    assert text.heightForWidth(text.width()) > 1.5 * text.fontMetrics().height()
    assert text.height() >= text.heightForWidth(text.width())


def test_a_job_that_nobody_named_is_called_after_its_method_and_task(document) -> None:
    experiment = document.experiment
    shape = f"{experiment.episodes.n_way}w{experiment.episodes.n_shot}s"
    unnamed = experiment.model_copy(update={"name": "experiment"})
    assert title_of(summary_of(unnamed)) == f"{experiment.algorithm.name}-{shape}"
    assert title_of(summary_of(experiment.model_copy(update={"name": "Cups"}))) == "Cups"


def test_a_chosen_job_stays_while_another_works(page: JobsPage, studio: Studio, document) -> None:
    working = add_job(studio, document, State.RUNNING, works=True)
    waiting = add_job(studio, document)
    assert page.job is working
    page.queue._line.setCurrentRow(1)
    assert page.job is waiting
    tell(studio, working, step(1))
    studio.jobs.job_changed.emit(working)
    assert page.job is waiting


def test_the_queue_is_reordered_by_keys_and_emptied_by_delete(page: JobsPage, studio: Studio, document, qtbot) -> None:
    first, second = add_job(studio, document), add_job(studio, document)
    line = page.queue._line
    line.setCurrentRow(1)
    qtbot.keyClick(line, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert studio.jobs.jobs == (second, first)
    assert line.currentRow() == 0
    qtbot.keyClick(line, Qt.Key.Key_Delete)
    assert studio.jobs.jobs == (first,)
    assert RunFolder(second.run.path).state().state is State.DISCARDED


def test_what_waited_when_the_window_closed_is_offered(page: JobsPage, studio: Studio, document) -> None:
    job = add_job(studio, document)
    job.is_held = True
    page._show_job()
    assert page.banner.button.text() == "Start"
    assert shown(page) == {"discard"}


def test_a_finished_job_leads_on(page: JobsPage, studio: Studio, document, qtbot) -> None:
    job = add_job(studio, document, State.FINISHED)
    assert shown(page) == {"extend", "try_it", "hand_over", "remove"}
    with qtbot.waitSignal(studio.run_selected) as caught:
        page.headline.buttons["try_it"].click()
    assert caught.args == [job.run]
    page.headline.buttons["remove"].click()
    assert studio.jobs.jobs == ()
    assert Path(job.run.path).is_dir()


def test_the_headline_says_how_close_to_the_machines_limit_training_runs(
    page: JobsPage, studio: Studio, document: ProjectDocument
) -> None:
    job = add_job(studio, document, State.RUNNING, works=True)
    job.curves.add([step(2)])
    page.show_job(job)
    assert "GFLOP/s" not in page.headline._facts.full_text()
    job.curves.add([Capacity(task_flops=2e9, machine_flops=4 * 2e9 * step(2).tasks_per_s)])
    page.show_job(job)
    reached = f"{2 * step(2).tasks_per_s:.3g} GFLOP/s (25 % of this machine)"
    assert reached in page.headline._facts.full_text()
