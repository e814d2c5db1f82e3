"""What a person can do to a project: each action is one step of the undo stack, with a title that says what it did."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand

from metastudio.catalog.data_spec import (
    DataSpec,
    FolderSplit,
    Layout,
    ManualSplit,
    Part,
    Preprocessing,
    RandomSplit,
    Split,
)
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.experiment import ExperimentConfig, TargetTask
from metastudio.gui.wording import counted
from metastudio.images.image_index import ImageIndex

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument

_MERGE_WITHIN_S = 2.0


class ChangeExperiment(QUndoCommand):
    """Puts another draft in place of the project's.

    Changes with the same `merge_key` that follow each other within two seconds (typing, a slider) are one step.
    """

    _ID = 1

    def __init__(self, document: ProjectDocument, title: str, after: ExperimentConfig, *, merge_key: str = "") -> None:
        super().__init__(title)
        self._document = document
        self._before = document.experiment
        self._after = after
        self._merge_key = merge_key
        self._changed_at = time.monotonic()

    def redo(self) -> None:
        self._document.show_experiment(self._after)

    def undo(self) -> None:
        self._document.show_experiment(self._before)

    def id(self) -> int:
        return self._ID if self._merge_key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, ChangeExperiment) or other._merge_key != self._merge_key:
            return False
        if other._changed_at - self._changed_at > _MERGE_WITHIN_S:
            return False
        self._after = other._after
        self._changed_at = other._changed_at
        self.setText(other.text())
        return True


def _tr(text: str) -> str:
    return QCoreApplication.translate("commands", text)


def _with_data(document: ProjectDocument, **changes: object) -> ExperimentConfig:
    data = DataSpec(**{**dict(document.experiment.data), **changes})
    return document.experiment.model_copy(update={"data": data})


def set_folders(document: ProjectDocument, *, folders: Sequence[str], index: ImageIndex, title: str) -> None:
    """Take other folders, with what was found in them; a split by hand keeps what is still there."""
    data = document.experiment.data
    changes: dict[str, object] = {"folders": tuple(folders)}
    if not data.folders and index.layout is Layout.SPLIT_FOLDERS and isinstance(data.split, RandomSplit):
        changes["split"] = FolderSplit()
    elif isinstance(data.split, ManualSplit):
        excluded = set(data.excluded_classes)
        names = [each.name for each in index.classes if each.name not in excluded]
        said = {each.name: each.part for each in index.classes if each.part}
        known = {each.name for each in document.index.classes}
        parts = {name: data.split.parts[name] for name in names if name in data.split.parts}
        parts |= {name: said.get(name, Part.META_TRAIN) for name in names if name not in known | parts.keys()}
        changes["split"] = ManualSplit(parts=parts)
    document.push(title, _with_data(document, **changes))


def set_split(document: ProjectDocument, *, split: Split) -> None:
    """Deal the classes in another way."""
    document.push(_tr("Split classes"), _with_data(document, split=split))


def move_classes(document: ProjectDocument, *, names: Collection[str], part: Part) -> None:
    """Put classes into a part by hand, taking them in again where they were excluded."""
    data = document.experiment.data
    moved = set(names)
    parts = {**document.parts, **dict.fromkeys(sorted(moved), part)}
    excluded = tuple(name for name in data.excluded_classes if name not in moved)
    title = _tr("Move {count} classes") if len(moved) > 1 else _tr("Move {name}")
    document.push(
        title.format(count=len(moved), name=next(iter(sorted(moved)), "")),
        _with_data(document, split=ManualSplit(parts=parts), excluded_classes=excluded),
    )


def exclude_classes(document: ProjectDocument, *, names: Collection[str]) -> None:
    """Leave classes out of the project; the parts of the others stay as they are."""
    left_out = set(names)
    parts = {name: part for name, part in document.parts.items() if name not in left_out}
    excluded = tuple(dict.fromkeys([*document.experiment.data.excluded_classes, *sorted(left_out)]))
    title = _tr("Exclude {count} classes") if len(left_out) > 1 else _tr("Exclude {name}")
    document.push(
        title.format(count=len(left_out), name=next(iter(sorted(left_out)), "")),
        _with_data(document, split=ManualSplit(parts=parts), excluded_classes=excluded),
    )


def exclude_files(document: ProjectDocument, *, paths: Collection[str]) -> None:
    """Leave pictures out of the project; the files stay where they are."""
    excluded = tuple(dict.fromkeys([*document.experiment.data.excluded_files, *paths]))
    document.push(
        counted(len(paths), _tr("Exclude 1 picture"), _tr("Exclude {count} pictures")),
        _with_data(document, excluded_files=excluded),
    )


def include_files(document: ProjectDocument, *, paths: Collection[str]) -> None:
    """Take excluded pictures in again."""
    back = set(paths)
    excluded = tuple(path for path in document.experiment.data.excluded_files if path not in back)
    document.push(
        counted(len(back), _tr("Take 1 picture in again"), _tr("Take {count} pictures in again")),
        _with_data(document, excluded_files=excluded),
    )


def set_preprocessing(document: ProjectDocument, *, preprocessing: Preprocessing) -> None:
    """Bring pictures to the network in another way."""
    document.push(
        _tr("Change preprocessing"),
        _with_data(document, preprocessing=preprocessing),
        merge_key="preprocessing",
    )


def set_rotations_as_classes(document: ProjectDocument, *, is_on: bool) -> None:
    """Count each meta-train class four times, turned, or once."""
    title = _tr("Count rotations as classes") if is_on else _tr("Do not count rotations as classes")
    document.push(title, _with_data(document, rotations_as_classes=is_on))


def set_episodes(document: ProjectDocument, *, episodes: EpisodeSpec) -> None:
    """Compose other episodes."""
    title = _tr("Set {n_way} ways, {n_shot} shots, {n_query} queries").format(**dict(episodes))
    document.push(title, document.experiment.model_copy(update={"episodes": episodes}), merge_key="episodes")


def set_targets(document: ProjectDocument, *, targets: Sequence[TargetTask], title: str, merge_key: str = "") -> None:
    """Replace the target tasks."""
    document.push(title, document.experiment.model_copy(update={"targets": tuple(targets)}), merge_key=merge_key)
