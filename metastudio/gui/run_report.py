"""The report of a run, from wherever the person asks for it: written beside the window, then shown in their browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from metastudio.gui.models.shown_name import printable
from metastudio.paths import cache_folder
from metastudio.runs.report.page import write_report

if TYPE_CHECKING:
    from metastudio.gui.studio import Studio
    from metastudio.runs.run_folder import RunFolder


class RunReport(QObject):
    """Writes reports and shows them.

    Args:
        studio: Of the runs; in one that only looks, reports lie beside its cache.
        parent: The owner.
    """

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio

    def show_report(self, run: RunFolder) -> None:
        """Write the report of a run as it is now, and show it."""
        place = self._place(run)
        self._studio.call_beside(lambda: write_report(run, place), self._on_written)

    def _place(self, run: RunFolder) -> Path | None:
        """Return where it goes; None is the run's own folder."""
        if not self._studio.jobs.is_read_only:
            return None
        folder = cache_folder() / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{run.name}.html"

    @Slot(object)
    def _on_written(self, path: Path) -> None:
        """Show it in the person's browser; where it lies is said, should there be none."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
        self._studio.toast(self.tr("The report lies in {path}").format(path=printable(str(path))))
