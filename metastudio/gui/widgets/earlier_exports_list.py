"""What was exported of a run before: one line for each folder that still lies on the disk."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.earlier_exports import EarlierExport, earlier_exports
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.device_picker import in_bytes
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel, WrappingLabel, label
from metastudio.runs.run_folder import RunFolder


class EarlierExportsList(QScrollArea):
    """Reads beside the window which exports there are, and lists them.

    Signals:
        failed(object): the exception that ended the reading.
    """

    failed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading: BackgroundTask | None = None
        whole = QWidget()
        whole.setObjectName("scrolled")
        self._rows = QVBoxLayout(whole)
        self._rows.setContentsMargins(0, 0, theme.GAP, 0)
        self._rows.setSpacing(theme.TIGHT)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(whole)

    def show_run(self, run: RunFolder | None) -> None:
        """Read and list the exports of a run; what is listed stays until then, and where there is no run."""
        self.close_task()
        if run is None:
            return
        self._reading = BackgroundTask(lambda _tell, _stop: earlier_exports(run), self)
        self._reading.succeeded.connect(self._on_read)
        self._reading.failed.connect(self.failed)
        self._reading.start()

    def close_task(self) -> None:
        """Let go of what is being read."""
        if self._reading is not None:
            self._reading.close()
            self._reading.deleteLater()
            self._reading = None

    @Slot(object)
    def _on_read(self, exports: tuple[EarlierExport, ...]) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if widget := item.widget():
                widget.setParent(None)
                widget.deleteLater()
        for export in exports:
            self._rows.addWidget(_Row(export))
        if not exports:
            self._rows.addWidget(WrappingLabel(self.tr("Nothing has been exported of this run yet."), "quiet"))
        self._rows.addStretch(1)


class _Row(QWidget):
    """One export that lies on the disk."""

    def __init__(self, export: EarlierExport) -> None:
        super().__init__()
        self._path = export.path
        name = printable(export.path.name)
        title = ElidedLabel(name)
        title.setToolTip(printable(str(export.path)))
        known = export.largest_difference is not None
        if not export.is_unaltered:
            facts, about = (
                self.tr("⚠ altered since it was written · {size}"),
                self.tr("Export it again to be sure of it."),
            )
        else:
            facts = self.tr("✓ as it was verified, {difference:.1e} · {size}") if known else self.tr("{size}")
            about = self.tr(
                "Its files have the sums that were written with them: nothing broke since. Sums do not tell "
                "who wrote it."
            )
        text = label(
            facts.format(difference=export.largest_difference or 0.0, size=in_bytes(export.size_bytes)), "quiet"
        )
        text.setToolTip(about)
        button = QPushButton(self.tr("Open folder"))
        button.setIcon(icon("mdi6.folder-open-outline"))
        button.setAccessibleName(self.tr("Open the folder of {name}").format(name=name))
        button.clicked.connect(self._on_open_clicked)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GROUP)
        line.addWidget(title, 1)
        line.addWidget(text)
        line.addWidget(button)

    @Slot()
    def _on_open_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path)))
