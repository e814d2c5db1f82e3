"""What the person pinned of the episodes of one part, by the names of classes and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metastudio.images.episode_draw import PinnedClass
from metastudio.images.image_index import ImageClass

Slot = tuple[str, int]
"""Role and position of a picture: ``("support", 0)``."""


@dataclass(frozen=True)
class RowPin:
    """A class that keeps its row, and its pictures that keep their places."""

    name: str
    quarter_turns: int
    files: tuple[tuple[Slot, str], ...] = ()


class EpisodePins:
    """The pins of one part, by label; they outlive classes that are excluded and places that are not there just now."""

    def __init__(self) -> None:
        self._rows: dict[int, RowPin] = {}

    def __len__(self) -> int:
        return sum(1 + len(row.files) for row in self._rows.values())

    def toggle_class(self, label: int, name: str, quarter_turns: int) -> None:
        """Pin the class of a row, or let go of it and of its pictures."""
        if self._is_pinned(label, name, quarter_turns):
            del self._rows[label]
        else:
            self._pin(label, name, quarter_turns)

    def pin_classes(self, names: Sequence[str]) -> None:
        """Pin classes, unturned, in the first rows that nothing is pinned in; those that are pinned stay there."""
        for name in names:
            if not any(row.name == name for row in self._rows.values()):
                label = next(number for number in range(len(self._rows) + 1) if number not in self._rows)
                self._pin(label, name, 0)

    def toggle_file(self, label: int, name: str, quarter_turns: int, slot: Slot, path: str) -> None:
        """Pin a picture, and with it its class, or let go of the picture alone."""
        if not self._is_pinned(label, name, quarter_turns):
            self._pin(label, name, quarter_turns)
        row = self._rows[label]
        kept = tuple(each for each in row.files if each[0] != slot)
        self._rows[label] = replace(row, files=kept if (slot, path) in row.files else (*kept, (slot, path)))

    def shown(self, label: int, name: str, quarter_turns: int) -> frozenset[Slot]:
        """Return what is pinned of a row that shows this class; the class itself is ``("", 0)``."""
        if not self._is_pinned(label, name, quarter_turns):
            return frozenset()
        return frozenset([("", 0), *(slot for slot, _ in self._rows[label].files)])

    def among(self, classes: Sequence[ImageClass], *, turns: int) -> dict[int, PinnedClass]:
        """Return the pins as positions among the classes of a part; what is not there is passed over."""
        positions = {each.name: position for position, each in enumerate(classes)}
        return {
            label: _pinned(row, positions[row.name], classes[positions[row.name]])
            for label, row in self._rows.items()
            if row.name in positions and row.quarter_turns < turns
        }

    def _is_pinned(self, label: int, name: str, quarter_turns: int) -> bool:
        row = self._rows.get(label)
        return row is not None and (row.name, row.quarter_turns) == (name, quarter_turns)

    def _pin(self, label: int, name: str, quarter_turns: int) -> None:
        elsewhere = [each for each, row in self._rows.items() if (row.name, row.quarter_turns) == (name, quarter_turns)]
        for each in elsewhere:
            del self._rows[each]
        self._rows[label] = RowPin(name, quarter_turns)


def _pinned(row: RowPin, position: int, found: ImageClass) -> PinnedClass:
    paths = {file.path: number for number, file in enumerate(found.files)}
    places: dict[str, dict[int, int]] = {"support": {}, "query": {}}
    for (role, place), path in row.files:
        if path in paths:
            places[role][place] = paths[path]
    return PinnedClass(position, row.quarter_turns, places["support"], places["query"])
