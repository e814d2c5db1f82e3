"""What every test gets: folders of its own, no screen, real images, and a failure for whatever it leaves behind."""

from __future__ import annotations

import gc
import logging
import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from left_running import nothing_left_running, remember_where_things_start

from metastudio.gui.garbage import collect_if_due

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
PROJECT = Path(__file__).resolve().parent.parent
OWN_FOLDERS = ("METASTUDIO_CACHE", "METASTUDIO_CONFIG", "METASTUDIO_HOME")


def pytest_configure() -> None:
    remember_where_things_start()
    gc.disable()  # the threads of execnet would collect too


def pytest_runtest_logfinish() -> None:
    collect_if_due()


@pytest.fixture(scope="session", autouse=True)
def _session_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep fixtures that live longer than a test out of the person's own folders too."""
    with pytest.MonkeyPatch.context() as patch:
        for name in OWN_FOLDERS:
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an empty cache, empty settings and an empty home of projects."""
    folder = tmp_path_factory.mktemp("own")
    for name in OWN_FOLDERS:
        monkeypatch.setenv(name, str(folder / name.removeprefix("METASTUDIO_").lower()))


@pytest.fixture(autouse=True)
def _no_widgets_left() -> Iterator[None]:
    """Let widgets go that a test has put off to the event loop: each one left is dressed anew with every window."""
    yield
    if (qt := sys.modules.get("PySide6.QtCore")) is not None and qt.QCoreApplication.instance() is not None:
        qt.QCoreApplication.sendPostedEvents(None, qt.QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    with nothing_left_running() as left:
        yield
    if left:
        pytest.fail("The test left running:\n  " + "\n  ".join(left), pytrace=False)


class _Collecting(logging.Handler):
    """Keeps every record of WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def _no_stray_log_lines(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail on a log line of WARNING and above, unless the test takes `caplog` or is marked `expects_log`."""
    handler = _Collecting()
    root = logging.getLogger()
    root.addHandler(handler)
    yield
    root.removeHandler(handler)
    if "caplog" in request.fixturenames:
        return
    expected = [re.compile(mark.args[0]) for mark in request.node.iter_markers("expects_log")]
    lines = [f"{record.levelname} {record.name}: {record.getMessage()}" for record in handler.records]
    stray = [line for line in lines if not any(pattern.search(line) for pattern in expected)]
    if stray:
        pytest.fail("The test logged what it does not expect:\n  " + "\n  ".join(stray), pytrace=False)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real archives; a test that needs it is skipped where it is absent, and fails under CI."""
    folder = Path(os.environ.get("METASTUDIO_TEST_DATA") or PROJECT.parent / "shared" / "data")
    if not (folder / "omniglot.tar.xz").is_file():
        reason = f"real images are not in {folder}; METASTUDIO_TEST_DATA names their folder"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return folder


def _extract_safely(tar: tarfile.TarFile, folder: Path) -> None:
    """Extract plain files and nothing that leads outside `folder`; Python 3.11.2 (Debian 12) knows no filters yet."""
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
        return
    for member in tar:
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            pytest.fail(f"{tar.name} holds {member.name!r}, which is not a plain file inside it", pytrace=False)
        tar.extract(member, folder)


def _unpacked(archive: Path) -> Path:
    """Return the folder in which `archive` lies unpacked; unpack it once for all test processes and sessions."""
    stat = archive.stat()
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    shelf = Path(tempfile.gettempdir()) / f"metastudio-test-data-{owner}"
    shelf.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and shelf.stat().st_uid != os.getuid():
        pytest.fail(f"{shelf} belongs to somebody else", pytrace=False)
    name = archive.name.split(".")[0]
    folder = shelf / f"{name}-{stat.st_size}-{stat.st_mtime_ns}"
    with FileLock(shelf / f"{name}.lock"):
        if not folder.is_dir():
            unfinished = Path(tempfile.mkdtemp(dir=shelf))
            with tarfile.open(archive) as tar:
                _extract_safely(tar, unfinished)
            for older in shelf.glob(f"{name}-*"):
                shutil.rmtree(older)
            unfinished.rename(folder)
    return folder / name


@pytest.fixture(scope="session")
def omniglot(test_data: Path) -> Path:
    """The full Omniglot: `images_{background,evaluation}/ALPHABET/characterNN/*.png`. Read only."""
    return _unpacked(test_data / "omniglot.tar.xz")


@pytest.fixture(scope="session")
def blood_cells(test_data: Path) -> Path:
    """Three classes of 120 colour crops: `CLASS/*.png`. Read only."""
    return _unpacked(test_data / "blood_cells.tar.xz")


@pytest.fixture(scope="session")
def nasty(test_data: Path) -> Path:
    """1,706 corrupt and odd image files of six formats. Read only."""
    return _unpacked(test_data / "nasty.tar.xz")
