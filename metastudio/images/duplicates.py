"""The same picture twice, or nearly: within a class, in two classes, or, worst, on both sides of the split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from metastudio.catalog.data_spec import Part
from metastudio.errors import Problem, Severity, problem
from metastudio.images.image_index import ImageIndex

_ACROSS_PARTS = "{part} and {other_part} both have it, which flatters the result."
_ACROSS_CLASSES = "{count} classes have it."
_IN_CLASS = "the class has it {count} times."


@dataclass(frozen=True)
class _Kind:
    """How it is said of copies, or of pictures that only look the same."""

    code: str
    opening: str
    within_class: Severity


_COPIES = _Kind("duplicate", "The same picture lies in '{other}': ", Severity.WARNING)
_NEARLY = _Kind("near-duplicate", "Nearly the same picture lies in '{other}': ", Severity.NOTE)

_Place = tuple[str, str]
"""A class and the path of one of its files."""


def duplicates(index: ImageIndex, parts: Mapping[str, Part] | None = None) -> tuple[Problem, ...]:
    """Return a problem for every picture whose bytes are there more than once, as far as files were read.

    `parts` is the split; without it what the folders say is taken.
    """
    places: dict[str, list[_Place]] = defaultdict(list)
    for each in index.classes:
        for file in each.files:
            if file.sha256:
                places[file.sha256].append((each.name, file.path))
    return _problems(_COPIES, places.values(), parts if parts is not None else _parts_said(index))


def near_duplicate_problems(
    groups: Iterable[Sequence[str]], index: ImageIndex, parts: Mapping[str, Part] | None = None
) -> tuple[Problem, ...]:
    """Return a problem for every group of files that `near_duplicates` found; files that `index` lacks are left out.

    `parts` is the split; without it what the folders say is taken.
    """
    names = {file.path: each.name for each in index.classes for file in each.files}
    places = ([(names[path], path) for path in group if path in names] for group in groups)
    return _problems(_NEARLY, places, parts if parts is not None else _parts_said(index))


def _parts_said(index: ImageIndex) -> dict[str, Part]:
    return {each.name: each.part for each in index.classes if each.part}


def _problems(kind: _Kind, groups: Iterable[list[_Place]], parts: Mapping[str, Part]) -> tuple[Problem, ...]:
    return tuple(_problem(kind, same, parts) for same in groups if len(same) > 1)


def _problem(kind: _Kind, same: list[_Place], parts: Mapping[str, Part]) -> Problem:
    first, path = same[0]
    others = [each for _, each in same[1:]]
    beyond = next((each for each in same if parts.get(each[0]) != parts.get(first)), None)
    if beyond is not None:
        return problem(
            f"{kind.code}-across-parts",
            kind.opening + _ACROSS_PARTS,
            where=path,
            others=others,
            todo="Remove one of them.",
            severity=Severity.WARNING,
            other=beyond[1],
            part=_label(parts.get(first)),
            other_part=_label(parts.get(beyond[0])),
        )
    beside = next((each for each in same if each[0] != first), None)
    if beside is not None:
        return problem(
            f"{kind.code}-across-classes",
            kind.opening + _ACROSS_CLASSES,
            where=path,
            others=others,
            todo="Remove it from all classes but one.",
            severity=Severity.WARNING,
            other=beside[1],
            count=len({name for name, _ in same}),
        )
    return problem(
        f"{kind.code}-in-class",
        kind.opening + _IN_CLASS,
        where=path,
        others=others,
        todo="A picture may then be support and query of one task; remove the copies.",
        severity=kind.within_class,
        other=same[1][1],
        count=len(same),
    )


def _label(part: Part | None) -> str:
    return "no part" if part is None else part.label
