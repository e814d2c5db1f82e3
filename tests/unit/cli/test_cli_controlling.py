"""Pause, finish, discard, restore and extend on the command line, with real workers: the rules of the window."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from waiting_runs import make_glyphs, tiny_experiment, waiting_run

from metastudio.cli import controlling
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder, list_runs
from metastudio.runs.run_state import State
from metastudio.runs.run_trash import TRASH_NAME
from metastudio.runs.worker_lock import hold_worker_lock, is_worker_alive
from tests.unit.cli.test_cli_training import PROJECT, wait_for
from tests.unit.runs.small_runs import make_run

pytestmark = pytest.mark.slow
SOON = ("--wait", 120)


@pytest.fixture
def worker(glyphs: Path, tmp_path: Path, small: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A worker that trains for long."""
    options = [*small, "--set", "training.iterations=100000", "--set", "training.checkpoint_every=100000"]
    arguments = ["train", "--json", "--runs", str(tmp_path), "--images", str(glyphs), *options]
    with subprocess.Popen(
        [sys.executable, "-m", "metastudio", *arguments], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def training(worker: subprocess.Popen[str]) -> RunFolder:
    """Wait until it trains, and return its run; what it says from then on is read beside, so that it is never stuck."""
    run = RunFolder(str(wait_for(worker, "run")["path"]))
    wait_for(worker, "outer_step")
    return run


def read_on(worker: subprocess.Popen[str]) -> None:
    import threading

    assert worker.stdout is not None
    threading.Thread(target=worker.stdout.read, daemon=True).start()


def test_a_worker_is_paused_extended_only_when_finished_and_finished_with_its_numbers(
    worker: subprocess.Popen[str], metastudio: Callable[..., object]
) -> None:
    run = training(worker)
    read_on(worker)
    refused = metastudio("extend", run.path, "--by", 5)
    assert refused.code == 2
    assert "Only what is finished can be extended" in refused.err
    said = metastudio("pause", run.path, *SOON)
    assert said.code == 0, said.err
    assert "The run is paused at iteration" in said.out
    assert not is_worker_alive(run)
    last = run.last()
    assert last is not None
    assert iteration_of(last) == run.state().iteration
    again = metastudio("pause", run.path)
    assert again.code == 2
    assert "This run is paused" in again.err
    worker.wait()


def test_a_paused_run_is_finished_where_it_stands(
    worker: subprocess.Popen[str], metastudio: Callable[..., object]
) -> None:
    run = training(worker)
    read_on(worker)
    metastudio("pause", run.path, *SOON)
    worker.wait()
    paused_at = run.state().iteration
    said = metastudio("finish", run.path)
    assert said.code == 0, said.err
    assert run.state().state is State.FINISHED
    assert run.state().iteration == paused_at


def test_what_has_no_checkpoint_yet_is_not_finished(tmp_path: Path, metastudio: Callable[..., object]) -> None:
    run = waiting_run(tmp_path / "runs", tiny_experiment(make_glyphs(tmp_path / "glyphs")))
    refused = metastudio("finish", run.path)
    assert refused.code == 2
    assert "This run is queued" in refused.err
    run.write_state(run.state().model_copy(update={"state": State.INTERRUPTED}))
    refused = metastudio("finish", run.path)
    assert refused.code == 2
    assert "no checkpoint to finish with" in refused.err
    assert run.state().state is State.INTERRUPTED


def test_finish_now_judges_and_ends_and_the_run_can_be_extended_by_an_exact_number(
    worker: subprocess.Popen[str], metastudio: Callable[..., object]
) -> None:
    run = training(worker)
    read_on(worker)
    [line] = metastudio("finish", run.path, *SOON, "--json").lines
    assert line["state"] == "finished"
    assert "validated" in [each.kind for each in read_events(run.events_path)[0]]
    worker.wait()
    [made] = metastudio("extend", run.path, "--by", 2, "--json").lines
    more = RunFolder(made["path"])
    assert metastudio("train", more.path).code == 0
    assert more.state().iteration == line["iteration"] + 2
    assert metastudio("extend", run.path, "--by", 0).code == 2


def test_a_working_run_is_discarded_and_taken_back_with_its_last_iteration(
    worker: subprocess.Popen[str], tmp_path: Path, metastudio: Callable[..., object]
) -> None:
    run = training(worker)
    read_on(worker)
    said = metastudio("discard", run.path, *SOON)
    assert said.code == 0, said.err
    assert list_runs(tmp_path) == []
    trashed = tmp_path / TRASH_NAME / run.name
    assert f"metastudio restore {trashed}" in said.out
    worker.wait()
    [line] = metastudio("restore", trashed, "--json").lines
    assert (line["path"], line["state"]) == (str(run.path), "paused")
    assert run.last() is not None
    assert metastudio("restore", run.path).code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped there")
def test_a_worker_that_does_not_answer_is_said_so_and_can_be_forced(
    worker: subprocess.Popen[str], metastudio: Callable[..., object]
) -> None:
    run = training(worker)
    psutil.Process(worker.pid).suspend()
    said = metastudio("pause", run.path, "--wait", 1)
    assert said.code == 5
    assert "add --force" in said.err
    assert is_worker_alive(run)
    forced = metastudio("pause", run.path, "--wait", 0.5, "--force")
    assert forced.code == 0, forced.err
    assert "was ended" in forced.out
    worker.wait()
    assert run.effective_state() is State.INTERRUPTED


def test_what_waits_is_discarded_and_comes_back_waiting(tmp_path: Path, metastudio: Callable[..., object]) -> None:
    run = make_run(tmp_path)
    assert metastudio("pause", run.path).code == 2
    [line] = metastudio("discard", run.path, "--json").lines
    assert line["kind"] == "trashed"
    assert metastudio("restore", line["path"]).code == 0
    assert run.state().state is State.QUEUED


def test_a_worker_on_another_computer_is_never_killed_here(
    tmp_path: Path, metastudio: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)
    run.write_state(run.state().model_copy(update={"state": State.RUNNING}))
    killed: list[int] = []
    monkeypatch.setattr("metastudio.runs.worker_lock.kill_with_children", killed.append)
    monkeypatch.setattr(controlling, "_LOOK_EVERY_S", 0.01)
    with hold_worker_lock(run):
        run.holder_path.write_text('{"pid": 1, "host": "elsewhere"}')
        run.events_path.write_text("")
        said = metastudio("pause", run.path, "--wait", 0.05, "--force")
    assert said.code == 7
    assert "another computer, 'elsewhere'" in said.err
    assert killed == []
