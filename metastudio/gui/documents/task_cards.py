"""Task cards beside the window: saving one, opening one, and looking for the pictures it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.catalog.experiment import TargetTask
from metastudio.gui.documents.background_task import BackgroundTask, Progress, ShouldStop

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.images.picture_search import Candidate
    from metastudio.runs.task_card import ReadCard

_BESIDE_DEPTH = 1
_CHOSEN_DEPTH = 8


@dataclass(frozen=True)
class OpenedCard:
    """A card that was read, where it lies, and the path of each of its pictures that was found, by hash."""

    path: Path
    read: ReadCard
    found: Mapping[str, str]


class TaskCards(QObject):
    """One thing at a time; what is asked meanwhile waits for nothing and is refused by `is_busy`.

    Signals:
        saved(object, object): the path of a card, and a tuple of `Problem`: pictures that are not in it.
        opened(object): an `OpenedCard`.
        looked(object): pictures that were found in a folder: a path for each hash.
        failed(object): the exception that ended it.
        busy_changed(object): whether something is under way.
    """

    saved = Signal(object, object)
    opened = Signal(object)
    looked = Signal(object)
    failed = Signal(object)
    busy_changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: BackgroundTask | None = None
        self._on_result: Callable[[object], object] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a card is being saved, opened or looked for."""
        return self._task is not None

    def save(self, task: TargetTask, path: Path) -> None:
        """Write the card of a task."""

        def work(tell: Progress, stop: ShouldStop) -> object:
            from metastudio.runs.task_card import save_card  # noqa: PLC0415 - Pillow loads beside the window

            return save_card(task, path, on_progress=tell, should_stop=stop)

        self._begin(work, lambda problems: self.saved.emit(path, problems))

    def open(self, path: Path, document: ProjectDocument) -> None:
        """Read a card, and look for its pictures in the project and beside the card."""
        known = _known_to(document)

        def work(tell: Progress, stop: ShouldStop) -> object:
            from metastudio.images.picture_search import find_pictures, pictures_below  # noqa: PLC0415
            from metastudio.runs.task_card import open_card  # noqa: PLC0415 - Pillow loads beside the window

            read = open_card(path)
            wanted = {each.sha256: each.size_bytes for each in read.card.pictures()}

            def candidates() -> Iterator[Candidate]:
                yield from known()
                yield from pictures_below(path.parent, depth=_BESIDE_DEPTH)

            return OpenedCard(path, read, find_pictures(wanted, candidates(), on_progress=tell, should_stop=stop))

        self._begin(work, self.opened.emit)

    def look_in(self, folder: Path, wanted: Mapping[str, int]) -> None:
        """Look for pictures in a folder and those within it; `wanted` has the size in bytes of each hash."""

        def work(tell: Progress, stop: ShouldStop) -> object:
            from metastudio.images.picture_search import find_pictures, pictures_below  # noqa: PLC0415

            below = pictures_below(folder, depth=_CHOSEN_DEPTH)
            return find_pictures(wanted, below, on_progress=tell, should_stop=stop)

        self._begin(work, self.looked.emit)

    def close(self) -> None:
        """Stop what is under way, and wait for it; nothing follows."""
        if self._task is not None:
            self._task.close()
            self._end()

    def _begin(self, work: Callable[[Progress, ShouldStop], object], on_result: Callable[[object], object]) -> None:
        self.close()
        self._on_result = on_result
        self._task = BackgroundTask(work, self)
        self._task.succeeded.connect(self._on_task_succeeded)
        self._task.failed.connect(self._on_task_failed)
        self.busy_changed.emit(True)
        self._task.start()

    @Slot(object)
    def _on_task_succeeded(self, result: object) -> None:
        if self.sender() is self._task and self._on_result is not None:
            on_result = self._on_result
            self._end()
            on_result(result)

    @Slot(object)
    def _on_task_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._end()
            self.failed.emit(error)

    def _end(self) -> None:
        if self._task is not None:
            self._task.close()
            self._task.deleteLater()
            self._task = None
            self.busy_changed.emit(False)


def _known_to(document: ProjectDocument) -> Callable[[], Iterator[Candidate]]:
    """Return what yields every picture of a project's folders and target tasks, with its size."""
    index, targets = document.index, document.targets

    def candidates() -> Iterator[Candidate]:
        for each in index.classes:
            for file in each.files:
                yield file.path, file.size_bytes
        for task in targets:
            labelled = (path for each in task.classes for path in (*each.support, *each.query))
            for path in (*labelled, *task.unlabelled):
                try:
                    yield path, Path(path).stat().st_size
                except (OSError, ValueError):
                    continue

    return candidates
