"""All pictures of one class, which of them the project leaves out, and what is wrong with the chosen one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QMenu, QVBoxLayout, QWidget

from metastudio.gui import commands, theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.class_column import PART_MARKS
from metastudio.gui.widgets.labels import ClassNameLabel, ElidedLabel
from metastudio.gui.widgets.thumbnail_view import PictureView, reason_for
from metastudio.gui.wording import counted
from metastudio.images.image_index import ImageClass

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument

_SIDE_PX = 56
_MOST_IN_MENU = 40


class ClassPictures(QWidget):
    """Shows a class of the project; the first one where none was chosen or the chosen one is gone.

    Keys: Delete leaves the selected pictures out of the project; the menu key offers other classes for them.

    Attributes:
        class_name: The class that is shown; empty where there is none.

    Signals:
        picture_shown(object): the path of the picture that stands for what is shown, "" where there is none.
    """

    picture_shown = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: ProjectDocument | None = None
        self.class_name = self._shown_class = ""
        self.heading = ClassNameLabel("", "section")
        self.about = ElidedLabel("", "caption")
        self.view = PictureView(side_px=_SIDE_PX)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setStyleSheet("QListView { background: transparent; border: none; }")
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._on_menu_wanted)
        self.view.setMinimumHeight(48)
        self.view.setDragEnabled(True)
        self.view.setToolTip(self.tr("Drag pictures onto a class that they belong to"))
        self.view.removal_wanted.connect(self._on_removal_wanted)
        self.view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.view.thumbnails.loaded.connect(self._on_thumbnails_loaded)
        self._about_picture = ElidedLabel("", "caption", mode=Qt.TextElideMode.ElideMiddle)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        column.addWidget(self.heading)
        column.addWidget(self.about)
        column.addWidget(self.view, 1)
        column.addWidget(self._about_picture)

    def set_document(self, document: ProjectDocument | None) -> None:
        """Show nothing yet of another project."""
        self._document = document
        self.class_name = ""

    def show_class(self, name: str) -> None:
        """Show the pictures of a class."""
        self.class_name = name
        self.refresh()

    @Slot(object)
    def show_found(self, paths: Sequence[str]) -> None:
        """Show pictures that a scan has found so far, as long as there are no classes yet."""
        if self._class() is None:
            self.heading.setText(self.tr("Found so far"))
            self.view.set_paths(paths)

    def refresh(self) -> None:
        """Show what has become of the class: of its pictures, its part, and what is left out."""
        document = self._document
        shown = self._class()
        if shown is None or document is None:
            self.heading.setText("")
            self.about.setText("")
            self.view.set_paths(())
            self._show_current()
            self.picture_shown.emit("")
            return
        self.class_name = shown.name
        part = document.parts.get(shown.name)
        excluded = frozenset(document.experiment.data.excluded_files)
        paths = shown.file_list.paths
        left_out = sum(path in excluded for path in paths)
        where = PART_MARKS[part] + " " + (part.label if part else self.tr("not used"))
        one, many = self.tr("1 image · {part}"), self.tr("{count} images · {part}")
        about = counted(len(paths) - left_out, one, many, part=where)
        if left_out:
            about += self.tr(" · {count} excluded").format(count=left_out)
        if into := document.experiment.data.merged_classes.get(shown.name):
            about = self.tr("counts for {name}").format(name=printable(into))
        self.heading.setText(printable(shown.name))
        self.about.setText(about)
        self.view.quiet_paths = excluded
        self.view.set_paths(paths)
        if self._shown_class != shown.name:
            self._shown_class = shown.name
            self.view.scrollToTop()
        self._show_current()
        self.view.setAccessibleName(self.tr("Pictures of {name}").format(name=printable(shown.name)))
        self.view.viewport().update()
        selected = self.view.selected_paths()
        self.picture_shown.emit(selected[0] if selected else next(iter(paths), ""))

    def enter(self) -> None:
        """Give the keyboard to the first picture."""
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        if self.view.paths():
            self.view.setCurrentIndex(self.view.model().index(0))

    def menu_for(self, paths: Sequence[str]) -> QMenu:
        """Return the context menu of selected pictures."""
        menu, document = QMenu(self), self._document
        excluded = set(document.experiment.data.excluded_files)
        inside = tuple(path for path in paths if path not in excluded)
        outside = tuple(path for path in paths if path in excluded)
        exclude = menu.addAction(
            self.tr("Exclude from the project\tDel"), lambda: commands.exclude_files(document, paths=inside)
        )
        exclude.setEnabled(bool(inside))
        include = menu.addAction(self.tr("Take in again"), lambda: commands.include_files(document, paths=outside))
        include.setEnabled(bool(outside))
        if others := self._classes_beside():
            to = menu.addMenu(self.tr("Move to"))
            for name in others:
                to.addAction(printable(name).replace("&", "&&"), _mover(document, tuple(paths), name))
        if moved := tuple(path for path in paths if path in document.experiment.data.moved_files):
            menu.addAction(
                self.tr("Move back to the class of the folder"), lambda: commands.return_files(document, paths=moved)
            )
        return menu

    def _classes_beside(self) -> tuple[str, ...]:
        """Return classes to move a picture to, at most a menu full: of its group where there are more."""
        used = self._document.used.classes if self._document is not None else ()
        if len(used) > _MOST_IN_MENU:
            used = tuple(each for each in used if each.group == self.class_name.rpartition("/")[0])
        return tuple(each.name for each in used if each.name != self.class_name)[:_MOST_IN_MENU]

    def _class(self) -> ImageClass | None:
        classes = self._document.state.listed if self._document is not None else ()
        return next((each for each in classes if each.name == self.class_name), next(iter(classes), None))

    @Slot()
    def _on_current_changed(self) -> None:
        if path := self._show_current():
            self.picture_shown.emit(path)

    def _show_current(self) -> str:
        """Say what the current picture is, and return its path; empty where none is current."""
        index = self.view.currentIndex()
        path = self.view.paths()[index.row()] if index.isValid() else ""
        self._show_about_picture(path)
        return path

    def _show_about_picture(self, path: str) -> None:
        reason = reason_for(path, self.view.thumbnails, self.view.side_px) if path else ""
        name = printable(os.path.basename(path))  # noqa: PTH119
        self._about_picture.setText(f"{name}: {reason}" if reason else name)

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        row = self.view.currentIndex().row()
        if row >= 0 and (path := self.view.paths()[row]) in paths:
            self._show_about_picture(path)

    @Slot(object)
    def _on_removal_wanted(self, paths: tuple[str, ...]) -> None:
        if self._document is not None:
            commands.exclude_files(self._document, paths=paths)

    @Slot(QPoint)
    def _on_menu_wanted(self, place: QPoint) -> None:
        paths = self.view.selected_paths()
        if paths and self._document is not None:
            menu = self.menu_for(paths)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.view.viewport().mapToGlobal(place))


def _mover(document: ProjectDocument, paths: tuple[str, ...], name: str) -> Callable[[], None]:
    return lambda: commands.move_files(document, paths=paths, to=name)
