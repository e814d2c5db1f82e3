"""Whether what was learned helps with a target task: said in one honest sentence, from the support pictures alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.engine.adaptation import AdaptedTask
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import LabelledImages
from metastudio.engine.tasks.pixels import unnormalized
from metastudio.engine.tasks.target_task import read_picture
from metastudio.errors import DataError

_BUDGET_S = 4.0
_FEWEST, _MOST = 6, 15
_TRAINING_PICTURES = 12
_NO_COLOUR, _COLOURED = 0.02, 0.06


@lru_cache(maxsize=4)  # asked by each format that a task is exported to
def transfer_note(adapted: AdaptedTask) -> str:
    """Return how the model compares with plain pixel averages, and how its training pictures differ from these.

    Support pictures are left out one at a time, where their class has another; empty where nothing can be said, or
    finding out would take longer than a person waits.
    """
    return " ".join(part for part in (_compared(adapted), _colours(adapted)) if part)


def left_out(learner: MetaLearner, support: LabelledImages, rows: Sequence[int]) -> list[bool]:
    """Return for each of the rows whether a classifier of all other support pictures names it right."""
    right = []
    for row in rows:
        others = torch.arange(len(support)) != row
        rest = LabelledImages(support.images[others], support.labels[others])
        logits = learner.adapt(rest).logits(support.images[row : row + 1])
        right.append(int(logits.argmax()) == int(support.labels[row]))
    return right


def left_out_pixels(support: LabelledImages, rows: Sequence[int]) -> list[bool]:
    """Return the same for the nearest class average of raw pixels."""
    pixels, n_way = support.images.flatten(1), int(support.labels.max()) + 1
    right = []
    for row in rows:
        others = torch.arange(len(support)) != row
        means = torch.stack([pixels[others & (support.labels == label)].mean(dim=0) for label in range(n_way)])
        nearest = (means - pixels[row]).pow(2).sum(dim=1).argmin()
        right.append(int(nearest) == int(support.labels[row]))
    return right


def _compared(adapted: AdaptedTask) -> str:
    support, shots = adapted.loaded.support, adapted.loaded.shots()
    rows = [row for row, label in enumerate(support.labels.tolist()) if shots[label] > 1]
    count = min(len(rows), _MOST, int(_BUDGET_S / max(adapted.adapting_s, 1e-6)))
    if count < _FEWEST:
        return ""
    rows = [rows[number * len(rows) // count] for number in range(count)]
    model = left_out(adapted.trained.learner, support, rows)
    pixels = unnormalized(support.images, adapted.trained.experiment.data.preprocessing.moments)
    plain = left_out_pixels(LabelledImages(pixels, support.labels), rows)
    better = sum(mine and not its for mine, its in zip(model, plain, strict=True))
    worse = sum(its and not mine for mine, its in zip(model, plain, strict=True))
    if abs(better - worse) <= 1.96 * math.sqrt(better + worse):  # McNemar: the paired difference includes zero
        verdict = "too close to say that what it learned helps here"
    elif better > worse:
        verdict = "what it learned helps here"
    else:
        verdict = "what it learned does not help here"
    return (
        f"With one support picture left out at a time it names {sum(model)} of {count} right, "
        f"plain pixel averages {sum(plain)}: {verdict}."
    )


def _colours(adapted: AdaptedTask) -> str:
    """Return a sentence where one side is in colour and the other is not."""
    preprocessing = adapted.trained.experiment.data.preprocessing
    in_colour = Preprocessing(image_size=preprocessing.image_size, fit=preprocessing.fit)
    ours = _colourfulness([read_picture(file, in_colour) for file in adapted.loaded.support_files[:_TRAINING_PICTURES]])
    if preprocessing.colour == "grey":
        return "It sees only the brightness of these pictures, not their colour." if ours > _COLOURED else ""
    index, parts = adapted.trained.data
    files = [each.files[0].path for each in index.classes if parts.get(each.name) is Part.META_TRAIN and each.files]
    try:
        theirs = _colourfulness([read_picture(file, in_colour) for file in files[:_TRAINING_PICTURES]])
    except DataError:  # the training pictures are no longer there, and nothing is claimed of them
        return ""
    if theirs < _NO_COLOUR and ours > _COLOURED:
        return "It was trained on grey pictures, and these are in colour."
    if theirs > _COLOURED and ours < _NO_COLOUR:
        return "It was trained on pictures in colour, and these are grey."
    return ""


def _colourfulness(images: Sequence[Tensor]) -> float:
    """Return the mean distance between the strongest and the weakest channel of images (1, 3, H, W), in [0, 1]."""
    both = torch.cat(list(images))
    return float((both.amax(dim=1) - both.amin(dim=1)).mean())
