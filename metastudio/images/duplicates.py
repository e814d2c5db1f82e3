"""The same picture twice: within a class, in two classes, or, worst, on both sides of the split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from metastudio.catalog.data_spec import Part
from metastudio.errors import Problem, Severity, problem
from metastudio.images.image_index import ImageIndex


def duplicates(index: ImageIndex, parts: Mapping[str, Part] | None = None) -> tuple[Problem, ...]:
    """Return a problem for every picture whose bytes are there more than once, as far as files were read.

    `parts` is the split; without it what the folders say is taken.
    """
    if parts is None:
        parts = {each.name: each.part for each in index.classes if each.part}
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in index.classes:
        for file in each.files:
            if file.sha256:
                places[file.sha256].append((each.name, file.path))
    return tuple(_problem(same, parts) for same in places.values() if len(same) > 1)


def _problem(same: list[tuple[str, str]], parts: Mapping[str, Part]) -> Problem:
    names = {name for name, _ in same}
    _, path = same[0]
    other = next((each for each in same if parts.get(each[0]) != parts.get(same[0][0])), None)
    if other is not None:
        return problem(
            "duplicate-across-parts",
            "The same picture lies in '{other}': {part} and {other_part} both have it, which flatters the result.",
            where=path,
            todo="Remove one of them.",
            severity=Severity.WARNING,
            other=other[1],
            part=_label(parts.get(same[0][0])),
            other_part=_label(parts.get(other[0])),
        )
    other = next((each for each in same if each[0] != same[0][0]), None)
    if other is not None:
        return problem(
            "duplicate-across-classes",
            "The same picture lies in '{other}': {count} classes have it.",
            where=path,
            todo="Remove it from all classes but one.",
            severity=Severity.WARNING,
            other=other[1],
            count=len(names),
        )
    return problem(
        "duplicate-in-class",
        "The same picture lies in '{other}': the class has it {count} times.",
        where=path,
        todo="A picture may then be support and query of one task; remove the copies.",
        severity=Severity.WARNING,
        other=same[1][1],
        count=len(same),
    )


def _label(part: Part | None) -> str:
    return "no part" if part is None else part.label
