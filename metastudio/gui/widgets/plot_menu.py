"""What can be done with a plot: fit it, take its logarithm, hand out its figure and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox

from metastudio.errors import ResourceError
from metastudio.gui.widgets.figure import figure_pixmap, figure_png, figure_svg
from metastudio.gui.widgets.icons import icon
from metastudio.runs.atomic import write_atomically

if TYPE_CHECKING:
    from metastudio.gui.widgets.plot import Plot


class PlotMenu(QMenu):
    """The menu of one plot.

    Signals:
        fit_wanted(): show everything.
    """

    fit_wanted = Signal()

    def __init__(self, plot: Plot) -> None:
        super().__init__(plot)
        self._plot = plot
        self.addAction(icon("mdi6.fit-to-page-outline"), self.tr("Fit"), self.fit_wanted)
        self.log_y = self.addAction(self.tr("Logarithmic y"))
        self.log_y.setCheckable(True)
        self.log_y.toggled.connect(self._on_log_toggled)
        self.addSeparator()
        self.addAction(icon("mdi6.content-copy"), self.tr("Copy picture"), self.copy_picture)
        self.addAction(icon("mdi6.table"), self.tr("Copy numbers"), self.copy_numbers)
        self.addSeparator()
        self.addAction(icon("mdi6.image-outline"), self.tr("Save as PNG…"), self.save_png)
        self.addAction(icon("mdi6.vector-polyline"), self.tr("Save as SVG…"), self.save_svg)
        self.addAction(icon("mdi6.file-table-outline"), self.tr("Save as CSV…"), self.save_csv)

    @Slot(bool)
    def _on_log_toggled(self, is_log: bool) -> None:
        self._plot.set_log(y=is_log)

    @Slot()
    def copy_picture(self) -> None:
        """Put the figure into the clipboard."""
        QGuiApplication.clipboard().setPixmap(figure_pixmap(self._plot))

    @Slot()
    def copy_numbers(self) -> None:
        """Put the numbers into the clipboard, as text for a spreadsheet."""
        QGuiApplication.clipboard().setText(self._plot.csv_text())

    @Slot()
    def save_png(self) -> None:
        """Ask where to, and write the figure as pixels."""
        if path := self._asked(self.tr("Save the plot"), "png"):
            self._save(path, figure_png(self._plot))

    @Slot()
    def save_svg(self) -> None:
        """Ask where to, and write the figure as lines and words."""
        if path := self._asked(self.tr("Save the plot"), "svg"):
            self._save(path, figure_svg(self._plot))

    @Slot()
    def save_csv(self) -> None:
        """Ask where to, and write every point."""
        if path := self._asked(self.tr("Save the numbers"), "csv"):
            self._save(path, self._plot.csv_text().encode())

    def _asked(self, caption: str, ending: str) -> Path | None:
        name = self._plot.title().lower().replace(" ", "-") or "plot"
        path, _ = QFileDialog.getSaveFileName(self._plot, caption, f"{name}.{ending}", f"{ending.upper()} (*.{ending})")
        return Path(path) if path else None

    def _save(self, path: Path, content: bytes) -> None:
        """Write a file, or say why not."""
        try:
            write_atomically(path, content)
        except ResourceError as error:
            lines = [str(error.what), error.where, error.why, str(error.todo)]
            QMessageBox.warning(self._plot, self.tr("Not saved"), "\n".join(filter(None, lines)))
