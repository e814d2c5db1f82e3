"""MAML under the protocol of learn2learn's Omniglot example: accuracy after so many seconds of training.

Random split of 1,200 / 423 characters with rotations in both, 5-way 1-shot, 5 queries, batch statistics
(transductive). The recipe's rate falls over as many iterations as are asked for, so they should take about as long as
the last mark. Run by hand:
`python -m tests.benchmarks.learn2learn_protocol OMNIGLOT_FOLDER [--iterations 6000] [--marks 185 335 600]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from metastudio.catalog.data_spec import Part
from metastudio.catalog.recipes import find_recipe, with_recipe
from metastudio.catalog.validation import parse_experiment
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import chosen_executor, executor_named
from metastudio.engine.training.trainer import Trainer
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store

TRAIN_CHARACTERS = 1200
THEIRS = {185: 0.90, 335: 0.92, 600: 0.935}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("--recipe", default="quick-maml-omniglot")
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--iterations", type=int, default=6000)
    parser.add_argument("--marks", type=int, nargs="*", default=list(THEIRS), help="seconds of training")
    arguments = parser.parse_args()
    values = with_recipe({"episodes": {"n_way": 5, "n_shot": 1, "n_query": 5}}, find_recipe(arguments.recipe))
    values["episodes"]["n_query"] = 5
    values["training"] |= {"validate_every": 10**6, "checkpoint_every": 10**6, "iterations": arguments.iterations}
    experiment = parse_experiment(values)
    store = open_store(scan([arguments.omniglot]), experiment.data.preprocessing)
    names = [each.name for each in store.index.classes]
    order = np.random.default_rng(0).permutation(len(names))
    parts = {names[i]: Part.META_TRAIN if place < TRAIN_CHARACTERS else Part.META_TEST for place, i in enumerate(order)}
    source = EpisodesByClass(
        store,
        parts,
        experiment.data.preprocessing,
        seed=0,
        rotated_parts=frozenset({Part.META_TRAIN, Part.META_TEST}),
    )
    learner = build_learner(experiment, train_classes=source.class_count(Part.META_TRAIN))
    marks = list(arguments.marks)
    name, threads = chosen_executor(torch.device("cpu"), experiment.training.meta_batch_size)
    with executor_named(name, threads) as executor:
        trainer = Trainer(experiment, learner, source, executor=executor, save=lambda *_: Path())
        for event in trainer.run():
            is_last = event.kind == "finished"
            if is_last or (event.kind == "outer_step" and marks and event.elapsed_s >= marks[0]):
                score = evaluate(
                    learner,
                    source,
                    Part.META_TEST,
                    experiment.episodes.for_test(),
                    episodes=arguments.episodes,
                    statistics="batch",
                    executor=executor,
                )
                mark = marks.pop(0) if marks else 0
                theirs = f", learn2learn {THEIRS[mark]:.1%}" if mark in THEIRS and not is_last else ""
                print(
                    f"{trainer.progress.elapsed_s:5.0f} s, iteration {trainer.progress.iteration}: "
                    f"{score.accuracy:.2%} ± {score.ci95:.2%} (transductive{theirs})",
                    flush=True,
                )
            if is_last or not marks:
                break


if __name__ == "__main__":
    main()
