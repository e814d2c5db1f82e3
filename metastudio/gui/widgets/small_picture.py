"""One small framed picture: a file as it is, or the network's own pixels, each of them seen."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Slot
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from metastudio.gui import theme
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.thumbnail_view import paint_thumbnail


class SmallPicture(QWidget):
    """Shows a file or an image; neither leaves an empty frame.

    Attributes:
        pixels: The image that is shown, or None.
    """

    def __init__(self, name: str, side_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path = ""
        self.pixels: QPixmap | None = None
        self.setFixedSize(side_px, side_px)
        self.set_name(name)
        shared_thumbnails().loaded.connect(self._on_thumbnails_loaded)

    def set_name(self, name: str) -> None:
        """Say what is shown, as a tooltip and to screen readers."""
        self.setAccessibleName(name)
        self.setToolTip(name)

    def set_path(self, path: str) -> None:
        """Show a file as it is."""
        self._path = path
        self.update()

    def set_image(self, image: QImage | None) -> None:
        """Show an image pixel by pixel."""
        self.pixels = None if image is None else QPixmap.fromImage(image)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self.rect()
        if self.pixels is not None:  # no smoothing: these are the network's own pixels
            target = QRect(0, 0, 0, 0)
            target.setSize(self.pixels.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio))
            target.moveCenter(area.center())
            painter.drawPixmap(target, self.pixels)
        elif self._path:
            paint_thumbnail(painter, area, self._path, shared_thumbnails())
        painter.setPen(QPen(theme.colour("hairline"), 1))
        painter.drawRect(area.adjusted(0, 0, -1, -1))

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        if self._path in paths:
            self.update()
