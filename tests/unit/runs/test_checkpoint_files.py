"""Checkpoints as folders of files with their hashes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from metastudio.errors import IntegrityError
from metastudio.runs.atomic import TEMPORARY_PREFIX
from metastudio.runs.checkpoint_files import (
    commit_checkpoint,
    iteration_of,
    newest_whole_checkpoint,
    pointed_to,
    verify_checkpoint,
)
from metastudio.runs.run_folder import RunFolder
from tests.unit.runs.small_runs import make_run

FILES = {"weights.safetensors": bytes(range(256)) * 20, "state.json": b"{}"}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path)


def names(run: RunFolder) -> list[str]:
    return [each.name for each in run.checkpoints()]


def test_a_checkpoint_is_whole_and_pointed_to(run: RunFolder) -> None:
    path = commit_checkpoint(run, 100, FILES, is_best=True, keep=3)
    verify_checkpoint(path)
    assert path == run.path / "checkpoints" / "step-0000100"
    assert run.best() == run.last() == path
    assert iteration_of(path) == 100
    assert {name: (path / name).read_bytes() for name in FILES} == FILES
    assert newest_whole_checkpoint(run) == (path, ())


def test_the_newest_and_the_best_are_kept(run: RunFolder) -> None:
    for iteration in range(100, 700, 100):
        commit_checkpoint(run, iteration, FILES, is_best=iteration == 200, keep=2)
    assert names(run) == ["step-0000200", "step-0000500", "step-0000600"]
    assert run.best() == run.path / "checkpoints" / "step-0000200"
    assert run.last() == run.path / "checkpoints" / "step-0000600"


def test_steps_beyond_seven_digits_stay_in_order(run: RunFolder) -> None:
    for iteration in (9_999_999, 10_000_000):
        commit_checkpoint(run, iteration, FILES, is_best=False, keep=3)
    assert names(run) == ["step-9999999", "step-10000000"]


def test_the_same_step_again_replaces_the_first(run: RunFolder) -> None:
    commit_checkpoint(run, 100, FILES, is_best=True, keep=1)
    path = commit_checkpoint(run, 100, {"weights.safetensors": b"another"}, is_best=True, keep=1)
    verify_checkpoint(path)
    assert (path / "weights.safetensors").read_bytes() == b"another"
    assert names(run) == ["step-0000100.1"]
    assert run.best() == run.last() == path
    assert iteration_of(path) == 100
    assert len(list(run.checkpoints_folder.iterdir())) == 3
    third = commit_checkpoint(run, 100, FILES, is_best=False, keep=1)
    assert names(run) == ["step-0000100.1", "step-0000100.2"]  # the best, and the newest
    assert run.last() == third
    assert newest_whole_checkpoint(run)[0] == third


def _flip(path: Path) -> None:
    content = bytearray((path / "weights.safetensors").read_bytes())
    content[1000] ^= 1
    (path / "weights.safetensors").write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "one bit": _flip,
    "truncated": lambda path: os.truncate(path / "weights.safetensors", 1000),
    "empty": lambda path: os.truncate(path / "weights.safetensors", 0),
    "longer": lambda path: (path / "weights.safetensors").open("ab").write(b"x"),
    "missing file": lambda path: (path / "state.json").unlink(),
    "unlisted file": lambda path: (path / "more.json").write_text("{}"),
    "missing sums": lambda path: (path / "SHA256SUMS").unlink(),
    "empty sums": lambda path: (path / "SHA256SUMS").write_text(""),
    "sums of rubbish": lambda path: (path / "SHA256SUMS").write_bytes(b"\0" * 5_000_000),
    "sums that lead outside": lambda path: (path / "SHA256SUMS").write_text(f"{'0' * 64}  ../../run.json\n"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_offered(
    damage: Callable[[Path], object], run: RunFolder
) -> None:
    good = commit_checkpoint(run, 100, FILES, is_best=False, keep=3)
    bad = commit_checkpoint(run, 200, FILES, is_best=True, keep=3)
    damage(bad)
    with pytest.raises(IntegrityError) as refused:
        verify_checkpoint(bad)
    assert refused.value.exit_code == 4
    assert refused.value.problems
    path, problems = newest_whole_checkpoint(run)
    assert path == good
    assert "iteration 200 is broken" in str(problems[0])
    assert "The one before it is taken." in str(problems[0])


def test_where_every_checkpoint_is_damaged_none_is_offered(run: RunFolder) -> None:
    for iteration in (100, 200):
        _flip(commit_checkpoint(run, iteration, FILES, is_best=False, keep=3))
    path, problems = newest_whole_checkpoint(run)
    assert path is None
    assert sum(each.code == "checkpoint-broken" for each in problems) == 2


def test_a_run_without_checkpoints_has_none(run: RunFolder) -> None:
    assert newest_whole_checkpoint(run) == (None, ())
    assert run.checkpoints() == []
    assert run.best() is None


@pytest.mark.parametrize("content", [b"", b"../../..", b"step-0000999", b"\xff", b"step-0000100/x"])
def test_a_pointer_that_leads_nowhere_is_none(content: bytes, run: RunFolder) -> None:
    commit_checkpoint(run, 100, FILES, is_best=True, keep=3)
    (run.checkpoints_folder / "best").write_bytes(content)
    assert pointed_to(run, "best") is None


def test_half_written_checkpoints_are_swept_when_they_are_old(run: RunFolder) -> None:
    commit_checkpoint(run, 100, FILES, is_best=True, keep=3)
    old, young = (run.checkpoints_folder / f"{TEMPORARY_PREFIX}1-{age}-step-0000200" for age in ("old", "young"))
    for leftover in (old, young):
        leftover.mkdir()
        (leftover / "weights.safetensors").write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    assert names(run) == ["step-0000100"]
    commit_checkpoint(run, 200, FILES, is_best=True, keep=3)
    assert not old.exists()
    assert young.exists()
    shutil.rmtree(young)
