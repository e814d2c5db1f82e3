"""The whole journey on the command line, on drawn pictures: train, stop, go on, evaluate, adapt, export."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder, list_runs
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import hold_worker_lock
from tests.unit.runs.small_runs import make_run

PROJECT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, glyphs: Path) -> RunFolder:
    """A run that finished. Read only."""
    from metastudio.cli.app import main
    from tests.unit.cli.conftest import SMALL

    folder = tmp_path_factory.mktemp("trained")
    options = [part for option in SMALL for part in ("--set", option)]
    assert main(["train", "--images", str(glyphs), "--runs", str(folder), "--json", *options]) == 0
    [run] = list_runs(folder)
    return run


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of a run that finished."""
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.fixture
def new_things(glyphs: Path, tmp_path: Path) -> Path:
    """Two folders of three pictures each, and a picture beside them."""
    folder = tmp_path / "new things"
    for name, character in zip(("one", "two"), sorted(glyphs.glob("*/*"))[:2], strict=True):
        (folder / name).mkdir(parents=True)
        for picture in sorted(character.glob("*.png"))[:3]:
            shutil.copy(picture, folder / name)
    shutil.copy(sorted(character.glob("*.png"))[5], tmp_path / "unknown.png")
    return folder


def test_training_shows_how_it_goes_and_where_it_lies(
    metastudio: Callable[..., object], glyphs: Path, tmp_path: Path, small: list[str]
) -> None:
    said = metastudio("train", "--images", glyphs, "--runs", tmp_path, *small)
    assert said.code == 0, said.err
    [run] = list_runs(tmp_path)
    assert run.effective_state() is State.FINISHED
    assert "Training from iteration 0 of 6 on" in said.out
    assert "iteration 3: validation" in said.out
    assert "±" in said.out
    assert "Finished at iteration 6; best validation" in said.out
    assert f"The run lies in {run.path}" in said.out


def test_training_as_json_is_the_events_of_the_run(trained: RunFolder, metastudio: Callable[..., object]) -> None:
    events, _, torn = read_events(trained.events_path)
    assert torn == 0
    kinds = [each.kind for each in events]
    assert kinds[-1] == "finished"
    assert kinds.count("outer_step") == 6
    assert kinds.count("validated") == 2


def test_a_finished_run_is_not_trained_again(run: RunFolder, metastudio: Callable[..., object]) -> None:
    before = run.events_path.read_bytes()
    said = metastudio("train", run.path)
    assert said.code == 2
    assert "has ended" in said.err
    assert run.events_path.read_bytes() == before


def test_a_run_that_somebody_works_on_is_left_alone(tmp_path: Path, metastudio: Callable[..., object]) -> None:
    run = make_run(tmp_path)
    with hold_worker_lock(run):
        said = metastudio("train", run.path)
    assert said.code == 7
    assert f"Process {os.getpid()}" in said.err


@pytest.mark.expects_log("metastudio.engine.training.worker")
def test_a_run_without_its_pictures_is_paused_with_a_reason_and_its_code(
    tmp_path: Path, metastudio: Callable[..., object]
) -> None:
    run = make_run(tmp_path)
    said = metastudio("train", run.path)
    assert said.code == 3
    assert "MS-" in said.out
    state = run.state()
    assert state.state is State.PAUSED  # it goes on once they are back
    assert state.failure is not None
    assert state.failure.exit_code == said.code


def started(*arguments: object) -> subprocess.Popen[str]:
    """A worker as the studio starts it, with its events on our end of a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "metastudio", "train", "--json", *map(str, arguments)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], kind: str) -> dict[str, object]:
    """The next event of a kind."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["kind"] == kind:
            return event
    raise AssertionError(f"no {kind} came")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_a_checkpoint_and_the_run_goes_on_from_it(
    number: int, code: int, glyphs: Path, tmp_path: Path, small: list[str]
) -> None:
    options = [*small, "--set", "training.iterations=5000", "--set", "training.checkpoint_every=5000"]
    with started("--runs", tmp_path, "--images", glyphs, *options) as process:
        path = Path(str(wait_for(process, "run")["path"]))
        wait_for(process, "outer_step")
        began = time.monotonic()
        process.send_signal(number)
        finished = wait_for(process, "finished")
        assert process.wait() == code
        assert time.monotonic() - began < 30
    run = RunFolder(path)
    assert finished["outcome"] == "paused"
    assert run.effective_state() is State.PAUSED
    reached = run.state().iteration
    assert reached > 0
    last = run.last()
    assert last is not None
    assert iteration_of(last) == reached
    with started(path) as process:
        going_on = wait_for(process, "started")
        process.kill()
    assert (going_on["iteration"], going_on["resumed"]) == (reached, True)


def test_evaluating_spends_meta_test_on_a_number_with_its_interval(
    run: RunFolder, metastudio: Callable[..., object]
) -> None:
    said = metastudio("evaluate", run.path, "--episodes", 6, "--statistics", "support", "--statistics", "batch")
    assert said.code == 0, said.err
    assert "2-way 1-shot, 3 queries a class, 6 episodes, statistics 'support' (each picture alone): " in said.out
    assert "statistics 'batch' (transductive): " in said.out
    assert "before adaptation" in said.out
    assert [each.statistics for each in run.evaluations()] == ["support", "batch"]
    [line] = [
        each
        for each in metastudio("evaluate", run.path, "--episodes", 3, "--json").lines
        if each["kind"] == "evaluated"
    ]
    assert line["episodes"] == 3


