"""What drawing, decoding and assembling episodes adds to an outer step, prefetched beside it.

Run by hand: ``python -m tests.benchmarks.episode_overhead OMNIGLOT_FOLDER [--rounds 120] [--steps 8] [--augment
flip,rotate] [--setup A]``. One trainer of the quick MAML recipe, or of one of the Omniglot set-ups of
`second_order_maml`, with the worker's allocator and its default tracing, whose tasks
have moved to processes, takes turns: it draws its episodes from the image store, and augments them where changes are
named (or ``all``), or it gets some on which all of that was done beforehand. One trainer, because two differ by
some per cent for as long as they live; short turns, because the pace of a shared machine changes within seconds. What
is printed are the mean of the steps without the tenth at either end, the median, and the quarter of the steps that were
disturbed least; and how much more each is, with the interval that drawing the rounds anew gives.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import trim_mean

from metastudio.catalog.augmentation import STRENGTHS
from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.recipes import find_recipe, with_recipe
from metastudio.catalog.validation import parse_experiment
from metastudio.cli.app import _take_better_allocator
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import chosen_executor, executor_named
from metastudio.engine.training.trainer import Trainer
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store
from tests.benchmarks.second_order_maml import SETUPS, experiment_of

WARM_UP_S = 25.0
DRAWN = 64
STATISTICS = {
    "mean": lambda times: float(trim_mean(times, 0.1)),
    "median": lambda times: float(np.median(times)),
    "least disturbed": lambda times: float(np.percentile(times, 25)),
}


class Switched:
    """Draws episodes where `draws` is true, and gives a few that are ready again and again where it is not."""

    def __init__(self, source: EpisodesByClass) -> None:
        self.draws = True
        self.ready: list[Episode] = []
        self._source = source

    def class_count(self, part: Part) -> int:
        return self._source.class_count(part)

    def can_give(self, part: Part, spec: EpisodeSpec) -> bool:
        return self._source.can_give(part, spec)

    def episodes(self, part: Part, numbers: Sequence[int], spec: EpisodeSpec) -> list[Episode]:
        if self.draws:
            return self._source.episodes(part, numbers, spec)
        return [self.ready[number % len(self.ready)] for number in numbers]


def settings(setup: str | None) -> dict[str, Any]:
    """Return the values of the experiment whose steps are timed."""
    if setup is not None:
        values = experiment_of(SETUPS[setup]).model_dump()
        values["data"]["preprocessing"]["invert"] = True
        return values
    values = with_recipe({}, find_recipe("quick-maml-omniglot"))
    values["training"] |= {"iterations": 10**6, "validate_every": 10**6, "checkpoint_every": 10**6}
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--augment", default="", help=f"changes by name, or all: {', '.join(STRENGTHS)}")
    parser.add_argument("--setup", choices=["A", "B"], help="instead of the recipe")
    arguments = parser.parse_args()
    names = list(STRENGTHS) if arguments.augment == "all" else list(filter(None, arguments.augment.split(",")))
    experiment = parse_experiment({**settings(arguments.setup), "augmentation": dict.fromkeys(names, True)})
    store = open_store(scan([arguments.omniglot]), experiment.data.preprocessing)
    parts = {each.name: Part.META_TRAIN for each in store.index.classes}
    rotated = frozenset({Part.META_TRAIN})
    drawn = EpisodesByClass(store, parts, experiment.data.preprocessing, seed=0, rotated_parts=rotated)
    source = Switched(drawn)
    name, threads = chosen_executor(torch.device("cpu"), experiment.training.meta_batch_size)
    learner = build_learner(experiment, train_classes=100)
    seconds: tuple[list[list[float]], ...] = ([], [])  # drawn in training, drawn beforehand
    with executor_named(name, threads) as executor:
        trainer = Trainer(experiment, learner, source, executor=executor, save=lambda *_: Path())  # type: ignore[arg-type]
        augmenter, spec = trainer._augmenter, experiment.episodes.for_training()
        source.ready = drawn.episodes(Part.META_TRAIN, range(DRAWN), spec)
        if augmenter is not None:  # steps on other pictures take other times
            source.ready = augmenter.changed(source.ready, range(DRAWN))
        steps = (event.iteration for event in trainer.run() if event.kind == "outer_step")
        began = time.monotonic()
        while time.monotonic() - began < WARM_UP_S:
            next(steps)
        for turn in range(2 * arguments.rounds):
            source.draws = turn % 2 == 0
            trainer._augmenter = augmenter if source.draws else None
            trainer._ahead.forget()
            next(steps)  # for which all is drawn anew, and eight iterations ahead
            taken = []
            for _ in range(arguments.steps):
                began = time.perf_counter()
                next(steps)
                taken.append(time.perf_counter() - began)
            seconds[turn % 2].append(taken)
    times = 1000 * np.array(seconds)  # (2, rounds, steps)
    picked = np.random.default_rng(0).integers(arguments.rounds, size=(1000, arguments.rounds))
    what = f"drawing and augmenting ({', '.join(names)})" if names else "drawing"
    for name, of in STATISTICS.items():
        ratios = [np.divide(*(of(side[rounds].ravel()) for side in times)) - 1 for rounds in picked]
        drawn, ready = (of(side.ravel()) for side in times)
        added = f"{drawn / ready - 1:.1%} ± {1.96 * np.std(ratios):.1%}"
        print(f"{what} adds {added} ({name}: {drawn:.1f} ms for {ready:.1f})")


if __name__ == "__main__":
    _take_better_allocator()
    main()
