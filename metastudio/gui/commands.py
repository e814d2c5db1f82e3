"""What a person can do to a project: each action is one step of the undo stack, with a title that says what it did."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.data_spec import (
    DataSpec,
    FolderSplit,
    ManualSplit,
    Part,
    Preprocessing,
    RandomSplit,
    Split,
)
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.experiment import ExperimentConfig, TargetTask
from metastudio.gui.documents.folder_scan import Sources
from metastudio.gui.wording import counted
from metastudio.images.image_folder import select
from metastudio.images.image_index import ImageIndex, group_of
from metastudio.images.split_guard import divided_groups

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


def _with_choice(document: ProjectDocument, **changes: object) -> ExperimentConfig:
    """Return the draft with another choice of pictures; where that gives other classes, the old ones keep their part.

    A class that comes back is put where the class lies that it counted for, else where its folders say, else to learn.
    """
    chosen = _with_data(document, **changes)
    used = select(document.index, chosen.data).classes
    known = {each.name for each in document.used.classes}
    if {each.name for each in used} == known:
        return chosen
    merged, parts = document.experiment.data.merged_classes, document.parts
    dealt = {each.name: parts[each.name] for each in used if each.name in parts}
    for each in used:
        if each.name not in known:
            dealt[each.name] = parts.get(merged.get(each.name, "")) or each.part or Part.META_TRAIN
    return _with_data(document, **changes, split=ManualSplit(parts=dealt))


def set_folders(document: ProjectDocument, *, folders: Sequence[str], index: ImageIndex, title: str) -> None:
    """Take other folders, with what was found in them; a split by hand keeps what is still there."""
    sources = Sources.of(document.experiment.data, folders=folders)
    set_sources(document, sources=sources, index=index, title=title)


def set_sources(document: ProjectDocument, *, sources: Sources, index: ImageIndex, title: str) -> None:
    """Take other folders, or other depths of their classes; a split by hand keeps what is still there."""
    data = document.experiment.data
    changes: dict[str, object] = {"folders": sources.folders, "class_depths": dict(sources.depths)}
    says_parts = any(each.part is Part.META_TRAIN for each in index.classes)
    if not data.folders and says_parts and isinstance(data.split, RandomSplit):
        changes["split"] = FolderSplit()
    elif isinstance(data.split, ManualSplit):
        excluded = set(data.excluded_classes)
        names = [each.name for each in index.classes if each.name not in excluded]
        said = {each.name: each.part for each in index.classes if each.part}
        known = {each.name for each in document.index.classes}
        parts = {name: data.split.parts[name] for name in names if name in data.split.parts}
        is_all_new = known and not parts and sources.folders == data.folders
        parts |= {name: said.get(name, Part.META_TRAIN) for name in names if name not in known | parts.keys()}
        changes["split"] = RandomSplit() if is_all_new else ManualSplit(parts=parts)
    document.push(title, _with_data(document, **changes))


def set_split(document: ProjectDocument, *, split: Split) -> None:
    """Deal the classes in another way."""
    document.push(_tr("Split classes"), _with_data(document, split=split))


def move_classes(document: ProjectDocument, *, names: Collection[str], part: Part) -> None:
    """Put classes into a part by hand, taking them in again where they were excluded or merged into another."""
    data = document.experiment.data
    moved = set(names)
    parts = {**document.parts, **dict.fromkeys(sorted(moved), part)}
    excluded = tuple(name for name in data.excluded_classes if name not in moved)
    merged = {name: into for name, into in data.merged_classes.items() if name not in moved}
    title = _tr("Move {count} classes") if len(moved) > 1 else _tr("Move {name}")
    document.push(
        title.format(count=len(moved), name=next(iter(sorted(moved)), "")),
        _with_data(document, split=ManualSplit(parts=parts), excluded_classes=excluded, merged_classes=merged),
    )


def gather_groups(document: ProjectDocument, *, groups: Collection[str]) -> None:
    """Bring all classes of a group into the part that most of them are in, for each of these groups."""
    divided = divided_groups(document.parts)
    homes = {group: max(divided[group], key=divided[group].__getitem__) for group in groups if group in divided}
    parts = {name: homes.get(group_of(name), part) for name, part in document.parts.items()}
    one, many = _tr("Keep {name} whole"), _tr("Keep {count} groups whole")
    name = min(homes, default="").rpartition("/")[2]
    document.push(counted(len(homes), one, many, name=name), _with_data(document, split=ManualSplit(parts=parts)))


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


def include_classes(document: ProjectDocument, *, names: Collection[str]) -> None:
    """Take excluded classes in again."""
    back = set(names)
    excluded = tuple(name for name in document.experiment.data.excluded_classes if name not in back)
    title = counted(len(back), _tr("Take {name} in again"), _tr("Take {count} classes in again"), name=min(back))
    document.push(title, _with_choice(document, excluded_classes=excluded))


def merge_classes(document: ProjectDocument, *, names: Collection[str], into: str) -> None:
    """Let classes count for another one; what was merged into them before follows."""
    data = document.experiment.data
    into = data.merged_classes.get(into, into)
    gone = set(names) - {into}
    merged = {name: into if target in gone else target for name, target in data.merged_classes.items()}
    merged |= dict.fromkeys(sorted(gone), into)
    excluded = tuple(name for name in data.excluded_classes if name not in gone)
    one, many = _tr("Merge {name} into {into}"), _tr("Merge {count} classes into {into}")
    document.push(
        counted(len(gone), one, many, name=min(gone, default=""), into=into),
        _with_choice(document, merged_classes=merged, excluded_classes=excluded),
    )


def separate_classes(document: ProjectDocument, *, names: Collection[str]) -> None:
    """Let merged classes stand on their own again."""
    back = set(names)
    merged = {name: into for name, into in document.experiment.data.merged_classes.items() if name not in back}
    document.push(
        counted(len(back), _tr("Separate {name}"), _tr("Separate {count} classes"), name=min(back, default="")),
        _with_choice(document, merged_classes=merged),
    )


def move_files(document: ProjectDocument, *, paths: Collection[str], to: str) -> None:
    """Let pictures count for another class; the files stay where they are."""
    at_home = {path for path, name in document.index.classes_of(paths).items() if name == to}
    moved = document.experiment.data.moved_files | dict.fromkeys(paths, to)
    moved = {path: name for path, name in moved.items() if path not in at_home}
    document.push(
        counted(len(paths), _tr("Move 1 picture to {to}"), _tr("Move {count} pictures to {to}"), to=to),
        _with_choice(document, moved_files=moved),
    )


def return_files(document: ProjectDocument, *, paths: Collection[str]) -> None:
    """Let moved pictures count for the class that their folder says."""
    back = set(paths)
    moved = {path: to for path, to in document.experiment.data.moved_files.items() if path not in back}
    document.push(
        counted(len(back), _tr("Move 1 picture back"), _tr("Move {count} pictures back")),
        _with_choice(document, moved_files=moved),
    )


def exclude_files(document: ProjectDocument, *, paths: Collection[str]) -> None:
    """Leave pictures out of the project; the files stay where they are."""
    excluded = tuple(dict.fromkeys([*document.experiment.data.excluded_files, *paths]))
    document.push(
        counted(len(paths), _tr("Exclude 1 picture"), _tr("Exclude {count} pictures")),
        _with_choice(document, excluded_files=excluded),
    )


def include_files(document: ProjectDocument, *, paths: Collection[str]) -> None:
    """Take excluded pictures in again."""
    back = set(paths)
    excluded = tuple(path for path in document.experiment.data.excluded_files if path not in back)
    document.push(
        counted(len(back), _tr("Take 1 picture in again"), _tr("Take {count} pictures in again")),
        _with_choice(document, excluded_files=excluded),
    )


def set_preprocessing(document: ProjectDocument, *, preprocessing: Preprocessing) -> None:
    """Bring pictures to the network in another way."""
    document.push(
        _tr("Change preprocessing"),
        _with_data(document, preprocessing=preprocessing),
        merge_key="preprocessing",
    )


def normalize_pictures(document: ProjectDocument, *, preprocessing: Preprocessing) -> None:
    """Give the network other numbers for the same pictures."""
    document.push(_tr("Normalise pictures"), _with_data(document, preprocessing=preprocessing))


def set_augmentation(document: ProjectDocument, *, augmentation: Augmentation) -> None:
    """Change pictures in another way while training."""
    document.push(
        _tr("Change augmentation"),
        document.experiment.model_copy(update={"augmentation": augmentation}),
        merge_key="augmentation",
    )


def set_rotations_as_classes(document: ProjectDocument, *, is_on: bool) -> None:
    """Count each meta-train class four times, turned, or once."""
    title = _tr("Count rotations as classes") if is_on else _tr("Do not count rotations as classes")
    document.push(title, _with_data(document, rotations_as_classes=is_on))


def set_episodes(document: ProjectDocument, *, episodes: EpisodeSpec) -> None:
    """Compose other episodes."""
    document.push(
        _shape_title(episodes), document.experiment.model_copy(update={"episodes": episodes}), merge_key="episodes"
    )


def _shape_title(episodes: EpisodeSpec) -> str:
    return _tr("Set {ways}, {shots}, {queries}").format(
        ways=counted(episodes.n_way, _tr("1 way"), _tr("{count} ways")),
        shots=counted(episodes.n_shot, _tr("1 shot"), _tr("{count} shots")),
        queries=counted(episodes.n_query, _tr("1 query"), _tr("{count} queries")),
    )


def set_shape(document: ProjectDocument, *, part: Part, title: str = "", **numbers: int) -> None:
    """Choose some of `n_way`, `n_shot` and `n_query` of one part's episodes.

    For meta-train that is what training has of its own where it has some, else what all parts share. Without a title
    it is part of choosing a shape, and merges with what was just chosen.
    """
    experiment = document.experiment
    episodes, algorithm = experiment.episodes, experiment.algorithm
    for name, value in numbers.items():
        own = f"train_{name}"
        if part is Part.META_TRAIN and getattr(algorithm, own, 0):
            algorithm = algorithm.model_copy(update={own: value})
        elif part is Part.META_TRAIN and getattr(episodes, own, 0):
            episodes = episodes.model_copy(update={own: value})
        else:
            episodes = episodes.model_copy(update={name: value})
    changed = experiment.model_copy(update={"episodes": episodes, "algorithm": algorithm})
    document.push(title or _shape_title(episodes), changed, merge_key="" if title else "episodes")


def set_targets(document: ProjectDocument, *, targets: Sequence[TargetTask], title: str, merge_key: str = "") -> None:
    """Replace the target tasks."""
    document.push(title, document.experiment.model_copy(update={"targets": tuple(targets)}), merge_key=merge_key)