def test_a_run_without_a_checkpoint_cannot_be_evaluated(tmp_path: Path, metastudio: Callable[..., object]) -> None:
    assert metastudio("evaluate", make_run(tmp_path).path).code == 4
    assert metastudio("evaluate", tmp_path).code == 2


def test_a_broken_checkpoint_is_refused_by_its_hash(run: RunFolder, metastudio: Callable[..., object]) -> None:
    best = run.best()
    assert best is not None
    os.truncate(best / "weights.safetensors", 100)
    said = metastudio("evaluate", run.path, "--episodes", 2)
    assert said.code == 4
    assert "truncated or altered" in said.err


def test_a_new_task_is_adapted_to_judged_and_answered(
    run: RunFolder, new_things: Path, tmp_path: Path, metastudio: Callable[..., object]
) -> None:
    arguments = ("adapt", run.path, "--support", new_things, "--query", tmp_path / "unknown.png")
    said = metastudio(*arguments)
    assert said.code == 0, said.err
    assert "Adapted to 'new things', support loss" in said.out
    assert "unknown.png: " in said.out
    lines = metastudio(*arguments, "--json").lines
    [answer] = [each for each in lines if each["kind"] == "prediction"]
    assert set(answer["probabilities"]) == {"one", "two"}
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    judged = metastudio("adapt", run.path, "--support", new_things, "--query", new_things)
    assert judged.code == 0


def test_a_task_with_more_classes_than_the_head_is_refused(
    run: RunFolder, glyphs: Path, metastudio: Callable[..., object]
) -> None:
    said = metastudio("adapt", run.path, "--support", glyphs)
    assert said.code == 2
    assert "has 16 classes" in said.err
    assert "Prototypical Networks" in said.err


def test_queries_of_other_classes_are_refused(
    run: RunFolder, new_things: Path, tmp_path: Path, metastudio: Callable[..., object]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(new_things, other)
    (other / "two").rename(other / "three")
    said = metastudio("adapt", run.path, "--support", new_things, "--query", other)
    assert said.code == 3
    assert "three" in said.err


def test_an_export_is_verified_and_asked_before_it_is_replaced(
    run: RunFolder, new_things: Path, tmp_path: Path, metastudio: Callable[..., object]
) -> None:
    said = metastudio("export", run.path, "--format", "onnx", "--support", new_things, "--to", tmp_path / "model")
    assert said.code == 0, said.err
    assert "verified; largest difference of logits" in said.out
    assert (tmp_path / "model" / "model.onnx").is_file()
    assert metastudio("export", run.path, "--to", tmp_path / "other").code == 2
    arguments = ("export", run.path, "--format", "checkpoint", "--to", tmp_path / "model", "--json")
    assert metastudio(*arguments).code == 2
    assert (tmp_path / "model" / "model.onnx").is_file()
    checkpoint = metastudio(*arguments, "--overwrite")
    assert checkpoint.code == 0, checkpoint.out
    assert checkpoint.lines[-1]["format"] == "checkpoint"
    assert not (tmp_path / "model" / "model.onnx").exists()


def test_the_demo_does_the_whole_journey(metastudio: Callable[..., object], tmp_path: Path, small: list[str]) -> None:
    said = metastudio("demo", "--to", tmp_path / "demo", *small, "--set", "exports=adapted")
    assert said.code == 0, said.err
    assert "On classes never seen in training" in said.out
    assert "±" in said.out
    assert said.out.count("verified; largest difference") == 1
    [run] = list_runs(tmp_path / "demo" / "runs")
    [path] = run.exports()
    assert str(path) in said.out


def test_serving_answers_on_the_standard_output() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "metastudio", "serve"],
        cwd=PROJECT,
        input='{"id": 1, "op": "devices"}\n',
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = ended.stdout.splitlines()
    assert json.loads(line)["result"]["devices"][0]["name"] == "cpu"


def test_a_forecast_says_time_and_memory_and_keeps_nothing(
    metastudio: Callable[..., object], glyphs: Path, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metastudio.engine import forecast as forecast_module

    monkeypatch.setattr(forecast_module, "_TRIAL_S", 0.0)
    monkeypatch.chdir(tmp_path)
    said = metastudio("forecast", "--images", glyphs, "--json", *small)
    assert said.code == 0
    [found] = [line for line in said.lines if line["kind"] == "forecast"]
    assert found["seconds"] > 0
    assert found["memory_bytes"] > 1e8
    assert "tasks/s" in metastudio("forecast", "--images", glyphs, *small).out
    assert not list(tmp_path.iterdir())
    assert metastudio("forecast", "--images", glyphs, *small, "--set", "episodes.n_way=90").code == 3
    assert metastudio("forecast", "--images", glyphs, *small, "--set", "device=toaster").code == 2
