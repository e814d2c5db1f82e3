"""Whether the images allow the episodes that are asked for: enough classes for N, enough images for K + Q."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.errors import Problem, Severity, problem
from metastudio.images.image_index import ImageClass, ImageIndex

_ROTATIONS = 4


@dataclass(frozen=True)
class Feasible:
    """What a part allows: N at most `n_way`, K + Q at most `n_images`, which `limiting_class` sets."""

    n_way: int
    n_images: int
    limiting_class: str


def feasible(
    index: ImageIndex, parts: Mapping[str, Part], part: Part, *, rotations_as_classes: bool = False
) -> Feasible:
    """Return what the classes of a part allow; (0, 0, "") where it has none."""
    own = _classes_of(index, parts, part)
    if not own:
        return Feasible(0, 0, "")
    smallest = min(own, key=lambda each: len(each.files))
    turns = _ROTATIONS if rotations_as_classes and part is Part.META_TRAIN else 1
    return Feasible(len(own) * turns, len(smallest.files), smallest.name)


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
        + (" So it is with {others} others of {part}." if len(small) > 1 else ""),
        where=allowed.limiting_class,
        todo=lower,
        severity=severity,
        name=allowed.limiting_class,
        images=allowed.n_images,
        n_shot=shape.n_shot,
        n_query=shape.n_query,
        feasible_query=max(n_query, 0),
        others=len(small) - 1,
        part=part.label,
    )
