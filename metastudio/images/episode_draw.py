"""Which classes and images make up an episode: one draw, for what the window shows and what the engine trains on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    random = _generator(seed, part, number)
    drawn = random.choice(len(class_sizes) * rotations, size=n_way, replace=False).astype(np.int64)
    chosen: dict[int, NDArray[np.int64]] = {}  # (K + Q,) images; all turns of a class share them
    for position in (drawn // rotations).tolist():
        if position not in chosen:
            chosen[position] = _images(random, class_sizes[position], n_shot, n_query, part)
    images = [chosen[position] for position in (drawn // rotations).tolist()]
    return DrawnEpisode(
        drawn // rotations,
        drawn % rotations,
        tuple(each[:n_shot] for each in images),
        tuple(each[n_shot:] for each in images),
    )


@dataclass(frozen=True)
class PinnedClass:
    """A class that keeps its place in an episode, and those of its images that keep theirs.

    Attributes:
        position: Of the class among those drawn from.
        quarter_turns: How often its images are turned.
        support: Image positions within the class, by their place among the support images.
        query: The same, by their place among the query images.
    """

    position: int
    quarter_turns: int = 0
    support: Mapping[int, int] = field(default_factory=dict)
    query: Mapping[int, int] = field(default_factory=dict)


def keep_pinned(
    drawn: DrawnEpisode,
    pins: Mapping[int, PinnedClass],
    class_sizes: Sequence[int],
    *,
    seed: int,
    part: Part,
    number: int,
) -> DrawnEpisode:
    """Return a drawn episode in which pinned classes and images have their places, for looking at; training has none.

    What was drawn for a place that is taken moves into a place that became free, or is left out. A pinned class that
    was not drawn gets images as it would if it were. Pins of places that the episode does not have are passed over.

    Args:
        drawn: Episode `number` as `draw_episode` gave it.
        pins: By label, in [0, N); no two of the same class and turn.
        class_sizes: Number of images of each class of the part.
        seed: The experiment's seed.
        part: Part the sizes belong to.
        number: Which episode, from 0.

    Raises:
        DataError: if a pinned class has fewer than K + Q images.
    """
    rows = list(zip(drawn.classes.tolist(), drawn.quarter_turns.tolist(), strict=True))
    pinned = {label: (pin.position, pin.quarter_turns) for label, pin in pins.items() if label < len(rows)}
    wanted = set(pinned.values())
    free = iter([row for label, row in enumerate(rows) if label in pinned and row not in wanted])
    for label, row in enumerate(rows):
        if label in pinned:
            rows[label] = pinned[label]
        elif row in wanted:
            rows[label] = next(free)
    n_shot, n_query = len(drawn.support[0]), len(drawn.query[0])
    images = {
        position: np.concatenate((support, query))
        for position, support, query in zip(drawn.classes.tolist(), drawn.support, drawn.query, strict=True)
    }
    for position, _ in rows:
        if position not in images:
            random = _generator(seed, part, number, position)
            images[position] = _images(random, class_sizes[position], n_shot, n_query, part)
    for label, pin in pins.items():
        if label in pinned:
            places = {place: image for place, image in pin.support.items() if place < n_shot}
            places |= {n_shot + place: image for place, image in pin.query.items() if place < n_query}
            _put(images[pin.position], places)
    found = [images[position] for position, _ in rows]
    return DrawnEpisode(
        np.array([position for position, _ in rows], np.int64),
        np.array([turns for _, turns in rows], np.int64),
        tuple(each[:n_shot] for each in found),
        tuple(each[n_shot:] for each in found),
    )


def _put(images: NDArray[np.int64], places: Mapping[int, int]) -> None:
    """Put images of one class in their places; whatever was there changes place with them."""
    for place, image in places.items():
        images[images == image] = images[place]
        images[place] = image


def _generator(seed: int, part: Part, number: int, *more: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _PART_STREAM[part], number, *more])))


def _images(random: np.random.Generator, size: int, n_shot: int, n_query: int, part: Part) -> NDArray[np.int64]:
    """Draw the (K + Q,) images of one class."""
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
    return random.choice(size, size=n_shot + n_query, replace=False).astype(np.int64)
