"""Which pictures a class of a task may take: each picture lies in one class once, and a class has an end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from metastudio.catalog.experiment import TargetClass
from metastudio.errors import MetaStudioError, Problem, Severity, problem
from metastudio.gui.models.shown_name import isolated

MOST_PER_CLASS = 1000


def _tr(text: str) -> str:
    return QCoreApplication.translate("acceptable_pictures", text)


def acceptable(
    paths: Sequence[str], *, beside: Sequence[TargetClass], room: int
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Return the pictures that none of the classes `beside` has, by name or by content, and why the others stay out.

    At most `room` are taken.
    """
    known = {path: each.name for each in beside for path in (*each.support, *each.query)}
    by_size: dict[int, list[str]] = {}
    for path in known:
        by_size.setdefault(_size_of(path), []).append(path)
    taken: list[str] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(paths):
        size = _size_of(path)
        twin = path if path in known else _same_bytes(path, by_size.get(size, ()), size)
        if twin is not None:
            problems.append(
                problem(
                    "picture-twice",
                    _tr("{file} is already in {name}."),
                    severity=Severity.WARNING,
                    file=isolated(Path(path).name),
                    name=isolated(known.get(twin, _tr("this drop"))),
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
