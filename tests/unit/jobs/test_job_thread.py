"""The thread of one job: only the end of the worker's process ends it."""

from __future__ import annotations

import os
import sys
import time

import pytest
from unit.jobs.conftest import MakeRun

from metastudio.errors import ResourceError
from metastudio.jobs import job_thread
from metastudio.jobs.job_thread import JobThread
from metastudio.runs.control import Wanted
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import hold_worker_lock


def test_a_disk_that_fails_for_a_while_does_not_end_a_job_that_trains_on(
    qtbot, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(*_: object) -> None:
        tries.append(1)
        raise ResourceError("The disk does not answer.")

    argv = [sys.executable, "-c", "import time; time.sleep(1.5)"]
    thread = JobThread(make_run(), command=lambda *_: (argv, dict(os.environ)))
    started = time.monotonic()
    with qtbot.waitSignal(thread.ended, timeout=20_000):
        with qtbot.waitSignal(thread.training_started, timeout=20_000):
            thread.start()
        monkeypatch.setattr(job_thread, "read_events", refuse)
        monkeypatch.setattr(job_thread, "write_control", refuse)
        with pytest.raises(ResourceError):
            thread.want(Wanted.PAUSE)
    thread.wait()
    assert time.monotonic() - started > 1.5
    assert len(tries) > 5


def test_a_run_that_somebody_works_on_already_is_watched_and_not_started_again(qtbot, make_run: MakeRun) -> None:
    started = []

    def command(run: str, wanted: Wanted) -> tuple[list[str], dict[str, str]]:
        started.append((run, wanted))
        return [sys.executable, "-c", ""], dict(os.environ)

    run = make_run()
    thread = JobThread(run, command=command)
    ends = []
    thread.ended.connect(ends.append)
    with hold_worker_lock(run):
        with qtbot.waitSignal(thread.state_said, timeout=20_000) as said:
            thread.start()
            run.write_state(run.state().model_copy(update={"state": State.RUNNING}))
        assert said.args == [State.RUNNING]
        run.write_state(run.state().model_copy(update={"state": State.FINISHED}))
        qtbot.wait(700)
        assert ends == [], "it has ended when its worker is gone"
    qtbot.waitUntil(lambda: bool(ends), timeout=20_000)
    thread.wait()
    assert (ends[0].state, started) == (State.FINISHED, [])


def test_what_a_run_said_before_its_worker_was_started_is_no_state_of_the_worker(qtbot, make_run: MakeRun) -> None:
    run = make_run()
    run.write_state(run.state().model_copy(update={"state": State.RUNNING}))  # it was killed then
    argv = [sys.executable, "-c", "import time; time.sleep(1)"]
    thread = JobThread(run, command=lambda *_: (argv, dict(os.environ)))
    said = []
    thread.state_said.connect(said.append)
    with qtbot.waitSignal(thread.ended, timeout=20_000) as ended:
        thread.start()
    thread.wait()
    assert said == []
    assert ended.args[0].state is State.INTERRUPTED
