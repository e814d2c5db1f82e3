"""The files of a class as a few plain columns: 200,000 of them are no burden to memory or to Python's collector."""

from __future__ import annotations

import os
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import Any, overload


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file as it was found; `sha256` is empty until the file was read."""

    path: str
    size_bytes: int
    modified_ns: int
    sha256: str = ""


class FileList(Sequence[ImageFile]):
    """A tuple of `ImageFile`, made of one when it is asked for; it equals such a tuple.

    Attributes:
        folder: Where all of the files lie, with the separator; empty where they lie in several folders.
        names: What follows it in the path of each file.
        sizes: In bytes (8-byte integers).
        times: When each was modified, in nanoseconds.
        hashes: The sha256 of each, empty where it was not read yet; no column where none was.
    """

    __slots__ = ("folder", "hashes", "names", "sizes", "times")

    def __init__(
        self,
        folder: str,
        names: tuple[str, ...],
        sizes: array[int],
        times: array[int],
        hashes: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.names = names
        self.sizes = sizes
        self.times = times
        self.hashes = hashes

    @classmethod
    def of(cls, files: Iterable[ImageFile]) -> FileList:
        """Return the list of these files, in their order."""
        if isinstance(files, FileList):
            return files
        files = tuple(files)
        folders = {_folder_of(each.path) for each in files}
        folder = folders.pop() if len(folders) == 1 else ""
        hashes = tuple(each.sha256 for each in files)
        return cls(
            folder,
            tuple(each.path[len(folder) :] for each in files),
            array("q", [each.size_bytes for each in files]),
            array("q", [each.modified_ns for each in files]),
            hashes if any(hashes) else (),
        )

    @classmethod
    def together(cls, lists: Sequence[FileList]) -> FileList:
        """Return the files of several lists as one, in the order of their paths."""
        if len(lists) == 1:
            return lists[0]
        rows = [
            row for each in lists for row in zip(each.paths, each.sizes, each.times, each.known_hashes, strict=True)
        ]
        rows.sort()
        folders = {each.folder for each in lists}
        folder = folders.pop() if len(folders) == 1 else ""
        paths, sizes, times, hashes = zip(*rows, strict=True) if rows else ((), (), (), ())
        return cls(
            folder,
            tuple([path[len(folder) :] for path in paths]),
            array("q", sizes),
            array("q", times),
            hashes if any(hashes) else (),
        )

    @property
    def known_hashes(self) -> tuple[str, ...]:
        """The sha256 of each, empty where it was not read yet."""
        return self.hashes or ("",) * len(self.names)

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of each file."""
        return tuple([self.folder + name for name in self.names])

    def without(self, paths: PathSet) -> FileList:
        """Return the list without these paths: itself where it has none of them."""
        gone = paths.places_in(self)
        if not gone:
            return self
        stays = bytearray(b"\1") * len(self.names)
        for place in gone:
            stays[place] = 0
        return FileList(
            self.folder,
            tuple(compress(self.names, stays)),
            array("q", compress(self.sizes, stays)),
            array("q", compress(self.times, stays)),
            tuple(compress(self.hashes, stays)),
        )

    def first_paths(self, count: int) -> tuple[str, ...]:
        """Return the paths of the first files, at most `count`."""
        return tuple([self.folder + name for name in self.names[:count]])

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, place: int) -> ImageFile: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[ImageFile, ...]: ...
    def __getitem__(self, place: int | slice) -> ImageFile | tuple[ImageFile, ...]:
        if isinstance(place, slice):
            return tuple(map(self._file, range(len(self.names))[place]))
        return self._file(range(len(self.names))[place])

    def __iter__(self) -> Iterator[ImageFile]:
        return map(self._file, range(len(self.names)))

    def _file(self, place: int) -> ImageFile:
        sha256 = self.hashes[place] if self.hashes else ""
        return ImageFile(self.folder + self.names[place], self.sizes[place], self.times[place], sha256)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FileList):
            return self is other or self._columns() == other._columns()
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.folder, self.names))

    def __repr__(self) -> str:
        return f"FileList({len(self.names)} files in {self.folder!r})"

    def _columns(self) -> tuple[Any, ...]:
        return self.folder, self.names, self.sizes, self.times, self.hashes


class PathSet:
    """Paths by their folder, so that files of other folders are passed over without a look at each."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._names: dict[str, set[str]] = defaultdict(set)
        for path in paths:
            folder = _folder_of(path)
            self._names[folder].add(path[len(folder) :])

    def __bool__(self) -> bool:
        return bool(self._names)

    def __contains__(self, path: str) -> bool:
        folder = _folder_of(path)
        return path[len(folder) :] in self._names.get(folder, ())

    def places_in(self, files: FileList) -> list[int]:
        """Return the positions of those files that are in the set."""
        if not self._names:
            return []
        if not files.folder:
            return [place for place, name in enumerate(files.names) if name in self]
        names = self._names.get(files.folder)
        return [place for place, name in enumerate(files.names) if name in names] if names else []


@lru_cache(maxsize=2)
def path_set(paths: tuple[str, ...]) -> PathSet:
    """Return the set of these paths, made once for those who ask one after the other."""
    return PathSet(paths)


def _folder_of(path: str) -> str:
    """Return what stands before the last component of a path, its separator included."""
    return path[: path.rfind(os.sep) + 1]
