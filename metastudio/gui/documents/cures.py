"""What one click can do about each kind of problem of the pictures, each one step of the undo stack.

Only the project changes: what is left out, merged or moved stays where it lies on the disk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QCoreApplication

from metastudio.catalog.data_spec import Part, RandomSplit
from metastudio.errors import Problem
from metastudio.gui import commands
from metastudio.gui.models.shown_name import isolated
from metastudio.gui.wording import counted
from metastudio.images.split_guard import DIVIDED, divided_groups

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument

_MOST_CHOICES: Final = 4


@dataclass(frozen=True)
class Cure:
    """One way out.

    Attributes:
        title: What is offered.
        done: What is said after it.
        apply: Does it, as one step of the undo stack.
    """

    title: str
    done: str
    apply: Callable[[], None]


def cures_for(document: ProjectDocument, problems: Sequence[Problem]) -> tuple[Cure, ...]:
    """Return what can be done about problems of one kind, the most usual first; nothing where a person must think."""
    makers = _CURES.get(problems[0].code, ()) if problems else ()
    return tuple(cure for make in makers for cure in make(document, problems))


def are_alike(problem: Problem) -> bool:
    """Say whether a problem is about pictures that are the same, or nearly."""
    return problem.code.removeprefix("near-").startswith("duplicate-")


def ways_back(document: ProjectDocument) -> tuple[Cure, ...]:
    """Return how everything that was left out, merged or moved comes back, one entry for each of these."""
    data = document.experiment.data
    found = []
    if files := data.excluded_files:
        title = counted(len(files), _tr("Take 1 picture in again"), _tr("Take {count} pictures in again"))
        found.append(Cure(title, _tr("The pictures are used again."), lambda: _include_files(document, files)))
    if names := data.excluded_classes:
        title = counted(len(names), _tr("Take 1 class in again"), _tr("Take {count} classes in again"))
        found.append(Cure(title, _tr("The classes are used again."), lambda: _include_classes(document, names)))
    if merged := tuple(data.merged_classes):
        title = counted(len(merged), _tr("Separate 1 merged class"), _tr("Separate {count} merged classes"))
        found.append(Cure(title, _tr("The classes stand on their own again."), lambda: _separate(document, merged)))
    if moved := tuple(data.moved_files):
        title = counted(len(moved), _tr("Move 1 picture back"), _tr("Move {count} pictures back"))
        found.append(Cure(title, _tr("The pictures are in their own classes again."), lambda: _return(document, moved)))
    return tuple(found)


def left_out_text(document: ProjectDocument) -> str:
    """Return what the project leaves out, merges and moves, in numbers; empty where it takes all as it lies."""
    data = document.experiment.data
    kinds = (
        (data.excluded_files, _tr("1 picture left out"), _tr("{count} pictures left out")),
        (data.excluded_classes, _tr("1 class left out"), _tr("{count} classes left out")),
        (data.merged_classes, _tr("1 class merged"), _tr("{count} classes merged")),
        (data.moved_files, _tr("1 picture moved"), _tr("{count} pictures moved")),
    )
    return " · ".join(counted(len(each), one, many) for each, one, many in kinds if each)


def _tr(text: str) -> str:
    return QCoreApplication.translate("cures", text)


def _short(name: str) -> str:
    return isolated(name.rpartition("/")[2])


def _places(problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for each in problems for place in (each.where, *each.others)))


def _leave_out_files(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    paths = _places(problems)
    yield Cure(
        counted(len(paths), _tr("Leave out this picture"), _tr("Leave out all {count} pictures")),
        counted(len(paths), _tr("1 picture is left out."), _tr("{count} pictures are left out.")),
        lambda: commands.exclude_files(document, paths=paths),
    )


def _leave_out_classes(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    known = {each.name for each in document.index.classes}
    names = tuple(name for name in _places(problems) if name in known)
    if not names:
        return
    yield Cure(
        counted(len(names), _tr("Leave out {name}"), _tr("Leave out all {count} classes"), name=_short(names[0])),
        counted(len(names), _tr("1 class is left out."), _tr("{count} classes are left out.")),
        lambda: commands.exclude_classes(document, names=names),
    )


def _merge_named(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    """Merge what a single problem names into the largest of it."""
    if len(problems) == 1:
        yield from _merge(document, _places(problems))


def _merge(document: ProjectDocument, names: Sequence[str]) -> Iterator[Cure]:
    sizes = {each.name: len(each.files) for each in document.used.classes}
    known = sorted((name for name in names if name in sizes), key=lambda name: -sizes[name])
    if len(known) < 2:
        return
    into = known[0]
    one, many = _tr("Merge {name} into {into}"), _tr("Merge {count} classes into {into}")
    yield Cure(
        counted(len(known) - 1, one, many, name=_short(known[1]), into=_short(into)),
        counted(len(known) - 1, _tr("1 class is merged."), _tr("{count} classes are merged.")),
        lambda: commands.merge_classes(document, names=known, into=into),
    )


def _keep_one(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    """Keep one of each group, what is learnt from before what is tested with."""
    classes = _classes_of(document, _places(problems))
    order = [*Part, None]
    gone: dict[str, None] = {}
    for each in problems:
        places = [place for place in (each.where, *each.others) if place in classes and place not in gone]
        places.sort(key=lambda place: order.index(document.parts.get(classes[place])))
        gone |= dict.fromkeys(places[1:])
    if not gone:
        return
    paths = tuple(gone)
    one, many = _tr("Leave out the copy"), _tr("Leave out {count} copies")
    if problems[0].code.startswith("near-"):
        one, many = _tr("Leave out the second"), _tr("Keep the first, leave out {count}")
        if len(problems) > 1:
            many = _tr("Keep one of each, leave out {count}")
    yield Cure(
        counted(len(paths), one, many),
        counted(len(paths), _tr("1 copy is left out."), _tr("{count} copies are left out.")),
        lambda: commands.exclude_files(document, paths=paths),
    )


def _keep_one_of_each(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    """Do it for many at once; of a single one a person chooses the class."""
    if len(problems) > 1:
        yield from _keep_one(document, problems)


def _keep_second(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    """Let a person who compared two pictures keep the other one."""
    if len(problems) == 1 and len(problems[0].others) == 1:
        path = problems[0].where
        yield Cure(
            _tr("Leave out the first"),
            _tr("1 copy is left out."),
            lambda: commands.exclude_files(document, paths=(path,)),
        )


def _keep_in_one_class(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    """Put the picture only into one of the classes that have it."""
    if len(problems) > 1:
        return
    classes = _classes_of(document, _places(problems))
    by_class: defaultdict[str, list[str]] = defaultdict(list)
    for place in _places(problems):
        if place in classes:
            by_class[classes[place]].append(place)
    for name in list(by_class)[:_MOST_CHOICES]:
        paths = tuple(path for other, places in by_class.items() if other != name for path in places)
        paths += tuple(by_class[name][1:])
        one, many = _tr("Put it only into {name}"), _tr("Only in {name}, leave out {count}")
        yield Cure(
            counted(len(paths), one, many, name=_short(name)),
            _tr("The picture is only in {name} now.").format(name=_short(name)),
            _excluding(document, paths),
        )


def _merge_classes_of_picture(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    if len(problems) == 1:
        yield from _merge(document, tuple(dict.fromkeys(_classes_of(document, _places(problems)).values())))


def _move_together(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    """Bring the classes that have the picture into one part, so that it lies on one side of the split."""
    if len(problems) > 1:
        return
    names = tuple(dict.fromkeys(_classes_of(document, _places(problems)).values()))
    for part in Part:
        moved = tuple(name for name in names if document.parts.get(name) is not part)
        if moved and len(moved) < len(names):
            one, many = _tr("Move {name} to {part}"), _tr("Move {count} classes to {part}")
            title = counted(len(moved), one, many, name=_short(moved[0]), part=part.label)
            one, many = _tr("1 class is in {part} now."), _tr("{count} classes are in {part} now.")
            done = counted(len(moved), one, many, part=part.label)
            yield Cure(title, done, _moving(document, moved, part))


def _keep_groups_whole(document: ProjectDocument, problems: Sequence[Problem]) -> Iterator[Cure]:
    """Bring divided groups together, or deal all classes anew in whole groups."""
    divided = divided_groups(document.parts)
    groups = tuple(group for group in _places(problems) if group in divided)
    if not groups:
        return
    home = max(divided[groups[0]], key=divided[groups[0]].__getitem__)
    one, many = _tr("Move all of {name} to {part}"), _tr("Bring {count} groups together")
    yield Cure(
        counted(len(groups), one, many, name=_short(groups[0]), part=home.label),
        counted(len(groups), _tr("1 group is whole now."), _tr("{count} groups are whole now.")),
        lambda: commands.gather_groups(document, groups=groups),
    )
    before = document.experiment.data.split
    if len(groups) > 1 and isinstance(before, RandomSplit):
        dealt = before.model_copy(update={"whole_groups": True})
        yield Cure(
            _tr("Deal whole groups anew"),
            _tr("Every group lies in one part now."),
            lambda: commands.set_split(document, split=dealt),
        )


def _classes_of(document: ProjectDocument, paths: Collection[str]) -> dict[str, str]:
    """Return the class of each of the files that the project uses, in the order of `paths`."""
    return document.used.classes_of(paths)


def _excluding(document: ProjectDocument, paths: Collection[str]) -> Callable[[], None]:
    return lambda: commands.exclude_files(document, paths=paths)


def _moving(document: ProjectDocument, names: Collection[str], part: Part) -> Callable[[], None]:
    return lambda: commands.move_classes(document, names=names, part=part)


def _include_files(document: ProjectDocument, paths: Collection[str]) -> None:
    commands.include_files(document, paths=paths)


def _include_classes(document: ProjectDocument, names: Collection[str]) -> None:
    commands.include_classes(document, names=names)


def _separate(document: ProjectDocument, names: Collection[str]) -> None:
    commands.separate_classes(document, names=names)


def _return(document: ProjectDocument, paths: Collection[str]) -> None:
    commands.return_files(document, paths=paths)


_Make = Callable[["ProjectDocument", Sequence[Problem]], Iterator[Cure]]

_CURES: Final[Mapping[str, tuple[_Make, ...]]] = {
    "unreadable": (_leave_out_files,),
    "refused": (_leave_out_files,),
    "not-allowed": (_leave_out_files,),
    "no-memory": (_leave_out_files,),
    "file-gone": (_leave_out_files,),
    "tiny": (_leave_out_files,),
    "odd-aspect": (_leave_out_files,),
    "first-frame": (_leave_out_files,),
    "wrong-extension": (_leave_out_files,),
    "class-unreadable": (_leave_out_classes,),
    "too-few-images": (_leave_out_classes,),
    "imbalanced": (_leave_out_classes,),
    "class-differs-in-case": (_merge_named,),
    "duplicate-in-class": (_keep_one,),
    "duplicate-across-classes": (_keep_in_one_class, _keep_one_of_each, _merge_classes_of_picture),
    "duplicate-across-parts": (_keep_in_one_class, _move_together, _keep_one_of_each),
    "near-duplicate-in-class": (_keep_one, _keep_second),
    "near-duplicate-across-classes": (_keep_in_one_class, _keep_one_of_each, _merge_classes_of_picture),
    "near-duplicate-across-parts": (_keep_in_one_class, _move_together, _keep_one_of_each),
    "duplicate-class-across-parts": (_move_together, _merge_classes_of_picture),
    DIVIDED: (_keep_groups_whole,),
}
"""The cures of each kind of problem, by its code."""
