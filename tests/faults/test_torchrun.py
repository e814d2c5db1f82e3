"""Several processes share a run: its result is that of one, and whatever happens to one of them, all end or go on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.cli.app import main
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Event
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import is_worker_alive
from tests.processes_of_a_run import PROJECT, endings, ranks
from tests.waiting_runs import make_glyphs, tiny_experiment, waiting_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there"),
]


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


@pytest.fixture(scope="module")
def long(glyphs: Path) -> ExperimentConfig:
    return shared_experiment(glyphs, iterations=60)


@pytest.fixture(scope="module")
def undisturbed(long: ExperimentConfig, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The long run, as one process makes it. Read only."""
    run = waiting_run(tmp_path_factory.mktemp("undisturbed"), long)
    assert main(["train", str(run.path)]) == 0
    return run


def shared_experiment(glyphs: Path, *, iterations: int, **changes: object) -> ExperimentConfig:
    training = {
        "iterations": iterations,
        "meta_batch_size": 5,
        "validate_every": 20,
        "validation_episodes": 5,
        "checkpoint_every": 10,
    }
    backbone = {"filters": 4, "normalization": "running"}
    evaluation = {"after_training": True, "episodes": 5}
    values = {"training": training, "backbone": backbone, "evaluation": evaluation}
    return tiny_experiment(glyphs, **{**values, **changes})


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that starts others; none of them outlives the test."""
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            for each in [*below(process), psutil.Process(process.pid)] if process.poll() is None else []:
                each.kill()


def torchrun(run: RunFolder, *options: str) -> tuple[str, ...]:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *options)
    return (*launcher, "-m", "metastudio", "train", str(run.path))


def below(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def events_of(run: RunFolder) -> tuple[Event, ...]:
    return read_events(run.events_path)[0]


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while not is_so():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_reached(run: RunFolder, iteration: int) -> Callable[[], bool]:
    return lambda: any(each.kind == "outer_step" and each.iteration >= iteration for each in events_of(run))


def result_of(run: RunFolder) -> list[object]:
    """What a run computed: weights, optimiser, losses, scores."""
    last = run.checkpoints()[-1]
    losses = {each.iteration: (each.loss, each.accuracy) for each in events_of(run) if each.kind == "outer_step"}
    validated = {each.iteration: (each.loss, each.accuracy) for each in events_of(run) if each.kind == "validated"}
    tested = [(each.accuracy, each.accuracy_before, each.episodes) for each in run.evaluations()]
    weights = [(last / f"{name}.safetensors").read_bytes() for name in ("weights", "optimizer")]
    return [last.name, losses, validated, tested, weights]


def test_two_processes_give_the_bits_of_one_and_only_the_first_writes(
    long: ExperimentConfig, undisturbed: RunFolder, tmp_path: Path
) -> None:
    run = waiting_run(tmp_path, long)
    with started(*torchrun(run)) as process:
        _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert run.effective_state() is State.FINISHED
    assert result_of(run) == result_of(undisturbed)
    assert len(run.evaluations()) == 1
    events = events_of(run)
    assert [each.iteration for each in events if each.kind == "outer_step"] == list(range(1, 61))
    [begun] = [each for each in events if each.kind == "started"]
    assert (begun.processes, begun.device, run.state().processes) == (2, "cpu*2", 2)
    assert "uneven-tasks" in [each.code for each in events if each.kind == "notice"]
    ours, theirs = ({each.name for each in run.path.iterdir()} for run in (run, undisturbed))
    assert ours == theirs


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_is_started_anew_and_the_run_ends_as_if_nothing_had_been(
    rank: int, long: ExperimentConfig, undisturbed: RunFolder, tmp_path: Path
) -> None:
    run = waiting_run(tmp_path, long)
    with started(*torchrun(run, "--max-restarts=3")) as process:
        wait_until(has_reached(run, 25), process)
        [victim] = [each for each in below(process) if each.environ().get("RANK") == str(rank)]
        victim.kill()
        _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert result_of(run) == result_of(undisturbed)
    events = events_of(run)
    first, again = [each for each in events if each.kind == "started"]
    assert (first.resumed, again.resumed) == (False, True)
    assert again.iteration >= (25 if rank else 20), "the first process keeps what there was, where it is not the one"
    assert not [each for each in events if each.kind == "failed"]
    assert [each.code for each in events if each.kind == "notice"].count("lost-process") == rank


def test_a_run_goes_on_to_the_same_bits_in_another_number_of_processes_and_ends_orderly_at_sigterm(
    long: ExperimentConfig, undisturbed: RunFolder, tmp_path: Path
) -> None:
    run = waiting_run(tmp_path, long.model_copy(update={"device": "cpu*2"}))
    with started("-m", "metastudio", "train", str(run.path)) as process:
        wait_until(has_reached(run, 5), process)
        processes = below(process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert not [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert run.effective_state() is State.PAUSED
    [paused] = [each for each in events_of(run) if each.kind == "finished"]
    assert run.checkpoints()[-1].name == f"step-{paused.iteration:07d}"
    run.experiment_path.write_bytes(undisturbed.experiment_path.read_bytes())  # which says nothing of two processes
    assert main(["train", str(run.path)]) == 0
    assert result_of(run) == result_of(undisturbed)
    assert "not-bit-exact" not in [each.code for each in events_of(run) if each.kind == "notice"]


def test_sigterm_to_torchrun_itself_pauses_the_run_and_leaves_no_process(
    long: ExperimentConfig, tmp_path: Path
) -> None:
    run = waiting_run(tmp_path, long)
    with started(*torchrun(run)) as process:
        wait_until(has_reached(run, 3), process)
        processes = below(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode != 0, "torchrun says that it was ended"
    assert not [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert run.effective_state() is State.PAUSED
    [paused] = [each for each in events_of(run) if each.kind == "finished"]
    assert run.checkpoints()[-1].name == f"step-{paused.iteration:07d}"
    assert not is_worker_alive(run)


def test_a_signal_to_every_process_ends_each_with_its_code_after_one_checkpoint(
    long: ExperimentConfig, tmp_path: Path
) -> None:
    run = waiting_run(tmp_path, long)
    train = ["-m", "metastudio", "train", str(run.path)]
    with ranks([train, train]) as processes:
        wait_until(has_reached(run, 3), processes[0])
        for each in processes:
            each.send_signal(signal.SIGTERM)
        assert [code for code, _, _ in endings(processes)] == [143, 143]
    assert run.effective_state() is State.PAUSED
    assert not is_worker_alive(run)
    saved = [each for each in events_of(run) if each.kind == "checkpoint_saved"]
    assert len(saved) == len(run.checkpoints())


def test_an_error_in_one_process_ends_all_with_that_error(glyphs: Path, long: ExperimentConfig, tmp_path: Path) -> None:
    run = waiting_run(tmp_path, long)
    other = tmp_path / "copy" / run.name
    shutil.copytree(run.path, other)
    listed = (other / "data.json").read_text(encoding="ascii")
    (other / "data.json").write_text(listed.replace(str(glyphs), str(tmp_path / "gone")), encoding="ascii")
    with ranks([["-m", "metastudio", "train", str(each)] for each in (run.path, other)]) as processes:
        (code, out, _), (other_code, other_out, _) = endings(processes)
    assert (code, other_code) == (3, 3)
    failure = run.state().failure
    assert failure is not None
    assert failure.where.startswith("process 1 on ")
    assert "gone" in failure.where + failure.what + failure.why
    assert failure.what in out
    assert not other_out, "the first says it"


def test_processes_with_another_experiment_are_refused(long: ExperimentConfig, tmp_path: Path) -> None:
    run = waiting_run(tmp_path, long)
    other = tmp_path / "copy" / run.name
    shutil.copytree(run.path, other)
    text = (other / "experiment.toml").read_text(encoding="utf-8")
    (other / "experiment.toml").write_text(text.replace("seed = 0", "seed = 1"), encoding="utf-8")
    with ranks([["-m", "metastudio", "train", str(each)] for each in (run.path, other)]) as processes:
        assert [code for code, _, _ in endings(processes)] == [2, 2]
    failure = run.state().failure
    assert failure is not None
    assert "differs from the first one in: experiment." in failure.what
    assert sorted(each.name for each in other.iterdir()) == ["control", "data.json", "experiment.toml", "run.json"], (
        "nothing was written"
    )


def test_torchrun_is_given_a_run_that_one_process_made(
    glyphs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--set", "episodes.n_way=3", "--set", "episodes.n_query=2")
    assert main(["train", "--images", str(glyphs), "--runs", str(tmp_path), "--make-only", *options]) == 0
    [folder] = tmp_path.iterdir()
    assert f"Go on with: metastudio train {folder}" in capsys.readouterr().out
    assert RunFolder(folder).effective_state() is State.QUEUED
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["train", "--images", str(glyphs)]) == 2
    assert "--make-only" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "zero")
    assert main(["train", str(folder)]) == 2
    assert "RANK is 'zero'" in capsys.readouterr().err
