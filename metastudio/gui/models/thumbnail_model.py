"""A list of picture files as Qt's views want it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from metastudio.gui.models.shown_name import printable

PATH_ROLE = Qt.ItemDataRole.UserRole + 1
_FLAG = Qt.ItemFlag
ITEM_FLAGS = _FLAG.ItemIsSelectable | _FLAG.ItemIsEnabled | _FLAG.ItemNeverHasChildren | _FLAG.ItemIsDragEnabled
"""What can be done with an item of a list; views ask for it each time they paint one."""


class PictureListModel(QAbstractListModel):
    """Adapts a list of paths; views take the pictures themselves from the thumbnails."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paths: list[str] = []

    def paths(self) -> tuple[str, ...]:
        """Return what is listed."""
        return tuple(self._paths)

    def paths_of(self, row: int) -> tuple[str]:
        """Return the one file of a row."""
        return (self._paths[row],)

    def set_paths(self, paths: Sequence[str]) -> None:
        """List these files; those that only join at the end leave selection and place as they are."""
        new = list(paths)
        if new == self._paths:
            return
        if new[: len(self._paths)] == self._paths:
            self.beginInsertRows(QModelIndex(), len(self._paths), len(new) - 1)
            self._paths = new
            self.endInsertRows()
        else:
            self.beginResetModel()
            self._paths = new
            self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._paths)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        path = self._paths[index.row()]
        if role == PATH_ROLE:
            return path
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.DisplayRole):
            return printable(Path(path).name)
        if role == Qt.ItemDataRole.ToolTipRole:
            return printable(path)
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        return ITEM_FLAGS if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
