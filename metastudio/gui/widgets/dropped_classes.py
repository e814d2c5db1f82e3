"""What a drop becomes in a task: a class of each folder, one of all loose pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from metastudio.catalog.experiment import TargetClass
from metastudio.errors import MetaStudioError, Problem, problem
from metastudio.gui.models.bin_contents import BinContents
from metastudio.gui.widgets.acceptable_pictures import MOST_PER_CLASS, acceptable
from metastudio.gui.widgets.drop_files import DroppedFiles, pictures_of, save_image


def _tr(text: str) -> str:
    return QCoreApplication.translate("dropped_classes", text)


def pictures_in(dropped: DroppedFiles) -> tuple[str, ...]:
    """Return the pictures of a drop, those that lie in its folders included."""
    return (*dropped.pictures, *(path for folder in dropped.folders for path in pictures_of(folder)))


def with_new_classes(
    contents: BinContents, dropped: DroppedFiles, *, image_folder: Path | None
) -> tuple[BinContents, tuple[Problem, ...]]:
    """Return the contents with what was dropped as new classes, and what was not taken.

    `image_folder` is where pictures without a file are kept; None refuses them.
    """
    problems = list(dropped.problems)
    wanted: list[tuple[str, Sequence[str]]] = []
    for folder in dropped.folders:
        if pictures := pictures_of(folder):
            wanted.append((Path(folder).name, pictures))
        else:
            problems.append(empty_folder(folder))
    loose = list(dropped.pictures)
    if (saved := kept_image(dropped, image_folder, problems)) is not None:
        loose.append(saved)
    if loose:
        wanted.append(("", loose))
    for name, paths in wanted:
        added, refused = acceptable(paths, owners=contents.owners(), room=MOST_PER_CLASS)
        problems += refused
        if added:
            made = TargetClass(name=contents.free_name(name, _tr("class")), support=added)
            contents = contents.with_class(len(contents.classes), made)
    return contents, tuple(problems)


def empty_folder(folder: str) -> Problem:
    """Return the problem of a folder without pictures."""
    return problem("empty-folder", _tr("No pictures lie in this folder."), where=folder)


def kept_image(dropped: DroppedFiles, image_folder: Path | None, problems: list[Problem]) -> str | None:
    """Keep pixels that came without a file, and return where; why that cannot be is added to the problems."""
    if dropped.image is None:
        return None
    if image_folder is None:
        problems.append(problem("no-file", _tr("This picture has no file; save it first, then drop the file.")))
        return None
    try:
        return save_image(dropped.image, image_folder)
    except MetaStudioError as error:
        problems.append(Problem("not-kept", error.what, where=error.where, todo=error.todo))
        return None
