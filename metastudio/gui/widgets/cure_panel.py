"""Below the list of problems: the pictures that a problem is about, side by side, and what one click does about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.documents.cures import Cure
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.labels import ElidedLabel, elided_class_name
from metastudio.gui.widgets.thumbnail_view import paint_thumbnail

MOST_PICTURES = 3
_MOST_BUTTONS = 4
_SIDE_PX = 112


@dataclass(frozen=True)
class ComparedPicture:
    """A picture to compare: its file and the class it counts for."""

    path: str
    class_name: str


class _SideBySide(QWidget):
    """Paints up to three pictures beside each other, the class of each below."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: tuple[ComparedPicture, ...] = ()
        self._thumbnails = shared_thumbnails()
        self._thumbnails.loaded.connect(self._on_thumbnails_loaded)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(200, self._side() + theme.TIGHT + self.fontMetrics().height() + 2)

    def show_pictures(self, pictures: Sequence[ComparedPicture]) -> None:
        """Show these instead."""
        self.pictures = tuple(pictures)
        names = [f"{printable(each.path.rpartition('/')[2])} ({printable(each.class_name)})" for each in pictures]
        self.setAccessibleName(self.tr("Side by side: {names}").format(names=", ".join(names)))
        self.setToolTip("\n".join(printable(each.path) for each in pictures))
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: object) -> None:  # noqa: ARG002 - Qt's signature
        self.updateGeometry()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme.font(theme.CAPTION_PX))
        painter.setPen(theme.colour("quiet"))
        side = self._side()
        for number, each in enumerate(self.pictures):
            left = number * (side + theme.GAP)
            paint_thumbnail(painter, QRect(left, 0, side, side), each.path, self._thumbnails)
            name = elided_class_name(printable(each.class_name), painter.fontMetrics(), side)
            below = QRect(left, side + theme.TIGHT, side, painter.fontMetrics().height())
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, name)

    def _side(self) -> int:
        count = max(2, len(self.pictures))
        return min(_SIDE_PX, (self.width() - (count - 1) * theme.GAP) // count)

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        if self.isVisible() and any(each.path in paths for each in self.pictures):
            self.update()


class CurePanel(QWidget):
    """Shows nothing where there is nothing to compare and nothing to do.

    Signals:
        cure_wanted(object): a `Cure` was pressed.
    """

    cure_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cures: tuple[Cure, ...] = ()
        self._pictures = _SideBySide()
        self._more = ElidedLabel("", "caption")
        self._buttons = QVBoxLayout()
        self._buttons.setSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.TIGHT, 0, theme.GAP)
        column.setSpacing(theme.TIGHT)
        column.addWidget(self._pictures)
        column.addWidget(self._more)
        column.addLayout(self._buttons)
        self.hide()

    def cures(self) -> tuple[Cure, ...]:
        """Return what is offered."""
        return self._cures

    def pictures(self) -> tuple[ComparedPicture, ...]:
        """Return what is shown side by side."""
        return self._pictures.pictures

    def show_cures(self, cures: Sequence[Cure], pictures: Sequence[ComparedPicture] = ()) -> None:
        """Offer these cures, below these pictures; of many pictures the first are shown and the others counted."""
        self._cures = tuple(cures)
        self._pictures.show_pictures(pictures[:MOST_PICTURES])
        self._pictures.setVisible(bool(pictures))
        beyond = len(pictures) - MOST_PICTURES
        self._more.setText(self.tr("and {count} more").format(count=f"{beyond:,}"))
        self._more.setVisible(beyond > 0)
        while (item := self._buttons.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        shown = self._cures if len(self._cures) <= _MOST_BUTTONS else self._cures[: _MOST_BUTTONS - 1]
        for number, each in enumerate(shown):
            button = _CureButton(each.title)
            button.setProperty("number", number)
            button.clicked.connect(self._on_button_clicked)
            self._buttons.addWidget(button)
        if beyond := self._cures[len(shown) :]:
            self._buttons.addWidget(self._more_ways(beyond))
        self.setVisible(bool(cures) or bool(pictures))

    def _more_ways(self, cures: Sequence[Cure]) -> QPushButton:
        """Return a button with a menu of what there is no room for."""
        button = QPushButton(self.tr("More ways…"))
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        menu = QMenu(button)
        for each in cures:
            action = menu.addAction(each.title.replace("&", "&&"))
            action.setData(self._cures.index(each))
        menu.triggered.connect(self._on_menu_triggered)
        button.setMenu(menu)
        return button

    @Slot(object)
    def _on_menu_triggered(self, action: QAction) -> None:
        self.cure_wanted.emit(self._cures[action.data()])

    @Slot()
    def _on_button_clicked(self) -> None:
        self.cure_wanted.emit(self._cures[self.sender().property("number")])


class _CureButton(QPushButton):
    """As wide as the column; a long name is shortened in its middle."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._full = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        room = self.width() - 2 * theme.GAP - 16
        self.setText(self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideMiddle, room).replace("&", "&&"))
