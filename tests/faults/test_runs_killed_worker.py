"""A worker that is killed whenever it likes leaves a run that goes on, and ends where an undisturbed one does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metastudio.catalog.validation import parse_experiment
from metastudio.cli.app import main
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.sample_glyphs import make_sample_glyphs
from metastudio.runs.checkpoint_files import newest_whole_checkpoint
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder, create_run
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import is_worker_alive

PROJECT = Path(__file__).resolve().parents[2]
ITERATIONS = 60
KILLS = 3
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # four workers start, on a machine that may be busy


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glyphs")
    make_sample_glyphs(folder, alphabets=2, characters=8, drawers=10)
    return folder


def new_run(glyphs: Path, folder: Path) -> RunFolder:
    experiment = parse_experiment(
        {
            "data": {"folders": [str(glyphs)], "preprocessing": {"image_size": 20, "colour": "grey"}},
            "episodes": {"n_way": 2, "n_query": 3},
            "backbone": {"name": "conv4", "filters": 8},
            "training": {
                "iterations": ITERATIONS,
                "meta_batch_size": 2,
                "validate_every": 10,
                "checkpoint_every": 3,
                "validation_episodes": 4,
            },
        }
    )
    index = scan([glyphs])
    return create_run(experiment, index, split_classes(index, experiment.data.split), runs_folder=folder)


def worker(run: RunFolder) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "metastudio", "train", str(run.path)],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_a_worker_killed_at_random_moments_ends_with_the_same_weights(glyphs: Path, tmp_path: Path) -> None:
    chance = random.Random(0)  # noqa: S311 - moments, not secrets
    undisturbed, killed = new_run(glyphs, tmp_path / "a"), new_run(glyphs, tmp_path / "b")
    assert main(["train", str(undisturbed.path)]) == 0
    hits = 0
    for _ in range(KILLS):
        size = killed.events_path.stat().st_size if killed.events_path.exists() else 0
        with worker(killed) as process:
            wanted = size + chance.randrange(300, 6000)
            while process.poll() is None and not (
                killed.events_path.exists() and killed.events_path.stat().st_size >= wanted
            ):
                time.sleep(0.002)
            process.kill()
        hits += process.returncode == -signal.SIGKILL
        assert not is_worker_alive(killed)
        assert killed.effective_state() in {State.INTERRUPTED, State.FINISHED}
        path, problems = newest_whole_checkpoint(killed)
        assert not problems
        assert path is None or killed.last() is not None
    if killed.effective_state() is not State.FINISHED:
        with worker(killed) as process:
            assert process.wait() == 0
    assert killed.effective_state() is State.FINISHED
    assert hits
    assert any(event.kind == "started" and event.resumed for event in read_events(killed.events_path)[0])
    weights = [(run.checkpoints()[-1] / "weights.safetensors").read_bytes() for run in (undisturbed, killed)]
    assert undisturbed.checkpoints()[-1].name == killed.checkpoints()[-1].name == f"step-{ITERATIONS:07d}"
    assert weights[0] == weights[1]
