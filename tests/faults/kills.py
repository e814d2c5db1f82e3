"""Workers killed at random moments: each leaves a run that goes on, and ends where an undisturbed one does.

Run by hand for many: ``python -m tests.faults.kills [--kills 200] [--seed 0] [--log FILE]``. Half of the moments are
drawn from the time that a worker lives, its start and its end included, half from the lines that it writes. One line a
kill goes to the log; the last one says how many runs ended with the weights of the undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from metastudio.catalog.validation import parse_experiment
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.sample_glyphs import make_sample_glyphs
from metastudio.runs.checkpoint_files import iteration_of, newest_whole_checkpoint
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder, create_run
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import is_worker_alive

PROJECT = Path(__file__).resolve().parents[2]
ITERATIONS = 60
_MOST_LINES_BYTES = 6000
_CHILDREN_MAY_LIVE_S = 10


@dataclass(frozen=True)
class Kill:
    """What a kill hit, and what it left.

    Attributes:
        lived_s: How long the worker had lived; 0 where it ended before it could be killed.
        state: What the run's folder said at that moment.
        children: Processes that the worker had; all of them end with it.
        after: What the run is for a reader now.
        checkpoint: The iteration of the newest checkpoint, None before the first.
        event_lines: How many lines of events a reader gets.
        has_torn_line: Whether the last line was cut in the middle of being written, which a reader leaves out.
        temporary_files: What was being written; no reader takes it for anything.
    """

    lived_s: float
    state: str
    children: int
    after: str
    checkpoint: int | None
    event_lines: int
    has_torn_line: bool
    temporary_files: int


def new_run(glyphs: Path, folder: Path) -> RunFolder:
    """Make a run that trains in a second or two, with a checkpoint every third iteration."""
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


def make_glyphs(folder: Path) -> Path:
    """Draw the pictures that `new_run` trains on."""
    make_sample_glyphs(folder, alphabets=2, characters=8, drawers=10)
    return folder


def worker(run: RunFolder) -> subprocess.Popen[bytes]:
    """Start a worker in a process of its own, as the studio does."""
    return subprocess.Popen(
        [sys.executable, "-m", "metastudio", "train", str(run.path)],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def final_weights(run: RunFolder) -> bytes:
    """Return the weights of the last checkpoint, which is that of the last iteration.

    Raises:
        AssertionError: if it is another.
    """
    last = run.checkpoints()[-1]
    assert last.name == f"step-{ITERATIONS:07d}"
    return (last / "weights.safetensors").read_bytes()


def killed_at_random(run: RunFolder, chance: random.Random, *, life_s: float) -> Kill:
    """Start a worker on a run and kill it at some moment of its life; look at everything that it leaves.

    Args:
        run: What to work on.
        chance: Draws the moment.
        life_s: About how long an undisturbed worker lives.

    Raises:
        AssertionError: if a file is corrupt, a process is left, or the lock is still held.
    """
    moment_s = chance.uniform(0, life_s) if chance.random() < 0.5 else float("inf")
    size = _size_of(run.events_path) + chance.randrange(1, _MOST_LINES_BYTES)
    start = time.monotonic()
    with worker(run) as process:
        while process.poll() is None and time.monotonic() - start < moment_s and _size_of(run.events_path) < size:
            time.sleep(0.002)
        state = run.state().state
        children = _children(process)
        process.kill()
    lived_s = time.monotonic() - start if process.returncode == -signal.SIGKILL else 0.0
    _, alive = psutil.wait_procs(children, timeout=_CHILDREN_MAY_LIVE_S)
    assert not alive, f"left running: {alive}"
    assert not is_worker_alive(run)
    after = run.effective_state()
    assert after in {State.QUEUED, State.INTERRUPTED, State.FINISHED}, after
    path, problems = newest_whole_checkpoint(run)
    assert not problems, problems
    lines = read_events(run.events_path)[0] if run.events_path.exists() else []
    return Kill(
        lived_s=round(lived_s, 3),
        state=str(state),
        children=len(children),
        after=str(after),
        checkpoint=None if path is None else iteration_of(path),
        event_lines=len(lines),
        has_torn_line=run.events_path.exists() and not run.events_path.read_bytes().endswith(b"\n"),
        temporary_files=sum(each.name.startswith(".") or each.suffix == ".tmp" for each in run.path.rglob("*")),
    )


def kills(glyphs: Path, folder: Path, count: int, *, seed: int = 0) -> Iterator[Kill | str]:
    """Kill workers `count` times, on as many runs as that takes; yield each kill, and a word for each run that ended.

    Raises:
        AssertionError: if a kill leaves something wrong, or a run ends with other weights than an undisturbed one.
    """
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    undisturbed = new_run(glyphs, folder / "undisturbed")
    start = time.monotonic()
    with worker(undisturbed) as process:
        assert process.wait() == 0
    life_s = time.monotonic() - start
    expected = final_weights(undisturbed)
    number, done = 0, 0
    while done < count:
        number += 1
        run = new_run(glyphs, folder / f"killed-{number}")
        while done < count and run.effective_state() is not State.FINISHED:
            kill = killed_at_random(run, chance, life_s=life_s)
            done += kill.lived_s > 0
            yield kill
        while run.effective_state() is not State.FINISHED:
            with worker(run) as process:
                assert process.wait() == 0
        assert final_weights(run) == expected, f"{run.path} ended with other weights"
        yield f"run {number}: the weights of the undisturbed run, bit for bit"


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        glyphs = make_glyphs(Path(folder) / "glyphs")
        told = []
        for each in kills(glyphs, Path(folder) / "runs", asked.kills, seed=asked.seed):
            told.append(each if isinstance(each, str) else json.dumps(asdict(each)))
            sys.stdout.write(told[-1] + "\n")
            if asked.log:
                asked.log.write_text("\n".join(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
