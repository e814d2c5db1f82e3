"""Named, coloured bins that pictures are dropped into: the classes of a task that a person assembles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QVBoxLayout, QWidget

from metastudio.catalog.experiment import TargetClass
from metastudio.errors import Severity, problem
from metastudio.gui import theme
from metastudio.gui.models.bin_contents import QUERY, SUPPORT, UNLABELLED, UNLABELLED_BIN, Bin, BinContents
from metastudio.gui.models.shown_name import isolated, printable
from metastudio.gui.widgets.acceptable_pictures import MOST_PER_CLASS, acceptable
from metastudio.gui.widgets.drop_files import DroppedFiles, dropped_files
from metastudio.gui.widgets.dropped_classes import empty_folder, kept_image, pictures_in, with_new_classes
from metastudio.gui.widgets.hash_beside import HashBeside
from metastudio.gui.widgets.new_class_place import NewClassPlace
from metastudio.gui.widgets.one_class_bin import OneClassBin
from metastudio.gui.widgets.picture_shelf import PictureShelf, copied
from metastudio.gui.widgets.unlabelled_bin import UnlabelledBin
from metastudio.gui.wording import counted

__all__ = ["QUERY", "SUPPORT", "UNLABELLED", "ClassBins", "copied"]


class ClassBins(QWidget):
    """The classes of a task, one bin below the other, and a place to drop pictures for one more.

    It changes itself and tells; whoever wants undo puts each value on a stack and calls `set_contents` to go back.
    With queries there is one more bin, for pictures whose class is not known.

    Keys in a bin: Delete removes the selected pictures, 1 to 9 moves them to that class, Ctrl+V pastes, the menu key
    moves them anywhere.

    Attributes:
        image_folder: Where pictures without a file (from a browser, the clipboard) are kept; None refuses them.
        hashing: Compares large pictures beside the window before they are taken.

    Signals:
        bins_changed(object): the person changed `contents()`; the title of what they did, for undo.
        problems_found(object): a tuple of `Problem`: what was not taken, and why.
    """

    bins_changed = Signal(object)
    problems_found = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, with_queries: bool = False, side_px: int = 48) -> None:
        super().__init__(parent)
        self.image_folder: Path | None = None
        self.hashing = HashBeside(self)
        self._with_queries = with_queries
        self._side_px = side_px
        self._contents = BinContents()
        self._bins: list[OneClassBin] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GAP)
        self._new = NewClassPlace()
        self._new.files_dropped.connect(self._on_new_class_dropped)
        self._new.button.clicked.connect(self._on_new_class_clicked)
        self.hashing.busy_changed.connect(self._new.set_busy)
        self._column.addWidget(self._new)
        self._unlabelled = UnlabelledBin(side_px)
        self._unlabelled.setVisible(with_queries)
        self._connect_shelf(self._unlabelled.shelf)
        self._column.addWidget(self._unlabelled)
        self._column.addStretch(1)

    def shut_down(self) -> None:
        """End what runs beside the window."""
        self.hashing.close()

    # value

    def contents(self) -> BinContents:
        """Return everything as it stands."""
        return self._contents

    def classes(self) -> tuple[TargetClass, ...]:
        """Return the classes as they stand."""
        return self._contents.classes

    def set_classes(self, classes: Sequence[TargetClass]) -> None:
        """Show these classes, without telling anyone."""
        self.set_contents(replace(self._contents, classes=tuple(classes)))

    def set_contents(self, contents: BinContents) -> None:
        """Show all this, without telling anyone."""
        self._contents = contents
        while len(self._bins) > len(contents.classes):
            gone = self._bins.pop()
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self._bins) < len(contents.classes):
            self._bins.append(self._new_bin(len(self._bins)))
        for each, value in zip(self._bins, contents.classes, strict=True):
            each.show_class(value)
        self._unlabelled.show_pictures(contents.unlabelled)

    def add_pictures(self, number: int, paths: Sequence[str], *, role: str = SUPPORT) -> None:
        """Put pictures into a bin; those that are there already, anywhere, are refused with a word."""
        place = Bin(number, role)
        before = self._contents.at(place)
        added, problems = acceptable(paths, owners=self._contents.owners(), room=MOST_PER_CLASS - len(before))
        if added:
            one, many = self.tr("Add 1 picture to {name}"), self.tr("Add {count} pictures to {name}")
            title = counted(len(added), one, many, name=self._name_of(place))
            self._set(self._contents.with_pictures(place, (*before, *added)), title)
        if problems:
            self.problems_found.emit(problems)

    def add_class(self, name: str = "", paths: Sequence[str] = ()) -> int:
        """Add a class, with pictures if there are some, and return its number."""
        added, problems = acceptable(paths, owners=self._contents.owners(), room=MOST_PER_CLASS)
        number = len(self.classes())
        made = TargetClass(name=self._contents.free_name(name, self.tr("class")), support=added)
        self._set(
            self._contents.with_class(number, made), self.tr("Add class {name}").format(name=printable(made.name))
        )
        if problems:
            self.problems_found.emit(problems)
        return number

    def remove_class(self, number: int) -> None:
        """Remove a class; its files stay where they are."""
        name = printable(self.classes()[number].name)
        self._set(self._contents.without_class(number), self.tr("Remove class {name}").format(name=name))

    def rename_class(self, number: int, name: str) -> None:
        """Call a class something else; an empty name or one that is taken is refused with a word."""
        value = self.classes()[number]
        others = {each.name for position, each in enumerate(self.classes()) if position != number}
        if name and name not in others:
            renamed = self._contents.with_class(number, value.model_copy(update={"name": name}))
            self._set(renamed, self.tr("Rename class to {name}").format(name=printable(name)))
            return
        self._bins[number].show_class(value)
        sentence = self.tr("Another class is called {name} already.") if name else self.tr("A class needs a name.")
        self.problems_found.emit((problem("class-name", sentence, severity=Severity.WARNING, name=isolated(name)),))

    def remove_pictures(self, number: int, paths: Sequence[str], *, role: str = SUPPORT) -> None:
        """Take pictures out of a bin."""
        gone, place = set(paths), Bin(number, role)
        kept = [path for path in self._contents.at(place) if path not in gone]
        title = counted(len(gone), self.tr("Remove 1 picture"), self.tr("Remove {count} pictures"))
        self._set(self._contents.with_pictures(place, kept), title)

    def move_pictures(self, paths: Sequence[str], *, source: tuple[int, str], target: tuple[int, str]) -> None:
        """Move pictures from one bin to another, as one change; what would be too many stays, with a word."""
        source, target = Bin(*source), Bin(*target)
        if source == target or not paths:
            return
        room = MOST_PER_CLASS - len(self._contents.at(target)) if target != UNLABELLED_BIN else len(paths)
        if room < len(paths):
            sentence = self.tr("A class holds at most {most} pictures; nothing was moved.")
            full = problem("class-full", sentence, severity=Severity.WARNING, most=MOST_PER_CLASS)
            self.problems_found.emit((full,))
            return
        one, many = self.tr("Move 1 picture to {name}"), self.tr("Move {count} pictures to {name}")
        title = counted(len(set(paths)), one, many, name=self._name_of(target))
        self._set(self._contents.moved(paths, source, target), title)

    def move_to_new_class(self, paths: Sequence[str], *, source: tuple[int, str]) -> None:
        """Make a class of pictures that lie in another bin, as one change."""
        number = len(self.classes())
        made = TargetClass(name=self._contents.free_name("", self.tr("class")))
        grown = self._contents.with_class(number, made).moved(paths, Bin(*source), Bin(number, SUPPORT))
        self._set(grown, self.tr("Add class {name}").format(name=printable(made.name)))

    # from the person

    def _new_bin(self, number: int) -> OneClassBin:
        made = OneClassBin(number, with_queries=self._with_queries, side_px=self._side_px)
        made.renamed.connect(self._on_bin_renamed)
        made.removed.connect(self._on_bin_removed)
        made.add_button.clicked.connect(self._on_bin_add_clicked)
        for shelf in made.shelves:
            self._connect_shelf(shelf)
        self._column.insertWidget(number, made)
        return made

    def _connect_shelf(self, shelf: PictureShelf) -> None:
        shelf.files_dropped.connect(self._on_shelf_files_dropped)
        shelf.pictures_moved.connect(self._on_shelf_pictures_moved)
        shelf.removal_wanted.connect(self._on_shelf_removal_wanted)
        shelf.class_chosen.connect(self._on_shelf_class_chosen)
        shelf.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        shelf.customContextMenuRequested.connect(self._on_shelf_menu_wanted)

    def _place_of(self, shelf: PictureShelf) -> Bin:
        if shelf is self._unlabelled.shelf:
            return UNLABELLED_BIN
        return next(Bin(each.number, shelf.role) for each in self._bins if shelf in each.shelves)

    def _name_of(self, place: Bin) -> str:
        return (
            self.tr("the pictures to classify")
            if place == UNLABELLED_BIN
            else printable(self.classes()[place.number].name)
        )

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
            self, self.tr("Pictures of {name}").format(name=self.classes()[number].name)
        )
        if paths:
            self._take(Bin(number, SUPPORT), DroppedFiles(pictures=tuple(paths)))

    @Slot(object)
    def _on_shelf_files_dropped(self, mime: QMimeData) -> None:
        place = self._place_of(self.sender())
        QTimer.singleShot(0, self, lambda: self._take(place, dropped_files(mime)))

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
        if number < len(self.classes()):
            role = QUERY if shelf.role == UNLABELLED else shelf.role
            self.move_pictures(shelf.selected_paths(), source=self._place_of(shelf), target=(number, role))

    @Slot(object)
    def _on_shelf_menu_wanted(self, place: QPoint) -> None:
        shelf = self.sender()
        menu = self.menu_for(shelf)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(shelf.viewport().mapToGlobal(place))

    def menu_for(self, shelf: PictureShelf) -> QMenu:
        """Return the context menu of a shelf, for its selected pictures."""
        menu = QMenu(self)
        here = self._place_of(shelf)
        paths = shelf.selected_paths()
        texts = {SUPPORT: self.tr("Move to {name}"), QUERY: self.tr("Move to the queries of {name}")}
        roles = (SUPPORT, QUERY) if self._with_queries else (SUPPORT,)
        targets = [Bin(number, role) for number in range(len(self.classes())) for role in roles]
        if self._with_queries:
            targets.append(UNLABELLED_BIN)
        for target in sorted(targets, key=lambda each: each.number != here.number):  # its own class first
            if target != here:
                text = texts.get(target.role, texts[SUPPORT]).format(name=self._name_of(target).replace("&", "&&"))
                menu.addAction(text, _mover(self, paths, here, target))
        menu.addAction(self.tr("Move to a new class"), lambda: self.move_to_new_class(paths, source=here))
        menu.addSeparator()
        remove = QAction(self.tr("Remove\tDel"), menu)
        remove.triggered.connect(lambda: self.remove_pictures(here.number, paths, role=here.role))
        menu.addAction(remove)
        for action in menu.actions():
            action.setEnabled(bool(paths))
        return menu

    @Slot(object)
    def _on_new_class_dropped(self, mime: QMimeData) -> None:
        QTimer.singleShot(0, self, lambda: self.take_new_classes(dropped_files(mime)))

    @Slot()
    def _on_new_class_clicked(self) -> None:
        number = self.add_class()
        self._bins[number].name.setFocus()
        self._bins[number].name.selectAll()

    def _take(self, place: Bin, dropped: DroppedFiles) -> None:
        """Put what was dropped into a bin: pictures, and those that lie in folders."""
        problems = list(dropped.problems)
        paths = list(pictures_in(dropped))
        if (saved := kept_image(dropped, self.image_folder, problems)) is not None:
            paths.append(saved)
        if dropped.folders and not paths:
            problems.append(empty_folder(dropped.folders[0]))
        if problems:
            self.problems_found.emit(tuple(problems))
        if paths:
            name = self._name_of(place) if place.number < len(self.classes()) else ""
            self.hashing.first(paths, self._contents.owners(), lambda: self._add_compared(place, name, paths))

    def _add_compared(self, place: Bin, name: str, paths: Sequence[str]) -> None:
        """Add pictures to the bin that they were dropped on, unless it is no longer the one."""
        if place.number < len(self.classes()) and self._name_of(place) == name:
            self.add_pictures(place.number, paths, role=place.role)
        else:
            gone = problem(
                "class-gone", self.tr("The class is gone; drop the pictures again."), severity=Severity.WARNING
            )
            self.problems_found.emit((gone,))

    def take_new_classes(self, dropped: DroppedFiles) -> None:
        """Make new classes of what was dropped: one of each folder, one of all loose pictures; as one change."""
        self.hashing.first(pictures_in(dropped), self._contents.owners(), lambda: self._add_new_classes(dropped))

    def _add_new_classes(self, dropped: DroppedFiles) -> None:
        grown, problems = with_new_classes(self._contents, dropped, image_folder=self.image_folder)
        if (count := len(grown.classes) - len(self.classes())) > 0:
            title = self.tr("Add {count} classes") if count > 1 else self.tr("Add class {name}")
            self._set(grown, title.format(count=count, name=printable(grown.classes[-1].name)))
        if problems:
            self.problems_found.emit(problems)

    # within

    def _set(self, contents: BinContents, title: str) -> None:
        self.set_contents(contents)
        self.bins_changed.emit(title)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.set_contents(self._contents)


def _mover(bins: ClassBins, paths: Sequence[str], source: Bin, target: Bin) -> Callable[[], None]:
    return lambda: bins.move_pictures(paths, source=source, target=target)
