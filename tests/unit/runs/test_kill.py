"""A process is ended with what it started, also with what leads a session of its own."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from metastudio.runs.kill import kill_with_children

STARTS_ONE = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are another thing there")
def test_what_leads_a_session_of_its_own_is_ended_too() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS_ONE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        kill_with_children(process.pid)
        gone, _ = psutil.wait_procs([child], timeout=10)
        assert gone == [child] or child.status() == psutil.STATUS_ZOMBIE
    assert process.returncode == -9


def test_one_that_is_gone_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    kill_with_children(process.pid)
