"""Classes of the library as classes of a target task: some pictures as support, others as labelled queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from metastudio.catalog.experiment import TargetClass
from metastudio.images.image_index import ImageClass


def library_classes(
    classes: Sequence[ImageClass], *, n_shot: int, n_query: int, seed: int | None = None
) -> tuple[TargetClass, ...]:
    """Return a class of a task for each class of the library.

    Support comes first: a class with fewer than K + Q pictures has fewer queries, one with fewer than K fewer shots.

    Args:
        classes: What is taken; names without their folders, unless two would then be the same.
        n_shot: K, support pictures of each.
        n_query: Q, queries of each, whose class is known.
        seed: Decides which pictures; None takes the first ones.
    """
    short = Counter(each.name.rpartition("/")[2] for each in classes)
    made = []
    for number, each in enumerate(classes):
        order = np.arange(len(each.files))
        if seed is not None:
            order = np.random.default_rng([seed, number]).permutation(len(each.files))
        paths = tuple(each.files[place].path for place in order.tolist()[: n_shot + n_query])
        name = each.name.rpartition("/")[2]
        made.append(
            TargetClass(name=name if short[name] == 1 else each.name, support=paths[:n_shot], query=paths[n_shot:])
        )
    return tuple(made)
