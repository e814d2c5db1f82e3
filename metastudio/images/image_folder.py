"""Folders of images become an index: which file belongs to which class, and what is odd about them.

Only names and sizes are looked at; whether a file can be shown turns out when it is decoded. Paths stay strings here:
they survive undecodable names, and 200,000 `Path` objects cost seconds.
"""

# ruff: noqa: PTH100, PTH110, PTH112, PTH113, PTH116, PTH118, PTH119, PTH120, PTH122

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from metastudio.catalog.data_spec import DataSpec, Layout, Part
from metastudio.errors import DataError, Message, Problem, Severity, did_you_mean, problem
from metastudio.images.problems import Cancelled, some_of

READABLE_SUFFIXES: Final = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".apng",
        ".gif",
        ".bmp",
        ".dib",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
    }
    | {".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif", ".ico", ".qoi"}
)
"""What the decoder knows how to open."""

REFUSED_SUFFIXES: Final = frozenset(
    {
        ".svg",
        ".svgz",
        ".heic",
        ".heif",
        ".jxl",
        ".eps",
        ".ps",
        ".pdf",
        ".wmf",
        ".emf",
        ".psd",
        ".tga",
        ".cr2",
        ".cr3",
        ".nef",
    }
    | {".arw", ".dng", ".orf", ".rw2", ".raf"}
)
"""Pictures that are listed with a reason when they are decoded, not passed over as something else."""

