"""Which pictures a class of a task may take: each picture lies in one class once, and a class has an end."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from metastudio.errors import MetaStudioError, Problem, Severity, problem
from metastudio.gui.models.shown_name import isolated
from metastudio.images.problems import Cancelled

MOST_PER_CLASS = 1000


def _tr(text: str) -> str:
    return QCoreApplication.translate("acceptable_pictures", text)


def acceptable(
    paths: Sequence[str], *, owners: Mapping[str, str], room: int
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Return the pictures that are not there yet, by name or by content, and why the others stay out.

    Args:
        paths: What is to be taken.
        owners: The class of each picture that is there; an empty name for those without one.
        room: The most that are taken.
    """
    by_size: dict[int, list[str]] = {}
    for path in owners:
        by_size.setdefault(_size_of(path), []).append(path)
    taken: list[str] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(paths):
        size = _size_of(path)
        twin = path if path in owners else _same_bytes(path, by_size.get(size, ()), size)
        if twin is not None:
            problems.append(
                problem(
                    "picture-twice",
                    _tr("{file} is already in {name}."),
                    severity=Severity.WARNING,
                    file=isolated(Path(path).name),
                    name=isolated(owners.get(twin, _tr("this drop")) or _tr("the pictures to classify")),
                )
            )
            continue
        if len(taken) == room:
            problems.append(
                problem(
                    "class-full",
                    _tr("A class holds at most {most} pictures; the others were left out."),
                    severity=Severity.WARNING,
                    most=MOST_PER_CLASS,
                )
            )
            break
        taken.append(path)
        by_size.setdefault(size, []).append(path)
    return tuple(taken), tuple(problems)


def to_compare(paths: Sequence[str], owners: Mapping[str, str]) -> dict[str, int]:
    """Return the size in bytes of each file whose content `acceptable` will look at: those that share theirs."""
    sizes = {path: _size_of(path) for path in (*owners, *paths)}
    counts = Counter(sizes.values())
    return {path: size for path, size in sizes.items() if size > 0 and counts[size] > 1}


def compare_beside(sizes: Mapping[str, int], should_stop: Callable[[], bool]) -> None:
    """Read files so that `acceptable` knows them already; not for the window's thread.

    Raises:
        Cancelled: if `should_stop` says so.
    """
    for path, size in sizes.items():
        if should_stop():
            raise Cancelled
        with contextlib.suppress(OSError, MetaStudioError):  # it is looked at again, and refused with a word
            _fingerprint(path, size)


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


@lru_cache(maxsize=8192)
def _fingerprint(path: str, _size_bytes: int) -> str:
    from metastudio.images.fingerprints import sha256_of  # noqa: PLC0415 - Pillow loads when it is needed

    return sha256_of(path)


def _same_bytes(path: str, others: Sequence[str], size_bytes: int) -> str | None:
    """Return which of the files of equal size is the same picture, if any."""
    try:
        own = _fingerprint(path, size_bytes) if others else ""
        return next((other for other in others if _fingerprint(other, size_bytes) == own), None)
    except (OSError, MetaStudioError):
        return None
