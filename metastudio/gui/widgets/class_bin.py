"""Named, coloured bins that pictures are dropped into: the classes of a task that a person assembles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.experiment import TargetClass
from metastudio.errors import MetaStudioError, Problem, Severity, problem
from metastudio.gui import theme
from metastudio.gui.models.shown_name import isolated, printable
from metastudio.gui.widgets.drop_files import (
    DroppedFiles,
    counted_kinds,
    dropped_files,
    has_files,
    pictures_of,
    save_image,
)
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.thumbnail_view import Frame, PictureView

_MOST_ROWS_SHOWN = 3
_SMALLEST_BIN_PX = 56
_MOST_PER_CLASS = 1000

SUPPORT, QUERY = "support", "query"


class _Shelf(PictureView):
    """The pictures of one role in one bin; takes drops of files and of pictures from other shelves.

    Signals:
        files_dropped(object): a `QMimeData` copy was dropped here.
        pictures_moved(object, object): `(shelf, paths)` that came from another shelf.
        class_chosen(int): selected pictures shall go to the class with this number.
    """

    files_dropped = Signal(object)
    pictures_moved = Signal(object, object)
    class_chosen = Signal(int)

    def __init__(self, role: str, hint: str, side_px: int) -> None:
        super().__init__(side_px=side_px)
        self.role = role
        self.frame = Frame.SUPPORT if role == SUPPORT else Frame.QUERY
        self._hint = hint
        self._drag_hint = ""
        self.setAcceptDrops(True)
        self.setDragEnabled(True)
        self.setDragDropMode(self.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QListView { background: transparent; border: 1px solid transparent; }")

    def set_hint(self, hint: str) -> None:
        """Say this while the shelf is empty."""
        self._hint = hint
        self.viewport().update()

    def fit_height(self) -> None:
        """Take as many rows as the pictures need, up to three; then it scrolls."""
        rows = min(_MOST_ROWS_SHOWN, max(1, self.rows_for(self.width())))
        self.setFixedHeight(max(_SMALLEST_BIN_PX, rows * (self.side_px + 2 * theme.TIGHT) + theme.TIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            QTimer.singleShot(0, self, self.fit_height)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if isinstance(event.source(), _Shelf):
            event.acceptProposedAction()
            self._set_drag_hint(self._moving_hint(event.source()))
        elif has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._set_drag_hint(self._files_hint(event.mimeData()))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if isinstance(event.source(), _Shelf):
            event.acceptProposedAction()
        elif has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self._set_drag_hint("")

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_drag_hint("")
        source = event.source()
        if isinstance(source, _Shelf):
            event.setDropAction(Qt.DropAction.CopyAction)  # the view must not remove rows by itself
            event.accept()
            if source is not self:
                self.pictures_moved.emit(source, source.selected_paths())
        elif has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_dropped.emit(copied(event.mimeData()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.files_dropped.emit(copied(QGuiApplication.clipboard().mimeData()))
            return
        number = event.key() - Qt.Key.Key_1
        if 0 <= number < 9 and event.modifiers() == Qt.KeyboardModifier.NoModifier and self.selected_paths():
            self.class_chosen.emit(number)
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        hint = self._drag_hint or ("" if self.paths() else self._hint)
        if not hint:
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.viewport().rect().adjusted(2, 4, -3, -4)
        colour = theme.colour("accent" if self._drag_hint else "hairline")
        if self._drag_hint:
            painter.fillRect(area, theme.translucent(theme.colour("panel"), 0.85))
        pen = QPen(colour, 1.4 if self._drag_hint else 1)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        painter.setPen(theme.colour("accent" if self._drag_hint else "quiet"))
        painter.setFont(theme.font(theme.CAPTION_PX))
        text = painter.fontMetrics().elidedText(hint, Qt.TextElideMode.ElideRight, area.width() - 16)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)

    def _set_drag_hint(self, hint: str) -> None:
        self._drag_hint = hint
        self.viewport().update()

    def _moving_hint(self, source: _Shelf) -> str:
        count = len(source.selected_paths())
        return self.tr("move {count} here").format(count=count) if source is not self else ""

    def _files_hint(self, mime: QMimeData) -> str:
        folders, files = counted_kinds(mime)
        name = self.accessibleName()
        if folders and not files:
            return self.tr("the pictures of {count} folders → {name}").format(count=folders, name=name)
        return self.tr("{count} pictures → {name}").format(count=max(1, files), name=name)


def copied(mime: QMimeData) -> QMimeData:
    """Return what matters of dropped data, so that it outlives the drop."""
    copy = QMimeData()
    if mime.hasUrls():
        copy.setUrls(mime.urls())
    if mime.hasImage():
        copy.setImageData(mime.imageData())
    return copy


class _Bin(QFrame):
    """One class: colour, name, support pictures, and query pictures where they are wanted.

    Signals:
        renamed(object): the new name was entered.
        removed(): the person wants the class gone.
    """

    renamed = Signal(object)
    removed = Signal()

    def __init__(self, number: int, *, with_queries: bool, side_px: int) -> None:
        super().__init__()
        self.number = number
        theme.set_role(self, "panel")
        self._dot = QLabel()
        self._dot.setFixedSize(12, 12)
        self.name = QLineEdit()
        self.name.setMinimumWidth(72)
        self.name.setToolTip(self.tr("Name of the class: what the answer is called"))
        self.name.editingFinished.connect(self._on_name_finished)
        self._count = label("", "caption")
        self.add_button = _tool("mdi6.image-plus-outline", self.tr("Add pictures…"))
        self.remove_button = _tool("mdi6.close", self.tr("Remove this class"))
        self.remove_button.clicked.connect(self.removed)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(self._dot)
        head.addWidget(self.name, 1)
        head.addWidget(self._count)
        head.addStretch(0)
        head.addWidget(self.add_button)
        head.addWidget(self.remove_button)
        self.support = _Shelf(SUPPORT, self.tr("drop support pictures here"), side_px)
        self.shelves = [self.support]
        shelves = QHBoxLayout()
        shelves.setSpacing(theme.GAP)
        shelves.addWidget(self.support, 1, Qt.AlignmentFlag.AlignTop)
        if with_queries:
            line = QFrame()
            theme.set_role(line, "vertical-hairline")
            self.query = _Shelf(QUERY, self.tr("drop queries here"), side_px)
            self.shelves.append(self.query)
            shelves.addWidget(line)
            shelves.addWidget(self.query, 1, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.GAP, theme.GAP, theme.GAP)
        column.setSpacing(theme.TIGHT)
        column.addLayout(head)
        column.addLayout(shelves)
        self._shown: TargetClass | None = None

    def show_class(self, value: TargetClass) -> None:
        """Show a class; pictures that are there already stay in place."""
        self._shown = value
        shown = printable(value.name)
        if not self.name.hasFocus() or self.name.text() != shown:
            self.name.setText(shown)
            self.name.setCursorPosition(0)
        for shelf, paths in zip(self.shelves, (value.support, value.query), strict=False):
            shelf.frame_colour = theme.series_colour(self.number)
            shelf.set_paths(paths)
            shelf.setAccessibleName(shown if shelf.role == SUPPORT else self.tr("{name}, queries").format(name=shown))
            shelf.fit_height()
            shelf.viewport().update()
        self._count.setText(self._counted(value))
        self.setAccessibleName(self.tr("Class {number}: {name}").format(number=self.number + 1, name=shown))
        self.name.setAccessibleName(self.tr("Name of class {number}").format(number=self.number + 1))
        self.add_button.setAccessibleName(self.tr("Add pictures to {name}").format(name=shown))
        self.remove_button.setAccessibleName(self.tr("Remove class {name}").format(name=shown))
        self._dot.setPixmap(_dot(self.number, self.devicePixelRatioF()))

    def _counted(self, value: TargetClass) -> str:
        text = self.tr("{count} pictures").format(count=len(value.support))
        if len(value.support) == 1:
            text = self.tr("1 picture")
        return text + (self.tr(" · {count} queries").format(count=len(value.query)) if value.query else "")

    @Slot()
    def _on_name_finished(self) -> None:
        if self._shown is None:
            return
        name = self.name.text().strip()
        if name != printable(self._shown.name):
            self.renamed.emit(name)


def _tool(icon_name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(icon_name, "quiet"))
    button.setIconSize(QSize(16, 16))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button


def _dot(number: int, scale: float) -> QPixmap:
    pixmap = QPixmap(round(12 * scale), round(12 * scale))
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.series_colour(number))
    painter.drawEllipse(1, 1, 10, 10)
    painter.end()
    return pixmap


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
        self._bins: list[_Bin] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GAP)
        self._new = _NewClass()
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
        added, problems = self._acceptable(paths, room=_MOST_PER_CLASS - len(getattr(self._classes[number], role)))
        if added:
            before = getattr(self._classes[number], role)
            name = self._classes[number].name
            title = self.tr("Add {count} pictures to {name}").format(count=len(added), name=printable(name))
            self._change(number, title, **{role: (*before, *added)})
        if problems:
            self.problems_found.emit(problems)

    def add_class(self, name: str = "", paths: Sequence[str] = ()) -> int:
        """Add a class, with pictures if there are some, and return its number."""
        added, problems = self._acceptable(paths, room=_MOST_PER_CLASS)
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
        self._change(number, self.tr("Remove {count} pictures").format(count=len(gone)), **{role: kept})

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
        self._set(tuple(classes), self.tr("Move {count} pictures to {name}").format(count=len(moved), name=name))

    # from the person

    def _new_bin(self, number: int) -> _Bin:
        made = _Bin(number, with_queries=self._with_queries, side_px=self._side_px)
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

    def _place_of(self, shelf: _Shelf) -> tuple[int, str]:
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
    def _on_shelf_pictures_moved(self, source: _Shelf, paths: tuple[str, ...]) -> None:
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

    def menu_for(self, shelf: _Shelf) -> QMenu:
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
            added, refused = self._acceptable(paths, room=_MOST_PER_CLASS, beside=classes)
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

    def _acceptable(
        self, paths: Sequence[str], *, room: int, beside: Sequence[TargetClass] | None = None
    ) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
        """Return the pictures that no class has yet, by name or by content, and why the others stay out."""
        known = {
            path: each.name
            for each in (self._classes if beside is None else beside)
            for path in (*each.support, *each.query)
        }
        by_size: dict[int, list[str]] = {}
        for path in known:
            by_size.setdefault(_size_of(path), []).append(path)
        taken: list[str] = []
        problems: list[Problem] = []
        for path in dict.fromkeys(paths):
            size = _size_of(path)
            twin = path if path in known else _same_bytes(path, by_size.get(size, ()), size)
            if twin is not None:
                problems.append(
                    problem(
                        "picture-twice",
                        self.tr("{file} is already in {name}."),
                        severity=Severity.WARNING,
                        file=isolated(Path(path).name),
                        name=isolated(known.get(twin, self.tr("this drop"))),
                    )
                )
                continue
            if len(taken) == room:
                problems.append(
                    problem(
                        "class-full",
                        self.tr("A class holds at most {most} pictures; the others were left out."),
                        severity=Severity.WARNING,
                        most=_MOST_PER_CLASS,
                    )
                )
                break
            taken.append(path)
            by_size.setdefault(size, []).append(path)
        return tuple(taken), tuple(problems)

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


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


@lru_cache(maxsize=8192)
def _fingerprint(path: str, _size_bytes: int) -> str:
    from metastudio.images.fingerprints import sha256_of  # noqa: PLC0415 - Pillow loads when it is needed

    return sha256_of(path)


def _same_bytes(path: str, others: Sequence[str], size_bytes: int) -> str | None:
    """Return which of the files of equal size is the same picture, if any."""
    try:
        own = _fingerprint(path, size_bytes) if others else ""
        return next((other for other in others if _fingerprint(other, size_bytes) == own), None)
    except (OSError, MetaStudioError):
        return None


class _NewClass(QFrame):
    """Where pictures of a class that is not there yet are dropped.

    Signals:
        files_dropped(object): a `QMimeData` copy.
    """

    files_dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.setMinimumHeight(_SMALLEST_BIN_PX)
        self.button = QPushButton(self.tr("+ class"))
        self.button.setToolTip(self.tr("Add an empty class, then drop its pictures"))
        self._text = WrappingLabel(self._idle_text(), "quiet")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        line.setSpacing(12)
        line.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self._text, 1)
        self._is_target = False

    def _idle_text(self) -> str:
        return self.tr("or drop pictures here; each folder becomes a class")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not has_files(event.mimeData()):
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        folders, files = counted_kinds(event.mimeData())
        parts = []
        if folders:
            parts.append(self.tr("{count} folders → {count} new classes").format(count=folders))
        if files or not folders:
            parts.append(self.tr("{count} pictures → 1 new class").format(count=max(1, files)))
        self._show_hint(", ".join(parts))

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._show_hint("")

    def dropEvent(self, event: QDropEvent) -> None:
        self._show_hint("")
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.files_dropped.emit(copied(event.mimeData()))

    def _show_hint(self, hint: str) -> None:
        self._is_target = bool(hint)
        self._text.setText(hint or self._idle_text())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.colour("accent" if self._is_target else "scroll"), 1.2)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), theme.RADIUS, theme.RADIUS)
