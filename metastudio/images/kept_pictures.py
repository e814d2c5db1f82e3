"""Pictures that a project keeps itself: archives unpacked and loose pictures copied, each into a folder of its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from metastudio.errors import DataError, Problem, Severity, problem
from metastudio.images.archive_contents import LARGEST_ENTRY_BYTES, Contents
from metastudio.images.archives import OnProgress, ShouldStop, stem_of, unpack
from metastudio.images.entry_names import components_of, fault_of, folded
from metastudio.images.folder_walk import is_ignored
from metastudio.images.new_folder import new_file, new_folder, writing
from metastudio.images.problems import Cancelled

_FORBIDDEN: Final = '<>:"|?*\\/'


def unpack_into(
    parent: Path, archive: str, *, on_progress: OnProgress, should_stop: ShouldStop
) -> tuple[Path, Contents]:
    """Unpack an archive into a folder of `parent` that is called like it; return it, and what it holds.

    Raises:
        DataError, ResourceError, Cancelled: as `unpack`.
    """
    folder = free_folder(parent, stem_of(Path(archive).name))
    return folder, unpack(archive, folder, on_progress=on_progress, should_stop=should_stop)


def copy_into(
    parent: Path, class_name: str, pictures: Sequence[str], *, on_progress: OnProgress, should_stop: ShouldStop
) -> tuple[Path, tuple[Problem, ...]]:
    """Copy pictures into a new folder of `parent`, which shows them as the class `class_name`.

    Return the folder, and what could not be copied; the other pictures go on.

    Raises:
        DataError: if no picture can be copied, or if no folder can be called like the class.
        ResourceError: if they do not fit or cannot be written.
        Cancelled: if `should_stop` says so; nothing is left.
    """
    components = components_of(class_name)
    if fault_of(class_name) or any(is_ignored(each) for each in components):
        raise DataError("No folder can be called like class '{name}'.", name=class_name)
    folder = free_folder(parent, components[-1])
    within = () if (folder.name,) == components else components
    sizes = {path: size for path in dict.fromkeys(pictures) if (size := _size_of(path)) is not None}
    problems = [_not_copied(path) for path in pictures if path not in sizes]
    if not sizes:
        raise DataError("None of these pictures can be read.", problems=problems)
    with new_folder(folder, sum(sizes.values())) as begun:
        with writing(folder):
            begun.joinpath(*within).mkdir(parents=True, exist_ok=True)
        taken: set[str] = set()
        for done, path in enumerate(sizes):
            if should_stop():
                raise Cancelled
            on_progress(done, len(sizes))
            target = begun.joinpath(*within, _free_name(Path(path).name, taken))
            if not _is_copied(path, target):
                problems.append(_not_copied(path))
        on_progress(len(sizes), len(sizes))
    return folder, tuple(problems)


def free_folder(parent: Path, name: str) -> Path:
    """Return where a folder of about this name can be made: with a number behind it where it is taken."""
    wanted = "".join("_" if letter in _FORBIDDEN or not letter.isprintable() else letter for letter in name)
    wanted = wanted.strip(" .")[:80] or "pictures"
    folder, number = parent / wanted, 1
    while folder.exists() or folder.is_symlink():
        number += 1
        folder = parent / f"{wanted} {number}"
    return folder


def _size_of(path: str) -> int | None:
    """Return the size of a plain file of a picture's size; a pipe is never opened."""
    try:
        about = os.stat(path)  # noqa: PTH116 - paths are strings here
    except OSError:
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) and about.st_size <= LARGEST_ENTRY_BYTES else None


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name that no picture of the folder has, on systems that fold case too."""
    stem, dot, suffix = name.rpartition(".")
    number = 1
    free = name
    while folded((free,)) in taken:
        number += 1
        free = f"{stem} {number}{dot}{suffix}"
    taken.add(folded((free,)))
    return free


def _is_copied(path: str, target: Path) -> bool:
    """Copy a file; False where it cannot be read."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return False
    with writing(target), os.fdopen(new_file(target), "wb") as copy:
        copy.write(content)
    return True


def _not_copied(path: str) -> Problem:
    return problem(
        "not-copied",
        "'{name}' cannot be read and was not copied.",
        where=path,
        severity=Severity.WARNING,
        name=Path(path).name,
    )
