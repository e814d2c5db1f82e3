"""Five pictures of each of three kinds of blood cell: a trained run against the nearest centroid on raw pixels.

Each of 100 random draws adapts to 15 pictures through the same code as Try it and asks about every other picture alone.
Run by hand: `python -m tests.benchmarks.blood_cells RUN BLOOD_CELLS_FOLDER [--draws 100] [--shots 5]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from metastudio.engine.learner import load_learner
from metastudio.engine.tasks.episode import LabelledImages
from metastudio.engine.tasks.pixels import network_input
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.statistics import mean_ci95


def nearest_centroid(support: LabelledImages, query: LabelledImages) -> float:
    """Return the accuracy of class means of raw pixels."""
    pixels = support.images.flatten(1)
    means = torch.stack([pixels[support.labels == label].mean(0) for label in support.labels.unique()])
    return float((torch.cdist(query.images.flatten(1), means).argmin(1) == query.labels).double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("blood_cells", type=Path)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--shots", type=int, default=5)
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    learner, preprocessing = load_learner(run), run.experiment().data.preprocessing
    index = scan([arguments.blood_cells])
    store = open_store(index, preprocessing)
    images = network_input(np.array(store.images), preprocessing)
    in_colour = preprocessing.model_copy(update={"colour": "colour"})
    coloured = network_input(np.array(open_store(index, in_colour).images), in_colour)
    labels = torch.cat(
        [torch.full((len(store.rows(each.name)),), label) for label, each in enumerate(store.index.classes)]
    )
    scores: dict[str, list[float]] = {"adapted": [], "not adapted": [], "raw pixels": [], "raw colours": []}
    for draw in range(arguments.draws):
        random = np.random.default_rng(draw)
        chosen = np.concatenate(
            [
                random.choice(np.asarray(store.rows(each.name)), arguments.shots, replace=False)
                for each in store.index.classes
            ]
        )
        rest = np.setdiff1d(np.arange(len(images)), chosen)
        support = LabelledImages(images[chosen], labels[chosen])
        query = LabelledImages(images[rest], labels[rest])
        for name, steps in (("adapted", None), ("not adapted", 0)):
            classifier = learner.adapt(support, steps=steps)  # support statistics: each query is answered alone
            answers = classifier.logits(query.images).argmax(1)
            scores[name].append(float((answers == query.labels).double().mean()))
        scores["raw pixels"].append(nearest_centroid(support, query))
        scores["raw colours"].append(
            nearest_centroid(
                LabelledImages(coloured[chosen], labels[chosen]), LabelledImages(coloured[rest], labels[rest])
            )
        )
    print(f"{run.name}: {preprocessing.image_size} px, {preprocessing.colour}, {arguments.shots} pictures a class")
    for name, values in scores.items():
        mean, ci95 = mean_ci95(values)
        print(f"  {name:12} {mean:.1%} ± {ci95 or 0:.1%} over {len(values)} draws")
    difference, ci95 = mean_ci95([a - b for a, b in zip(scores["adapted"], scores["raw pixels"], strict=True)])
    print(f"  adapted - raw pixels, paired: {difference:+.1%} ± {ci95 or 0:.1%}")


if __name__ == "__main__":
    main()
