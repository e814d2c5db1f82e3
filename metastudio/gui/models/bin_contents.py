"""What lies in the bins of a task: its classes with support and queries, and pictures whose class is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from metastudio.catalog.experiment import TargetClass

SUPPORT, QUERY, UNLABELLED = "support", "query", "unlabelled"


class Bin(NamedTuple):
    """A place for pictures: the support or the queries of a class, by its number; the unlabelled have none."""

    number: int
    role: str


UNLABELLED_BIN = Bin(-1, UNLABELLED)


@dataclass(frozen=True)
class BinContents:
    """A value: each change gives another one. A picture lies in one bin only.

    Attributes:
        classes: With their names, support and queries.
        unlabelled: Pictures to classify.
    """

    classes: tuple[TargetClass, ...] = ()
    unlabelled: tuple[str, ...] = ()

    def at(self, place: Bin) -> tuple[str, ...]:
        """Return the pictures of a bin."""
        return self.unlabelled if place == UNLABELLED_BIN else getattr(self.classes[place.number], place.role)

    def owners(self) -> dict[str, str]:
        """Return the class of every picture; of those that have none an empty name."""
        named = {path: each.name for each in self.classes for path in (*each.support, *each.query)}
        return dict.fromkeys(self.unlabelled, "") | named

    def with_pictures(self, place: Bin, paths: Sequence[str]) -> BinContents:
        """Return the contents with these pictures in a bin, instead of what was there."""
        if place == UNLABELLED_BIN:
            return replace(self, unlabelled=tuple(paths))
        return self.with_class(place.number, self.classes[place.number].model_copy(update={place.role: tuple(paths)}))

    def with_class(self, number: int, value: TargetClass) -> BinContents:
        """Return the contents with another class in place of one; behind the last it is one more."""
        return replace(self, classes=(*self.classes[:number], value, *self.classes[number + 1 :]))

    def without_class(self, number: int) -> BinContents:
        """Return the contents without a class."""
        return replace(self, classes=(*self.classes[:number], *self.classes[number + 1 :]))

    def moved(self, paths: Sequence[str], source: Bin, target: Bin) -> BinContents:
        """Return the contents with pictures of one bin at the end of another."""
        there = set(self.at(target))
        left = self.with_pictures(source, [path for path in self.at(source) if path not in set(paths)])
        return left.with_pictures(target, (*left.at(target), *(path for path in paths if path not in there)))

    def free_name(self, wanted: str, stem: str) -> str:
        """Return a name that no class has: the one wanted, or it, or `stem` where there is none, with a number."""
        names = {each.name for each in self.classes}
        if wanted and wanted not in names:
            return wanted
        numbered = (f"{wanted or stem} {number}" for number in range(1, len(names) + 2))
        return next(name for name in numbered if name not in names)
