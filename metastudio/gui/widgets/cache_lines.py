"""Says in a menu what pictures take of memory and disk, and lets go of what is kept there only to be fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMenu

from metastudio.gui.models.thumbnail_cache import MOST_BYTES, shared_thumbnails
from metastudio.gui.wording import bytes_text
from metastudio.images.cache_space import cache_bytes, empty_cache

if TYPE_CHECKING:
    from metastudio.gui.studio import Studio


class CacheLines(QObject):
    """Two lines that tell, and one that empties the cache; that waits while pictures are being read into it."""

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio

    def add_to(self, menu: QMenu) -> None:
        """Put the lines below what the menu has."""
        memory = self.tr("Thumbnails take {now} of at most {most} of memory").format(
            now=bytes_text(shared_thumbnails().size_bytes), most=bytes_text(MOST_BYTES)
        )
        disk = self.tr("Kept pictures and lists take {size} on the disk").format(size=bytes_text(cache_bytes()))
        menu.addSeparator()
        for text in (memory, disk):
            menu.addAction(text).setEnabled(False)
        action = menu.addAction(self.tr("Empty the cache"), self.empty)
        action.setToolTip(self.tr("Nothing of yours is removed; what is needed again is read again"))
        action.setEnabled(self._studio.project is None or not self._studio.project.is_busy)

    def empty(self) -> None:
        """Remove what is kept, beside the window."""
        shared_thumbnails().let_go_of_disk()
        self._studio.call_beside(empty_cache, self._on_emptied)

    @Slot(object)
    def _on_emptied(self, _nothing: object) -> None:
        self._studio.toast(self.tr("The cache is empty. Pictures are read again when they are needed."))
