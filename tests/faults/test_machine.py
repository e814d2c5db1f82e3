"""Lines D of the list of faults: signals, a poor environment, a small machine."""

from __future__ import annotations

import ast
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from metastudio import paths
from metastudio.engine.training import executor
from metastudio.engine.training.executor import SideBySide
from metastudio.errors import ResourceError
from tests.unit.engine.episodes import make_episode, make_learner
from tests.unit.images.pictures import make_pictures

PROJECT = Path(__file__).resolve().parents[2]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX")


def run_python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@posix_only
@pytest.mark.parametrize(("first", "second", "code"), [("SIGINT", "SIGINT", 130), ("SIGINT", "SIGTERM", 143)])
def test_d10_the_second_signal_ends_at_once(first: str, second: str, code: int) -> None:
    done = run_python(f"""
import os, signal
from metastudio.cli.training import _Stop
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have put it off
with _Stop() as stop:
    os.kill(os.getpid(), signal.{first})
    print(stop.exit_code, flush=True)
    os.kill(os.getpid(), signal.{second})
    print("still here", flush=True)
""")
    assert (done.stdout, done.returncode) == ("130\n", code)


@posix_only
def test_d16_folders_that_cannot_be_made_become_temporary_ones(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code = "from metastudio import paths; print(paths.cache_folder()); print(paths.config_folder())"
    spoilt = str(tmp_path / "file" / "cache")
    done = run_python(code, METASTUDIO_CACHE=spoilt, METASTUDIO_CONFIG=spoilt, TMPDIR=str(tmp_path), HOME=spoilt)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert Path(line).is_dir()
        assert Path(line).is_relative_to(tmp_path)


def test_d16_the_window_says_which_folders_were_replaced(
    qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metastudio.gui.app import build_window

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("METASTUDIO_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    window = build_window(QApplication.instance(), settings_path=tmp_path / "settings.ini")
    qtbot.addWidget(window)
    window.show()
    text = window._folders.text()
    assert text.startswith(f"{tmp_path / 'file' / 'cache'} cannot be written.")
    assert str(paths.cache_folder()) in text
    assert window._folders.isVisible()
    window._folders.button.click()
    assert not window._folders.isVisible()
    window.close()


def test_d30_a_full_temporary_folder_is_left_for_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METASTUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    (tmp_path / "full").mkdir()
    write_bytes = Path.write_bytes

    def write(path: Path, content: bytes) -> int:
        if path.is_relative_to(tmp_path / "full"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with paths.scratch_folder() as folder:
        assert folder.is_relative_to(tmp_path / "cache")
        assert list(folder.iterdir()) == []
    assert not folder.exists()
    assert list((tmp_path / "full").iterdir()) == [], "what was tried there is gone"
    (tmp_path / "full").rmdir()  # there is none at all
    with paths.scratch_folder() as folder:
        assert folder.is_relative_to(tmp_path / "cache")
    monkeypatch.setattr(tempfile, "TemporaryDirectory", no_room)
    with pytest.raises(ResourceError, match="no room for temporary files"), paths.scratch_folder():
        pytest.fail("there was none")


def no_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_d30_what_goes_wrong_in_the_block_is_not_taken_for_a_full_disk() -> None:
    with pytest.raises(OSError, match="something else"), paths.scratch_folder() as folder:
        raise OSError("something else")
    assert not folder.exists()


@pytest.mark.expects_log("Too little shared memory")
def test_d17_with_little_shared_memory_tasks_stay_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(executor.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    monkeypatch.setattr(Path, "is_dir", lambda _: True)
    episodes = [make_episode(seed=seed) for seed in range(2)]
    learner = make_learner()
    with SideBySide(2, processes_after_s=0) as side_by_side:
        for _ in range(2):
            learner.outer_step(episodes, side_by_side)
        assert side_by_side.pids == ()


def test_d19_processes_are_spawned_and_never_forked() -> None:
    """A fork copies locks that another thread holds."""
    asked = []
    for path in sorted((PROJECT / "metastudio").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"fork", "forkpty", "set_start_method"}:
                asked.append(f"{path.name}: {node.attr}")
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_context":
                asked += [f"{path.name}: {each.value}" for each in node.args if each.value != "spawn"]  # type: ignore[attr-defined]
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ProcessPoolExecutor":
                has_context = len(node.args) > 1 or any(each.arg == "mp_context" for each in node.keywords)
                asked += [] if has_context else [f"{path.name}: ProcessPoolExecutor without a context"]
    assert asked == []


@posix_only
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_d29_a_console_of_few_letters_shows_what_it_can(encoding: str) -> None:
    code = "import sys; from metastudio.__main__ import main; sys.exit(main(['catalog', 'maml']))"
    done = run_python(code, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "inner_lr" in done.stdout


@posix_only
def test_d31_pictures_are_read_with_few_files_open_at_once(tmp_path: Path) -> None:
    make_pictures(tmp_path / "pictures", {"mug": 60, "cup": 60})
    done = run_python(
        """
import resource, sys
from pathlib import Path
from metastudio.catalog.data_spec import Preprocessing
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
    store = open_store(scan([sys.argv[1]]), Preprocessing(image_size=8), cache=Path(sys.argv[2]))
    print(store.images.shape[0], len(store.problems))
""",
        str(tmp_path / "pictures"),
        str(tmp_path / "cache"),
    )
    assert done.stdout == "120 0\n", done.stderr


@posix_only
def test_f2_the_studio_closes_in_order_when_the_desktop_ends(tmp_path: Path) -> None:
    """A change that is not saved yet is, nothing is asked, and no process is left."""
    done = run_python(
        """
import os, signal, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from metastudio.gui import app, commands
from metastudio.runs.project import Project

project = Project.create(sys.argv[1], name="Mine")
app_ = QApplication([])

def change_and_end():
    window = next(each for each in QApplication.topLevelWidgets() if each.windowTitle().startswith("Mine"))
    document = window.studio.project
    commands.set_preprocessing(
        document, preprocessing=document.experiment.data.preprocessing.model_copy(update={"image_size": 40})
    )
    os.kill(os.getpid(), signal.SIGTERM)

QTimer.singleShot(2500, change_and_end)
code = app.main(["--new-window", str(project.folder)])
assert "image_size = 40" in project.path.read_text("utf-8")
sys.exit(code)
""",
        str(tmp_path / "mine"),
        QT_QPA_PLATFORM="offscreen",
    )
    assert done.returncode == 143, done.stderr
    assert list((Path(os.environ["METASTUDIO_CONFIG"]) / "crashes").iterdir()) == []
