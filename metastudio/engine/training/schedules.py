"""The outer learning rate as a pure function of the iteration, so that a resume needs no state of it."""

from __future__ import annotations

import math

from metastudio.catalog.experiment import TrainingSpec


def outer_lr(training: TrainingSpec, iteration: int) -> float:
    """Return the learning rate of outer step `iteration`, which counts from 1."""
    done = (iteration - 1) / training.iterations
    match training.schedule:
        case "linear":
            factor = 1 - done
        case "cosine":
            factor = (1 + math.cos(math.pi * done)) / 2
        case "halving":
            factor = 0.5 ** ((iteration - 1) // training.halve_every)
        case _:
            factor = 1.0
    return training.outer_lr * factor
