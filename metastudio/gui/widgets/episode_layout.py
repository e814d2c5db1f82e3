"""Where the pictures of an episode lie: a row for each class, support at the left, queries at the right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QPoint, QRect, QSize

from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable

HEAD_PX = 24
NAME_WIDTH_PX = 124
_SIDES_PX = (72, 64, 56, 48, 40, 32, 26)
_HEAD_WIDTH_PX = 48
_STEP_PX = 4

SUPPORT, QUERY = "support", "query"


class Place(NamedTuple):
    """A place in an episode: a picture by its row, role and position there, or the class of the row without a role."""

    row: int
    role: str = ""
    position: int = 0


@dataclass(frozen=True)
class EpisodeRow:
    """A class of the episode.

    Attributes:
        name: What it is called.
        support: Its support files.
        query: Its query files.
        quarter_turns: How often its pictures are turned by 90 degrees, counter-clockwise.
        group: What is shown of the folders around it; it tells classes of one short name apart.
        pinned: What keeps its place, as ``(role, position)``; ``("", 0)`` is the class itself.
    """

    name: str
    support: tuple[str, ...]
    query: tuple[str, ...]
    quarter_turns: int = 0
    group: str = ""
    pinned: frozenset[tuple[str, int]] = frozenset()

    @property
    def title(self) -> str:
        """Its name as shown, with the turn."""
        turned = f" ↻{90 * self.quarter_turns}°" if self.quarter_turns else ""
        return printable(self.name.rpartition("/")[2]) + turned

    def files(self, role: str) -> tuple[str, ...]:
        """Return its support or its query files."""
        return self.support if role == SUPPORT else self.query


@dataclass(frozen=True)
class EpisodeLayout:
    """The rows in a space: as large as one line of each class allows, wrapped where even the smallest do not fit.

    Attributes:
        side: Of a picture, in pixels.
        support_columns: Pictures beside each other.
        query_columns: The same of the queries.
        lines: Lines of pictures in a row.
    """

    side: int
    support_columns: int
    query_columns: int
    lines: int

    @classmethod
    def of(cls, rows: tuple[EpisodeRow, ...], space: QSize) -> EpisodeLayout:
        """Return the layout of at least one row."""
        shots = max(len(row.support) for row in rows)
        queries = max(len(row.query) for row in rows)
        width = space.width() - NAME_WIDTH_PX - 3 * theme.GAP
        height = space.height() - HEAD_PX - len(rows) * (theme.GAP + _STEP_PX)
        for side in _SIDES_PX:
            is_high = side * len(rows) > height and side > 40
            if (shots + queries) * (side + _STEP_PX) <= width and not is_high:
                return cls(side, shots, queries, 1)
        side = 32
        columns = max(2, width // (side + _STEP_PX))
        lines, own = min((max(-(-shots // own), -(-queries // (columns - own))), own) for own in range(1, columns))
        return cls(side, min(own, shots), columns - own, lines)

    @property
    def row_height(self) -> int:
        """Of a class, with the gap below it."""
        return self.lines * (self.side + _STEP_PX) + theme.GAP

    @property
    def query_left(self) -> int:
        """Where the queries begin."""
        return NAME_WIDTH_PX + max(_HEAD_WIDTH_PX, self.support_columns * (self.side + _STEP_PX)) + 2 * theme.GAP

    @property
    def middle_line(self) -> int:
        """Where the line between support and queries stands."""
        return self.query_left - theme.GAP - _STEP_PX // 2

    def height(self, rows: int) -> int:
        """Return how high so many rows are."""
        return HEAD_PX + rows * self.row_height

    def area(self, place: Place) -> QRect:
        """Return where a picture lies, or the name of a class, below the top of everything."""
        top = self.height(place.row)
        if not place.role:
            return QRect(0, top, NAME_WIDTH_PX - theme.GAP, self.side)
        is_support = place.role == SUPPORT
        line, column = divmod(place.position, self.support_columns if is_support else self.query_columns)
        step = self.side + _STEP_PX
        left = NAME_WIDTH_PX if is_support else self.query_left
        return QRect(left + column * step, top + line * step, self.side, self.side)

    def seen(self, rows: int, top: int, height: int) -> range:
        """Return which rows lie between `top` and `height` below it."""
        first = max(0, (top - HEAD_PX) // self.row_height)
        last = (top - HEAD_PX + height) // self.row_height + 1
        return range(first, min(rows, last))


def places_of(rows: tuple[EpisodeRow, ...], number: int) -> Iterator[Place]:
    """Yield the class of a row, then its pictures, as they are read."""
    yield Place(number)
    for role in (SUPPORT, QUERY):
        for position in range(len(rows[number].files(role))):
            yield Place(number, role, position)


def nearest(layout: EpisodeLayout, rows: tuple[EpisodeRow, ...], place: Place, step: QPoint) -> Place:
    """Return the place one step away from another: beside it, or in the row above or below; itself at an edge."""
    if step.x():
        own = list(places_of(rows, place.row))
        return own[min(len(own) - 1, max(0, own.index(place) + step.x()))]
    row = min(len(rows) - 1, max(0, place.row + step.y()))
    middle = layout.area(place).center().x()
    return min(places_of(rows, row), key=lambda each: abs(layout.area(each).center().x() - middle))
