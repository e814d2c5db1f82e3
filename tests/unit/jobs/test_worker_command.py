"""The worker's command: found from any folder, below the window's priority, in a session of its own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from metastudio.jobs.worker_command import NICENESS, start_worker, worker_command


def _groups_sessions() -> bool:
    switch = Path("/proc/sys/kernel/sched_autogroup_enabled")
    return switch.exists() and switch.read_text().strip() == "1"


def test_a_name_that_is_not_utf8_survives(tmp_path: Path) -> None:
    argv, _ = worker_command(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    assert os.fsencode(argv[-1]).endswith(b"\xff")
    assert argv[:4] == [sys.executable, "-m", "metastudio", "train"]


@pytest.mark.skipif(not _groups_sessions(), reason="Linux that deals out time among sessions")
def test_its_session_goes_after_that_of_the_window_too(tmp_path: Path) -> None:
    code = "import pathlib, time\ngroup = pathlib.Path('/proc/self/autogroup')\nfor _ in range(100):\n"
    code += (
        "    if group.read_text().split()[-1] != '0': break\n    time.sleep(0.05)\nraise SystemExit(group.read_text())"
    )
    process = start_worker([sys.executable, "-c", code], dict(os.environ), tmp_path / "worker.log")
    process.wait(60)
    assert (tmp_path / "worker.log").read_text().split()[-2:] == ["nice", str(NICENESS)]


@pytest.mark.skipif(sys.platform == "win32", reason="priorities and sessions of POSIX")
def test_a_worker_goes_after_the_window_and_does_not_end_with_it(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    code = "import json, os, sys, time\nfor _ in range(100): os.nice(0) >= 10 or time.sleep(0.05)\n"
    code += "json.dump([os.nice(0), os.getsid(0) == os.getpid()], open(sys.argv[1], 'w')); sys.stderr.write('bad')"
    _, env = worker_command(tmp_path)
    process = start_worker([sys.executable, "-c", code, str(told)], env, tmp_path / "worker.log")
    assert process.wait(60) == 0
    assert json.loads(told.read_text()) == [max(NICENESS, os.nice(0)), True]
    assert (tmp_path / "worker.log").read_text() == "bad"
