"""Named, coloured bins that pictures are dropped into: the classes of a task that a person assembles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QVBoxLayout, QWidget

from metastudio.catalog.experiment import TargetClass
from metastudio.errors import MetaStudioError, Problem, Severity, problem
from metastudio.gui import theme
from metastudio.gui.models.shown_name import isolated, printable
from metastudio.gui.widgets.acceptable_pictures import MOST_PER_CLASS, acceptable
from metastudio.gui.widgets.drop_files import DroppedFiles, dropped_files, pictures_of, save_image
from metastudio.gui.widgets.new_class_place import NewClassPlace
from metastudio.gui.widgets.one_class_bin import OneClassBin
from metastudio.gui.widgets.picture_shelf import QUERY, SUPPORT, PictureShelf, copied
from metastudio.gui.wording import counted

__all__ = ["QUERY", "SUPPORT", "ClassBins", "copied"]


class ClassBins(QWidget):
    """The classes of a task, one bin below the other, and a place to drop pictures for one more.

    It changes itself and tells; whoever wants undo puts each value on a stack and calls `set_classes` to go back.

    Keys in a bin: Delete removes the selected pictures, 1 to 9 moves them to that class, Ctrl+V pastes.

    Attributes:
        image_folder: Where pictures without a file (from a browser, the clipboard) are kept; None refuses them.

    Signals:
        bins_changed(object): the person changed `classes()`; the title of what they did, for undo.
        problems_found(object): a tuple of `Problem`: what was not taken, and why.
    """

    bins_changed = Signal(object)
    problems_found = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, with_queries: bool = False, side_px: int = 48) -> None:
        super().__init__(parent)
        self.image_folder: Path | None = None
        self._with_queries = with_queries
        self._side_px = side_px
        self._classes: tuple[TargetClass, ...] = ()
        self._bins: list[OneClassBin] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GAP)
        self._new = NewClassPlace()
        self._new.files_dropped.connect(self._on_new_class_dropped)
        self._new.button.clicked.connect(self._on_new_class_clicked)
        self._column.addWidget(self._new)
        self._column.addStretch(1)

    # value

    def classes(self) -> tuple[TargetClass, ...]:
        """Return the classes as they stand."""
        return self._classes

    def set_classes(self, classes: Sequence[TargetClass]) -> None:
        """Show these classes, without telling anyone."""
        self._classes = tuple(classes)
        while len(self._bins) > len(self._classes):
            gone = self._bins.pop()
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self._bins) < len(self._classes):
            self._bins.append(self._new_bin(len(self._bins)))
        for each, value in zip(self._bins, self._classes, strict=True):
            each.show_class(value)

    def add_pictures(self, number: int, paths: Sequence[str], *, role: str = SUPPORT) -> None:
        """Put pictures into class `number`; those that are there already are refused with a word."""
        room = MOST_PER_CLASS - len(getattr(self._classes[number], role))
        added, problems = acceptable(paths, beside=self._classes, room=room)
        if added:
            before = getattr(self._classes[number], role)
            name = self._classes[number].name
            one, many = self.tr("Add 1 picture to {name}"), self.tr("Add {count} pictures to {name}")
            title = counted(len(added), one, many, name=printable(name))
            self._change(number, title, **{role: (*before, *added)})
        if problems:
            self.problems_found.emit(problems)

    def add_class(self, name: str = "", paths: Sequence[str] = ()) -> int:
        """Add a class, with pictures if there are some, and return its number."""
        added, problems = acceptable(paths, beside=self._classes, room=MOST_PER_CLASS)
        made = TargetClass(name=self._free_name(name), support=added)
        self._set((*self._classes, made), self.tr("Add class {name}").format(name=printable(made.name)))
        if problems:
            self.problems_found.emit(problems)
        return len(self._classes) - 1

    def remove_class(self, number: int) -> None:
        """Remove a class; its files stay where they are."""
        name = printable(self._classes[number].name)
        kept = tuple(each for position, each in enumerate(self._classes) if position != number)
        self._set(kept, self.tr("Remove class {name}").format(name=name))

    def rename_class(self, number: int, name: str) -> None:
        """Call a class something else; an empty name or one that is taken is refused with a word."""
        others = {each.name for position, each in enumerate(self._classes) if position != number}
        if name and name not in others:
            self._change(number, self.tr("Rename class to {name}").format(name=printable(name)), name=name)
            return
        self._bins[number].show_class(self._classes[number])
        sentence = self.tr("Another class is called {name} already.") if name else self.tr("A class needs a name.")
        self.problems_found.emit((problem("class-name", sentence, severity=Severity.WARNING, name=isolated(name)),))

    def remove_pictures(self, number: int, paths: Sequence[str], *, role: str = SUPPORT) -> None:
        """Take pictures out of a class."""
        gone = set(paths)
        kept = tuple(path for path in getattr(self._classes[number], role) if path not in gone)
        title = counted(len(gone), self.tr("Remove 1 picture"), self.tr("Remove {count} pictures"))
        self._change(number, title, **{role: kept})

    def move_pictures(self, paths: Sequence[str], *, source: tuple[int, str], target: tuple[int, str]) -> None:
        """Move pictures from one class (and role) to another, as one change."""
        if source == target or not paths:
            return
        moved = set(paths)
        classes = list(self._classes)
        for (number, role), change in ((source, _without), (target, _with)):
            pictures = change(getattr(classes[number], role), paths, moved)
            classes[number] = classes[number].model_copy(update={role: pictures})
        name = printable(classes[target[0]].name)
        one, many = self.tr("Move 1 picture to {name}"), self.tr("Move {count} pictures to {name}")
        self._set(tuple(classes), counted(len(moved), one, many, name=name))

    # from the person

    def _new_bin(self, number: int) -> OneClassBin:
        made = OneClassBin(number, with_queries=self._with_queries, side_px=self._side_px)
        made.renamed.connect(self._on_bin_renamed)
        made.removed.connect(self._on_bin_removed)
        made.add_button.clicked.connect(self._on_bin_add_clicked)
        for shelf in made.shelves:
            shelf.files_dropped.connect(self._on_shelf_files_dropped)
            shelf.pictures_moved.connect(self._on_shelf_pictures_moved)
            shelf.removal_wanted.connect(self._on_shelf_removal_wanted)
            shelf.class_chosen.connect(self._on_shelf_class_chosen)
            shelf.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            shelf.customContextMenuRequested.connect(self._on_shelf_menu_wanted)
        self._column.insertWidget(number, made)
        return made

    def _place_of(self, shelf: PictureShelf) -> tuple[int, str]:
        return next(each.number for each in self._bins if shelf in each.shelves), shelf.role

    @Slot(object)
    def _on_bin_renamed(self, name: str) -> None:
        self.rename_class(self.sender().number, name)

    @Slot()
    def _on_bin_removed(self) -> None:
        self.remove_class(self.sender().number)

    @Slot()
    def _on_bin_add_clicked(self) -> None:
        number = next(each.number for each in self._bins if each.add_button is self.sender())
        paths, _ = QFileDialog.getOpenFileNames(
            self, self.tr("Pictures of {name}").format(name=self._classes[number].name)
        )
        if paths:
            self._take(number, SUPPORT, DroppedFiles(pictures=tuple(paths)))

    @Slot(object)
    def _on_shelf_files_dropped(self, mime: QMimeData) -> None:
        number, role = self._place_of(self.sender())
        QTimer.singleShot(0, self, lambda: self._take(number, role, dropped_files(mime)))

    @Slot(object, object)
    def _on_shelf_pictures_moved(self, source: PictureShelf, paths: tuple[str, ...]) -> None:
        self.move_pictures(paths, source=self._place_of(source), target=self._place_of(self.sender()))

    @Slot(object)
    def _on_shelf_removal_wanted(self, paths: tuple[str, ...]) -> None:
        number, role = self._place_of(self.sender())
        self.remove_pictures(number, paths, role=role)

    @Slot(int)
    def _on_shelf_class_chosen(self, number: int) -> None:
        shelf = self.sender()
        if number < len(self._classes):
            self.move_pictures(shelf.selected_paths(), source=self._place_of(shelf), target=(number, shelf.role))

    @Slot(object)
    def _on_shelf_menu_wanted(self, place) -> None:
        shelf = self.sender()
        menu = self.menu_for(shelf)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(shelf.viewport().mapToGlobal(place))

    def menu_for(self, shelf: PictureShelf) -> QMenu:
        """Return the context menu of a shelf, for its selected pictures."""
        menu = QMenu(self)
        here = self._place_of(shelf)
        paths = shelf.selected_paths()
        for number, each in enumerate(self._classes):
            for role in (SUPPORT, QUERY) if self._with_queries else (SUPPORT,):
                if (number, role) != here:
                    text = self.tr("Move to {name}") if role == SUPPORT else self.tr("Move to the queries of {name}")
                    shown = printable(each.name).replace("&", "&&")
                    action = menu.addAction(text.format(name=shown), _mover(self, paths, here, (number, role)))
                    action.setEnabled(bool(paths))
        menu.addSeparator()
        remove = QAction(self.tr("Remove\tDel"), menu)
        remove.setEnabled(bool(paths))
        remove.triggered.connect(lambda: self.remove_pictures(here[0], paths, role=here[1]))
        menu.addAction(remove)
        return menu

    @Slot(object)
    def _on_new_class_dropped(self, mime: QMimeData) -> None:
        QTimer.singleShot(0, self, lambda: self.take_new_classes(dropped_files(mime)))

    @Slot()
    def _on_new_class_clicked(self) -> None:
        number = self.add_class()
        self._bins[number].name.setFocus()
        self._bins[number].name.selectAll()

    def _take(self, number: int, role: str, dropped: DroppedFiles) -> None:
        """Put what was dropped into a class: pictures, and those that lie in folders."""
        if number >= len(self._classes):
            return
        paths = [*dropped.pictures, *(path for folder in dropped.folders for path in pictures_of(folder))]
        problems = list(dropped.problems)
        if (saved := self._saved(dropped, problems)) is not None:
            paths.append(saved)
        if paths:
            self.add_pictures(number, paths, role=role)
        elif dropped.folders:
            problems.append(
                problem("empty-folder", self.tr("No pictures lie in this folder."), where=dropped.folders[0])
            )
        if problems:
            self.problems_found.emit(tuple(problems))

    def take_new_classes(self, dropped: DroppedFiles) -> None:
        """Make new classes of what was dropped: one of each folder, one of all loose pictures; as one change."""
        problems = list(dropped.problems)
        wanted: list[tuple[str, tuple[str, ...]]] = []
        for folder in dropped.folders:
            if pictures := pictures_of(folder):
                wanted.append((Path(folder).name, pictures))
            else:
                problems.append(problem("empty-folder", self.tr("No pictures lie in this folder."), where=folder))
        loose = list(dropped.pictures)
        if (saved := self._saved(dropped, problems)) is not None:
            loose.append(saved)
        if loose:
            wanted.append(("", tuple(loose)))
        classes = self._classes
        for name, paths in wanted:
            added, refused = acceptable(paths, beside=classes, room=MOST_PER_CLASS)
            problems += refused
            if added:
                classes = (*classes, TargetClass(name=self._free_name(name, classes), support=added))
        if (count := len(classes) - len(self._classes)) > 0:
            title = self.tr("Add {count} classes") if count > 1 else self.tr("Add class {name}")
            self._set(classes, title.format(count=count, name=printable(classes[-1].name)))
        if problems:
            self.problems_found.emit(tuple(problems))

    def _saved(self, dropped: DroppedFiles, problems: list[Problem]) -> str | None:
        if dropped.image is None:
            return None
        if self.image_folder is None:
            problems.append(problem("no-file", self.tr("This picture has no file; save it first, then drop the file.")))
            return None
        try:
            return save_image(dropped.image, self.image_folder)
        except MetaStudioError as error:
            problems.append(Problem("not-kept", error.what, where=error.where, todo=error.todo))
            return None

    # within

    def _free_name(self, wanted: str, beside: Sequence[TargetClass] | None = None) -> str:
        names = {each.name for each in (self._classes if beside is None else beside)}
        stem = wanted or self.tr("class")
        if wanted and wanted not in names:
            return wanted
        return next(name for number in range(1, len(names) + 2) if (name := f"{stem} {number}") not in names)

    def _change(self, number: int, title: str, **changes: object) -> None:
        changed = self._classes[number].model_copy(update=changes)
        self._set((*self._classes[:number], changed, *self._classes[number + 1 :]), title)

    def _set(self, classes: tuple[TargetClass, ...], title: str) -> None:
        self.set_classes(classes)
        self.bins_changed.emit(title)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.set_classes(self._classes)


def _mover(
    bins: ClassBins, paths: Sequence[str], source: tuple[int, str], target: tuple[int, str]
) -> Callable[[], None]:
    return lambda: bins.move_pictures(paths, source=source, target=target)


def _without(pictures: tuple[str, ...], _paths: Sequence[str], moved: set[str]) -> tuple[str, ...]:
    return tuple(path for path in pictures if path not in moved)


def _with(pictures: tuple[str, ...], paths: Sequence[str], _moved: set[str]) -> tuple[str, ...]:
    return (*pictures, *(path for path in paths if path not in pictures))
