"""Everything that comes into the Images page: dropped, pasted or chosen; said before, taken beside the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, QUrl, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from metastudio.catalog.data_spec import ListedSplit, Part
from metastudio.errors import DataError, MetaStudioError
from metastudio.gui import commands
from metastudio.gui.documents.depth_offer import DepthOffer
from metastudio.gui.documents.image_intake import Arrival, ImageIntake, Order
from metastudio.gui.models.shown_name import isolated, printable
from metastudio.gui.widgets.depth_panel import DepthPanel
from metastudio.gui.widgets.drop_files import save_image, some_sentences
from metastudio.gui.widgets.image_drop import ImageDrop, drop_hint, image_drop
from metastudio.gui.widgets.work_progress import WorkProgress
from metastudio.gui.wording import counted
from metastudio.images.archives import ARCHIVE_SUFFIXES, stem_of
from metastudio.images.class_split import split_classes
from metastudio.images.csv_list import CSV_SUFFIXES
from metastudio.images.folder_walk import READABLE_SUFFIXES

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_SHOWN_MS = 8000


class IncomingImages(QObject):
    """Takes folders and lists where they lie, and keeps everything else in the folder ``images`` of the project.

    One drop is one step of the undo stack. Its own work has a progress of its own beside that of the document. Folders
    within folders are taken once the person has chosen in the panel what a class is.

    Attributes:
        depth_panel: Where that is chosen; the page shows it.

    Signals:
        is_busy_changed(): it began to unpack or copy, or ended; or a choice is offered, or no longer.
    """

    is_busy_changed = Signal()

    def __init__(self, studio: Studio, progress: WorkProgress, page: QWidget) -> None:
        super().__init__(page)
        self._page = page
        self._studio = studio
        self._document: ProjectDocument | None = None
        self._intake = ImageIntake(self)
        self._intake.started.connect(progress.begin)
        self._intake.started.connect(self.is_busy_changed)
        self._intake.progressed.connect(progress.show_done)
        self._intake.ended.connect(progress.end)
        self._intake.ended.connect(self.is_busy_changed)
        self._intake.arrived.connect(self._on_arrived)
        self._intake.failed.connect(self._on_failed)
        progress.cancel_wanted.connect(self._intake.cancel)
        self.depth_panel = DepthPanel(page)
        self.depth_panel.depth_taken.connect(self._on_depth_taken)
        self.depth_panel.declined.connect(self._on_depth_declined)

    @property
    def is_busy(self) -> bool:
        """Whether something is being unpacked or copied."""
        return self._intake.is_busy

    def set_document(self, document: ProjectDocument | None) -> None:
        """Take what comes into another project; what was under way for the one before is left."""
        self._intake.cancel()
        if self._document is not None:
            self._document.depth_offered.disconnect(self._on_depth_offered)
        self._document = document
        if document is not None:
            document.depth_offered.connect(self._on_depth_offered)
        self._on_depth_offered(document.offer if document is not None else None)

    def hint(self, mime: QMimeData, *, into: str = "") -> str:
        """Say what `take` would do."""
        known = {each.name for each in self._document.index.classes} if self._document is not None else ()
        return drop_hint(mime, into=into, known=known)

    def take(self, mime: QMimeData, *, into: str = "") -> None:
        """Take what was dropped or pasted; pictures go into `into`, else into a class called like their folder."""
        document = self._document
        if document is None:
            return
        drop = image_drop(mime, into=into)
        problems = [str(each) for each in drop.problems]
        pictures = self._with_pixels(drop, into or self.tr("pictures"))
        if problems:
            self._studio.toast(some_sentences(problems), severity="warning", shown_ms=_SHOWN_MS)
        if drop.archives or pictures:
            title = self._title(drop, pictures)
            folder = document.folder / "images"
            self._intake.take(Order(folder, drop.sources, drop.archives, pictures, title))
        elif drop.sources:
            document.add_folders(drop.sources, asks=True)
        if drop.class_lists:
            self._take_class_lists(document, drop.class_lists)

    @Slot()
    def choose_files(self) -> None:
        """Ask for archives, lists and pictures, and take them."""
        if self._document is None:
            return
        suffixes = [*ARCHIVE_SUFFIXES, *CSV_SUFFIXES, *sorted(READABLE_SUFFIXES)]
        named = self.tr("Archives, lists and pictures ({suffixes});;All files (*)")
        paths, _ = QFileDialog.getOpenFileNames(
            self._page,
            self.tr("Add archives, lists or pictures"),
            "",
            named.format(suffixes=" ".join(f"*{each}" for each in suffixes)),
        )
        if paths:
            mime = QMimeData()
            mime.setUrls([QUrl.fromLocalFile(each) for each in paths])
            self.take(mime)

    def shut_down(self) -> None:
        """Stop what is under way."""
        self._intake.cancel()

    def _with_pixels(self, drop: ImageDrop, name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the pictures of a drop, pixels that came without a file saved first."""
        if drop.image is None or self._document is None:
            return drop.pictures
        try:
            saved = save_image(drop.image, self._document.folder / "dropped")
        except MetaStudioError as error:
            self._say(error)
            return drop.pictures
        return (*drop.pictures, (name, (saved,)))

    def _title(self, drop: ImageDrop, pictures: Sequence[tuple[str, tuple[str, ...]]]) -> str:
        """Return what the step is called."""
        if len(drop.archives) == 1 and not (drop.sources or pictures):
            return self.tr("Add {name}").format(name=printable(stem_of(Path(drop.archives[0]).name)))
        if len(pictures) == 1 and not (drop.sources or drop.archives):
            name, paths = pictures[0]
            one, many = self.tr("Add 1 picture to {name}"), self.tr("Add {count} pictures to {name}")
            return counted(len(paths), one, many, name=printable(name))
        return self.tr("Add what was dropped")

    def _take_class_lists(self, document: ProjectDocument, lists: dict[Part, str]) -> None:
        """Let lists say which classes are of their parts; the other parts stay as lists say them already."""
        if not document.used.classes:
            text = self.tr("There are no classes yet: add the pictures first, then drop the lists again.")
            self._studio.toast(text, severity="warning", shown_ms=_SHOWN_MS)
            return
        before = document.experiment.data.split
        said = before.model_dump() if isinstance(before, ListedSplit) else {"meta_train": ""}
        split = ListedSplit.model_validate({**said, **{part.value: path for part, path in lists.items()}})
        try:
            split_classes(document.used, split)
        except DataError as error:
            self._say(error)
            return
        commands.set_split(document, split=split)
        names = ", ".join(isolated(Path(path).name) for path in lists.values())
        self._studio.toast(self.tr("The split now follows {names}.").format(names=names))

    @Slot(object)
    def _on_arrived(self, arrival: Arrival) -> None:
        if self._document is not None and arrival.sources:
            self._document.add_folders(arrival.sources, title=arrival.title, asks=True)
        if arrival.problems:
            self._studio.toast(some_sentences([str(each) for each in arrival.problems]), shown_ms=_SHOWN_MS)
        for error in arrival.errors:
            self._say(error)

    @Slot(object)
    def _on_depth_offered(self, offer: DepthOffer | None) -> None:
        self.depth_panel.show_offer(offer)
        self.is_busy_changed.emit()

    @Slot(object)
    def _on_depth_taken(self, depth: int) -> None:
        if self._document is not None:
            self._document.take_offer(depth)

    @Slot()
    def _on_depth_declined(self) -> None:
        if self._document is not None:
            self._document.decline_offer()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._studio.messages.show_error(error)

    def _say(self, error: MetaStudioError) -> None:
        """Say an error in the corner; all of it on request."""
        sentences = [" ".join(part for part in (str(error.what), error.why) if part)]
        sentences += [str(each) for each in error.problems]
        if not error.problems:
            sentences.append(str(error.todo))
        self._studio.toast(
            _printable_lines(some_sentences([each for each in sentences if each])),
            severity="error",
            action_text=self.tr("Details"),
            action=_shower(self._studio, error),
            shown_ms=_SHOWN_MS,
        )


def _printable_lines(text: str) -> str:
    """Return lines in which every letter can be shown."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _shower(studio: Studio, error: Exception) -> Callable[[], None]:
    return lambda: studio.messages.show_error(error)
