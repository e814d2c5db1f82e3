"""A studio that crashes leaves a report, and the next one offers it; one that closes leaves nothing."""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from metastudio.gui.crash_watch import CrashWatch, offer_report
from metastudio.gui.messages import ErrorDialog
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.toast import Toast

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

CRASH = """
import faulthandler, sys
from pathlib import Path
from metastudio.gui.crash_watch import CrashWatch
watch = CrashWatch(Path(sys.argv[1]))
assert watch.begin() is None
def the_faulty_place():
    faulthandler._sigsegv()
the_faulty_place()
"""


@pytest.fixture(autouse=True)
def _watched_by_pytest_again() -> Iterator[None]:
    yield
    faulthandler.enable(sys.__stderr__)


def crash(folder: Path, how: str = CRASH) -> None:
    ended = subprocess.run([sys.executable, "-c", how, str(folder)], capture_output=True, check=False)
    assert ended.returncode != 0


def test_a_crash_is_found_once_and_says_where_it_was(tmp_path: Path) -> None:
    crash(tmp_path / "crashes")

    watch = CrashWatch(tmp_path / "crashes")
    report = watch.begin()
    watch.end()

    assert report is not None
    assert "the_faulty_place" in report.read_text("utf-8")
    assert "Segmentation fault" in report.read_text("utf-8")
    again = CrashWatch(tmp_path / "crashes")
    assert again.begin() is None
    again.end()
    assert list((tmp_path / "crashes").iterdir()) == [report], "only the report stays"


def test_what_was_ended_from_outside_or_closed_is_no_crash(tmp_path: Path) -> None:
    crash(tmp_path, CRASH.replace("faulthandler._sigsegv()", "import os, signal; os.kill(os.getpid(), 9)"))
    watch = CrashWatch(tmp_path)
    assert watch.begin() is None
    watch.end()
    assert list(tmp_path.iterdir()) == []


def test_another_window_that_is_open_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / f"open-{os.getppid()}.txt"
    other.write_text("")
    watch = CrashWatch(tmp_path)
    assert watch.begin() is None
    watch.end()
    assert list(tmp_path.iterdir()) == [other]


def test_a_folder_that_cannot_be_written_is_not_watched(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watch = CrashWatch(tmp_path / "file" / "crashes")
    assert watch.begin() is None
    watch.end()


def test_the_report_is_offered_shown_and_copied(qtbot, studio: Studio, tmp_path: Path, toasts: list[Toast]) -> None:
    report = tmp_path / "crash-1.txt"
    report.write_text("Fatal Python error: Segmentation fault", encoding="utf-8")

    offer_report(studio, report)
    (toast,) = toasts
    assert toast.action_text == "Show report"
    toast.action()

    (dialog,) = [each for each in QApplication.topLevelWidgets() if isinstance(each, ErrorDialog)]
    assert "Segmentation fault" in dialog.accessibleDescription()
    dialog._on_copy_clicked()
    assert QGuiApplication.clipboard().text() == "Fatal Python error: Segmentation fault"
    dialog.close()
    qtbot.waitUntil(lambda: not [each for each in QApplication.topLevelWidgets() if isinstance(each, ErrorDialog)])
