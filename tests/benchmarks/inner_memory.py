"""Memory and time of second-order MAML against its number of inner steps: with a stored graph, and recomputed.

Run by hand: ``python -m tests.benchmarks.inner_memory [--rounds 5] [--sides recompute store] [--inner-steps 1 20]``.
Conv4 with 32 filters, 84x84 colour, 5-way 5-shot, 15 queries, two tasks an outer step, one after another through the
`Trainer`. Each side is a fresh process: memory is its peak resident size less that before the first outer step; the
time is of one outer step, medians of processes that alternate. A plain `autograd.grad` loop is measured beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from metastudio.cli.app import _ALLOCATOR
from metastudio.engine.learner import build_learner
from metastudio.engine.training.executor import executor_named
from metastudio.engine.training.trainer import Trainer
from tests.benchmarks.second_order_maml import SETUPS, RandomEpisodes, experiment_of, peer, plain_loop

STEPS = (1, 5, 20)
SIDES = ("recompute", "store", "plain loop")
OUTER_STEPS = 3


def side(name: str, inner_steps: int) -> None:
    """Print the memory in bytes and the seconds of the fastest outer step after the first."""
    setup = replace(SETUPS["D"], steps=inner_steps, tasks=2)
    if name == "plain loop":
        steps = peer(setup, plain_loop(setup))
    else:
        experiment = experiment_of(setup, inner_graph=name)
        learner = build_learner(experiment, train_classes=100)
        source: object = RandomEpisodes(setup)
        trainer = Trainer(
            experiment,
            learner,
            source,  # type: ignore[arg-type]
            executor=executor_named("one_by_one", len(os.sched_getaffinity(0))),
            save=lambda *_: Path(),
        )
        trainer.executor.__enter__()
        steps = (setup.tasks for event in trainer.run() if event.kind == "outer_step")
    before = psutil.Process().memory_info().rss
    seconds = []
    for _ in range(1 + OUTER_STEPS):
        began = time.perf_counter()
        next(steps)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([peak - before, min(seconds[1:])]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", nargs="*", default=SIDES)
    parser.add_argument("--inner-steps", type=int, nargs="*", default=STEPS)
    parser.add_argument("--side")
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    if arguments.side:
        side(arguments.side, arguments.steps)
        return
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(arguments.rounds):
        for steps in arguments.inner_steps:
            for name in arguments.sides:
                environment = os.environ | (_ALLOCATOR if name != "plain loop" else {})
                command = [sys.executable, "-m", "tests.benchmarks.inner_memory", "--side", name, "--steps", str(steps)]
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
                found.setdefault((name, steps), []).append(tuple(json.loads(done.stdout)))
    memory = {key: statistics.median(each[0] for each in values) for key, values in found.items()}
    seconds = {key: statistics.median(each[1] for each in values) for key, values in found.items()}
    for name in arguments.sides:
        row = ", ".join(f"{n}: {memory[name, n] / 1e6:.0f} MB, {seconds[name, n]:.2f} s" for n in arguments.inner_steps)
        fewest, most = arguments.inner_steps[0], arguments.inner_steps[-1]
        growth = memory[name, most] / memory[name, fewest]
        print(f"{name:10} inner steps {row}; {most} take {growth:.2f} times the memory of {fewest}")
    for n in arguments.inner_steps[1:] if {"recompute", "store"} <= {*arguments.sides} else ():
        ratio = seconds["recompute", n] / seconds["store", n]
        print(f"{n} inner steps: recomputed takes {ratio:.2f} times the time of stored")


if __name__ == "__main__":
    main()
