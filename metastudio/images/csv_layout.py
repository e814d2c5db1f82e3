"""The pictures that CSV lists name become classes: each row's file is looked for beside its list."""

# ruff: noqa: PTH112, PTH114, PTH116, PTH118, PTH119, PTH120, PTH122

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from metastudio.catalog.data_spec import Layout, Part
from metastudio.errors import DataError, Message, Problem, Severity, problem
from metastudio.images.csv_list import CsvList, Row, at_most, is_csv_list, is_csv_name, read_csv_list, row_problem
from metastudio.images.entry_names import components_of, fault_of
from metastudio.images.folder_layout import Found
from metastudio.images.folder_walk import PROGRESS_EVERY, READABLE_SUFFIXES, REFUSED_SUFFIXES, Held, Walk
from metastudio.images.image_index import ImageFile
from metastudio.images.part_names import PART_NAMES
from metastudio.images.problems import Cancelled, some_of

_BESIDE = ("", "images")
"""Folders beside a list in which its pictures are looked for; one called like the list comes last."""


def lists_in(folder: str) -> tuple[str, ...]:
    """Return the lists of pictures that lie directly in a folder, by name; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            named = sorted(entry.path for entry in entries if is_csv_name(entry.name) and entry.is_file())
    except OSError:
        return ()
    return tuple(path for path in named if is_csv_list(path))


def walked(roots: Sequence[str], layout: Layout, walk: Walk) -> tuple[list[tuple[str, list[Held]]], list[Found]]:
    """Return what the folders among `roots` hold, and the classes of the lists: those given, and those in folders.

    Lists in a folder count where its folders name no classes, or where `layout` says so; a picture that stands in a
    list is of the class that the list says, whatever its folder is called.

    Raises:
        Cancelled: if the walk should stop.
    """
    lists = [root for root in roots if is_csv_name(root)]
    held: list[tuple[str, list[Held]]] = []
    replaced: list[tuple[str, list[Held]]] = []
    for root in roots:
        if is_csv_name(root) and not os.path.isdir(root):
            continue
        folders = list(walk.folders_of(root))
        own = lists_in(root) if layout in (Layout.AUTO, Layout.CSV_LIST) else ()
        if layout is Layout.CSV_LIST and not own:
            walk.problems.append(_no_list(root))
        elif own and (layout is Layout.CSV_LIST or _names_no_classes(folders, own)):
            lists += [each for each in own if each not in lists]
            replaced.append((root, folders))
            walk.others.subtract(os.path.splitext(each)[1].lower() for each in own)
        else:
            held.append((root, folders))
    if not lists:
        return held, []
    walk.others = +walk.others
    found = _listed_classes(lists, walk)
    taken = {file.path for each in found for file in each.files}
    for root, folders in replaced:
        if left := [file for each in folders for file in each.files if file.path not in taken]:
            walk.problems.append(_not_listed(root, left))
    return [(root, _without(folders, taken)) for root, folders in held], found


def _without(folders: list[Held], taken: set[str]) -> list[Held]:
    left = (replace(each, files=tuple(file for file in each.files if file.path not in taken)) for each in folders)
    return [each for each in left if each.files]


def _names_no_classes(folders: Sequence[Held], lists: Sequence[str]) -> bool:
    """Say whether the folders of a data set only keep pictures, so that its lists must say the classes."""
    plain = {"images", *PART_NAMES, *map(_stem, lists)}
    return len(folders) < 2 or all(
        not each.below or (len(each.below) == 1 and each.below[0].lower() in plain) for each in folders
    )


def _listed_classes(lists: Sequence[str], walk: Walk) -> list[Found]:
    """Return the classes of some lists; what is wrong with a list or a row becomes a problem of `walk`.

    Two lists or more that are called train, val and test, and have no column for it, are those parts.

    Raises:
        Cancelled: if the walk should stop.
    """
    read: list[CsvList] = []
    for path in lists:
        try:
            read.append(read_csv_list(path))
        except DataError as error:
            todo = Message("{why} {todo}", {"why": error.why, "todo": str(error.todo)}) if error.why else error.todo
            walk.problems.append(Problem("csv-unreadable", error.what, where=path, todo=todo))
    stems = {each.path: PART_NAMES.get(_stem(each.path)) for each in read if not each.says_parts}
    are_parts = len(set(stems.values()) - {None}) > 1
    looked: dict[str, tuple[int, str, str]] = {}
    found: list[Found] = []
    for each in read:
        look = _Look(each, walk, looked)
        found += look.classes(stems.get(each.path) if are_parts else None)
        walk.problems += [*each.problems, *at_most(look.problems, each.path)]
    return found


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0].lower()


@dataclass
class _Look:
    """One list whose files are looked for; `taken` are the files of all lists, with row, list and class."""

    read: CsvList
    walk: Walk
    taken: dict[str, tuple[int, str, str]]
    problems: list[Problem] = field(default_factory=list)
    real: dict[str, str] = field(default_factory=dict)

    def classes(self, part: Part | None) -> list[Found]:
        """Return what the list shows, each class and part once."""
        folder = os.path.dirname(self.read.path)
        real_folder = os.path.realpath(folder)
        beside = (*_BESIDE, os.path.splitext(os.path.basename(self.read.path))[0])
        files: dict[tuple[str, Part | None], list[ImageFile]] = defaultdict(list)
        for row in self.read.rows:
            if self.walk.should_stop():
                raise Cancelled
            if (path := self._path_of(row, folder, beside)) and (file := self._file(row, path, real_folder)):
                files[row.label, row.part or part].append(file)
        return [Found(label, said, self.read.path, tuple(own)) for (label, said), own in files.items()]

    def _path_of(self, row: Row, folder: str, beside: Sequence[str]) -> str:
        """Return where the picture of a row lies; empty, and a problem more, where that cannot be."""
        if "://" in row.picture:
            self._skip(row, "listed-elsewhere", "It names an address of the network, and nothing is fetched: {name}.")
        elif fault := fault_of(row.picture):
            self._skip(row, "listed-elsewhere", "{fault} are not followed: {name}.", fault=fault)
        elif os.path.splitext(row.picture)[1].lower() not in READABLE_SUFFIXES | REFUSED_SUFFIXES:
            self._skip(row, "listed-other", "This is no picture that can be read: {name}.")
        else:
            inner = components_of(row.picture)
            places = [os.path.join(folder, each, *inner) for each in beside]
            if found := next((each for each in places if os.path.lexists(each)), ""):
                return found
            self._skip(row, "listed-missing", "Its picture is not there: {name}.")
        return ""

    def _file(self, row: Row, path: str, real_folder: str) -> ImageFile | None:
        """Return the file of a row as it is on the disk, unless it may not be taken."""
        before = self.taken.get(path)
        if before is not None:
            number, other, label = before
            where = f"{os.path.basename(other)}:{number}"
            if label == row.label:
                self._skip(row, "listed-twice", "{name} stands in {where_first} already.", where_first=where)
            else:
                template = "{name} is of class '{label}' in {where_first} already, and stays there."
                self._skip(row, "listed-in-two-classes", template, where_first=where, label=label)
            return None
        try:
            if not self._is_inside(path, real_folder):
                self.walk.links.append(path)
                return None
            about = os.stat(path)
        except OSError as error:
            self._skip(row, "listed-missing", "{name} cannot be read: {why}.", why=error.strerror or str(error))
            return None
        if not stat.S_ISREG(about.st_mode):
            self._skip(row, "listed-other", "This is no plain file: {name}.")
            return None
        self.taken[path] = (row.number, self.read.path, row.label)
        self.walk.count += 1
        if self.walk.count % PROGRESS_EVERY == 0:
            self.walk.on_progress(self.walk.count)
        return ImageFile(path, about.st_size, about.st_mtime_ns)

    def _is_inside(self, path: str, real_folder: str) -> bool:
        """Say whether a file lies below the folder of its list, links followed."""
        above = os.path.dirname(path)
        if above not in self.real:
            self.real[above] = os.path.realpath(above)
        target = os.path.realpath(path) if os.path.islink(path) else os.path.join(self.real[above], "")
        return target.startswith(real_folder.rstrip(os.sep) + os.sep)

    def _skip(self, row: Row, code: str, template: str, **fields: object) -> None:
        message = Message(template, {"name": row.picture, **fields})
        self.problems.append(row_problem(code, self.read.path, row.number, message))


def _not_listed(folder: str, files: Sequence[ImageFile]) -> Problem:
    """Return the note that pictures of a folder stand in no row of its lists."""
    return problem(
        "not-listed",
        "{count} pictures stand in no list and are of no class: {names}.",
        one="1 picture stands in no list and is of no class: {names}.",
        where=folder,
        severity=Severity.NOTE,
        count=len(files),
        names=some_of([os.path.basename(each.path) for each in files]),
    )


def _no_list(folder: str) -> Problem:
    """Return the problem of a folder in which a list was looked for in vain."""
    return problem(
        "no-list",
        "No list of pictures lies in this folder.",
        where=folder,
        todo="Put a .csv beside the pictures whose first row names the columns: filename,label",
        severity=Severity.ERROR,
    )
