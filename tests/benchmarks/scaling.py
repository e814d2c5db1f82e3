"""Two processes of one thread each against one of one thread: how much of twice the tasks per second they reach.

Run by hand, on free cores: ``python -m tests.benchmarks.scaling [--setups ABCD] [--processes 2] [--rounds 5]
[--seconds 6]``; the set-ups are those of ``second_order_maml``. One side is a process alone, the other as many as are
asked for, which share the tasks of every step as under ``torchrun``. The sides wait for one another and take turns;
ratios are of medians. Both run as the worker does, with its allocator settings and its default tracing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from metastudio.cli.app import _ALLOCATOR
from metastudio.engine.learner import build_learner
from metastudio.engine.training.executor import OneByOne
from metastudio.engine.training.ranks import Ranks
from metastudio.engine.training.shared_tasks import SharedTasks
from metastudio.engine.training.trainer import Trainer
from metastudio.runs.control import Wanted
from tests.benchmarks.second_order_maml import SETUPS, RandomEpisodes, SetUp, experiment_of
from tests.processes_of_a_run import PROJECT, free_port

WARM_UP_S = 5.0


class Turns:
    """Lets the first process of a side step for as long as a line of its standard input says, and then answer."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seconds = WARM_UP_S
        self._is_warm = False
        self.tasks = 0

    def wanted(self) -> Wanted:
        """Return whether to go on; wait for the next turn where this one is over."""
        taken = time.monotonic() - self._began
        if taken < self._seconds:
            return Wanted.RUN
        print(json.dumps(self.tasks / taken) if self._is_warm else "ready", flush=True)
        self._is_warm = True
        line = sys.stdin.readline()
        if not line:
            return Wanted.DISCARD
        self._seconds, self.tasks, self._began = float(line), 0, time.monotonic()
        return Wanted.RUN


def side(setup: SetUp) -> None:
    """Be one process of a side."""
    experiment = experiment_of(setup)
    learner = build_learner(experiment, train_classes=100)
    with Ranks(os.environ) as ranks:
        turns = Turns()
        with SharedTasks(OneByOne(1), ranks) if ranks.count > 1 else OneByOne(1) as executor:
            trainer = Trainer(
                experiment,
                learner,
                RandomEpisodes(setup),  # type: ignore[arg-type]
                executor=executor,
                save=lambda *_: Path(),
                wanted=lambda: ranks.each(lambda: turns.wanted() if ranks.is_first else Wanted.RUN)[0],
                is_watched=ranks.is_first,
            )
            for event in trainer.run():
                if event.kind == "outer_step":
                    turns.tasks += setup.tasks


class Side:
    """The processes of a side; the first is spoken to."""

    def __init__(self, key: str, count: int) -> None:
        shared = {
            "WORLD_SIZE": count,
            "LOCAL_WORLD_SIZE": count,
            "MASTER_ADDR": "localhost",
            "MASTER_PORT": free_port(),
        }
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.scaling", "--side", "--setups", key],
                cwd=PROJECT,
                env={
                    **os.environ,
                    **_ALLOCATOR,
                    "OMP_NUM_THREADS": "1",
                    **{name: str(value) for name, value in {**shared, "RANK": rank, "LOCAL_RANK": rank}.items()},
                },
                stdin=subprocess.PIPE,
                stdout=None if rank else subprocess.PIPE,
                text=True,
            )
            for rank in range(count)
        ]
        if self._answer().strip() != "ready":
            raise SystemExit(f"{count} processes did not start")

    def measured(self, seconds: float) -> float:
        """Return tasks per second of a turn."""
        stdin = self.processes[0].stdin
        assert stdin is not None
        stdin.write(f"{seconds}\n")
        stdin.flush()
        return float(self._answer())

    def end(self) -> None:
        """End the processes."""
        for each in self.processes:
            each.kill()
            each.communicate()

    def _answer(self) -> str:
        stdout = self.processes[0].stdout
        assert stdout is not None
        return stdout.readline()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setups", default="ABCD")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--side", action="store_true")
    arguments = parser.parse_args()
    if arguments.side:
        side(SETUPS[arguments.setups])
        return
    for key in arguments.setups:
        sides = {count: Side(key, count) for count in (1, arguments.processes)}
        rates: dict[int, list[float]] = {count: [] for count in sides}
        for _ in range(arguments.rounds):
            for count, each in sides.items():
                rates[count].append(each.measured(arguments.seconds))
        for each in sides.values():
            each.end()
        one, several = (statistics.median(rates[count]) for count in sides)
        print(f"{key}: {SETUPS[key].title}")
        print(f"    one process {one:.2f} tasks/s, {arguments.processes} processes {several:.2f} tasks/s")
        ratio = several / one
        print(f"    {ratio:.2f} times as fast, {ratio / arguments.processes:.0%} of {arguments.processes}", flush=True)


if __name__ == "__main__":
    main()
