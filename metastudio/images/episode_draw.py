"""Which classes and images make up an episode: one draw, for what the window shows and what the engine trains on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metastudio.catalog.data_spec import Part
from metastudio.errors import DataError

_PART_STREAM = {Part.META_TRAIN: 0, Part.META_VAL: 1, Part.META_TEST: 2}


@dataclass(frozen=True)
class DrawnEpisode:
    """N classes in label order, with the images of each.

    Attributes:
        classes: (N,) position of each class among those drawn from; with rotations a class may appear more than once.
        quarter_turns: (N,) how often its images are turned by 90 degrees, counter-clockwise.
        support: N arrays (K,) of image positions within the class.
        query: N arrays (Q,) of image positions within the class, none of them in `support`.
    """

    classes: NDArray[np.int64]
    quarter_turns: NDArray[np.int64]
    support: tuple[NDArray[np.int64], ...]
    query: tuple[NDArray[np.int64], ...]


def draw_episode(
    class_sizes: Sequence[int],
    n_way: int,
    n_shot: int,
    n_query: int,
    *,
    seed: int,
    part: Part,
    number: int,
    rotations: int = 1,
) -> DrawnEpisode:
    """Draw episode `number` of a part: a pure function of its arguments.

    Args:
        class_sizes: Number of images of each class of the part.
        n_way: N, classes of the episode; their random order is the label permutation.
        n_shot: K, support images of each class.
        n_query: Q, query images of each class.
        seed: The experiment's seed.
        part: Part the sizes belong to; each has a stream of its own.
        number: Which episode, from 0.
        rotations: 4 to count each class once for each quarter turn.

    Raises:
        DataError: if there are fewer than N classes, or a drawn class has fewer than K + Q images.
    """
    if len(class_sizes) * rotations < n_way:
        raise DataError(
            "An episode of {n_way} ways cannot be drawn from {available} classes.",
            n_way=n_way,
            available=len(class_sizes) * rotations,
            where=part.label,
            todo="Lower the ways, or put more classes into this part.",
        )
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _PART_STREAM[part], number])))
    drawn = random.choice(len(class_sizes) * rotations, size=n_way, replace=False).astype(np.int64)
    chosen: dict[int, NDArray[np.int64]] = {}  # (K + Q,) images; all turns of a class share them
    for position in (drawn // rotations).tolist():
        if position in chosen:
            continue
        size = class_sizes[position]
        if size < n_shot + n_query:
            raise DataError(
                "A class has {size} images, fewer than the {needed} that K + Q = {n_shot} + {n_query} need.",
                size=size,
                needed=n_shot + n_query,
                n_shot=n_shot,
                n_query=n_query,
                where=part.label,
                todo="Lower the shots or the queries, or exclude the class.",
            )
        chosen[position] = random.choice(size, size=n_shot + n_query, replace=False).astype(np.int64)
    images = [chosen[position] for position in (drawn // rotations).tolist()]
    return DrawnEpisode(
        drawn // rotations,
        drawn % rotations,
        tuple(each[:n_shot] for each in images),
        tuple(each[n_shot:] for each in images),
    )
