"""The classes of one column as Qt's views want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from metastudio.gui.models.shown_name import groups_told_apart, printable
from metastudio.gui.models.thumbnail_model import ITEM_FLAGS
from metastudio.gui.wording import counted
from metastudio.images.file_list import FileList
from metastudio.images.image_index import ImageClass, ImageIndex

ROW_ROLE = Qt.ItemDataRole.UserRole + 1
_THUMBNAILS = 3


class ClassOrder(StrEnum):
    """How the classes of a column follow each other."""

    NAME = "name"
    MOST = "most"
    FEWEST = "fewest"


@dataclass(frozen=True)
class ClassRow:
    """What a row shows of a class.

    Attributes:
        name: The whole name.
        count: Number of pictures in use.
        paths: Its first three pictures.
        is_ready: False for a class that is not used.
        shown_group: What is shown of the folders around it; it tells classes of one short name apart.
        counts_for: The class that it was merged into, where it was.
        members: Of a row that stands for a group, its classes in this column; the name ends in "/" then.
        of: How many classes the group has in all columns.
    """

    name: str
    count: int
    paths: tuple[str, ...]
    is_ready: bool = True
    shown_group: str = ""
    counts_for: str = ""
    members: tuple[str, ...] = ()
    of: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that the row stands for."""
        return self.members or (self.name,)

    @property
    def short_name(self) -> str:
        """The last component of the name, to be shown."""
        return printable(self.name.rstrip("/").rpartition("/")[2])

    @property
    def group(self) -> str:
        """Everything before it, as the alphabet of a character."""
        return self.name.rpartition("/")[0]


def rows_of(
    classes: Sequence[ImageClass],
    *,
    counts: dict[str, int],
    search: str = "",
    order: ClassOrder = ClassOrder.NAME,
    merged: Mapping[str, str] | None = None,
    shown: Mapping[str, FileList] | None = None,
) -> list[ClassRow]:
    """Return the rows of the classes whose name contains the search, in the order that is wanted.

    Args:
        classes: Every class there is.
        counts: Pictures in use of each class that is used.
        search: What the name must contain, in upper or lower case.
        order: Which come first.
        merged: The class that each merged one counts for.
        shown: The files whose pictures stand for a class, where these are not all of it.
    """
    shown = shown or {}
    wanted = search.casefold()
    groups = _groups_of(tuple([each.name for each in classes]))
    rows = [
        ClassRow(
            each.name,
            counts.get(each.name, len(each.files)),
            shown.get(each.name, each.file_list).first_paths(_THUMBNAILS),
            each.name in counts,
            groups[each.name],
            (merged or {}).get(each.name, ""),
        )
        for each in classes
        if wanted in each.name.casefold()
    ]
    if order is not ClassOrder.NAME:
        rows.sort(key=lambda row: row.count, reverse=order is ClassOrder.MOST)
    return rows


@lru_cache(maxsize=1)
def _groups_of(names: tuple[str, ...]) -> dict[str, str]:
    """Return what tells classes apart, found once for all columns."""
    return groups_told_apart(names)


def class_of_file(index: ImageIndex, path: str) -> str | None:
    """Return the name of the class that a file belongs to."""
    return index.classes_of((path,)).get(path)


class ClassListModel(QAbstractListModel):
    """Adapts a list of rows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ClassRow] = []

    def rows(self) -> list[ClassRow]:
        """Return what is listed."""
        return self._rows

    def paths_of(self, row: int) -> tuple[str, ...]:
        """Return the files that a row shows."""
        return self._rows[row].paths

    def set_rows(self, rows: list[ClassRow]) -> bool:
        """List these rows, and say whether they are others than before."""
        if rows == self._rows:
            return False
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()
        return True

    def position_of(self, name: str) -> QModelIndex:
        """Return where a class is, or the group that stands for it; invalid where neither is listed."""
        row = next((number for number, each in enumerate(self._rows) if name in each.names), -1)
        return self.index(row) if row >= 0 else QModelIndex()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(row.name.rstrip("/"))
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            one, many = self.tr("{name}, 1 image"), self.tr("{name}, {count} images")
            text = counted(row.count, one, many, name=printable(row.name.rstrip("/")))
            if row.members:
                text += self.tr(", {count} of {total} classes").format(count=len(row.members), total=row.of)
            return text + (
                self.tr(", counts for {name}").format(name=printable(row.counts_for)) if row.counts_for else ""
            )
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        return ITEM_FLAGS if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction
