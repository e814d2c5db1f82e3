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


def test_a_disk_that_fails_for_a_while_does_not_end_a_job_that_trains_on(
    qtbot, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(*_: object) -> None:
        tries.append(1)
        raise ResourceError("The disk does not answer.")

    argv = [sys.executable, "-c", "import time; time.sleep(1.5)"]
    thread = JobThread(make_run(), command=lambda _: (argv, dict(os.environ)))
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
