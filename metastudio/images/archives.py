"""A zip or tar of pictures becomes a folder: looked at in full first, and refused as a whole or unpacked as a whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from metastudio.errors import DataError
from metastudio.images import archive_readers
from metastudio.images.archive_contents import Contents, Plan, Wanted, bomb, most_bytes_of, plan_of, refused, shown
from metastudio.images.archive_readers import Reader
from metastudio.images.new_folder import new_file, new_folder, require_new, writing
from metastudio.images.problems import Cancelled

ARCHIVE_SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""What is unpacked."""

_FOREIGN_SUFFIXES: Final = (".rar", ".7z", ".zst", ".z01", ".001", ".cab", ".lzh", ".sit")
_CHUNK: Final = 1 << 20
_TELL_EVERY: Final = 100

OnProgress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]


def is_archive_name(name: str) -> bool:
    """Say whether a name looks like an archive that can be unpacked, or like one that is refused with a word."""
    return name.lower().endswith(ARCHIVE_SUFFIXES + _FOREIGN_SUFFIXES)


def stem_of(name: str) -> str:
    """Return the name of an archive without what says its kind: ``"leaves"`` of ``"leaves.tar.gz"``."""
    longest = max((each for each in ARCHIVE_SUFFIXES if name.lower().endswith(each)), key=len, default="")
    return name[: len(name) - len(longest)].strip(" .") or "archive"


def look_into(
    archive: str | Path, *, on_progress: OnProgress | None = None, should_stop: ShouldStop | None = None
) -> Contents:
    """Look at every entry of an archive, and write nothing.

    `on_progress` is told how many entries were looked at, and 0, for nobody knows of how many.

    Raises:
        DataError: if anything in it forbids unpacking it; with every reason.
        Cancelled: if `should_stop` says so.
    """
    with _opened(Path(archive), should_stop or _never) as reader:
        plan = plan_of(Path(archive), reader, on_progress=on_progress or _untold, should_stop=should_stop or _never)
    return plan.contents


def unpack(
    archive: str | Path,
    folder: str | Path,
    *,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> Contents:
    """Unpack the pictures and lists of an archive into the new folder `folder`.

    A single folder that holds everything, class folders in it, is left away: its content is what is unpacked. The
    folder gets its name when it is whole; whatever goes wrong, nothing is left behind.

    Args:
        archive: A zip, or a tar, plain or compressed by gzip, bzip2 or xz.
        folder: Where to; it must not exist.
        on_progress: Told how many entries were looked at and 0, then how many files are written and of how many.
        should_stop: Asked often.

    Raises:
        DataError: if anything in the archive forbids unpacking it, with every reason; or if it is damaged.
        ResourceError: if it does not fit, or the folder exists or cannot be written.
        Cancelled: if `should_stop` says so.
    """
    archive, folder = Path(archive), Path(folder).absolute()
    tell, stop = on_progress or _untold, should_stop or _never
    require_new(folder)
    with _opened(archive, stop) as reader:
        plan = plan_of(archive, reader, on_progress=tell, should_stop=stop)
        with new_folder(folder, plan.contents.size_bytes) as begun:
            _write(plan, reader, begun, tell, stop)
    return plan.contents


@contextlib.contextmanager
def _opened(archive: Path, should_stop: ShouldStop) -> Iterator[Reader]:
    """Open an archive; whatever is wrong with it becomes a `DataError`."""
    foreign = next((each for each in _FOREIGN_SUFFIXES if archive.name.lower().endswith(each)), "")
    try:
        if not archive.is_file():  # a pipe would be waited for
            raise DataError("There is no such file.", where=str(archive))
        with archive.open("rb") as file:
            if foreign:
                raise archive_readers.Foreign(foreign)
            most_bytes = most_bytes_of(archive)
            yield archive_readers.reader_of(file, most_bytes=most_bytes, should_stop=should_stop)
    except archive_readers.Foreign as error:
        raise DataError(
            "Archives of this kind ({kind}) are not read here.",
            where=str(archive),
            todo="Unpack it with another program, then take its folder; zip and tar are read.",
            kind=str(error),
        ) from error
    except archive_readers.Bomb as error:
        raise refused(archive, [bomb(error)]) from error
    except archive_readers.BROKEN as error:
        raise _broken(archive, str(error)) from error
    except OSError as error:
        if error.errno is None:  # gzip and bzip2 call a damaged stream so
            raise _broken(archive, str(error)) from error
        raise DataError(
            "The archive cannot be read.", where=str(archive), why=f"The system says: {error.strerror}."
        ) from error


def _write(plan: Plan, reader: Reader, folder: Path, tell: OnProgress, should_stop: ShouldStop) -> None:
    made: set[tuple[str, ...]] = set()
    done = 0
    for entry in reader.entries():
        if entry.number not in plan.wanted:
            continue
        wanted = plan.wanted[entry.number]
        above = wanted.components[:-1]
        if (entry.name, entry.size_bytes, entry.fault) != (wanted.name, wanted.size_bytes, ""):
            raise ValueError("it changed while it was read")
        with writing(folder):
            if above not in made:
                folder.joinpath(*above).mkdir(parents=True, exist_ok=True)
                made.add(above)
            descriptor = new_file(folder.joinpath(*wanted.components))
        with os.fdopen(descriptor, "wb") as target, reader.open(entry, str(folder)) as source:
            for chunk in _content(source, wanted, should_stop):
                with writing(folder):
                    target.write(chunk)
            with writing(folder):
                target.flush()
        done += 1
        if done % _TELL_EVERY == 0 or done == len(plan.wanted):
            tell(done, len(plan.wanted))
    if done != len(plan.wanted):
        raise ValueError("it changed while it was read")


def _content(source: IO[bytes], wanted: Wanted, should_stop: ShouldStop) -> Iterator[bytes]:
    """Yield exactly as many bytes as the entry says to have."""
    read = 0
    while read <= wanted.size_bytes and (chunk := source.read(_CHUNK)):
        if should_stop():
            raise Cancelled
        read += len(chunk)
        if read <= wanted.size_bytes:
            yield chunk
    if read != wanted.size_bytes:
        raise ValueError(f"'{shown(wanted.name)}' is not as long as it says")


def _broken(archive: Path, why: str) -> DataError:
    return DataError(
        "'{name}' is damaged, or no zip or tar at all.",
        name=archive.name,
        where=str(archive),
        why=f"{why[:1].upper()}{shown(why[1:])}." if why else "",
        todo="Fetch it again, or unpack it with another program; nothing was written.",
    )


def _never() -> bool:
    return False


def _untold(_done: int, _total: int) -> None:
    pass
