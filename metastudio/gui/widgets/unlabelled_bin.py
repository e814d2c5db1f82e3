"""The bin of pictures whose class is not known: what the adapted model is asked about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from metastudio.gui import theme
from metastudio.gui.models.bin_contents import UNLABELLED
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.picture_shelf import PictureShelf
from metastudio.gui.wording import counted


class UnlabelledBin(QFrame):
    """One shelf, in no class's colour.

    Attributes:
        shelf: Where the pictures lie.
    """

    def __init__(self, side_px: int) -> None:
        super().__init__()
        theme.set_role(self, "panel")
        self.shelf = PictureShelf(UNLABELLED, self.tr("drop pictures whose class you do not know here"), side_px)
        self.shelf.setAccessibleName(self.tr("Pictures to classify"))
        self._count = label("", "caption")
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(label(self.tr("Pictures to classify"), "section"))
        head.addWidget(self._count)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.GAP, theme.GAP, theme.GAP)
        column.setSpacing(theme.TIGHT)
        column.addLayout(head)
        column.addWidget(self.shelf)
        self.setToolTip(
            self.tr("Queries without a label: the model says what they are, and nobody counts right or wrong")
        )
        self.setAccessibleName(self.tr("Pictures to classify"))

    def show_pictures(self, paths: Sequence[str]) -> None:
        """Show these pictures."""
        self.shelf.frame_colour = theme.colour("quiet")
        self.shelf.set_paths(paths)
        self.shelf.fit_height()
        self.shelf.viewport().update()
        text = counted(len(paths), self.tr("1 picture"), self.tr("{count} pictures"))
        self._count.setText(text if paths else "")
