"""Whatever breaks while a run or a project is written, a reader finds the state before or the state after."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from metastudio.catalog.validation import parse_experiment
from metastudio.errors import IntegrityError, ResourceError
from metastudio.runs import atomic
from metastudio.runs.atomic import TEMPORARY_PREFIX, FileLayer, file_layer, sweep
from metastudio.runs.checkpoint_files import commit_checkpoint, newest_whole_checkpoint, verify_checkpoint
from metastudio.runs.control import Wanted, read_control, write_control
from metastudio.runs.project import Project
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State
from tests.faults.breaking_disk import CountingDisk, Died, DyingDisk, FailingDisk
from tests.unit.runs.small_runs import make_run

PROJECT = Path(__file__).resolve().parents[2]
OLD, NEW = {"weights": b"old" * 100, "state": b"1"}, {"weights": b"new" * 100, "state": b"2"}


@dataclass(frozen=True)
class Writing:
    """Something that is written: `prepare` makes the old state, `change` the new one, `read` tells which it is."""

    prepare: Callable[[Path], object]
    change: Callable[[Path], object]
    read: Callable[[Path], object]


def _run(folder: Path) -> RunFolder:
    return RunFolder(folder / "run")


def _prepare_run(folder: Path) -> None:
    make_run(folder).path.rename(folder / "run")


def _prepare_checkpoint(folder: Path) -> None:
    _prepare_run(folder)
    commit_checkpoint(_run(folder), 100, OLD, is_best=True, keep=1)


def _newest_weights(folder: Path) -> bytes:
    path, problems = newest_whole_checkpoint(_run(folder))
    assert path is not None
    assert not problems
    last = _run(folder).last()
    assert last is None or verify_checkpoint(last) is None
    best = _run(folder).best()
    assert best is not None
    assert verify_checkpoint(best) is None
    return (path / "weights").read_bytes()


def _change_project(folder: Path) -> None:
    project = Project.open(folder / "project")
    project.draft = parse_experiment({"name": "new"})
    project.save()


WRITINGS = {
    "run.json": Writing(
        _prepare_run,
        lambda folder: _run(folder).write_state(_run(folder).state().model_copy(update={"state": State.FINISHED})),
        lambda folder: _run(folder).state().state,
    ),
    "control": Writing(
        _prepare_run,
        lambda folder: write_control(_run(folder), Wanted.PAUSE),
        lambda folder: read_control(_run(folder)),
    ),
    "project.toml": Writing(
        lambda folder: Project.create(folder / "project", draft=parse_experiment({"name": "old"})),
        _change_project,
        lambda folder: Project.open(folder / "project").draft.name,
    ),
    "checkpoint": Writing(
        _prepare_checkpoint,
        lambda folder: commit_checkpoint(_run(folder), 200, NEW, is_best=True, keep=1),
        _newest_weights,
    ),
    "checkpoint of the same iteration": Writing(
        _prepare_checkpoint,
        lambda folder: commit_checkpoint(_run(folder), 100, NEW, is_best=True, keep=1),
        _newest_weights,
    ),
    "checkpoint that is not the best": Writing(
        _prepare_checkpoint,
        lambda folder: commit_checkpoint(_run(folder), 200, NEW, is_best=False, keep=1),
        _newest_weights,
    ),
}


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileLayer, "fsync", lambda self, descriptor: None)


EVERY = pytest.mark.parametrize("writing", WRITINGS.values(), ids=WRITINGS.keys())


def _operations(writing: Writing, folder: Path) -> list[str]:
    writing.prepare(folder)
    disk = CountingDisk()
    with file_layer(disk):
        writing.change(folder)
    return disk.done


def _old_and_new(writing: Writing, folder: Path) -> tuple[object, object]:
    writing.prepare(folder)
    old = writing.read(folder)
    writing.change(folder)
    return old, writing.read(folder)


def _what_is_said(change: Callable[[], object], disk: FileLayer) -> str:
    """What the error of the disk says; nothing where the failure did not matter."""
    try:
        with file_layer(disk):
            change()
    except ResourceError as error:
        return str(error)
    return ""


@EVERY
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_at_any_operation_leaves_the_old_or_the_new(
    writing: Writing, code: int, tmp_path: Path
) -> None:
    old, new = _old_and_new(writing, tmp_path / "whole")
    assert old != new
    seen = set()
    for n in range(1, len(_operations(writing, tmp_path / "counted")) + 1):
        folder = tmp_path / f"at{n}"
        writing.prepare(folder)
        said = _what_is_said(lambda: writing.change(folder), FailingDisk(n, code))  # noqa: B023
        assert not said or ("MB" in said) == (code == errno.ENOSPC)
        found = writing.read(folder)
        assert found in {old, new}, f"operation {n}"
        seen.add(found)
        leftovers = [each.name for each in folder.rglob(f"{TEMPORARY_PREFIX}*")]
        assert len(leftovers) <= 1, "only what could not be removed may stay"
        writing.change(folder)
        assert writing.read(folder) == new, "and the next attempt succeeds"
    assert seen == {old, new}


@EVERY
def test_a_process_that_dies_before_any_operation_leaves_the_old_or_the_new(writing: Writing, tmp_path: Path) -> None:
    old, new = _old_and_new(writing, tmp_path / "whole")
    for n in range(1, len(_operations(writing, tmp_path / "counted")) + 1):
        folder = tmp_path / f"at{n}"
        writing.prepare(folder)
        with pytest.raises(Died), file_layer(DyingDisk(n)):
            writing.change(folder)
        assert writing.read(folder) in {old, new}, f"operation {n}"
        writing.change(folder)
        assert writing.read(folder) == new
        for each in folder.rglob("*"):
            if each.is_dir():
                sweep(each, older_than_s=-1)
        assert not list(folder.rglob(f"{TEMPORARY_PREFIX}*"))


@EVERY
def test_every_file_is_on_the_disk_before_it_gets_its_name_and_the_folder_after(
    writing: Writing, tmp_path: Path
) -> None:
    done = [each for each in _operations(writing, tmp_path) if each in {"write", "fsync", "replace"}]
    for place, name in enumerate(done):
        if name == "write":
            assert done[place + 1] == "fsync"
        if name == "replace" and done[place - 1] != "fsync":
            assert done[place - 1] == "replace", "a checkpoint that is no longer kept is moved aside"
    assert done.count("fsync") > done.count("write")


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    _prepare_checkpoint(tmp_path / "whole")
    operations = len(_operations(WRITINGS["checkpoint"], tmp_path / "counted"))
    script = (
        "import os, sys; from pathlib import Path; from metastudio.runs.atomic import file_layer;"
        "from tests.faults.breaking_disk import DyingDisk; from tests.faults.test_runs_writing import WRITINGS;"
        "disk = DyingDisk(int(sys.argv[2]), lambda: os._exit(9))\n"
        "with file_layer(disk): WRITINGS['checkpoint'].change(Path(sys.argv[1]))"
    )
    for n in (1, 5, operations // 2, operations - 4, operations):
        folder = tmp_path / f"at{n}"
        shutil.copytree(tmp_path / "whole", folder)
        ended = subprocess.run(
            [sys.executable, "-c", script, str(folder), str(n)], cwd=PROJECT, check=False, capture_output=True
        )
        assert ended.returncode == 9, ended.stderr.decode()
        assert _newest_weights(folder) in {OLD["weights"], NEW["weights"]}


def test_a_disk_that_gives_back_something_else_makes_no_checkpoint(tmp_path: Path) -> None:
    class Altering(FileLayer):
        def write(self, descriptor: int, content: bytes) -> None:
            super().write(descriptor, content.replace(b"new", b"nEw"))

    _prepare_checkpoint(tmp_path)
    with pytest.raises(IntegrityError, match="gave back something else"), file_layer(Altering()):
        commit_checkpoint(_run(tmp_path), 200, NEW, is_best=True, keep=1)
    assert [each.name for each in _run(tmp_path).checkpoints()] == ["step-0000100"]
    assert _newest_weights(tmp_path) == OLD["weights"]


def test_a_checkpoint_that_cannot_fit_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepare_checkpoint(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(atomic.shutil, "disk_usage", lambda _: usage._replace(free=100))
    disk = CountingDisk()
    with pytest.raises(ResourceError, match="Free 3 MB"), file_layer(disk):
        commit_checkpoint(_run(tmp_path), 200, {"weights": bytes(2_500_000)}, is_best=True, keep=1)
    assert not disk.done
    assert _newest_weights(tmp_path) == OLD["weights"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device")  # noqa: PTH110
def test_an_event_that_does_not_fit_is_an_error_of_the_disk() -> None:
    from metastudio.runs.event_log import EventLog
    from metastudio.runs.events import Notice

    with EventLog(Path("/dev/full")) as log, pytest.raises(ResourceError, match="disk is full"):
        log.append(Notice(code="x", text="x"))
