"""The session: answers by number, survives the death of its process, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from metastudio.catalog.experiment import TargetTask
from metastudio.errors import DataError, ResourceError
from metastudio.jobs import session_thread
from metastudio.jobs.session_thread import SessionThread
from metastudio.runs.questions import AskAdapt, AskDevices, Devices

DEVICES = '{"id": %d, "result": {"devices": [{"name": "cpu", "title": "CPU", "free_bytes": 1}]}}'
ANSWERS = f"""
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["op"] == "devices":
        print('nonsense', flush=True)
        print(json.dumps({{"id": asked["id"], "progress": {{"phase": "looking", "done": 1, "total": 2}}}}), flush=True)
        print({DEVICES!r} % asked["id"], flush=True)
    elif asked["op"] == "cancel":
        open(os.environ["TOLD"], "a").write(line)
    elif asked["run"] == "die":
        sys.exit("out of memory")
    else:
        error = {{"code": "MS-300", "what": "Too few classes.", "where": asked["run"], "exit_code": 3}}
        print(json.dumps({{"id": asked["id"], "error": error}}), flush=True)
"""
SOON_MS = 20_000


def adapt(run: str) -> AskAdapt:
    return AskAdapt(run=run, target=TargetTask(name="oaks"))


@pytest.fixture
def session(qapp, tmp_path: Path) -> Iterator[SessionThread]:
    made = SessionThread(
        command=lambda: ([sys.executable, "-c", ANSWERS], os.environ | {"TOLD": str(tmp_path / "cancelled")})
    )
    made.start()
    yield made
    made.stop()


def test_an_answer_comes_as_its_model_after_its_progress(qtbot, session: SessionThread) -> None:
    seen = []
    session.progressed.connect(lambda number, progress: seen.append(progress.phase))
    with qtbot.waitSignal(session.answered, timeout=SOON_MS) as caught:
        number = session.ask(AskDevices())
    assert caught.args[0] == number
    assert isinstance(caught.args[1], Devices)
    assert seen == ["looking"]


def test_the_processor_is_listed_before_the_answer_comes(qtbot, session: SessionThread) -> None:
    assert [each.name for each in session.devices] == ["cpu"]
    with qtbot.waitSignal(session.devices_changed, timeout=SOON_MS):
        session.ask_devices()
    assert session.devices[0].title == "CPU"


def test_an_error_of_the_other_side_comes_as_one_of_ours(qtbot, session: SessionThread) -> None:
    with qtbot.waitSignal(session.failed, timeout=SOON_MS) as caught:
        session.ask(adapt("some"))
    assert isinstance(caught.args[1], DataError)
    assert "Too few classes." in str(caught.args[1])


def test_a_name_that_no_encoding_knows_goes_there_and_comes_back(qtbot, session: SessionThread) -> None:
    name = os.fsdecode(b"leaves/\xff.png")
    with qtbot.waitSignal(session.failed, timeout=SOON_MS) as caught:
        session.ask(adapt(name))
    assert caught.args[1].where == name


def test_a_process_that_dies_fails_its_question_and_the_next_one_is_answered(qtbot, session: SessionThread) -> None:
    with qtbot.waitSignal(session.failed, timeout=SOON_MS) as caught:
        session.ask(adapt("die"))
    assert isinstance(caught.args[1], ResourceError)
    assert "out of memory" in str(caught.args[1])
    with qtbot.waitSignal(session.answered, timeout=SOON_MS):
        session.ask(AskDevices())


def test_a_cancelled_question_is_not_answered_and_its_process_is_told(
    qtbot, session: SessionThread, tmp_path: Path
) -> None:
    failures = []
    session.failed.connect(lambda number, _: failures.append(number))
    number = session.ask(adapt("some"))
    session.cancel(number)
    session.cancel(number)  # once is enough
    with qtbot.waitSignal(session.answered, timeout=SOON_MS):
        session.ask(AskDevices())
    assert failures == []
    assert (tmp_path / "cancelled").read_text() == f'{{"op": "cancel", "id": {number}}}\n'


def test_a_forgotten_question_is_not_answered(qtbot, session: SessionThread) -> None:
    failures = []
    session.failed.connect(lambda number, error: failures.append(number))
    session.forget(session.ask(adapt("some")))
    with qtbot.waitSignal(session.answered, timeout=SOON_MS):
        session.ask(AskDevices())
    assert failures == []


def test_a_program_that_cannot_start_fails_the_question_and_the_thread_still_stops(qtbot, tmp_path: Path) -> None:
    session = SessionThread(command=lambda: ([str(tmp_path / "missing")], {}))
    with qtbot.waitSignal(session.failed, timeout=SOON_MS) as caught:
        session.ask(AskDevices())
        session.start()
    assert "could not be started" in str(caught.args[1])
    session.stop()
    assert session.isFinished()


def test_a_program_that_always_dies_is_not_started_for_ever(qtbot, tmp_path: Path) -> None:
    starts = []

    def command() -> tuple[list[str], dict[str, str]]:
        starts.append(1)
        return [sys.executable, "-c", ""], dict(os.environ)

    session = SessionThread(command=command)
    session.start()
    qtbot.waitUntil(lambda: len(starts) == 3, timeout=SOON_MS)
    qtbot.wait(500)
    assert len(starts) == 3
    session.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_stopping_while_a_question_is_worked_on_kills_what_the_process_started(
    qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_thread, "_STOP_S", 0.5)
    note = tmp_path / "child"
    busy = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
pathlib.Path({str(note)!r}).write_text(str(child.pid))
time.sleep(120)
"""
    session = SessionThread(command=lambda: ([sys.executable, "-c", busy], dict(os.environ)))
    session.start()
    qtbot.waitUntil(lambda: note.exists() and bool(note.read_text()), timeout=SOON_MS)
    started = time.monotonic()
    session.stop()
    assert time.monotonic() - started < 3
    child = int(note.read_text())
    qtbot.waitUntil(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", timeout=5000)


@pytest.mark.slow
def test_the_real_one_lists_the_processor(qtbot) -> None:
    session = SessionThread()
    session.start()
    with qtbot.waitSignal(session.devices_changed, timeout=90_000):
        session.ask_devices()
    assert "cpu" in {each.name for each in session.devices}
    session.stop()
