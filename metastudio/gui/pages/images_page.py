"""Images: folders come in, what is wrong is listed, classes are dealt to meta-train, meta-val and meta-test."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtGui import (
    QAction,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QSlider,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.errors import Problem
from metastudio.gui import commands, theme
from metastudio.gui.dialogs.split_dialog import SplitDialog
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.models.class_model import ClassOrder, class_of_file, rows_of
from metastudio.gui.models.shown_name import isolated, printable
from metastudio.gui.pages.page import Page
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.class_bin import copied
from metastudio.gui.widgets.class_column import PART_MARKS, ClassColumn
from metastudio.gui.widgets.drop_files import counted_kinds, dropped_files, has_files, some_sentences
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel, hairline, label
from metastudio.gui.widgets.preprocessing_panel import PreprocessingPanel
from metastudio.gui.widgets.problem_tree import ProblemTree
from metastudio.gui.widgets.thumbnail_view import PictureView, reason_for
from metastudio.images.image_index import ImageClass

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_LEFT_WIDTH_PX = 264
_PROGRESS_AFTER_MS = 500
_SIDES_PX = (24, 32, 40, 48, 64, 80, 96)


class ImagesPage(Page):
    """The first page: what there is to learn from."""

    key: ClassVar[str] = "images"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self._document: ProjectDocument | None = None
        self._current = ""
        self._sample_task: BackgroundTask | None = None
        self.setAcceptDrops(True)
        self._make_header()
        self._columns = self._make_columns()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._make_empty_state())
        self._stack.addWidget(self._make_content())
        self.body.addWidget(self._stack, 1)
        self._drop_hint = QLabel(self)
        self._drop_hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._drop_hint.setObjectName("dropHint")
        self._drop_hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._drop_hint.hide()
        self._progress_timer = QTimer(self)
        self._progress_timer.setSingleShot(True)
        self._progress_timer.setInterval(_PROGRESS_AFTER_MS)
        self._progress_timer.timeout.connect(self._on_progress_due)
        studio.project_changed.connect(self._on_project_changed)
        self._on_project_changed(studio.project)

    # building

    def _make_header(self) -> None:
        self._add_button = QPushButton(self.tr("Add folders…"))
        self._add_button.setToolTip(
            self.tr("A folder of pictures for each class; nested folders are recognised (Ctrl+I)")
        )
        self._add_button.clicked.connect(self.choose_folders)
        self._split_button = QPushButton(self.tr("Make a split…"))
        self._split_button.clicked.connect(self.choose_split)
        self._more_button = QToolButton()
        self._more_button.setIcon(icon("mdi6.dots-horizontal"))
        self._more_button.setToolTip(self.tr("More: look again, remove folders"))
        self._more_button.setAccessibleName(self.tr("More"))
        self._more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more_menu = QMenu(self)
        self._more_menu.aboutToShow.connect(self._on_more_menu_wanted)
        self._more_button.setMenu(self._more_menu)
        for widget in (self._add_button, self._split_button, self._more_button):
            self.add_header_widget(widget)
        QShortcut(QKeySequence("Ctrl+I"), self, self.choose_folders)

    def _make_columns(self) -> list[ClassColumn]:
        hint = self.tr("drag classes here, or select some and press M")
        columns = [
            ClassColumn(Part.META_TRAIN, self.tr("meta-train"), hint),
            ClassColumn(Part.META_VAL, self.tr("meta-val"), hint),
            ClassColumn(Part.META_TEST, self.tr("meta-test"), hint),
            ClassColumn(None, self.tr("not used"), ""),
        ]
        for column in columns:
            column.current_changed.connect(self._on_column_current_changed)
            column.names_dropped.connect(self._on_column_names_dropped)
            column.key_wanted.connect(self._on_column_key_wanted)
            column.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            column.view.customContextMenuRequested.connect(self._on_column_menu_wanted)
            column.view.activated.connect(self._on_class_activated)
        columns[0].setToolTip(self.tr("The model learns from these classes"))
        columns[1].setToolTip(self.tr("These classes choose the best state of the model"))
        columns[2].setToolTip(self.tr("Kept unseen for the final number"))
        columns[3].setToolTip(self.tr("Excluded, or in no part of the split"))
        return columns

    def _make_empty_state(self) -> QWidget:
        empty = EmptyState(
            "mdi6.image-multiple-outline",
            self.tr("Drop folders of pictures here"),
            self.tr(
                "One folder of pictures for each class: leaves/oak, leaves/beech … Nested folders and ready-made "
                "train, val and test folders are recognised."
            ),
        )
        empty.add_button(self.tr("Add folders…"), self.choose_folders, is_primary=True)
        self._sample_button = empty.add_button(self.tr("Use sample images"), self.add_sample_images)
        self._sample_button.setMinimumHeight(theme.PRIMARY_HEIGHT)
        self._sample_button.setToolTip(
            self.tr("Drawn characters of invented alphabets, made on this computer in a moment")
        )
        return empty

    def _make_content(self) -> QWidget:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(theme.GROUP)
        split.addWidget(self._make_left())
        split.addWidget(self._make_right())
        split.setStretchFactor(1, 1)
        split.setSizes([_LEFT_WIDTH_PX, 1000])
        return split

    def _make_left(self) -> QWidget:
        left = QFrame()
        theme.set_role(left, "panel")
        left.setMinimumWidth(200)
        self._progress = self._make_progress()
        self._health = label("", "section")
        self._tree = ProblemTree()
        self._tree.problem_activated.connect(self._on_problem_activated)
        self._line = hairline()
        self._class_name = ElidedLabel("", "section", mode=Qt.TextElideMode.ElideMiddle)
        self._class_about = ElidedLabel("", "caption")
        self._pictures = PictureView(side_px=56)
        self._pictures.setFrameShape(QFrame.Shape.NoFrame)
        self._pictures.setStyleSheet("QListView { background: transparent; border: none; }")
        self._pictures.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._pictures.customContextMenuRequested.connect(self._on_picture_menu_wanted)
        self._pictures.removal_wanted.connect(self._on_pictures_removal_wanted)
        self._pictures.selectionModel().currentChanged.connect(self._on_picture_current_changed)
        self._pictures.thumbnails.loaded.connect(self._on_thumbnails_loaded)
        self._picture_about = ElidedLabel("", "caption", mode=Qt.TextElideMode.ElideMiddle)
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 12, theme.GAP, theme.GAP)
        column.setSpacing(theme.TIGHT)
        column.addWidget(self._progress)
        column.addWidget(self._health)
        column.addWidget(self._tree)
        column.addWidget(self._line)
        column.addSpacing(theme.TIGHT)
        column.addWidget(self._class_name)
        column.addWidget(self._class_about)
        column.addWidget(self._pictures, 1)
        column.addWidget(self._picture_about)
        return left

    def _make_progress(self) -> QWidget:
        row = QWidget()
        self._progress_text = ElidedLabel("", "caption")
        self._progress_bar = QProgressBar()
        self._progress_bar.setTextVisible(False)
        cancel = QToolButton()
        cancel.setIcon(icon("mdi6.close", "quiet"))
        cancel.setToolTip(self.tr("Cancel"))
        cancel.setAccessibleName(self.tr("Cancel what is under way"))
        cancel.clicked.connect(self._on_cancel_clicked)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self._progress_text)
        column.addWidget(self._progress_bar)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, theme.TIGHT)
        line.addLayout(column, 1)
        line.addWidget(cancel)
        row.hide()
        return row

    def _make_right(self) -> QWidget:
        right = QWidget()
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Search classes"))
        self._search.setClearButtonEnabled(True)
        self._search.setAccessibleName(self.tr("Search classes"))
        self._search.setMaximumWidth(280)
        self._search.textChanged.connect(self._show_classes)
        QShortcut(QKeySequence.StandardKey.Find, self, self._search.setFocus)
        self._order = QComboBox()
        self._order.setAccessibleName(self.tr("Sort classes"))
        for order, text in (
            (ClassOrder.NAME, self.tr("sort: name")),
            (ClassOrder.MOST, self.tr("sort: most images")),
            (ClassOrder.FEWEST, self.tr("sort: fewest images")),
        ):
            self._order.addItem(text, order)
        self._order.currentIndexChanged.connect(self._show_classes)
        self._size = QSlider(Qt.Orientation.Horizontal)
        self._size.setRange(0, len(_SIDES_PX) - 1)
        self._size.setValue(1)
        self._size.setFixedWidth(96)
        self._size.setAccessibleName(self.tr("Size of thumbnails"))
        self._size.setToolTip(self.tr("Size of thumbnails"))
        self._size.valueChanged.connect(self._on_size_changed)
        calm_wheel(self._order, self._size)
        tools = QHBoxLayout()
        tools.setSpacing(theme.GAP)
        tools.addWidget(self._search, 1)
        tools.addStretch(1)
        tools.addWidget(self._order)
        tools.addSpacing(theme.GAP)
        tools.addWidget(label(self.tr("size"), "quiet"))
        tools.addWidget(self._size)
        columns = QHBoxLayout()
        columns.setSpacing(theme.GAP)
        for each in self._columns:
            columns.addWidget(each, 1)
        self._preprocessing = PreprocessingPanel()
        self._preprocessing.preprocessing_edited.connect(self._on_preprocessing_edited)
        self._preprocessing.rotations_edited.connect(self._on_rotations_edited)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(tools)
        column.addLayout(columns, 1)
        column.addWidget(self._preprocessing)
        return right

    # the project

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        if self._document is not None:
            for signal, slot in self._links(self._document):
                signal.disconnect(slot)
        self._document = document
        self._current = ""
        if document is not None:
            for signal, slot in self._links(document):
                signal.connect(slot)
        self._show_all()

    def _links(self, document: ProjectDocument) -> tuple:
        return (
            (document.index_changed, self._show_all),
            (document.split_changed, self._show_classes),
            (document.experiment_changed, self._on_experiment_changed),
            (document.problems_changed, self._show_problems),
            (document.work_started, self._on_work_started),
            (document.work_progressed, self._on_work_progressed),
            (document.work_ended, self._on_work_ended),
            (document.failed, self._on_document_failed),
        )

    @Slot()
    def _show_all(self) -> None:
        document = self._document
        has_folders = document is not None and bool(document.experiment.data.folders)
        is_scanning = document is not None and document.is_busy
        self._stack.setCurrentIndex(1 if has_folders or is_scanning else 0)
        self._split_button.setEnabled(document is not None and bool(document.index.classes))
        self._split_button.setToolTip(
            self.tr("Deal the classes to meta-train, meta-val and meta-test")
            if self._split_button.isEnabled()
            else self.tr("Add folders of pictures first: there are no classes to deal.")
        )
        self._more_button.setVisible(has_folders)
        for button in (self._add_button, self._sample_button):
            button.setEnabled(document is not None)
        self._show_counts()
        self._show_classes()
        self._show_problems()
        self._show_preprocessing()

    def _show_counts(self) -> None:
        if self._document is None:
            self.set_title(self.tr("Images"))
            return
        index = self._document.index
        about = self._document.name
        if index.classes:
            counts = self.tr("{classes} classes, {images} images").format(
                classes=f"{len(index.classes):,}", images=f"{index.file_count:,}"
            )
            about = f"{isolated(about)} ({counts})"
        self.set_title(self.tr("Images"), about)

    @Slot()
    def _show_classes(self) -> None:
        if self._document is None:
            return
        classes, parts = self._document.index.classes, self._document.parts
        counts = {each.name: len(each.files) for each in self._document.used.classes}
        names: dict[Part | None, set[str]] = {column.part: set() for column in self._columns}
        for each in classes:
            part = parts.get(each.name) if each.name in counts else None
            names[part].add(each.name)
        for column in self._columns:
            own = names[column.part]
            rows = rows_of(
                classes,
                counts=counts,
                names=own,
                search=self._search.text(),
                order=ClassOrder(self._order.currentData()),
            )
            column.set_rows(rows, total=len(own))
        self._columns[-1].setVisible(bool(names[None]))
        self._show_current()

    @Slot()
    def _show_problems(self) -> None:
        problems = self._document.image_problems() if self._document is not None else ()
        limits = [] if self._document is None else [p for p in self._document.problems() if p.code in _LIMITS]
        self._tree.set_problems((*problems, *limits))
        count = len(self._tree.problems())
        texts = {0: self.tr("Nothing is wrong"), 1: self.tr("1 problem")}
        self._health.setText(texts.get(count, self.tr("{count} problems").format(count=f"{count:,}")))
        self._tree.setVisible(bool(count))

    def _show_preprocessing(self) -> None:
        if self._document is not None:
            data = self._document.experiment.data
            self._preprocessing.set_value(data.preprocessing, rotations_as_classes=data.rotations_as_classes)

    def _class_named(self, name: str) -> ImageClass | None:
        classes = self._document.index.classes if self._document is not None else ()
        return next((each for each in classes if each.name == name), None)

    def _show_current(self) -> None:
        shown = self._class_named(self._current)
        if shown is None and self._document is not None and self._document.index.classes:
            shown = self._document.index.classes[0]
        if shown is None or self._document is None:
            self._class_name.setText("")
            self._class_about.setText("")
            self._pictures.set_paths(())
            self._preprocessing.set_path("")
            return
        self._current = shown.name
        part = self._document.parts.get(shown.name)
        excluded = frozenset(self._document.experiment.data.excluded_files)
        paths = tuple(file.path for file in shown.files)
        left_out = sum(path in excluded for path in paths)
        where = PART_MARKS[part] + " " + (part.value.replace("_", "-") if part else self.tr("not used"))
        about = self.tr("{count} images · {part}").format(count=f"{len(paths) - left_out:,}", part=where)
        if left_out:
            about += self.tr(" · {count} excluded").format(count=left_out)
        self._class_name.setText(printable(shown.name))
        self._class_about.setText(about)
        self._pictures.quiet_paths = excluded
        self._pictures.set_paths(paths)
        self._pictures.setAccessibleName(self.tr("Pictures of {name}").format(name=printable(shown.name)))
        self._pictures.viewport().update()
        selected = self._pictures.selected_paths()
        self._preprocessing.set_path(selected[0] if selected else next(iter(paths), ""))

    @Slot(object)
    def _on_experiment_changed(self, sections: frozenset[str]) -> None:
        if "data.folders" in sections:
            self._show_all()
        elif sections & {"data.excluded_files", "data.excluded_classes"}:
            self._show_classes()
        if sections & {"data.preprocessing", "data.rotations_as_classes"}:
            self._show_preprocessing()

    @Slot(object)
    def _on_document_failed(self, error: Exception) -> None:
        self.studio.messages.show_error(error)

    # work beside the window

    @Slot(object)
    def _on_work_started(self, kind: str) -> None:
        reading = self.tr("Looking at the folders…"), self.tr("Checking the pictures…")
        self._progress_text.setText(reading[0] if kind == "scan" else reading[1])
        self._progress_bar.setRange(0, 0)
        self._progress_timer.start()
        self._show_scan_page()

    def _show_scan_page(self) -> None:
        if self._document is not None and self._document.is_busy:
            self._stack.setCurrentIndex(1)

    @Slot()
    def _on_progress_due(self) -> None:
        self._progress.show()

    @Slot(object, object)
    def _on_work_progressed(self, done: int, total: int) -> None:
        if total:
            self._progress_bar.setRange(0, total)
            self._progress_bar.setValue(done)
            text = self.tr("Checking the pictures… {done} of {total}")
        else:
            text = self.tr("Looking at the folders… {done} pictures")
        self._progress_text.setText(text.format(done=f"{done:,}", total=f"{total:,}"))

    @Slot()
    def _on_work_ended(self) -> None:
        self._progress_timer.stop()
        self._progress.hide()
        if self._document is not None and not self._document.experiment.data.folders:
            self._show_all()

    @Slot()
    def _on_cancel_clicked(self) -> None:
        if self._document is not None:
            self._document.cancel_work()

    # folders

    @Slot()
    def choose_folders(self) -> None:
        """Ask for a folder and take it."""
        if self._document is None:
            return
        folder = QFileDialog.getExistingDirectory(self, self.tr("Add a folder of pictures"))
        if folder:
            self._document.add_folders([folder])

    @Slot()
    def add_sample_images(self) -> None:
        """Make sample images inside the project, beside the window, and take them."""
        if self._document is None or self._sample_task is not None:
            return
        folder = self._document.folder / "sample images"
        self._sample_button.setEnabled(False)
        self._sample_button.setText(self.tr("Drawing…"))

        def work(_tell: object, _stop: object) -> str:
            from metastudio.images.sample_glyphs import make_sample_glyphs  # noqa: PLC0415 - numpy beside the window

            make_sample_glyphs(folder)
            return str(folder)

        self._sample_task = BackgroundTask(work, self)
        self._sample_task.succeeded.connect(self._on_sample_made)
        self._sample_task.failed.connect(self._on_sample_failed)
        self._sample_task.start()

    @Slot(object)
    def _on_sample_made(self, folder: str) -> None:
        self._end_sample()
        if self._document is not None:
            self._document.add_folders([folder])

    @Slot(object)
    def _on_sample_failed(self, error: Exception) -> None:
        self._end_sample()
        self.studio.messages.show_error(error)

    def _end_sample(self) -> None:
        if self._sample_task is not None:
            self._sample_task.close()
            self._sample_task.deleteLater()
            self._sample_task = None
        self._sample_button.setEnabled(True)
        self._sample_button.setText(self.tr("Use sample images"))

    @Slot()
    def _on_more_menu_wanted(self) -> None:
        menu, document = self._more_menu, self._document
        menu.clear()
        if document is None:
            return
        menu.addAction(self.tr("Look again at the folders"), document.scan_folders)
        menu.addSeparator()
        for folder in document.experiment.data.folders:
            if not Path(folder).is_dir():
                text = self.tr("Locate “{name}”…").format(name=printable(folder).replace("&", "&&"))
                menu.addAction(text, _locator(self, folder))
            text = self.tr("Remove “{name}”").format(name=printable(folder).replace("&", "&&"))
            menu.addAction(text, _remover(document, folder))

    def locate_folder(self, folder: str) -> None:
        """Ask where a missing folder lies now, and take it from there."""
        found_at = QFileDialog.getExistingDirectory(
            self, self.tr("Where is {name} now?").format(name=printable(folder))
        )
        if found_at and self._document is not None:
            self._document.locate_folder(folder, found_at)

    # drops

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._document is None or not has_files(event.mimeData()):
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        folders, files = counted_kinds(event.mimeData())
        hint = self.tr("{count} folders → {count} new classes").format(count=folders)
        if folders == 1:
            hint = self.tr("1 folder → its classes")
        if files and not folders:
            hint = self.tr("{count} files: drop the folder that they lie in").format(count=files)
        self._show_drop_hint(hint)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_hint.hide()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        mime = copied(event.mimeData())
        QTimer.singleShot(0, self, lambda: self._take(mime))

    def _take(self, mime: object) -> None:
        dropped = dropped_files(mime)
        problems = [str(each) for each in dropped.problems]
        if dropped.pictures:
            first = isolated(os.path.basename(dropped.pictures[0]))  # noqa: PTH119
            more = len(dropped.pictures) - 1
            text = self.tr("{name} is a picture, not a folder: it has no class. Drop the folder that it lies in.")
            if more:
                text = self.tr("{name} and {count} more are pictures, not folders. Drop the folder that they lie in.")
            problems.append(text.format(name=first, count=more))
        if dropped.image is not None:
            problems.append(self.tr("A picture without a file has no class here. Drop it into a target task."))
        if problems:
            self.studio.toast(some_sentences(problems), severity="warning", shown_ms=8000)
        if dropped.folders and self._document is not None:
            self._document.add_folders(dropped.folders)

    def _show_drop_hint(self, hint: str) -> None:
        colours = theme.tokens()
        self._drop_hint.setStyleSheet(
            f"QLabel#dropHint {{ border: 2px dashed {colours.accent}; border-radius: {theme.RADIUS}px;"
            f" background: {theme.translucent(theme.colour('page'), 0.9).name(QColor.NameFormat.HexArgb)};"
            f" color: {colours.accent}; font-size: {theme.TITLE_PX}px; font-weight: 600; }}"
        )
        self._drop_hint.setText(hint)
        self._drop_hint.setGeometry(self.rect().adjusted(theme.GAP, theme.GAP, -theme.GAP, -theme.GAP))
        self._drop_hint.raise_()
        self._drop_hint.show()

    # classes

    @Slot()
    def choose_split(self) -> None:
        """Ask how the classes shall be dealt, and deal them."""
        if self._document is None:
            return
        state = self._document
        dialog = SplitDialog(state.used, state.experiment.data.split, state.parts, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(self._on_split_accepted)
        dialog.open()

    @Slot()
    def _on_split_accepted(self) -> None:
        if self._document is not None:
            commands.set_split(self._document, split=self.sender().split())

    @Slot(object, object)
    def _on_column_current_changed(self, column: ClassColumn, name: str) -> None:
        for other in self._columns:
            if other is not column:
                other.view.clearSelection()
        if name != self._current:
            self._current = name
            self._show_current()

    @Slot(object, object)
    def _on_column_names_dropped(self, column: ClassColumn, names: tuple[str, ...]) -> None:
        self.move_classes(names, column.part)

    @Slot(object, object)
    def _on_column_key_wanted(self, column: ClassColumn, key: int) -> None:
        names = column.view.selected_names()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._go_beside(column, -1 if key == Qt.Key.Key_Left else 1)
        elif key == Qt.Key.Key_Delete and names and column.part is not None:
            self.move_classes(names, None)
        elif key == Qt.Key.Key_M and names:
            menu = self.move_menu(names, column.part)
            place = column.view.visualRect(column.view.currentIndex()).bottomLeft()
            self._popup(menu, column.view.viewport().mapToGlobal(place))

    def _go_beside(self, column: ClassColumn, step: int) -> None:
        seen = [each for each in self._columns if each.isVisibleTo(self)]
        place = seen.index(column) + step
        if 0 <= place < len(seen):
            view = seen[place].view
            view.setFocus(Qt.FocusReason.OtherFocusReason)
            if not view.selected_names() and view.model().rowCount():
                view.setCurrentIndex(view.model().index(0))

    @Slot(QPoint)
    def _on_column_menu_wanted(self, place: QPoint) -> None:
        column = next(each for each in self._columns if each.view is self.sender())
        names = column.view.selected_names()
        if not names:
            return
        menu = self.move_menu(names, column.part)
        menu.addSeparator()
        groups = {each.rpartition("/")[0] for each in names} - {""}
        if groups:
            text = self.tr("Select all of {group}").format(group=", ".join(map(printable, sorted(groups)[:3])))
            menu.addAction(text.replace("&", "&&"), lambda: self._select_groups(column, groups))
        self._popup(menu, column.view.viewport().mapToGlobal(place))

    def _select_groups(self, column: ClassColumn, groups: set[str]) -> None:
        names = (row.name for row in column.view.rows_model.rows() if row.group in groups)
        column.select(tuple(names), is_scrolled_to=False)

    def move_menu(self, names: Sequence[str], part: Part | None) -> QMenu:
        """Return the menu that moves classes: M, then 1, 2, 3 or 0."""
        menu = QMenu(self)
        titles = {
            Part.META_TRAIN: self.tr("&1  ● Move to meta-train"),
            Part.META_VAL: self.tr("&2  ◐ Move to meta-val"),
            Part.META_TEST: self.tr("&3  ○ Move to meta-test"),
            None: self.tr("&0  – Exclude from the project"),
        }
        for target, text in titles.items():
            action = QAction(text, menu)
            action.setEnabled(target is not part)
            action.triggered.connect(_mover(self, tuple(names), target))
            menu.addAction(action)
        return menu

    def _popup(self, menu: QMenu, place: QPoint) -> None:
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def move_classes(self, names: Sequence[str], part: Part | None) -> None:
        """Put classes into a part, or leave them out of the project."""
        if self._document is None or not names:
            return
        if part is None:
            commands.exclude_classes(self._document, names=names)
        else:
            commands.move_classes(self._document, names=names, part=part)
        column = next(each for each in self._columns if each.part is part)
        column.select(tuple(names))

    @Slot()
    def _on_class_activated(self) -> None:
        self._pictures.setFocus(Qt.FocusReason.OtherFocusReason)
        if self._pictures.paths():
            self._pictures.setCurrentIndex(self._pictures.model().index(0))

    @Slot(int)
    def _on_size_changed(self, step: int) -> None:
        for column in self._columns:
            column.set_side(_SIDES_PX[step])

    # pictures

    @Slot(object)
    def _on_problem_activated(self, problem: Problem) -> None:
        if self._document is None or not problem.where:
            return
        name = problem.where if self._class_named(problem.where) else class_of_file(self._document.index, problem.where)
        if name is None:
            return
        self._current = name
        self._search.clear()
        for column in self._columns:
            if column.view.rows_model.position_of(name).isValid():
                column.select((name,))
        self._show_current()
        self._pictures.select_path(problem.where)

    @Slot()
    def _on_picture_current_changed(self) -> None:
        path = self._pictures.currentIndex().isValid() and self._pictures.paths()[self._pictures.currentIndex().row()]
        self._show_picture_about(path or "")
        if path:
            self._preprocessing.set_path(path)

    def _show_picture_about(self, path: str) -> None:
        reason = reason_for(path, self._pictures.thumbnails, self._pictures.side_px) if path else ""
        name = printable(os.path.basename(path))  # noqa: PTH119
        self._picture_about.setText(f"{name}: {reason}" if reason else name)

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        row = self._pictures.currentIndex().row()
        if row >= 0 and (path := self._pictures.paths()[row]) in paths:
            self._show_picture_about(path)

    @Slot(object)
    def _on_pictures_removal_wanted(self, paths: tuple[str, ...]) -> None:
        if self._document is not None:
            commands.exclude_files(self._document, paths=paths)

    @Slot(QPoint)
    def _on_picture_menu_wanted(self, place: QPoint) -> None:
        paths = self._pictures.selected_paths()
        if paths and self._document is not None:
            self._popup(self.picture_menu(paths), self._pictures.viewport().mapToGlobal(place))

    def picture_menu(self, paths: Sequence[str]) -> QMenu:
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
        return menu

    @Slot(object)
    def _on_preprocessing_edited(self, value: Preprocessing) -> None:
        if self._document is not None:
            commands.set_preprocessing(self._document, preprocessing=value)

    @Slot(bool)
    def _on_rotations_edited(self, is_on: bool) -> None:
        if self._document is not None:
            commands.set_rotations_as_classes(self._document, is_on=is_on)

    def shut_down(self) -> None:
        self._preprocessing.shut_down()
        self._end_sample()


_LIMITS = ("too-few-images", "too-few-classes", "no-classes")
"""What the images do not allow; shown here too, for it is cured by moving or excluding classes."""


def _remover(document: ProjectDocument, folder: str) -> Callable[[], None]:
    return lambda: document.remove_folders([folder])


def _locator(page: ImagesPage, folder: str) -> Callable[[], None]:
    return lambda: page.locate_folder(folder)


def _mover(page: ImagesPage, names: tuple[str, ...], part: Part | None) -> Callable[[], None]:
    return lambda: page.move_classes(names, part)