_PART_NAMES: Final = {
    f"{prefix}{name}": part
    for part, names in {
        Part.META_TRAIN: ("train", "training"),
        Part.META_VAL: ("val", "valid", "validation", "dev"),
        Part.META_TEST: ("test", "testing"),
    }.items()
    for name in names
    for prefix in ("", "meta_", "meta-", "meta")
}
_IGNORED_NAMES: Final = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_PROGRESS_EVERY: Final = 200


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file as it was found; `sha256` is empty until the file was read."""

    path: str
    size_bytes: int
    modified_ns: int
    sha256: str = ""


@dataclass(frozen=True)
class ImageClass:
    """The files of one class.

    Attributes:
        name: Path below the dropped folder, with "/" (``"Latin/character01"``), in Unicode's composed form.
        files: In the order of their paths.
        part: What the folders say about the split, where they say anything.
        group: The name without its last component (``"Latin"``).
    """

    name: str
    files: tuple[ImageFile, ...] = field(repr=False)
    part: Part | None = None
    group: str = ""


@dataclass(frozen=True)
class ImageIndex:
    """Everything that was found in some folders, classes in the order of their names."""

    folders: tuple[str, ...]
    layout: Layout
    classes: tuple[ImageClass, ...] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def file_count(self) -> int:
        """Number of files of all classes."""
        return sum(len(each.files) for each in self.classes)

    def by_name(self, name: str) -> ImageClass:
        """Return the class called `name`.

        Raises:
            DataError: if there is none.
        """
        for each in self.classes:
            if each.name == name:
                return each
        known = [each.name for each in self.classes]
        raise DataError("There is no class '{name}'.", name=name, todo=did_you_mean(name, known).strip())

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`, whose default ``ensure_ascii`` lets any name survive."""
        return {
            "folders": list(self.folders),
            "layout": self.layout.value,
            "classes": [
                {
                    "name": each.name,
                    "part": each.part,
                    "files": [[file.path, file.size_bytes, file.modified_ns, file.sha256] for file in each.files],
                }
                for each in self.classes
            ],
            "problems": [
                {
                    "code": each.code,
                    "severity": each.severity.value,
                    "where": each.where,
                    "message": [each.message.template, each.message.fields],
                    "todo": [each.todo.template, each.todo.fields],
                }
                for each in self.problems
            ],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImageIndex:
        """Return the index that `to_json` described.

        Raises:
            DataError: if `values` is something else.
        """
        try:
            return cls(
                folders=tuple(str(each) for each in values["folders"]),
                layout=Layout(values["layout"]),
                classes=tuple(
                    ImageClass(
                        name=str(each["name"]),
                        files=tuple(ImageFile(str(p), int(s), int(m), str(h)) for p, s, m, h in each["files"]),
                        part=None if each["part"] is None else Part(each["part"]),
                        group=group_of(each["name"]),
                    )
                    for each in values["classes"]
                ),
                problems=tuple(
                    Problem(
                        each["code"],
                        Message(*each["message"]),
                        Severity(each["severity"]),
                        each["where"],
                        Message(*each["todo"]),
                    )
                    for each in values["problems"]
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError("This is not a list of images.", why=f"{type(error).__name__}: {error}.") from error


def group_of(class_name: str) -> str:
    """Return the name without its last component: ``"Latin"`` of ``"Latin/character01"``."""
    return class_name.rpartition("/")[0]


def scan(
    folders: Sequence[str | Path],
    *,
    layout: Layout = Layout.AUTO,
    on_progress: Callable[[int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ImageIndex:
    """Find the classes in `folders` without opening a file.

    `on_progress` is told the number of pictures found so far. What cannot be taken is a problem of the index.

    Raises:
        Cancelled: if `should_stop` says so.
    """
    walk = _Walk(on_progress or (lambda _count: None), should_stop or (lambda: False))
    roots = _distinct_roots([os.path.abspath(os.fspath(each)) for each in folders], walk)
    held = [(root, list(walk.folders_of(root))) for root in roots]
    walk.close()
    found = _found(held, layout, walk.problems)
    return _index(tuple(roots), found, layout, walk.problems)


def select(index: ImageIndex, data: DataSpec) -> ImageIndex:
    """Return the index without the classes and files that `data` excludes; classes left empty go too."""
    classes, files = set(data.excluded_classes), set(data.excluded_files)
    kept = (
        replace(each, files=tuple(file for file in each.files if file.path not in files))
        for each in index.classes
        if each.name not in classes
    )
    return replace(index, classes=tuple(each for each in kept if each.files))


@dataclass(frozen=True)
class _Held:
    """The pictures that lie directly in one folder; `below` are the components of its path under the root."""

    below: tuple[str, ...]
    files: tuple[ImageFile, ...]


@dataclass
class _Walk:
    """One pass over the folders, with what was passed over counted on the way."""

    on_progress: Callable[[int], None]
    should_stop: Callable[[], bool]
    problems: list[Problem] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    count: int = 0

    def folders_of(self, root: str) -> Iterator[_Held]:
        """Yield every folder below `root` that holds pictures, `root` itself included."""
        real_root = os.path.realpath(root)
        waiting: list[tuple[str, tuple[str, ...]]] = [(root, ())]
        while waiting:
            folder, below = waiting.pop()
            files, subfolders = self._entries(folder, real_root)
            waiting += [(os.path.join(folder, name), (*below, name)) for name in reversed(subfolders)]
            if files:
                yield _Held(below, tuple(files))
            elif below and not subfolders and _suffix(below[-1]) in READABLE_SUFFIXES:
                self._skip("folder-like-picture", folder, "This is a folder, though its name looks like a picture.")

    def _entries(self, folder: str, real_root: str) -> tuple[list[ImageFile], list[str]]:
        """Return the pictures and the names of the subfolders of `folder`, sorted."""
        files: list[ImageFile] = []
        subfolders: list[str] = []
        try:
            about = os.stat(folder)
            if about.st_ino and (about.st_dev, about.st_ino) in self.seen:  # bind mounts and junctions can go round
                return [], []
            self.seen.add((about.st_dev, about.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not is_ignored(entry.name):
                        self._take(entry, real_root, files, subfolders)
        except OSError as error:
            self._skip(
                "folder-unreadable", folder, "This folder cannot be read: {why}.", why=error.strerror or str(error)
            )
        files.sort(key=lambda file: file.path)
        return files, sorted(subfolders)

    def _take(self, entry: os.DirEntry[str], real_root: str, files: list[ImageFile], subfolders: list[str]) -> None:
        if self.should_stop():
            raise Cancelled
        try:
            is_link = entry.is_symlink()
            if is_link and not self._may_follow(entry, real_root):
                return
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(entry.name)
            elif _suffix(entry.name) not in READABLE_SUFFIXES | REFUSED_SUFFIXES:
                self.others[_suffix(entry.name)] += 1
            else:
                about = entry.stat()
                if stat.S_ISREG(about.st_mode):
                    files.append(ImageFile(entry.path, about.st_size, about.st_mtime_ns))
                    self.count += 1
                    if self.count % _PROGRESS_EVERY == 0:
                        self.on_progress(self.count)
                else:
                    self._skip(
                        "not-a-file",
                        entry.path,
                        "This is not a plain file (a pipe, socket or device); it is not opened.",
                    )
        except OSError as error:
            self._skip(
                "file-unreadable", entry.path, "This file cannot be read: {why}.", why=error.strerror or str(error)
            )

    def _may_follow(self, entry: os.DirEntry[str], real_root: str) -> bool:
        """Say whether a link leads to a file below the root; one to a folder shows pictures twice, or never ends."""
        target = os.path.realpath(entry.path)
        is_inside = target.startswith(real_root.rstrip(os.sep) + os.sep)
        if is_inside and os.path.isfile(target):
            return True
        self.links.append(entry.path)
        return False

    def _skip(self, code: str, where: str, template: str, **fields: str) -> None:
        self.problems.append(problem(code, template, where=where, severity=Severity.WARNING, **fields))

    def close(self) -> None:
        """Tell the last count, and what was passed over."""
        self.on_progress(self.count)
        if self.others:
            kinds = [f"{count} {suffix or 'without suffix'}" for suffix, count in self.others.most_common()]
            self.problems.append(
                problem(
                    "other-files",
                    "{count} files are not pictures and were passed over ({kinds}).",
                    severity=Severity.NOTE,
                    count=self.others.total(),
                    kinds=some_of(kinds),
                )
            )
        if self.links:
            self.problems.append(
                problem(
                    "links-not-followed",
                    "{count} links to folders, or out of the dropped folder, were not followed.",
                    where=self.links[0],
                    todo="Drop the folder that a link leads to, if its pictures are wanted.",
                    severity=Severity.WARNING,
                    count=len(self.links),
                )
            )


def is_ignored(name: str) -> bool:
    """Say whether a name is hidden or the litter of a file manager (.DS_Store, ._x, Thumbs.db, __MACOSX …)."""
    return name.startswith(".") or name.lower() in _IGNORED_NAMES


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _distinct_roots(roots: list[str], walk: _Walk) -> list[str]:
    """Return the roots that are folders and lie in no other root."""
    usable: list[str] = []
    for root in dict.fromkeys(roots):
        if os.path.isdir(root):
            usable.append(root)
        elif os.path.exists(root):
            walk.problems.append(
                problem(
                    "not-a-folder", "This is a file, not a folder.", where=root, todo="Drop the folder that holds it."
                )
            )
        else:
            walk.problems.append(
                problem(
                    "folder-missing",
                    "This folder is not there.",
                    where=root,
                    todo="Reconnect the drive, or locate the folder where it is now.",
                )
            )
    real = {root: os.path.realpath(root) for root in usable}
    distinct = []
    for number, root in enumerate(usable):
        outer = next(
            (
                other
                for position, other in enumerate(usable)
                if position != number
                and (
                    real[root].startswith(real[other].rstrip(os.sep) + os.sep)
                    or (real[root] == real[other] and position < number)
                )
            ),
            None,
        )
        if outer is None:
            distinct.append(root)
        else:
            walk.problems.append(
                problem(
                    "folder-in-folder",
                    "This folder already belongs to '{outer}'.",
                    where=root,
                    severity=Severity.NOTE,
                    outer=outer,
                )
            )
    return distinct


@dataclass(frozen=True)
class _Found:
    """A class as one folder shows it, before equal names are brought together."""

    name: str
    part: Part | None
    root: str
    files: tuple[ImageFile, ...]


def _found(held: list[tuple[str, list[_Held]]], layout: Layout, problems: list[Problem]) -> list[_Found]:
    """Name the class of every folder that holds pictures."""
    looks_for_parts = layout in (Layout.AUTO, Layout.SPLIT_FOLDERS)
    roots_are_parts = (
        looks_for_parts
        and len({_PART_NAMES.get(_name(root).lower()) for root, _ in held} - {None}) > 1
        and all(_name(root).lower() in _PART_NAMES and any(each.below for each in folders) for root, folders in held)
    )
    found: list[_Found] = []
    for root, folders in held:
        levels = _part_levels(folders, is_asked=layout is Layout.SPLIT_FOLDERS) if looks_for_parts else set()
        has_classes = any(each.below for each in folders)
        for each in folders:
            part = _PART_NAMES[_name(root).lower()] if roots_are_parts else None
            components = list(each.below)
            for depth in range(len(each.below)):
                if each.below[:depth] in levels and part is None:
                    part = _PART_NAMES[each.below[depth].lower()]
                    del components[depth]
            if not components and (has_classes or part):
                problems.append(_loose(os.path.join(root, *each.below), len(each.files)))
                continue
            if layout is Layout.CLASS_FOLDERS:
                components = components[:1]
            name = "/".join(components) or _name(root)
            found.append(_Found(unicodedata.normalize("NFC", name), part, root, each.files))
    return found


def _name(root: str) -> str:
    return os.path.basename(root) or root


def _part_levels(folders: list[_Held], *, is_asked: bool) -> set[tuple[str, ...]]:
    """Return the folders (as components below the root) whose subfolders are train, val and test with classes in them.

    A folder counts if all its subfolders with pictures are called like parts, at least two parts are there (one, where
    the person says so), and each holds class folders.
    """
    children: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for each in folders:
        for depth in range(len(each.below)):
            children[each.below[:depth]].add(each.below[depth])
    return {
        parent
        for parent, names in children.items()
        if all(name.lower() in _PART_NAMES and (*parent, name) in children for name in names)
        and len({_PART_NAMES[name.lower()] for name in names}) >= (1 if is_asked else 2)
    }


def _loose(folder: str, count: int) -> Problem:
    return problem(
        "loose-images",
        "{count} pictures lie beside the class folders and belong to no class.",
        where=folder,
        todo="Put them into a class folder, or leave them out.",
        severity=Severity.WARNING,
        count=count,
    )


def _index(roots: tuple[str, ...], found: list[_Found], layout: Layout, problems: list[Problem]) -> ImageIndex:
    """Bring equal names together, and say what is odd about the whole."""
    by_name: dict[str, list[_Found]] = defaultdict(list)
    for each in found:
        by_name[each.name].append(each)
    classes = []
    order = list(Part)
    for name in sorted(by_name):
        same = by_name[name]
        parts = sorted({each.part for each in same if each.part}, key=order.index)
        files = sorted((file for each in same for file in each.files), key=lambda file: file.path)
        classes.append(ImageClass(name, tuple(files), parts[0] if parts else None, group_of(name)))
    problems += _name_problems(by_name)
    if layout is Layout.AUTO:
        layout = _recognised(classes)
    if not classes:
        problems.append(
            problem(
                "no-images",
                "No pictures were found.",
                where=roots[0] if roots else "",
                todo="A data set is a folder with one folder of pictures for each class.",
            )
        )
    elif len(classes) == 1:
        problems.append(
            problem(
                "one-class",
                "There is only one class, '{name}'.",
                where=classes[0].name,
                todo="A task needs two classes or more: put the pictures of each class into a folder of its own.",
                severity=Severity.WARNING,
                name=classes[0].name,
            )
        )
    return ImageIndex(roots, layout, tuple(classes), tuple(problems))


def _recognised(classes: list[ImageClass]) -> Layout:
    if any(each.part for each in classes):
        return Layout.SPLIT_FOLDERS
    return Layout.NESTED if any("/" in each.name for each in classes) else Layout.CLASS_FOLDERS


def _name_problems(by_name: dict[str, list[_Found]]) -> Iterator[Problem]:
    in_two_parts = sorted(name for name, same in by_name.items() if len({each.part for each in same}) > 1)
    in_two_roots = sorted(name for name, same in by_name.items() if len({each.root for each in same}) > 1)
    by_folded: dict[str, list[str]] = defaultdict(list)
    for name in sorted(by_name):
        by_folded[name.casefold()].append(name)
    alike = [", ".join(f"'{name}'" for name in names) for names in by_folded.values() if len(names) > 1]
    if in_two_parts:
        yield problem(
            "class-in-two-parts",
            "{count} classes lie in two parts; each was put whole into the first: {names}.",
            where=in_two_parts[0],
            todo="Parts must hold different classes. Deal them at random if the folders split pictures, not classes.",
            severity=Severity.WARNING,
            count=len(in_two_parts),
            names=some_of(in_two_parts),
        )
    merged = [name for name in in_two_roots if name not in in_two_parts]
    if merged:
        yield problem(
            "class-in-two-folders",
            "{count} classes have the same name in several folders and were taken as one: {names}.",
            where=merged[0],
            todo="Rename one of the folders if they show different things.",
            severity=Severity.WARNING,
            count=len(merged),
            names=some_of(merged),
        )
    one_form = [name for name, same in by_name.items() if _has_two_spellings(same)]
    if one_form:
        yield problem(
            "class-spelt-twice",
            "{count} classes are spelt in two Unicode forms and were taken as one: {names}.",
            where=one_form[0],
            severity=Severity.WARNING,
            count=len(one_form),
            names=some_of(one_form),
        )
    if alike:
        yield problem(
            "class-differs-in-case",
            "{count} classes differ only in upper and lower case: {names}.",
            where=next(names[0] for names in by_folded.values() if len(names) > 1),
            todo="Rename one of them: some systems cannot keep both apart.",
            severity=Severity.WARNING,
            count=len(alike),
            names=some_of(alike),
        )


def _has_two_spellings(same: list[_Found]) -> bool:
    """Say whether folders of one root and part come under one name only because their spelling was composed."""
    places = Counter((each.root, each.part) for each in same)
    folders = {os.path.dirname(each.files[0].path) for each in same}
    spelt = {unicodedata.normalize("NFC", folder) for folder in folders}
    return max(places.values()) > 1 and len(spelt) < len(folders)
