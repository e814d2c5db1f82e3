"""What an archive holds that is taken, and every reason why it is refused: found before anything is written."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from metastudio.errors import DataError, Problem, Severity, problem
from metastudio.images.archive_readers import Bomb, Entry, Reader
from metastudio.images.entry_names import components_of, fault_of, folded
from metastudio.images.folder_walk import READABLE_SUFFIXES, REFUSED_SUFFIXES, is_ignored
from metastudio.images.problems import Cancelled, some_of

LIST_SUFFIXES: Final = (".csv", ".tsv", ".txt", ".json")
"""Files beside the pictures that may name their classes or parts, and are kept."""

MOST_ENTRIES: Final = 1_000_000
MOST_BYTES: Final = 256 << 30
MOST_RATIO: Final = 250
"""Bytes of content for a byte of archive, beyond `HARMLESS_BYTES`."""
HARMLESS_BYTES: Final = 256 << 20
LARGEST_ENTRY_BYTES: Final = 1 << 30

_TELL_EVERY: Final = 100


@dataclass(frozen=True)
class Contents:
    """What an archive holds that is taken, and how much is left out.

    Attributes:
        pictures: Number of pictures.
        lists: Number of lists (.csv, .txt, .json).
        size_bytes: What is taken, unpacked.
        litter: Number of hidden files and file managers' litter.
        others: Number of files that are neither pictures nor lists.
        guessed_names: Number of names in no known encoding, read letter by letter.
    """

    pictures: int
    lists: int
    size_bytes: int
    litter: int
    others: int
    guessed_names: int

    def notes(self) -> tuple[Problem, ...]:
        """Return what was left out or guessed, for people."""
        said = (
            (
                "archive-litter",
                self.litter,
                "1 hidden file or litter of a file manager was left out.",
                "{count} hidden files and litter of file managers were left out.",
            ),
            (
                "archive-others",
                self.others,
                "1 file is neither picture nor list and was left out.",
                "{count} files are neither pictures nor lists and were left out.",
            ),
            (
                "archive-names",
                self.guessed_names,
                "1 name is in an unknown encoding and may look odd; the picture is whole.",
                "{count} names are in an unknown encoding and may look odd; the pictures are whole.",
            ),
        )
        note = Severity.NOTE
        return tuple(problem(code, many, one=one, severity=note, count=own) for code, own, one, many in said if own)


@dataclass(frozen=True)
class Wanted:
    """An entry that becomes a file.

    Attributes:
        name: Its path as the archive has it.
        size_bytes: What it says to be.
        components: Its path below the folder that is made.
    """

    name: str
    size_bytes: int
    components: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What is taken of an archive; `wanted` goes by the number of the entry."""

    contents: Contents
    wanted: dict[int, Wanted]


def most_bytes_of(archive: Path) -> int:
    """Return beyond how many bytes of content an archive counts as a bomb."""
    return min(MOST_BYTES, max(HARMLESS_BYTES, MOST_RATIO * archive.stat().st_size))


def plan_of(
    archive: Path, reader: Reader, *, on_progress: Callable[[int, int], None], should_stop: Callable[[], bool]
) -> Plan:
    """Look at all entries, and return what is taken.

    Raises:
        DataError: with every reason why nothing is.
        Cancelled: if `should_stop` says so.
    """
    look = _Look(most_bytes_of(archive))
    try:
        for entry in reader.entries():
            if should_stop():
                raise Cancelled
            if entry.number % _TELL_EVERY == 0:
                on_progress(entry.number, 0)
            look.take(entry)
    except Bomb as error:
        raise refused(archive, [bomb(error), *look.reasons()]) from error
    if reasons := look.reasons():
        raise refused(archive, reasons)
    pictures = sum(not _is_list(each.components[-1]) for each in look.kept.values())
    if not pictures:
        raise DataError(
            "No pictures are in this archive.",
            where=str(archive),
            todo="A data set is a folder with one folder of pictures for each class.",
        )
    size = sum(each.size_bytes for each in look.kept.values())
    contents = Contents(pictures, len(look.kept) - pictures, size, look.litter, look.others, reader.guessed_names)
    return Plan(contents, _without_outer_folder(look.kept))


