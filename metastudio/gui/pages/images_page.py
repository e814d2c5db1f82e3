"""Images: folders come in, what is wrong is listed, classes are dealt to meta-train, meta-val and meta-test."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from metastudio.errors import Problem
from metastudio.gui import commands, theme
from metastudio.gui.dialogs.split_dialog import SplitDialog
from metastudio.gui.documents.project_state import CHOICES
from metastudio.gui.documents.sample_drawing import SampleDrawing
from metastudio.gui.models.class_model import class_of_file
from metastudio.gui.models.shown_name import isolated
from metastudio.gui.pages.folder_menu import FolderMenu
from metastudio.gui.pages.image_health import ImageHealth
from metastudio.gui.pages.incoming_images import IncomingImages
from metastudio.gui.pages.page import Page
from metastudio.gui.pages.seen_pictures import SeenPictures
from metastudio.gui.widgets.class_bin import copied
from metastudio.gui.widgets.class_pictures import ClassPictures
from metastudio.gui.widgets.drop_files import has_files
from metastudio.gui.widgets.drop_hint import DropHint
from metastudio.gui.widgets.empty_state import EmptyState
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import hairline
from metastudio.gui.widgets.split_board import SplitBoard
from metastudio.gui.widgets.work_progress import WorkProgress
from metastudio.gui.wording import counted

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_LEFT_WIDTH_PX = 264
_NO_LIMIT_PX = 16_777_215
"""QWIDGETSIZE_MAX, which PySide does not have."""
_LEAST_CONTENT_PX = 460
"""From here on the board has room beside what the network sees."""


class ImagesPage(Page):
    """The first page: what there is to learn from."""

    key: ClassVar[str] = "images"

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(studio, parent)
        self._document: ProjectDocument | None = None
        self._sample = SampleDrawing(self)
        self._sample.drawn.connect(self._on_sample_drawn)
        self._sample.failed.connect(self._on_failed)
        self._sample.ended.connect(self._on_sample_ended)
        self._unpacking = WorkProgress()
        self._incoming = IncomingImages(studio, self._unpacking, self)
        self._incoming.is_busy_changed.connect(self._on_incoming_changed)
        self.setAcceptDrops(True)
        self._make_header()
        self._stack = QStackedWidget()
        self._empty, self._content, self._nothing = self._make_empty_state(), self._make_content(), QWidget()
        for each in (self._empty, self._content, self._nothing):
            self._stack.addWidget(each)
        self.body.addWidget(self._incoming.depth_panel)
        self.body.addWidget(self._stack, 1)
        self._drop_hint = DropHint(self)
        self._drag_into = ""
        studio.project_changed.connect(self._on_project_changed)
        self._on_project_changed(studio.project)

    # building

    def _make_header(self) -> None:
        self._add_button = QPushButton(self.tr("Add folders…"))
        self._add_button.setToolTip(
            self.tr("A folder of pictures for each class; nested folders are recognised (Ctrl+I)")
        )
        self._add_button.clicked.connect(self.choose_folders)
        self._add_files_button = QPushButton(self.tr("Add files…"))
        self._add_files_button.setToolTip(
            self.tr("Archives (zip, tar), lists of pictures (.csv) and single pictures; archives are unpacked here")
        )
        self._add_files_button.clicked.connect(self._incoming.choose_files)
        self._split_button = QPushButton(self.tr("Make a split…"))
        self._split_button.clicked.connect(self.choose_split)
        self._more_button = QToolButton()
        self._more_button.setIcon(icon("mdi6.dots-horizontal"))
        self._more_button.setToolTip(self.tr("More: look again, say what a class is, remove folders, empty the cache"))
        self._more_button.setAccessibleName(self.tr("More"))
        self._more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more_menu = FolderMenu(self.studio, self)
        self._more_button.setMenu(self._more_menu)
        for widget in (self._add_button, self._add_files_button, self._split_button, self._more_button):
            self.add_header_widget(widget)
        QShortcut(QKeySequence("Ctrl+I"), self, self.choose_folders)
        QShortcut(QKeySequence.StandardKey.Paste, self, self.paste)

    def _make_empty_state(self) -> QWidget:
        empty = EmptyState(
            "mdi6.image-multiple-outline",
            self.tr("Drop folders of pictures here"),
            self.tr(
                "One folder of pictures for each class: leaves/oak, leaves/beech … Nested folders, ready-made train, "
                "val and test folders, lists of pictures (.csv) and archives (zip, tar) are recognised."
            ),
        )
        empty.add_button(self.tr("Add folders…"), self.choose_folders, is_primary=True)
        empty.add_button(self.tr("Add files…"), self._incoming.choose_files).setMinimumHeight(theme.PRIMARY_HEIGHT)
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
        self._progress = WorkProgress()
        self._progress.cancel_wanted.connect(self._on_cancel_wanted)
        self.health = ImageHealth(self.studio)
        self.health.problem_activated.connect(self._on_problem_activated)
        self._pictures = ClassPictures()
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 12, theme.GAP, theme.GAP)
        column.setSpacing(theme.TIGHT)
        column.addWidget(self._unpacking)
        column.addWidget(self._progress)
        column.addWidget(self.health)
        column.addWidget(hairline())
        column.addSpacing(theme.TIGHT)
        column.addWidget(self._pictures, 1)
        return left

    def _make_right(self) -> QWidget:
        right = QWidget()
        self._board = SplitBoard()
        self._board.class_chosen.connect(self._on_class_chosen)
        self._board.class_entered.connect(self._pictures.enter)
        self.seen = SeenPictures(self.studio)
        self._pictures.picture_shown.connect(self.seen.show_picture)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self._board, 1)
        column.addWidget(self.seen)
        return right

    # the project

    @Slot(object)
    def _on_project_changed(self, document: ProjectDocument | None) -> None:
        if self._document is not None:
            for signal, slot in self._links(self._document):
                signal.disconnect(slot)
        self._document = document
        self._incoming.set_document(document)
        self._more_menu.set_document(document)
        self._board.set_document(document)
        self._pictures.set_document(document)
        self.seen.set_document(document)
        if document is not None:
            for signal, slot in self._links(document):
                signal.connect(slot)
        self._show_all()

    def _links(self, document: ProjectDocument) -> tuple:
        return (
            (document.index_changed, self._show_all),
            (document.split_changed, self._show_classes),
            (document.experiment_changed, self._on_experiment_changed),
            (document.depth_offered, self._on_depth_offered),
            (document.readable_changed, self._show_classes),
            (document.problems_changed, self._show_problems),
            (document.work_started, self._on_work_started),
            (document.work_progressed, self._on_work_progressed),
            (document.work_ended, self._on_work_ended),
            (document.pictures_found, self._pictures.show_found),
            (document.failed, self._on_failed),
        )

    @Slot()
    def _show_all(self) -> None:
        document = self._document
        has_folders = document is not None and bool(document.experiment.data.folders)
        is_scanning = document is not None and (document.is_busy or self._incoming.is_busy)
        has_choice = document is not None and document.offer is not None
        shown = self._content if has_folders or is_scanning else self._nothing if has_choice else self._empty
        self._stack.setCurrentWidget(shown)
        self._split_button.setEnabled(document is not None and bool(document.index.classes))
        self._split_button.setToolTip(
            self.tr("Deal the classes to meta-train, meta-val and meta-test")
            if self._split_button.isEnabled()
            else self.tr("Add folders of pictures first: there are no classes to deal.")
        )
        self._more_button.setVisible(has_folders)
        for button in (self._add_button, self._add_files_button, self._sample_button):
            button.setEnabled(document is not None)
        self._show_counts()
        self._show_classes()
        self._show_problems()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    @Slot(object)
    def _on_depth_offered(self, _offer: object) -> None:
        QTimer.singleShot(0, self, self._make_room)  # the question is shown, or gone, by then

    @Slot()
    def _make_room(self) -> None:
        """Leave away cures and what the network sees where a question about a drop needs their place."""
        panel = self._incoming.depth_panel
        taken_px = panel.sizeHint().height() if panel.isVisibleTo(self) else 0
        has_room = not taken_px or self.height() - taken_px > _LEAST_CONTENT_PX
        self.seen.setVisible(has_room)
        self.health.cures.setMaximumHeight(_NO_LIMIT_PX if has_room else 0)

    def _show_counts(self) -> None:
        if self._document is None:
            self.set_title(self.tr("Images"))
            return
        index = self._document.used
        about = self._document.name
        if index.classes:
            classes = counted(len(index.classes), self.tr("1 class"), self.tr("{count} classes"))
            images = counted(index.file_count, self.tr("1 image"), self.tr("{count} images"))
            about = f"{isolated(about)} ({classes}, {images})"
        self.set_title(self.tr("Images"), about)

    @Slot()
    def _show_classes(self) -> None:
        self._board.show_classes()
        self._pictures.refresh()
        self.seen.show_choices()

    @Slot()
    def _show_problems(self) -> None:
        self.health.show_problems(self._document)

    @Slot(object)
    def _on_experiment_changed(self, sections: frozenset[str]) -> None:
        if "data.folders" in sections:
            self._show_all()
        elif sections & {f"data.{name}" for name in CHOICES}:
            self._show_counts()
            self._show_classes()
        if sections & {"data.preprocessing", "data.rotations_as_classes", "augmentation"}:
            self.seen.show_choices()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.studio.messages.show_error(error)

    # work beside the window

    @Slot(object)
    def _on_work_started(self, kind: str) -> None:
        self._progress.begin(kind)
        self.health.show_summary()
        if self._document is not None and self._document.is_busy:
            self._stack.setCurrentIndex(1)

    @Slot(object, object)
    def _on_work_progressed(self, done: int, total: int) -> None:
        self._progress.show_done(done, total)

    @Slot()
    def _on_work_ended(self) -> None:
        self._progress.end()
        self.health.show_summary()
        if self._document is not None and not self._document.experiment.data.folders:
            self._show_all()

    @Slot()
    def _on_incoming_changed(self) -> None:
        if self._document is not None and not self._document.experiment.data.folders:
            self._show_all()

    @Slot()
    def _on_cancel_wanted(self) -> None:
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
            self._document.add_folders([folder], asks=True)

    @Slot()
    def add_sample_images(self) -> None:
        """Make sample images inside the project, beside the window, and take them."""
        if self._document is not None and not self._sample.is_busy:
            self._sample_button.setEnabled(False)
            self._sample_button.setText(self.tr("Drawing…"))
            self._sample.begin(self._document.folder / "sample images")

    @Slot()
    def _on_sample_ended(self) -> None:
        self._sample_button.setEnabled(True)
        self._sample_button.setText(self.tr("Use sample images"))

    @Slot(object)
    def _on_sample_drawn(self, folder: str) -> None:
        if self._document is not None:
            self._document.add_folders([folder])

    # drops

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._document is None or not has_files(event.mimeData()):
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._show_hint(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if has_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            if self._drag_into != self._class_at(event):
                self._show_hint(event)

    def _show_hint(self, event: QDragMoveEvent) -> None:
        self._drag_into = self._class_at(event)
        self._drop_hint.show_text(self._incoming.hint(event.mimeData(), into=self._drag_into))

    def _class_at(self, event: QDropEvent) -> str:
        """Return the class whose pictures are shown under the pointer; empty elsewhere."""
        place = self._pictures.mapFrom(self, event.position().toPoint())
        is_over = self._pictures.isVisible() and self._pictures.rect().contains(place)
        return self._pictures.class_name if is_over else ""

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_hint.hide()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        mime, into = copied(event.mimeData()), self._class_at(event)
        QTimer.singleShot(0, self, lambda: self._incoming.take(mime, into=into))

    @Slot()
    def paste(self) -> None:
        """Take pictures, folders and files from the clipboard; into the class whose pictures have the keyboard."""
        mime = QGuiApplication.clipboard().mimeData()
        if self._document is not None and has_files(mime):
            has_focus = self._pictures.isAncestorOf(QApplication.focusWidget() or self)
            self._incoming.take(copied(mime), into=self._pictures.class_name if has_focus else "")

    # classes and pictures

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

    @Slot(object)
    def _on_class_chosen(self, name: str) -> None:
        if name != self._pictures.class_name:
            self._pictures.show_class(name)

    @Slot(object)
    def _on_problem_activated(self, problem: Problem) -> None:
        """Lead to the class that a problem is about, and to the picture if it is about one."""
        if self._document is None or not problem.where:
            return
        index = self._document.state.arranged
        is_listed = any(problem.where in (each.name, each.group) for each in index.classes)
        name = problem.where if is_listed else class_of_file(index, problem.where)
        if name is not None:
            self._pictures.show_class(self._board.select(name) or name)
            self._pictures.view.select_path(problem.where)

    def shut_down(self) -> None:
        self._incoming.shut_down()
        self.seen.shut_down()
        self._sample.end()
