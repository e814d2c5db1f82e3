"""One pass over folders: which files are pictures by their names, and what was passed over.

Paths stay strings here: they survive undecodable names, and 200,000 `Path` objects cost seconds.
"""

# ruff: noqa: PTH110, PTH112, PTH113, PTH116, PTH118, PTH122

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from metastudio.errors import Problem, Severity, problem
from metastudio.images.csv_list import is_csv_name
from metastudio.images.file_list import FileList, ImageFile
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

_PICTURE_SUFFIXES: Final = READABLE_SUFFIXES | REFUSED_SUFFIXES
_IGNORED_NAMES: Final = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
PROGRESS_EVERY: Final = 200
"""Pictures between two words of how many were found."""


@dataclass(frozen=True)
class Held:
    """The pictures that lie directly in one folder; `below` are the components of its path under the root."""

    below: tuple[str, ...]
    files: Sequence[ImageFile]


@dataclass
class Walk:
    """One pass over the folders, with what was passed over counted on the way."""

    on_progress: Callable[[int], None]
    should_stop: Callable[[], bool]
    on_folder: Callable[[Held], None] = lambda _held: None
    problems: list[Problem] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    count: int = 0

    def folders_of(self, root: str) -> Iterator[Held]:
        """Yield every folder below `root` that holds pictures, `root` itself included."""
        real_root = os.path.realpath(root)
        waiting: list[tuple[str, tuple[str, ...]]] = [(root, ())]
        while waiting:
            folder, below = waiting.pop()
            files, subfolders = self._entries(folder, real_root)
            waiting += [(os.path.join(folder, name), (*below, name)) for name in reversed(subfolders)]
            if files:
                held = Held(below, FileList.of(files))
                self.on_folder(held)
                yield held
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
            elif _suffix(entry.name) not in _PICTURE_SUFFIXES:
                self.others[_suffix(entry.name)] += 1
            else:
                about = entry.stat()
                if stat.S_ISREG(about.st_mode):
                    files.append(ImageFile(entry.path, about.st_size, about.st_mtime_ns))
                    self.count += 1
                    if self.count % PROGRESS_EVERY == 0:
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
                    one="1 file is no picture and was passed over ({kinds}).",
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
                    one="1 link to a folder, or out of the dropped folder, was not followed.",
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


def distinct_roots(roots: list[str], walk: Walk) -> list[str]:
    """Return the roots that are folders and lie in no other root, and those that are lists of pictures."""
    usable: list[str] = []
    for root in dict.fromkeys(roots):
        if os.path.isdir(root) or (is_csv_name(root) and os.path.isfile(root)):
            usable.append(root)
        elif os.path.exists(root):
            walk.problems.append(
                problem(
                    "not-a-folder",
                    "This is neither a folder nor a .csv list of pictures.",
                    where=root,
                    todo="Drop the folder that holds it; a zip or tar is unpacked first.",
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
                    (not is_csv_name(root) and real[root].startswith(real[other].rstrip(os.sep) + os.sep))
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
