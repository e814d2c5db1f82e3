"""Jobs with the real worker: they run one after another, stop in three ways, and survive whatever ends them."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from unit.jobs.conftest import MakeRun

from metastudio.jobs.job import Job
from metastudio.jobs.job_queue import JobQueue
from metastudio.jobs.worker_command import worker_command
from metastudio.runs.control import Wanted, write_control
from metastudio.runs.events import OuterStep
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import is_worker_alive, lock_holder

pytestmark = pytest.mark.slow
SOON_MS = 90_000
LONG = 100_000


def wait_for(qtbot, job: Job, *states: State) -> None:
    qtbot.waitUntil(lambda: job.state in states and (job.state.needs_worker or not job.is_working), timeout=SOON_MS)


def wait_for_steps(qtbot, job: Job, count: int = 3) -> None:
    qtbot.waitUntil(lambda: len(job.curves.steps) >= count, timeout=SOON_MS)


def test_two_jobs_for_one_device_run_one_after_the_other(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    most_at_once = []
    queue.job_changed.connect(lambda job: most_at_once.append(len(queue.working)))
    first, second = queue.enqueue(make_run()), queue.enqueue(make_run())
    assert (first.state, second.state) == (State.PREPARING, State.QUEUED)
    wait_for(qtbot, first, State.FINISHED)
    wait_for(qtbot, second, State.FINISHED)
    assert max(most_at_once) == 1
    assert list(first.curves.steps.column(0)) == [1, 2, 3, 4, 5, 6]
    assert first.curves.best is not None
    assert first.curves.traced_iterations()[0] == 1


def test_a_job_that_fails_says_why_and_the_next_one_starts(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    broken = make_run()
    broken.experiment_path.write_text("nonsense = [")
    sound = make_run()
    job = Job(broken, sound.experiment(), State.QUEUED)
    queue._add(job)
    other = queue.enqueue(sound)
    wait_for(qtbot, job, State.FAILED)
    assert job.reason
    wait_for(qtbot, other, State.FINISHED)


def test_a_paused_job_gives_its_process_back_and_resumes_without_a_gap(
    qtbot, queue: JobQueue, make_run: MakeRun
) -> None:
    job = queue.enqueue(make_run(iterations=LONG))
    wait_for_steps(qtbot, job)
    queue.pause(job)
    assert job.state is State.PAUSING
    wait_for(qtbot, job, State.PAUSED)
    assert not is_worker_alive(job.run)
    stopped_at = job.iteration
    queue.resume(job)
    qtbot.waitUntil(lambda: job.iteration > stopped_at, timeout=SOON_MS)
    iterations = list(job.curves.steps.column(0))
    assert iterations == list(range(1, len(iterations) + 1))
    queue.finish(job)
    wait_for(qtbot, job, State.FINISHED)


def test_a_paused_job_is_finished_by_a_worker_that_does_only_that(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    job = queue.enqueue(make_run(iterations=LONG))
    wait_for_steps(qtbot, job)
    queue.pause(job)
    wait_for(qtbot, job, State.PAUSED)
    stopped_at = job.iteration
    queue.finish(job)
    assert job.state is State.FINISHING
    wait_for(qtbot, job, State.FINISHED)
    assert job.iteration == stopped_at
    assert job.wanted is Wanted.RUN


def test_a_pause_asked_before_the_worker_listens_is_not_forgotten(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    job = queue.enqueue(make_run(iterations=LONG))
    queue.pause(job)
    wait_for(qtbot, job, State.PAUSED)
    assert job.iteration < LONG


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_worker_leaves_an_interrupted_job_that_resumes(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    job = queue.enqueue(make_run(iterations=LONG))
    wait_for_steps(qtbot, job, 8)  # a checkpoint lies on the disk by then
    os.kill(lock_holder(job.run).pid, signal.SIGKILL)
    wait_for(qtbot, job, State.INTERRUPTED)
    assert "killed" in job.reason
    assert job.can_resume
    queue.resume(job)
    qtbot.waitUntil(lambda: job.curves.started is not None and job.curves.started.resumed, timeout=SOON_MS)
    queue.pause(job)
    wait_for(qtbot, job, State.PAUSED)
    assert job.reason == ""


def test_a_discarded_job_leaves_the_queue_when_its_process_is_gone(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    job = queue.enqueue(make_run(iterations=LONG))
    wait_for_steps(qtbot, job)
    with qtbot.waitSignal(queue.job_removed, timeout=SOON_MS):
        queue.discard(job)
    assert job.run.state().state is State.DISCARDED
    assert not is_worker_alive(job.run)
    assert queue.jobs == ()


def test_force_ends_a_worker_that_does_not_follow(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    job = queue.enqueue(make_run(iterations=LONG))
    wait_for_steps(qtbot, job)
    queue.force(job)
    wait_for(qtbot, job, State.INTERRUPTED)


def test_a_worker_outlives_its_queue_and_is_found_again_with_its_history(
    qtbot, queue: JobQueue, make_run: MakeRun
) -> None:
    job = queue.enqueue(make_run(iterations=LONG))
    wait_for_steps(qtbot, job)
    queue.shut_down()
    assert is_worker_alive(job.run)
    again = JobQueue()
    again.watch_folder(job.run.path.parent)
    (found,) = again.jobs
    assert found.is_working
    wait_for_steps(qtbot, found)
    assert found.curves.steps.column(0)[0] == 1
    again.pause(found)
    wait_for(qtbot, found, State.PAUSED)
    again.shut_down()
    os.waitpid(-1, 0)  # nobody else does: the thread that started it is gone


def test_what_waited_or_was_paused_is_offered_but_not_started(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    waiting, paused = make_run(), make_run()
    paused.write_state(paused.state().model_copy(update={"state": State.PAUSED}))
    queue.watch_folder(waiting.path.parent)
    assert {each.run: each.state for each in queue.jobs} == {waiting: State.QUEUED, paused: State.PAUSED}
    assert all(each.is_held and not each.is_working for each in queue.jobs)
    assert queue.job_of(paused).can_resume


def test_a_waiting_job_can_be_moved_duplicated_and_taken_out(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    first, second = make_run(), make_run()
    queue.watch_folder(first.path.parent)
    queue.move(queue.job_of(second), 0)
    assert [each.run for each in queue.jobs] == [second, first]
    queue._is_shut = True  # the copy should wait
    with qtbot.waitSignal(queue.job_added, timeout=SOON_MS):
        queue.duplicate(queue.job_of(first))
    copy = queue.jobs[-1].run
    assert copy.experiment() == first.experiment()
    assert copy.data().parts == first.data().parts
    queue.discard(queue.job_of(first))
    assert first.state().state is State.DISCARDED
    queue.remove(queue.job_of(second))
    assert second.state().state is State.QUEUED


def test_the_same_run_is_queued_once_however_often_it_is_started(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    run = make_run()
    assert queue.enqueue(run) is queue.enqueue(run)
    assert len(queue.jobs) == 1
    wait_for(qtbot, queue.jobs[0], State.FINISHED)


def test_events_come_at_most_twenty_times_a_second_and_none_is_lost(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    batches: list[tuple[object, ...]] = []
    queue.events_arrived.connect(lambda job, events: batches.append(events))
    began = time.monotonic()
    job = queue.enqueue(make_run(iterations=60))
    wait_for(qtbot, job, State.FINISHED)
    steps = [each.iteration for batch in batches for each in batch if isinstance(each, OuterStep)]
    assert steps == list(range(1, 61))
    assert len(batches) <= 20 * (time.monotonic() - began)


def test_a_run_whose_folder_is_damaged_is_passed_over(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    sound, damaged = make_run(), make_run()
    Path(damaged.state_path).write_text("{")
    queue.watch_folder(sound.path.parent)
    assert [each.run for each in queue.jobs] == [sound]


def test_what_a_terminal_asks_of_a_worker_is_shown_in_the_window(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    shown: list[State] = []
    queue.job_changed.connect(lambda job: shown.append(job.state))
    job = queue.enqueue(make_run(iterations=LONG))
    wait_for_steps(qtbot, job)
    qtbot.waitUntil(lambda: job.state is State.RUNNING, timeout=SOON_MS)
    write_control(job.run, Wanted.PAUSE)
    wait_for(qtbot, job, State.PAUSED)
    assert list(dict.fromkeys(shown)) in (
        [State.QUEUED, State.PREPARING, State.RUNNING, State.PAUSING, State.PAUSED],
        [State.PREPARING, State.RUNNING, State.PAUSING, State.PAUSED],
        [State.PREPARING, State.RUNNING, State.PAUSED],
    )


def test_a_finished_job_is_extended_and_its_curves_go_on(qtbot, queue: JobQueue, make_run: MakeRun) -> None:
    job = queue.enqueue(make_run())
    wait_for(qtbot, job, State.FINISHED)
    with qtbot.waitSignal(queue.job_added, timeout=SOON_MS):
        queue.extend(job, 4)
    more = queue.jobs[-1]
    wait_for(qtbot, more, State.FINISHED)
    assert list(more.curves.steps.column(0)) == list(range(1, 11))
    assert more.origin is not None
    assert more.origin.run == str(job.run.path)


FAILING = """
import pathlib, sys, torch
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.cli.app import main
real, marks, most = MetaLearner.outer_step, pathlib.Path(sys.argv.pop(1)), int(sys.argv.pop(1))
steps = []
def failing(*arguments):
    steps.append(1)
    if len(steps) == 4 and len(list(marks.iterdir())) < most:
        (marks / str(len(list(marks.iterdir())))).touch()
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")
    return real(*arguments)
