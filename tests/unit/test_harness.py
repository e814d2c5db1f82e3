"""The harness of `tests/conftest.py` fails a test for what it leaves behind, and says where that was started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
LEAVING = """
import logging, os, subprocess, sys, threading, warnings
import left_running
import pytest
from PySide6.QtCore import QThread, qWarning

left_running.GRACE_S = 0.2
released = threading.Event()
kept = []


@pytest.fixture(scope="module", autouse=True)
def _tidy():
    yield
    released.set()
    for thread in kept:
        thread.quit()
        thread.wait()


def test_thread():
    threading.Thread(target=released.wait, name="forgotten").start()


def test_qt_thread():
    kept.append(QThread())
    kept[-1].start()


def test_process():
    kept_process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    kept_process.returncode = 0  # keeps this object from complaining itself


def test_log_line():
    logging.getLogger("metastudio.x").warning("nobody expects this")


@pytest.mark.expects_log("^WARNING metastudio.x: this is")
def test_expected_log_line():
    logging.getLogger("metastudio.x").warning("this is expected")


def test_warning():
    warnings.warn("deprecated", DeprecationWarning)


def test_qt_warning():
    qWarning("something of Qt")


def test_clean():
    assert os.environ["METASTUDIO_CACHE"].startswith(os.environ["PYTEST_TMP"])


def test_needs_data(test_data):
    pass
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("harness")
    (folder / "test_leaving.py").write_text(LEAVING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-c", str(TESTS.parent / "pyproject.toml")]
    command += ["--rootdir", str(folder), "--basetemp", str(folder / "tmp"), "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = os.environ | {
        "PYTHONPATH": str(TESTS),
        "PYTEST_TMP": str(folder / "tmp"),
        "METASTUDIO_TEST_DATA": str(folder / "absent"),
        "CI": "true",
    }
    run = subprocess.run(
        [*command, str(folder / "test_leaving.py")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("test_thread", "thread 'forgotten', started at"),
        ("test_qt_thread", "QThread (QThread), started at"),
        ("test_process", "time.sleep(60)`, started at"),
        ("test_log_line", "WARNING metastudio.x: nobody expects this"),
        ("test_warning", "DeprecationWarning: deprecated"),
        ("test_qt_warning", "something of Qt"),
        ("test_needs_data", "METASTUDIO_TEST_DATA names their folder"),
    ],
)
def test_what_a_test_leaves_behind_fails_it_by_name(outcome: str, test: str, words: str) -> None:
    assert words in outcome
    assert any(line.startswith(("FAILED", "ERROR")) and f"::{test}" in line for line in outcome.splitlines()), outcome


def test_the_place_where_it_was_started_is_named(outcome: str) -> None:
    for name in ("test_thread", "test_qt_thread", "test_process"):
        assert f"in {name}" in outcome


def test_a_clean_test_and_an_expected_log_line_pass(outcome: str) -> None:
    closing = [line for line in outcome.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert not [line for line in closing if "test_clean" in line or "test_expected_log_line" in line], outcome
    assert " passed" in outcome