@dataclass
class _Look:
    """What has been seen so far."""

    most_bytes: int
    kept: dict[int, Wanted] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    total_bytes: int = 0
    litter: int = 0
    others: int = 0

    def take(self, entry: Entry) -> None:
        """Take an entry into account.

        Raises:
            Bomb: if there are too many, or they are too large together.
        """
        self.total_bytes += entry.size_bytes
        if entry.number >= MOST_ENTRIES:
            raise Bomb(f"it has more than {MOST_ENTRIES:,} entries")
        if self.total_bytes > self.most_bytes:
            raise Bomb("it swells to more than pictures could")
        components = components_of(entry.name)
        if fault := entry.fault or _name_fault(entry):
            self.faults[fault].append(entry.name)
        elif entry.is_folder:
            pass
        elif any(is_ignored(each) for each in components):
            self.litter += 1
        elif not _is_wanted(components[-1]):
            self.others += 1
        elif entry.size_bytes > LARGEST_ENTRY_BYTES:
            self.faults["Files larger than any picture that is read"].append(entry.name)
        else:
            self.kept[entry.number] = Wanted(entry.name, entry.size_bytes, components)

    def reasons(self) -> list[Problem]:
        """Return why nothing may be taken."""
        found = [_fault(text, names) for text, names in self.faults.items()]
        if clashing := self._clashing():
            found.append(_fault("Names that are one file where case and spelling are not told apart", clashing))
        return found

    def _clashing(self) -> list[str]:
        """Return the names of files that would replace another one, or lie where another needs a folder."""
        taken: set[str] = set()
        folders = {
            folded(each.components[:depth]) for each in self.kept.values() for depth in range(1, len(each.components))
        }
        found = []
        for each in self.kept.values():
            key = folded(each.components)
            if key in taken or key in folders:
                found.append(each.name)
            taken.add(key)
        return found


def refused(archive: Path, reasons: list[Problem]) -> DataError:
    """Return the error that says why nothing of an archive was taken."""
    return DataError(
        "'{name}' was refused, and nothing of it was written.",
        name=archive.name,
        where=str(archive),
        todo="Unpack it with another program if you trust it, then take its folder.",
        problems=reasons,
    )


def bomb(error: Bomb) -> Problem:
    """Return the reason of an archive that swells."""
    return problem("archive-bomb", "It is no ordinary archive of pictures: {why}.", why=str(error))


def shown(name: str) -> str:
    """Return a name from an archive so that it can be printed."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name)


def _fault(text: str, names: list[str]) -> Problem:
    kind = text.split(maxsplit=1)[0].lower()
    return problem(f"archive-{kind}", text + ": {names}.", names=some_of([shown(each) for each in names]))


def _name_fault(entry: Entry) -> str:
    if entry.is_folder and not components_of(entry.name) and not entry.name.startswith(("/", "\\")):
        return ""  # "./", with which most tars begin
    return fault_of(entry.name)


def _is_list(name: str) -> bool:
    return name.lower().endswith(LIST_SUFFIXES)


def _is_wanted(name: str) -> bool:
    return _is_list(name) or os.path.splitext(name)[1].lower() in READABLE_SUFFIXES | REFUSED_SUFFIXES  # noqa: PTH122


def _without_outer_folder(kept: dict[int, Wanted]) -> dict[int, Wanted]:
    """Leave away the one folder around everything, unless it is a class itself."""
    outer = {each.components[0] if len(each.components) > 1 else "" for each in kept.values()}
    has_classes = all(len(each.components) > 2 or _is_list(each.components[-1]) for each in kept.values())
    if len(outer) > 1 or "" in outer or not has_classes:
        return kept
    return {number: replace(each, components=each.components[1:]) for number, each in kept.items()}