MetaLearner.outer_step = failing
main()
"""
"""A worker whose device fails at the fourth step of a process, a number of times in all."""


def failing_job(queue: JobQueue, make_run: MakeRun, marks: Path, *, times: int, checkpoint_every: int) -> Job:
    marks.mkdir()

    def command(run: str, wanted: Wanted) -> tuple[list[str], dict[str, str]]:
        argv, env = worker_command(run, wanted)
        words = argv[argv.index("metastudio") + 1 :]
        return [sys.executable, "-c", FAILING, str(marks), str(times), *words], env

    queue._command = command
    training = {"iterations": 10, "meta_batch_size": 2, "validate_every": 10, "checkpoint_every": checkpoint_every}
    return queue.enqueue(make_run(training=training))


def test_d7_a_job_whose_device_fails_goes_on_in_another_process(
    qtbot, queue: JobQueue, make_run: MakeRun, tmp_path: Path
) -> None:
    job = failing_job(queue, make_run, tmp_path / "marks", times=2, checkpoint_every=2)
    wait_for(qtbot, job, State.FINISHED)
    assert len(list((tmp_path / "marks").iterdir())) == 2
    assert list(job.curves.steps.column(0)) == list(range(1, 11))
    assert job.reason == ""
    assert any("processor failed" in each.text for each in job.curves.notices)


def test_d7_a_device_that_fails_again_at_once_leaves_the_job_to_the_person(
    qtbot, queue: JobQueue, make_run: MakeRun, tmp_path: Path
) -> None:
    job = failing_job(queue, make_run, tmp_path / "marks", times=99, checkpoint_every=10)
    wait_for(qtbot, job, State.PAUSED)
    qtbot.waitUntil(lambda: not job.is_working and job.state is State.PAUSED, timeout=SOON_MS)
    assert len(list((tmp_path / "marks").iterdir())) == 2, "once more, then no more"
    assert "processor failed" in job.reason
    assert job.can_resume
