"""What is odd about the classes by their names and sizes alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from metastudio.errors import Problem, Severity, problem
from metastudio.images.image_index import ImageClass

_IMBALANCED_FROM: Final = 10
CLASS_CODES: Final = frozenset({"one-class", "imbalanced", "class-differs-in-case"})
"""Codes of the problems that `class_problems` finds."""


def class_problems(classes: Sequence[ImageClass]) -> tuple[Problem, ...]:
    """Return what is odd about these classes: a single one, much larger ones, names that differ only in case."""
    return (*_differ_in_case(classes), *(_alone(classes[0]) if len(classes) == 1 else _imbalance(classes)))


def _alone(only: ImageClass) -> Iterator[Problem]:
    yield problem(
        "one-class",
        "There is only one class, '{name}'.",
        where=only.name,
        todo="A task needs two classes or more: put the pictures of each class into a folder of its own.",
        severity=Severity.WARNING,
        name=only.name,
    )


def _imbalance(classes: Sequence[ImageClass]) -> Iterator[Problem]:
    if not classes:
        return
    sizes = {each.name: len(each.files) for each in classes}
    smallest, largest = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    small = [name for name, size in sizes.items() if sizes[largest] >= _IMBALANCED_FROM * size]
    if small:
        yield problem(
            "imbalanced",
            "Class '{largest}' has {most} pictures, class '{smallest}' only {fewest}.",
            where=smallest,
            others=[name for name in small if name != smallest],
            todo="Episodes take equally many of each class; the smallest sets how many.",
            severity=Severity.NOTE,
            largest=largest,
            most=sizes[largest],
            smallest=smallest,
            fewest=sizes[smallest],
        )


def _differ_in_case(classes: Sequence[ImageClass]) -> Iterator[Problem]:
    by_folded: dict[str, list[str]] = defaultdict(list)
    for each in classes:
        by_folded[each.name.casefold()].append(each.name)
    for names in by_folded.values():
        if len(names) > 1:
            yield problem(
                "class-differs-in-case",
                "Classes {names} differ only in upper and lower case.",
                where=names[0],
                others=names[1:],
                todo="Merge them, or rename one: some systems cannot keep both apart.",
                severity=Severity.WARNING,
                names=" and ".join(f"'{name}'" for name in names),
            )
