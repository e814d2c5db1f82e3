"""The open project: the one mutable thing of the window, changed only by steps of the undo stack, saved by itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoStack

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import ExperimentConfig, TargetTask
from metastudio.errors import Problem, Severity
from metastudio.gui import commands
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.depth_offer import DepthOffer, offer_of
from metastudio.gui.documents.folder_scan import Sources, look_at
from metastudio.gui.documents.image_problems import NOTHING_CHECKED, problems_of_images
from metastudio.gui.documents.project_state import NO_IMAGES, ProjectState, changed_sections, title_of, with_option
from metastudio.gui.wording import counted
from metastudio.images.file_list import path_set
from metastudio.images.image_folder import without
from metastudio.images.image_index import ImageIndex
from metastudio.images.picture_check import Checked, check
from metastudio.runs.preflight import preflight
from metastudio.runs.project import Project

_SAVE_AFTER_MS = 600


class ProjectDocument(QObject):
    """Wraps a `Project` and the images of its folders.

    The draft is a value that `push` replaces as one step of the undo stack; images and parts follow from it. Folders
    are scanned (first when the event loop runs), pictures checked and the project saved in threads beside the window;
    `close` waits for them.

    Signals:
        index_changed(): other images are there.
        readable_changed(): pictures were checked, and some cannot be read.
        split_changed(): a class has another part, or none.
        experiment_changed(object): the draft changed; a frozenset of sections: ``{"data", "data.split"}``.
        targets_changed(): the target tasks changed.
        problems_changed(): `problems()` may answer differently.
        work_started(object): work on the pictures began; what it is, as a word: "scan", "check" or "compare".
        work_progressed(object, object): pictures done, and of how many (0 where unknown).
        work_ended(): it ended, well, badly or cancelled.
        depth_offered(object): a `DepthOffer` waits for a person to choose, or None where none waits any more.
        pictures_found(object): paths of some of the pictures that a scan has found so far, a tuple that grows.
        saved(): the project on disk is what the window shows.
        failed(object): an exception: saving or scanning did not work.
    """

    index_changed = Signal()
    readable_changed = Signal()
    split_changed = Signal()
    experiment_changed = Signal(object)
    targets_changed = Signal()
    problems_changed = Signal()
    work_started = Signal(object)
    work_progressed = Signal(object, object)
    work_ended = Signal()
    depth_offered = Signal(object)
    pictures_found = Signal(object)
    saved = Signal()
    failed = Signal(object)

    def __init__(self, project: Project, undo_stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self._undo_stack = undo_stack
        self._state = ProjectState(project.draft)
        self._saved = self._being_saved = project.draft
        self._scanned: dict[Sources, ImageIndex] = {}
        self._problems: tuple[Problem, ...] | None = None
        self._image_problems: tuple[Problem, ...] | None = None
        self._checked = NOTHING_CHECKED
        self._readable: tuple[ImageIndex, ImageIndex] | None = None
        self._task: BackgroundTask | None = None
        self._wanted: Sources | None = None
        self._scan_title = ""
        self._asked_about: tuple[str, ...] = ()
        self._offer: DepthOffer | None = None
        self._saving: BackgroundTask | None = None
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(_SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self._on_save_due)

        QTimer.singleShot(0, self, self.scan_folders)

    # what there is

    @property
    def folder(self) -> Path:
        """Where the project lies."""
        return self.project.folder

    @property
    def runs_folder(self) -> Path:
        """Where its runs lie."""
        return self.project.runs_folder

    @property
    def name(self) -> str:
        """What the project is called."""
        return self.project.name

    @property
    def state(self) -> ProjectState:
        """Everything, as one value."""
        return self._state

    @property
    def experiment(self) -> ExperimentConfig:
        """The draft that the next run starts from."""
        return self._state.experiment

    @property
    def index(self) -> ImageIndex:
        """Every image of the folders, those excluded included."""
        return self._state.index

    @property
    def used(self) -> ImageIndex:
        """The images without what is excluded: what a run is made of."""
        return self._state.used

    @property
    def readable(self) -> ImageIndex:
        """The same without what could not be read, as far as pictures were checked: what a run learns from."""
        if not self._checked.unreadable:
            return self.used
        if self._readable is None or self._readable[0] is not self.used:
            self._readable = self.used, without(self.used, path_set(self._checked.unreadable))
        return self._readable[1]

    @property
    def parts(self) -> dict[str, Part]:
        """The part of each class that has one."""
        return self._state.parts

    @property
    def targets(self) -> tuple[TargetTask, ...]:
        """The target tasks."""
        return self.experiment.targets

    @property
    def is_busy(self) -> bool:
        """Whether folders are being scanned or pictures checked."""
        return self._task is not None

    def image_problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with folders, pictures and split."""
        if self._image_problems is None:
            self._image_problems = problems_of_images(self._state, self.readable, self._checked, self.project)
        return self._image_problems

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that prevents a start or will disappoint, of images and settings alike."""
        if self._problems is None:
            found = [*self.image_problems(), *preflight(self.experiment, self.readable, self.parts)]
            self._problems = _without_repeats(found)
        return self._problems

    # changing it

    def push(self, title: str, experiment: ExperimentConfig, *, merge_key: str = "") -> None:
        """Replace the draft as one undoable step; nothing happens where nothing differs."""
        if experiment != self.experiment:
            self._undo_stack.push(commands.ChangeExperiment(self, title, experiment, merge_key=merge_key))

    def set_option(self, name: str, value: Any) -> None:
        """Change one option of the draft; changes of the same option in quick succession are one step.

        Raises:
            ConfigurationError: with everything that is wrong then; the draft stays as it is.
        """
        changed = with_option(self.experiment, name, value)
        self.push(self.tr("Change: {option}").format(option=title_of(name)), changed, merge_key=f"option {name}")

    def show_experiment(self, experiment: ExperimentConfig) -> None:
        """Put a draft in place and tell what changed; only undo commands call this."""
        sources = Sources.of(experiment.data)
        self._show(self._state.followed_by(experiment, self._scanned.get(sources, NO_IMAGES)))
        if sources not in self._scanned:
            self.scan_folders()

    def _forget_problems(self) -> None:
        self._problems = self._image_problems = None

    def _show(self, state: ProjectState, *, is_checked: bool = True) -> None:
        before, self._state = self._state, state
        sections = changed_sections(before.experiment, state.experiment)
        self._forget_problems()
        if state.index is not before.index:
            self._checked = NOTHING_CHECKED
            self.index_changed.emit()
            if is_checked:
                self._check_pictures()
        if state.parts != before.parts:
            self.split_changed.emit()
        if sections:
            self.experiment_changed.emit(sections)
            self._save_timer.start()
        if "targets" in sections:
            self.targets_changed.emit()
        self.problems_changed.emit()

    # folders

    @Slot()
    def scan_folders(self) -> None:
        """Look at the folders of the draft, beside the window; no step of the undo stack."""
        if self.experiment.data.folders:
            self._scan(Sources.of(self.experiment.data), "")

    def add_folders(self, folders: Sequence[str], *, title: str = "", asks: bool = False) -> None:
        """Take further folders, beside the window; when they are found it is one step, called `title` if that is given.

        Lists of pictures (.csv) are taken like folders. Where it `asks`, nested ones are not taken but offered:
        `depth_offered` tells what they can be.
        """
        data = self.experiment.data
        waiting = self._offer.folders if self._offer is not None and self._offer.is_new else ()
        before, depths = (*data.folders, *waiting), data.class_depths
        if self._wanted is not None:
            before, depths = self._wanted.folders, dict(self._wanted.depths)
        known = [os.path.abspath(each) for each in before]  # noqa: PTH100 - keeps links as given
        added = [each for each in dict.fromkeys(map(os.path.abspath, folders)) if each not in known]
        if not added:
            return
        new = [each for each in (*before, *added) if each not in data.folders]
        usual = self.tr("Add {count} folders") if len(new) > 1 else self.tr("Add {name}")
        named = title or usual.format(count=len(new), name=Path(new[0]).name)
        self.decline_offer()
        sources = Sources.of(data, folders=(*before, *added), class_depths=depths)
        self._scan(sources, named, asks_about=tuple(each for each in new if asks and each not in depths))

    def remove_folders(self, folders: Sequence[str]) -> None:
        """Let go of folders; nothing is deleted."""
        data = self.experiment.data
        kept = tuple(each for each in data.folders if each not in folders)
        one, many = self.tr("Remove {name}"), self.tr("Remove {count} folders")
        self._scan(Sources.of(data, folders=kept), counted(len(folders), one, many, name=Path(folders[0]).name))

    def locate_folder(self, folder: str, found_at: str) -> None:
        """Take a folder from where it lies now; parts and exclusions of its classes stay."""
        data = self.experiment.data
        folders = tuple(found_at if each == folder else each for each in data.folders)
        depths = {found_at if each == folder else each: depth for each, depth in data.class_depths.items()}
        title = self.tr("Locate {name}").format(name=Path(found_at).name)
        self._scan(Sources.of(data, folders=folders, class_depths=depths), title)

    # what a class is, where folders are nested

    @property
    def offer(self) -> DepthOffer | None:
        """Nested folders that wait for a person to choose what a class is."""
        return self._offer

    def ask_depth(self, folders: Sequence[str]) -> None:
        """Look beside the window at what the classes of these folders could be; `depth_offered` tells it."""
        data = self.experiment.data
        depths = {each: depth for each, depth in data.class_depths.items() if each not in folders}
        title = self.tr("Choose what a class is")
        self.decline_offer()
        self._scan(Sources.of(data, class_depths=depths), title, asks_about=tuple(folders))

    def take_offer(self, depth: int) -> None:
        """Take the folders of the offer as classes of this depth, one step; 0 is the greatest."""
        offer = self._offer
        if offer is None:
            return
        self.decline_offer()
        sources = offer.sources(self.experiment.data, depth)
        if sources in self._scanned:
            self.cancel_work()
            commands.set_sources(self, sources=sources, index=self._scanned[sources], title=offer.title)
        else:
            self._scan(sources, offer.title)

    def decline_offer(self) -> None:
        """Take nothing of it."""
        if self._offer is not None:
            self._offer = None
            self.depth_offered.emit(None)

    def cancel_work(self) -> None:
        """Stop a scan or a check; what was there before stays."""
        self._end_work()

    def _scan(self, sources: Sources, title: str, *, asks_about: tuple[str, ...] = ()) -> None:
        self.cancel_work()
        self._wanted, self._scan_title, self._asked_about = sources, title, asks_about
        shown = self.index if sources == Sources.of(self.experiment.data) else NO_IMAGES
        self._begin("scan", lambda tell, stop: look_at(sources, shown, tell, stop), self._on_scan_succeeded)

    def _begin(self, kind: str, work: Any, on_succeeded: Any) -> None:
        task = BackgroundTask(work, self)
        task.progressed.connect(self._on_task_progressed)
        task.succeeded.connect(on_succeeded)
        task.failed.connect(self._on_task_failed)
        self._task = task
        self.work_started.emit(kind)
        task.start()

    def _end_work(self) -> None:
        if self._task is not None:
            self._task.release()
            self._task = None
            self._wanted = None
            self.work_ended.emit()

    @Slot(object)
    def _on_task_progressed(self, progress: tuple[Any, ...]) -> None:
        if self.sender() is not self._task:
            return
        match progress:
            case (ImageIndex() as index,):
                self._show_kept(index)
            case (Checked() as checked,):
                self._take_checked(checked)
                self.work_ended.emit()
                self.work_started.emit("compare")
            case (tuple() as paths,):
                self.pictures_found.emit(paths)
            case (done, *total):
                self.work_progressed.emit(done, total[0] if total else 0)

    def _show_kept(self, index: ImageIndex) -> None:
        """Show what the last scan found while this one looks again; it will say what has changed since."""
        if self._wanted is not None and self._wanted == Sources.of(self.experiment.data):
            self._scanned[self._wanted] = index
            self._show(self._state.followed_by(self.experiment, index), is_checked=False)

    @Slot(object)
    def _on_task_failed(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._end_work()
            self.failed.emit(error)

    @Slot(object)
    def _on_scan_succeeded(self, index: ImageIndex) -> None:
        if self.sender() is not self._task:
            return
        sources, title, asked_about = self._wanted, self._scan_title, self._asked_about
        assert sources is not None  # noqa: S101  # a scan is under way
        self._end_work()
        self._scanned[sources] = index
        offer = offer_of(index, asked_about, self.experiment.data, title) if asked_about else None
        if offer is not None:
            self._offer = offer
            self.depth_offered.emit(offer)
        elif title:
            commands.set_sources(self, sources=sources, index=index, title=title)
        elif sources == Sources.of(self.experiment.data):
            if index is self.index:
                self._check_pictures()
            else:
                self._show(self._state.followed_by(self.experiment, index))

    # health of the pictures

    def _check_pictures(self) -> None:
        """Read every picture beside the window: what cannot be read or is there twice becomes a problem.

        The decoded pictures go into the cache, so that a run begins at once. Those that look alike are searched after.
        """
        self.cancel_work()
        index, preprocessing = self.index, self.experiment.data.preprocessing
        if index.classes:
            self._begin(
                "check",
                lambda tell, stop: check(index, preprocessing, tell=tell, should_stop=stop),
                self._on_check_succeeded,
            )

    @Slot(object)
    def _on_check_succeeded(self, checked: Checked) -> None:
        if self.sender() is self._task:
            self._end_work()
            self._take_checked(checked)

    def _take_checked(self, checked: Checked) -> None:
        is_other = checked.unreadable != self._checked.unreadable
        self._checked = checked
        self._readable = None
        self._forget_problems()
        if is_other:
            self.readable_changed.emit()
        self.problems_changed.emit()

    # saving

    @Slot()
    def _on_save_due(self) -> None:
        if self.project.is_read_only:
            return
        if self._saving is not None:  # the one under way ends first
            self._save_timer.start()
            return
        self.project.draft = self._being_saved = self.experiment
        kept = Project(self.project.folder, self.project.name, self.experiment)
        self._saving = BackgroundTask(lambda _tell, _stop: kept.save(), self)
        self._saving.succeeded.connect(self._on_save_succeeded)
        self._saving.failed.connect(self._on_save_failed)
        self._saving.start()

    @Slot(object)
    def _on_save_succeeded(self, _nothing: object) -> None:
        self._saved = self._being_saved
        self._end_saving()
        self.saved.emit()

    @Slot(object)
    def _on_save_failed(self, error: Exception) -> None:
        self._end_saving()
        self.failed.emit(error)

    def _end_saving(self) -> None:
        if self._saving is not None:
            self._saving.wait()
            self._saving.deleteLater()
            self._saving = None

    def close(self) -> None:
        """Stop what runs beside the window, and save what is not saved yet.

        Raises:
            ResourceError: if it cannot be written.
        """
        self.cancel_work()
        for task in self.findChildren(BackgroundTask):
            if task is not self._saving:
                task.close()
        self._save_timer.stop()
        self._end_saving()
        if self.experiment != self._saved and not self.project.is_read_only:  # a save may have failed since
            self.project.draft = self.experiment
            self.project.save()
            self._saved = self.experiment


def _without_repeats(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems, each once, errors first."""
    order = list(Severity)
    kept = {(each.code, each.where, str(each.message)): each for each in problems}
    return tuple(sorted(kept.values(), key=lambda each: order.index(each.severity)))
