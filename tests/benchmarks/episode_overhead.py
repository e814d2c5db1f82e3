"""What drawing, decoding and assembling episodes adds to an outer step, prefetched beside it.

Run by hand: ``python -m tests.benchmarks.episode_overhead OMNIGLOT_FOLDER [--rounds 5] [--seconds 8] [--augment
flip,rotate]``. Two trainers of the quick MAML recipe take turns: one draws its episodes from the image store, and
augments them where changes are named (or ``all``), the other gets some that were drawn beforehand and stay as they are.
Both trace, and both have moved their tasks to processes before the first turn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import torch

from metastudio.catalog.augmentation import STRENGTHS
from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.recipes import find_recipe, with_recipe
from metastudio.catalog.validation import parse_experiment
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import chosen_executor, executor_named
from metastudio.engine.training.trainer import Trainer
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store

WARM_UP_S = 25.0
DRAWN = 64


class Beforehand:
    """Gives the same few episodes again and again, where the source would draw new ones."""

    def __init__(self, source: EpisodesByClass, spec: EpisodeSpec) -> None:
        self._source = source
        self._episodes = [source.episode(Part.META_TRAIN, number, spec) for number in range(DRAWN)]

    def class_count(self, part: Part) -> int:
        return self._source.class_count(part)

    def can_give(self, part: Part, spec: EpisodeSpec) -> bool:
        return self._source.can_give(part, spec)

    def episode(self, part: Part, number: int, spec: EpisodeSpec) -> Episode:
        if part is Part.META_TRAIN:
            return self._episodes[number % DRAWN]
        return self._source.episode(part, number, spec)


def steps_of(experiment: ExperimentConfig, source: object, stack: ExitStack) -> Iterator[int]:
    """Yield the iteration of each outer step of a trainer that has warmed up."""
    name, threads = chosen_executor(torch.device("cpu"), experiment.training.meta_batch_size)
    executor = stack.enter_context(executor_named(name, threads))
    learner = build_learner(experiment, train_classes=100)
    trainer = Trainer(experiment, learner, source, executor=executor, save=lambda *_: Path())  # type: ignore[arg-type]
    events = (event.iteration for event in trainer.run() if event.kind == "outer_step")
    began = time.monotonic()
    for _ in events:
        if time.monotonic() - began > WARM_UP_S:
            break
    return events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--augment", default="", help=f"changes by name, or all: {', '.join(STRENGTHS)}")
    arguments = parser.parse_args()
    names = list(STRENGTHS) if arguments.augment == "all" else list(filter(None, arguments.augment.split(",")))
    values = with_recipe({}, find_recipe("quick-maml-omniglot"))
    values["training"] |= {"iterations": 10**6, "validate_every": 10**6, "checkpoint_every": 10**6}
    experiment = parse_experiment(values)
    augmented = parse_experiment({**values, "augmentation": dict.fromkeys(names, True)})
    store = open_store(scan([arguments.omniglot]), experiment.data.preprocessing)
    parts = {each.name: Part.META_TRAIN for each in store.index.classes}
    rotated = frozenset({Part.META_TRAIN})
    source = EpisodesByClass(store, parts, experiment.data.preprocessing, seed=0, rotated_parts=rotated)
    seconds: dict[str, list[float]] = {"drawn in training": [], "drawn beforehand": []}
    with ExitStack() as stack:
        sides = {
            "drawn in training": steps_of(augmented, source, stack),
            "drawn beforehand": steps_of(experiment, Beforehand(source, experiment.episodes.for_training()), stack),
        }
        for _ in range(arguments.rounds):
            for name, steps in sides.items():
                began, count = time.monotonic(), 0
                while time.monotonic() - began < arguments.seconds:
                    next(steps)
                    count += 1
                seconds[name].append((time.monotonic() - began) / count)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name, median in medians.items():
        print(f"{name}: {1000 * median:.1f} ms an outer step")
    what = f"drawing and augmenting ({', '.join(names)})" if names else "drawing"
    print(f"{what} adds {medians['drawn in training'] / medians['drawn beforehand'] - 1:.1%}")


if __name__ == "__main__":
    main()
