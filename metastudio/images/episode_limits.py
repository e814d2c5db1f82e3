"""Whether the images allow the episodes that are asked for: enough classes for N, enough images for K + Q."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.errors import Problem, Severity, problem
from metastudio.images.image_index import ImageClass, ImageIndex

_ROTATIONS = 4


class Fit(Enum):
    """Whether episodes of a shape can be drawn: always, once small classes are left out, or not at all."""

    ALWAYS = "always"
    WITHOUT_SMALL_CLASSES = "without small classes"
    NEVER = "never"


@dataclass(frozen=True)
class Feasible:
    """What the classes of a part allow, for every N, K and Q.

    Every class may be drawn, so K + Q is at most the pictures of the smallest; without the smallest classes it may be
    more, and N less.

    Attributes:
        sizes: Number of images of each class, the fewest first.
        names: The classes, in the same order.
        turns: How often a class counts: 4 where its rotations are classes.
    """

    sizes: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    turns: int = 1

    @property
    def n_way(self) -> int:
        """The most N."""
        return len(self.sizes) * self.turns

    @property
    def n_images(self) -> int:
        """The most K + Q with every class; 0 where there is none."""
        return self.sizes[0] if self.sizes else 0

    @property
    def limiting_class(self) -> str:
        """The class that sets it."""
        return self.names[0] if self.names else ""

    def ways_with(self, n_images: int) -> int:
        """Return the most N when only classes with at least so many images are kept."""
        return (len(self.sizes) - self.count_below(n_images)) * self.turns

    def count_below(self, n_images: int) -> int:
        """Return how many classes have fewer images."""
        return bisect_left(self.sizes, n_images)

    def most_images(self, n_way: int) -> int:
        """Return the most K + Q for which N classes can be found, small ones left out; 0 where there are fewer."""
        kept = -(-n_way // self.turns)
        return self.sizes[-kept] if 0 < kept <= len(self.sizes) else 0

    def fit(self, n_way: int, n_shot: int, n_query: int) -> Fit:
        """Say whether episodes of N classes with K + Q images each can be drawn."""
        needed = n_shot + n_query
        if self.ways_with(needed) < n_way:
            return Fit.NEVER
        return Fit.WITHOUT_SMALL_CLASSES if self.count_below(needed) else Fit.ALWAYS


def feasible(
    index: ImageIndex, parts: Mapping[str, Part], part: Part, *, rotations_as_classes: bool = False
) -> Feasible:
    """Return what the classes of a part allow."""
    own = sorted(_classes_of(index, parts, part), key=lambda each: len(each.files))
    turns = _ROTATIONS if rotations_as_classes and part is Part.META_TRAIN else 1
    return Feasible(tuple(len(each.files) for each in own), tuple(each.name for each in own), turns)


def too_small(index: ImageIndex, parts: Mapping[str, Part], part: Part, shape: EpisodeSpec) -> tuple[str, ...]:
    """Return the classes of a part that have fewer than K + Q images."""
    needed = shape.n_shot + shape.n_query
    return tuple(each.name for each in _classes_of(index, parts, part) if len(each.files) < needed)


def limits(
    index: ImageIndex,
    parts: Mapping[str, Part],
    part: Part,
    shape: EpisodeSpec,
    *,
    rotations_as_classes: bool = False,
) -> tuple[Problem, ...]:
    """Return what stands against drawing episodes of this shape from a part, and what to change.

    What concerns meta-test is a warning, for it is only needed when asked for; so is a missing meta-val.
    """
    problems: list[Problem] = []
    allowed = feasible(index, parts, part, rotations_as_classes=rotations_as_classes)
    severity = Severity.WARNING if part is Part.META_TEST else Severity.ERROR
    if allowed.n_way == 0:
        problems.append(_no_classes(part))
    elif allowed.n_way < shape.n_way:
        problems.append(_too_few_classes(part, allowed, shape, severity))
    small = too_small(index, parts, part, shape)
    if small:
        problems.append(_too_few_images(part, allowed, shape, small, severity))
    return tuple(problems)


def _classes_of(index: ImageIndex, parts: Mapping[str, Part], part: Part) -> list[ImageClass]:
    return [each for each in index.classes if parts.get(each.name) is part]


def _no_classes(part: Part) -> Problem:
    return problem(
        "no-classes",
        "There are no classes in {part}.",
        where="data.split",
        todo="Put some there; it takes as many as an episode has ways.",
        severity=Severity.ERROR if part is Part.META_TRAIN else Severity.WARNING,
        part=part.label,
    )


def _too_few_classes(part: Part, allowed: Feasible, shape: EpisodeSpec, severity: Severity) -> Problem:
    return problem(
        "too-few-classes",
        "{part} has {count} classes, an episode takes {n_way}.",
        one="{part} has 1 class, an episode takes {n_way}.",
        where="episodes.train_n_way" if part is Part.META_TRAIN else "episodes.n_way",
        todo="Lower the ways to {count}, or put more classes into {part}."
        if allowed.n_way > 1
        else "Put more classes into {part}.",
        severity=severity,
        part=part.label,
        count=allowed.n_way,
        n_way=shape.n_way,
    )


def _too_few_images(
    part: Part, allowed: Feasible, shape: EpisodeSpec, small: tuple[str, ...], severity: Severity
) -> Problem:
    n_query = allowed.n_images - shape.n_shot
    lower = (
        "Lower the queries to {feasible_query}, or leave it out."
        if n_query > 0
        else "Lower the shots, or leave it out."
    )
    return problem(
        "too-few-images",
        "Class '{name}' has {images} images, an episode takes {n_shot} + {n_query} of each class."
        + (" So it is with {other_count} others of {part}." if len(small) > 1 else ""),
        where=allowed.limiting_class,
        others=[name for name in small if name != allowed.limiting_class],
        todo=lower,
        severity=severity,
        name=allowed.limiting_class,
        images=allowed.n_images,
        n_shot=shape.n_shot,
        n_query=shape.n_query,
        feasible_query=max(n_query, 0),
        other_count=len(small) - 1,
        part=part.label,
    )
