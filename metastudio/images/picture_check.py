"""Every picture of an index is read once: what cannot be read, what is there twice, and what looks alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from metastudio.catalog.data_spec import Preprocessing
from metastudio.errors import Problem
from metastudio.images.image_index import ImageIndex

_PROCESS_PAYS_FILES: Final = 2000
"""From so many files on the check runs in a process of its own; for fewer that takes longer to start."""


@dataclass(frozen=True)
class Checked:
    """What is known once every picture was read.

    Attributes:
        problems: Of single pictures; copies are not among them, for they depend on the split.
        twins: The index, with only those files whose bytes are there more than once, or that look like another.
        look_alikes: Groups of paths that look the same; None as long as they were not searched.
        unreadable: The paths that could not be read, each said in `problems`; a run leaves them out.
    """

    problems: tuple[Problem, ...]
    twins: ImageIndex
    look_alikes: tuple[tuple[str, ...], ...] | None = None
    unreadable: tuple[str, ...] = ()


def check(
    index: ImageIndex,
    preprocessing: Preprocessing,
    *,
    tell: Callable[..., None],
    should_stop: Callable[[], bool],
) -> Checked:
    """Return what is wrong with pictures, their decoded pixels being kept in the cache for the runs to come.

    Args:
        index: What was scanned.
        preprocessing: How the pictures are decoded.
        tell: Gets the numbers of files done and of all, and once a `Checked` before those that look alike are searched.
        should_stop: Asked now and then.

    Raises:
        DataError: if no picture can be read, or a folder has gone meanwhile.
        ResourceError: if the cache cannot be written, or the disk of the pictures does not answer.
        Cancelled: if `should_stop` says so.
    """
    if index.file_count < _PROCESS_PAYS_FILES:
        return check_here(index, preprocessing, tell=tell, should_stop=should_stop)
    from metastudio.images.own_process import in_own_process  # noqa: PLC0415 - only then

    return in_own_process(check_here, index, preprocessing, tell=tell, should_stop=should_stop)


def check_here(
    index: ImageIndex,
    preprocessing: Preprocessing,
    *,
    tell: Callable[..., None],
    should_stop: Callable[[], bool],
) -> Checked:
    """Do what `check` does, in this process."""
    from metastudio.images.image_store import open_store  # noqa: PLC0415 - Pillow loads beside the window
    from metastudio.images.near_duplicates import near_duplicates  # noqa: PLC0415 - as above

    store = open_store(index, preprocessing, on_progress=tell, should_stop=should_stop)
    problems = tuple(
        each for each in store.problems if not each.code.startswith("duplicate") and each not in index.problems
    )
    unreadable = _missing_in(store.index, index)
    tell(Checked(problems, _twins(store.index), unreadable=unreadable))
    groups = near_duplicates(store, should_stop=should_stop)
    alike = frozenset(path for group in groups for path in group)
    return Checked(problems, _twins(store.index, alike), groups, unreadable)


def _missing_in(read: ImageIndex, index: ImageIndex) -> tuple[str, ...]:
    """Return the paths of an index that another, of what could be read of it, does not have."""
    if read.file_count == index.file_count:
        return ()
    known = {path for each in read.classes for path in each.file_list.paths}
    return tuple(path for each in index.classes for path in each.file_list.paths if path not in known)


def _twins(index: ImageIndex, look_alikes: frozenset[str] = frozenset()) -> ImageIndex:
    counts = Counter(file.sha256 for each in index.classes for file in each.files)
    classes = (
        replace(each, files=tuple(file for file in each.files if counts[file.sha256] > 1 or file.path in look_alikes))
        for each in index.classes
    )
    return replace(index, classes=tuple(each for each in classes if each.files), problems=())
