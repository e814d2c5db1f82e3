"""Who works on a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from metastudio.errors import LockedError
from metastudio.runs import worker_lock
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.worker_lock import Holder, hold_worker_lock, is_worker_alive, lock_holder
from tests.unit.runs.small_runs import make_run

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setattr(worker_lock, "_ATTEMPT_S", 0.1)
    return make_run(tmp_path)


def test_nobody_is_at_work_on_a_new_run(run: RunFolder) -> None:
    assert not is_worker_alive(run)
    assert not run.lock_path.exists(), "looking leaves nothing behind"
    assert lock_holder(run) is None


def test_the_holder_says_its_process_and_host(run: RunFolder) -> None:
    with hold_worker_lock(run):
        assert is_worker_alive(run)
        assert lock_holder(run) == Holder(os.getpid(), socket.gethostname())
        with pytest.raises(LockedError, match=f"Process {os.getpid()} on"), hold_worker_lock(run):
            pass
        assert is_worker_alive(run), "a refused worker does not free the lock"
    assert not is_worker_alive(run)


def test_looking_does_not_keep_a_worker_from_starting(run: RunFolder) -> None:
    with hold_worker_lock(run):
        pass
    for _ in range(20):
        assert not is_worker_alive(run)
        with hold_worker_lock(run):
            assert is_worker_alive(run)


def test_a_killed_worker_frees_its_lock(run: RunFolder) -> None:
    script = (
        "import sys, time; from metastudio.runs.run_folder import RunFolder;"
        "from metastudio.runs.worker_lock import hold_worker_lock\n"
        "with hold_worker_lock(RunFolder(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(run.path)], cwd=PROJECT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"held\n"
        assert is_worker_alive(run)
        assert lock_holder(run) == Holder(process.pid, socket.gethostname())
        process.kill()
        process.wait()
    assert not is_worker_alive(run)
    with hold_worker_lock(run):
        assert is_worker_alive(run)


def test_a_worker_on_another_host_is_alive_while_it_writes(run: RunFolder) -> None:
    run.holder_path.write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    assert not is_worker_alive(run)
    run.events_path.write_text("")
    assert is_worker_alive(run)
    with pytest.raises(LockedError, match="Process 1 on elsewhere"), hold_worker_lock(run):
        pass
    os.utime(run.events_path, (1, 1))
    assert not is_worker_alive(run)
    with hold_worker_lock(run):
        assert is_worker_alive(run)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "host": 1}', "null"])
def test_a_spoilt_note_of_the_holder_says_nothing(content: str, run: RunFolder) -> None:
    run.holder_path.write_text(content)
    assert lock_holder(run) is None
    with hold_worker_lock(run):
        assert lock_holder(run) is not None
