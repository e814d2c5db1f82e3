"""What is wrong with the pictures of a project as it stands: folders, files, copies, classes and their split."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from metastudio.catalog.data_spec import DataSpec
from metastudio.errors import Problem, Severity, problem
from metastudio.gui.documents.project_state import NO_IMAGES, ProjectState
from metastudio.images.class_health import CLASS_CODES, class_problems
from metastudio.images.duplicates import duplicates, near_duplicate_problems
from metastudio.images.image_folder import select
from metastudio.images.image_index import ImageIndex
from metastudio.images.picture_check import Checked
from metastudio.images.problems import without_places
from metastudio.images.split_guard import group_problems, same_content_problems
from metastudio.runs.project import Project
from metastudio.runs.worker_lock import Holder

NOTHING_CHECKED: Final = Checked((), NO_IMAGES)

_READ_ONLY = problem(
    "read-only",
    "The project's folder cannot be written, so no change is kept.",
    todo="Copy the project to another place and open it there.",
    severity=Severity.WARNING,
)


def problems_of_images(
    state: ProjectState, readable: ImageIndex, checked: Checked, project: Project
) -> tuple[Problem, ...]:
    """Return what is wrong, as far as pictures were read; what the project leaves out is no problem any more.

    Args:
        state: The project as it stands.
        readable: Its images in use without those that could not be read.
        checked: What is known of single pictures.
        project: Where it lies.
    """
    data = state.experiment.data
    gone = {*data.excluded_files, *data.excluded_classes}
    twins, alike = select(checked.twins, data), checked.look_alikes or ()
    found = (
        *(each for each in state.index.problems if each.code not in CLASS_CODES),
        *checked.problems,
        *duplicates(twins, state.parts),
        *near_duplicate_problems(alike, twins, state.parts),
        *same_content_problems(twins, state.used.classes, state.parts, alike),
    )
    joined = _joined(state.index, data, project.folder / "images")
    return (
        *(left for each in found if (left := without_places(each, _expected(each, gone, joined))) is not None),
        *class_problems(readable.classes),
        *group_problems(state.parts),
        *state.split_problems,
        *_read_only_problems(project),
    )


def _expected(found: Problem, gone: set[str], joined: frozenset[str]) -> set[str] | frozenset[str]:
    return joined if found.code == "class-in-two-folders" else gone


def _joined(index: ImageIndex, data: DataSpec, kept: Path) -> frozenset[str]:
    """Return the classes that pictures were put into: the project keeps those in a folder that shows one class."""
    if not any(each.code == "class-in-two-folders" for each in index.problems):
        return frozenset()
    names: dict[str, set[str]] = {each: set() for each in data.folders if Path(each).parent == kept}
    for each in index.classes:
        for folder in {root for root in names if any(path.startswith(root) for path in each.file_list.paths)}:
            names[folder].add(each.name)
    return frozenset(name for own in names.values() if len(own) == 1 for name in own)


def _read_only_problems(project: Project) -> tuple[Problem, ...]:
    if project.held_by is not None:
        return (_held(project.held_by),)
    return (_READ_ONLY,) if project.is_read_only else ()


def _held(holder: Holder) -> Problem:
    return problem(
        "project-held",
        "Another MetaStudio has this project open, process {pid} on {host}, so no change is kept here.",
        todo="Close it there, then open the project again.",
        severity=Severity.WARNING,
        pid=holder.pid,
        host=holder.host,
    )
