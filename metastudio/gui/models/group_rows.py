"""Groups of classes (alphabets, domains …) as rows of a column: each stands for those of its classes that lie there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from metastudio.gui.models.class_model import ClassOrder, ClassRow
from metastudio.gui.models.shown_name import printable
from metastudio.images.image_index import ImageClass, group_of

_THUMBNAILS = 3


def group_sizes(classes: Sequence[ImageClass]) -> dict[str, int]:
    """Return how many classes each group has; nothing where classes lie in no folder of classes."""
    return dict(Counter(each.group for each in classes if each.group))


def group_rows(
    rows: Sequence[ClassRow], sizes: dict[str, int], *, search: str = "", order: ClassOrder = ClassOrder.NAME
) -> list[ClassRow]:
    """Return a row for each group of these rows whose name contains the search; classes of no group stay themselves.

    Args:
        rows: The classes of the column, by name.
        sizes: How many classes each group has, those of other columns included.
        search: What the name must contain, in upper or lower case.
        order: Which come first.
    """
    wanted = search.casefold()
    own: dict[str, list[ClassRow]] = defaultdict(list)
    for row in rows:
        if wanted in (row.group or row.name).casefold():
            own[row.group or row.name].append(row)
    shorts = Counter(name.rpartition("/")[2] for name in sizes)
    made = [
        _row(name, same, sizes.get(name, 0), is_shared=shorts[name.rpartition("/")[2]] > 1)
        if same[0].group
        else same[0]
        for name, same in own.items()
    ]
    if order is not ClassOrder.NAME:
        made.sort(key=lambda row: row.count, reverse=order is ClassOrder.MOST)
    return made


def _row(group: str, same: Sequence[ClassRow], of: int, *, is_shared: bool) -> ClassRow:
    """Return the row of a group; the folder around it is shown where its short name `is_shared` with another."""
    return ClassRow(
        name=f"{group}/",
        count=sum(row.count for row in same),
        paths=tuple(path for row in same[:_THUMBNAILS] for path in row.paths[:1]),
        is_ready=any(row.is_ready for row in same),
        shown_group=printable(group_of(group).rpartition("/")[2]) if is_shared else "",
        members=tuple(row.name for row in same),
        of=of,
    )
