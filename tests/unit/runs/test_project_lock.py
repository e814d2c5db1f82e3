"""Two studios on one project: one may change it, the other learns who that is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from metastudio.runs.project_lock import ProjectLock
from metastudio.runs.worker_lock import SIGN_OF_LIFE_S, Holder

PROJECT = Path(__file__).resolve().parents[3]


def test_the_second_learns_who_holds_the_project(tmp_path: Path) -> None:
    first, second = ProjectLock(tmp_path), ProjectLock(tmp_path)
    assert first.acquire() is None
    assert second.acquire() == Holder(os.getpid(), socket.gethostname())
    assert not second.is_held
    second.release()
    assert first.is_held, "whoever was refused frees nothing"
    first.release()
    assert second.acquire() is None
    second.release()
    assert not (tmp_path / ".studio.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_studio_that_was_killed_frees_the_project(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from metastudio.runs.project_lock import ProjectLock\n"
        "lock = ProjectLock(Path(sys.argv[1])); assert lock.acquire() is None\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        lock = ProjectLock(tmp_path)
        assert lock.acquire() == Holder(other.pid, socket.gethostname())
        other.kill()
        other.wait()
    assert lock.acquire() is None
    lock.release()


def test_a_project_open_on_another_computer_is_not_taken_while_its_note_is_fresh(tmp_path: Path) -> None:
    note = tmp_path / ".studio.json"
    note.write_text(json.dumps({"pid": 7, "host": "elsewhere"}))
    lock = ProjectLock(tmp_path)
    assert lock.acquire() == Holder(7, "elsewhere")
    old = note.stat().st_mtime - SIGN_OF_LIFE_S - 1
    os.utime(note, (old, old))
    assert lock.acquire() is None
    lock.refresh()
    assert json.loads(note.read_text())["pid"] == os.getpid()
    lock.release()


def test_a_spoilt_note_says_nothing_and_the_lock_still_counts(tmp_path: Path) -> None:
    first = ProjectLock(tmp_path)
    assert first.acquire() is None
    (tmp_path / ".studio.json").write_text("[]")
    assert ProjectLock(tmp_path).acquire() == Holder(0, socket.gethostname())
    first.release()
