"""Pairs of classes that are hard to tell apart, the pictures of both beside each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from metastudio.gui import theme
from metastudio.gui.forms.wording import sentence
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.labels import elided_class_name
from metastudio.gui.widgets.thumbnail_view import paint_thumbnail
from metastudio.runs.class_map import ClassPair

_PAIR_ROLE = Qt.ItemDataRole.UserRole + 1
_SIDE_PX = 40
_SHARE_PX = 54
_MOST_PICTURES = 4


class PairListModel(QAbstractListModel):
    """A tuple of pairs as an item model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pairs: tuple[ClassPair, ...] = ()

    def set_pairs(self, pairs: Sequence[ClassPair]) -> None:
        """Show other pairs."""
        self.beginResetModel()
        self.pairs = tuple(pairs)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own
        return 0 if parent.isValid() else len(self.pairs)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        pair = self.pairs[index.row()]
        if role == _PAIR_ROLE:
            return pair
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return about_pair(pair)
        return None


def about_pair(pair: ClassPair) -> str:
    """Return both names and what stands against telling them apart, as a sentence."""
    text = QCoreApplication.translate("PairListView", "{first} and {second}: {about}.")
    return text.format(first=printable(pair.first), second=printable(pair.second), about=sentence(pair.about()))


class _PairDelegate(QStyledItemDelegate):
    """Paints a pair: the share at the left, then each class's name above its pictures."""

    def __init__(self, view: PairListView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        return QSize(240, _SIDE_PX + self._view.fontMetrics().height() + 3 * theme.TIGHT + 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        pair: ClassPair = index.data(_PAIR_ROLE)
        painter.save()
        area = option.rect.adjusted(2, 1, -2, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection"))
            painter.drawRoundedRect(area, 4, 4)
        if option.state & QStyle.StateFlag.State_HasFocus and self._view.hasFocus():
            painter.setPen(theme.colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, 4, 4)
        painter.setFont(theme.font(theme.SECTION_PX, is_semibold=True, is_tabular=True))
        painter.setPen(theme.colour("ink"))
        share = QRect(area.left(), area.top(), _SHARE_PX, area.height())
        painter.drawText(share, Qt.AlignmentFlag.AlignCenter, share_text(pair))
        width = (area.width() - _SHARE_PX - theme.GAP) // 2
        for number, name in enumerate((pair.first, pair.second)):
            left = area.left() + _SHARE_PX + number * (width + theme.GAP)
            self._paint_class(painter, QRect(left, area.top(), width - theme.TIGHT, area.height()), name)
        painter.restore()

    def _paint_class(self, painter: QPainter, area: QRect, name: str) -> None:
        painter.setFont(theme.font())
        painter.setPen(theme.colour("ink"))
        metrics = painter.fontMetrics()
        shown = elided_class_name(printable(name), metrics, area.width())
        head = QRect(area.left(), area.top() + theme.TIGHT, area.width(), metrics.height())
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, shown)
        top = head.bottom() + theme.TIGHT
        count = max(1, min(_MOST_PICTURES, (area.width() + theme.TIGHT) // (_SIDE_PX + theme.TIGHT)))
        for number, path in enumerate(self._view.files_of(name)[:count]):
            place = QRect(area.left() + number * (_SIDE_PX + theme.TIGHT), top, _SIDE_PX, _SIDE_PX)
            paint_thumbnail(painter, place, path, shared_thumbnails(), is_filled=True)


class PairListView(QListView):
    """Lists pairs; one is chosen with a click or the arrow keys.

    Attributes:
        files_of: Gives the pictures of a class.

    Signals:
        pair_chosen(object): another `ClassPair` is the current one, or None.
    """

    pair_chosen = Signal(object)

    def __init__(self, files_of: Callable[[str], tuple[str, ...]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.files_of = files_of
        self.pairs = PairListModel(self)
        self.setModel(self.pairs)
        self.setItemDelegate(_PairDelegate(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Pairs of classes that are hard to tell apart"))
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        shared_thumbnails().loaded.connect(self._on_thumbnails_loaded)

    def show_pairs(self, pairs: Sequence[ClassPair]) -> None:
        """List other pairs; the current one stays if it is among them."""
        before = self.current()
        self.pairs.set_pairs(pairs)
        row = self._row_of(before)
        self.choose(self.pairs.pairs[row] if row >= 0 else None)

    def current(self) -> ClassPair | None:
        """Return the chosen pair."""
        row = self.currentIndex().row()
        return self.pairs.pairs[row] if 0 <= row < len(self.pairs.pairs) else None

    def choose(self, pair: ClassPair | None) -> None:
        """Make a pair the current one; one that is not listed comes first then."""
        if pair is not None and self._row_of(pair) < 0:
            self.pairs.set_pairs((pair, *self.pairs.pairs))
        self.setCurrentIndex(self.pairs.index(self._row_of(pair)) if pair is not None else QModelIndex())
        if pair is None:
            self.pair_chosen.emit(None)

    def _row_of(self, pair: ClassPair | None) -> int:
        names = None if pair is None else (pair.first, pair.second)
        found = (row for row, each in enumerate(self.pairs.pairs) if (each.first, each.second) == names)
        return next(found, -1)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, _current: QModelIndex, _before: QModelIndex) -> None:
        self.pair_chosen.emit(self.current())

    @Slot(object)
    def _on_thumbnails_loaded(self, _paths: frozenset[str]) -> None:
        if self.isVisible():
            self.viewport().update()


def share_text(pair: ClassPair) -> str:
    """Return the confusion of a pair in few letters."""
    if math.isnan(pair.confusion):
        return "–"
    return f"{100 * pair.confusion:.0f} %" if pair.confusion >= 0.01 or pair.confusion == 0 else "< 1 %"
