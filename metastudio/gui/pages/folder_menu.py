"""What can be done with the folders of the project: look again, locate, choose what a class is, let go of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.cache_lines import CacheLines
from metastudio.images.csv_list import is_csv_name

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio


class FolderMenu(QMenu):
    """Put together each time it is opened."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: ProjectDocument | None = None
        self._cache_lines = CacheLines(studio, self)
        self.aboutToShow.connect(self._on_about_to_show)

    def set_document(self, document: ProjectDocument | None) -> None:
        """Work with the folders of another project."""
        self._document = document

    @Slot()
    def _on_about_to_show(self) -> None:
        document = self._document
        self.clear()
        if document is None:
            return
        self.addAction(self.tr("Look again at the folders"), document.scan_folders)
        self.addSeparator()
        nested = _nested_folders(document)
        for folder in document.experiment.data.folders:
            name = printable(folder).replace("&", "&&")
            if not Path(folder).exists():
                text = self.tr("Locate “{name}”…").format(name=name)
                self.addAction(text, _calling(self.locate_folder, folder))
            elif folder in nested:
                text = self.tr("Choose what a class is in “{name}”…").format(name=name)
                self.addAction(text, _calling(document.ask_depth, (folder,)))
            text = self.tr("Remove “{name}”").format(name=name)
            self.addAction(text, _calling(document.remove_folders, (folder,)))
        self._cache_lines.add_to(self)

    def locate_folder(self, folder: str) -> None:
        """Ask where a missing folder or list lies now, and take it from there."""
        question = self.tr("Where is {name} now?").format(name=printable(folder))
        if is_csv_name(folder):
            found_at, _ = QFileDialog.getOpenFileName(self.parentWidget(), question)
        else:
            found_at = QFileDialog.getExistingDirectory(self.parentWidget(), question)
        if found_at and self._document is not None:
            self._document.locate_folder(folder, found_at)


def _nested_folders(document: ProjectDocument) -> set[str]:
    """Return the folders in which a class may be something else: of nested names, or cut to a depth already."""
    data = document.experiment.data
    found = set(data.class_depths)
    beginnings = {each: str(Path(each, "x"))[:-1] for each in data.folders if each not in found}
    for each in document.index.classes:
        if each.group:
            first = next(iter(each.file_list.first_paths(1)), "")
            found |= {folder for folder, beginning in beginnings.items() if first.startswith(beginning)}
    return found


def _calling(call: Callable[..., object], value: object) -> Callable[[], None]:
    def run() -> None:
        call(value)

    return run
