"""What a drop on the Images page brings, sorted by what becomes of it, and the sentence that says so beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QMimeData
from PySide6.QtGui import QImage

from metastudio.catalog.data_spec import Part
from metastudio.errors import Problem
from metastudio.gui.models.shown_name import isolated
from metastudio.gui.widgets.drop_files import (
    dropped_files,
    has_pixels,
    holds_folders,
    is_picture_name,
)
from metastudio.gui.wording import counted
from metastudio.images.archives import is_archive_name
from metastudio.images.csv_list import is_csv_name
from metastudio.images.part_names import part_of_list

_LOOKED_AT = 300


def _tr(text: str) -> str:
    return QCoreApplication.translate("image_drop", text)


@dataclass(frozen=True)
class ImageDrop:
    """A drop, sorted.

    Attributes:
        sources: Folders, and lists of pictures (.csv): taken where they lie.
        archives: Unpacked into the project.
        pictures: Loose ones with the class that each group becomes, as `(class, paths)`: copied into the project.
        image: Pixels without a file: kept in the project.
        class_lists: For parts of the split, the files that name their classes.
        problems: What is not taken, each by its name.
    """

    sources: tuple[str, ...]
    archives: tuple[str, ...]
    pictures: tuple[tuple[str, tuple[str, ...]], ...]
    image: QImage | None
    class_lists: dict[Part, str]
    problems: tuple[Problem, ...]


def image_drop(mime: QMimeData, *, into: str = "") -> ImageDrop:
    """Sort what was dropped; loose pictures go into the class `into`, else into one called like their folder."""
    dropped = dropped_files(mime, wants=lambda path: _kind_of(path) != "")
    by_kind: dict[str, list[str]] = {"archive": [], "list": [], "part": []}
    for path in dropped.others:
        by_kind[_kind_of(path)].append(path)
    grouped: dict[str, list[str]] = {}
    for path in dropped.pictures:
        grouped.setdefault(into or class_of_loose(path), []).append(path)
    return ImageDrop(
        sources=(*dropped.folders, *by_kind["list"]),
        archives=tuple(by_kind["archive"]),
        pictures=tuple((name, tuple(paths)) for name, paths in grouped.items()),
        image=dropped.image,
        class_lists={part: path for path in by_kind["part"] if (part := part_of_list(path))},
        problems=dropped.problems,
    )


def drop_hint(mime: QMimeData, *, into: str = "", known: Collection[str] = ()) -> str:
    """Say what letting go will do, from the names and a look at the first few hundred files.

    Pictures go into the class `into` where that is given; `known` are the classes that need not be made.
    """
    paths = [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]
    kinds: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for number, path in enumerate(paths):
        kind = _kind_of(path) or ("picture" if is_picture_name(path) else "other")
        if number < _LOOKED_AT and Path(path).is_dir():
            kind = "folder"
        kinds[kind] += 1
        if kind == "picture":
            names[into or class_of_loose(path)] += 1
    return "\n".join(_sentences(mime, kinds, names, into=into, known=known))


def class_of_loose(path: str) -> str:
    """Return the class that a loose picture becomes: its folder's name."""
    return Path(path).parent.name.lstrip(".") or _tr("pictures")


def _kind_of(path: str) -> str:
    if is_archive_name(path):
        return "archive"
    if is_csv_name(path):
        return "list"
    return "part" if part_of_list(path) is not None else ""


def _sentences(
    mime: QMimeData, kinds: Counter[str], names: Counter[str], *, into: str, known: Collection[str]
) -> Iterator[str]:
    if kinds["folder"]:
        many = _tr("{count} folders → {count} new classes")
        if holds_folders(mime):
            many = _tr("{count} folders → the classes in them")
        yield counted(kinds["folder"], _tr("1 folder → its classes"), many)
    if kinds["list"]:
        yield counted(
            kinds["list"], _tr("1 list → the classes in its rows"), _tr("{count} lists → the classes in their rows")
        )
    if kinds["archive"]:
        one, many = _tr("1 archive → unpacked into the project"), _tr("{count} archives → unpacked into the project")
        yield counted(kinds["archive"], one, many)
    if kinds["part"]:
        parts = [part_of_list(url.toLocalFile()) for url in mime.urls()]
        named = ", ".join(part.label for part in Part if part in parts)
        one, many = _tr("1 list → the classes of {parts}"), _tr("{count} lists → the classes of {parts}")
        yield counted(kinds["part"], one, many, parts=named)
    if names or (has_pixels(mime) and not kinds.total()):
        yield _about_pictures(names or Counter({into or _tr("pictures"): 1}), known={into, *known})
    elif not kinds.total():
        yield _tr("Nothing is fetched from the network")
    if kinds["other"] and len(kinds) == 1:
        yield counted(kinds["other"], _tr("1 file that is no picture"), _tr("{count} files that are no pictures"))


def _about_pictures(names: Counter[str], *, known: Collection[str]) -> str:
    count = names.total()
    if len(names) == 1 and next(iter(names)) in known:
        one, many = _tr("1 picture → {name}"), _tr("{count} pictures → {name}")
    elif len(names) == 1:
        one, many = _tr("1 picture → new class {name}"), _tr("{count} pictures → new class {name}")
    else:
        one, many = "", _tr("{count} pictures → {classes} classes")
    return counted(count, one, many, name=isolated(next(iter(names))), classes=len(names))
