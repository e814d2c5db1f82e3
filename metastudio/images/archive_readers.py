"""Zip and tar read as one thing: a list of entries, each with its size, its kind, and its bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

from metastudio.images.problems import Cancelled

BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
    OverflowError,
    MemoryError,
)
"""What Python's readers raise at a damaged archive, beside an `OSError` without a number."""

_TAR_BLOCK: Final = 512
_MOST_AT_ONCE: Final = 16 << 20
_STEP: Final = 1 << 20
_ZIP_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_UTF8_NAME, _ENCRYPTED = 0x800, 0x1
_FOREIGN: Final = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x1f\x9d": "compress",
    b"MSCF": "cabinet",
}


_Inflated = IO[bytes] | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile


class Bomb(Exception):  # noqa: N818 - it says what the archive is
    """The archive swells beyond what pictures could be."""


class Foreign(Exception):  # noqa: N818 - as above
    """This is an archive of another kind; its argument says which."""


@dataclass(frozen=True)
class Entry:
    """One entry as the archive describes it.

    Attributes:
        number: Its place in the archive.
        name: Its path, not to be trusted.
        size_bytes: What it says to be when it is unpacked.
        is_folder: Whether it only makes a folder.
        fault: What is wrong with its kind, as the beginning of a sentence; empty for files and folders.
        source: The reader's own description.
    """

    number: int
    name: str
    size_bytes: int
    is_folder: bool
    fault: str
    source: Any


class Reader(Protocol):
    """An open archive."""

    guessed_names: int
    """How many names are in no known encoding."""

    def entries(self) -> Iterator[Entry]:
        """Yield every entry in the order of the archive, from the beginning each time."""

    def open(self, entry: Entry, folder: str) -> IO[bytes]:
        """Open the entry that `entries` yielded last, to be unpacked below `folder`."""


def reader_of(file: IO[bytes], *, most_bytes: int, should_stop: Callable[[], bool]) -> Reader:
    """Return what reads the archive in `file`, told by its first bytes and not by its name.

    Args:
        file: The archive, open for reading; whoever opened it closes it.
        most_bytes: Beyond so many bytes a stream counts as a bomb.
        should_stop: Asked while a long stream is passed over.

    Raises:
        Foreign: if it is an archive of a kind that is not read.
        Exception: one of `BROKEN`, or OSError, if it is damaged.
    """
    head = file.read(8)
    file.seek(0)
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            raise Foreign(kind)
    if head.startswith(b"PK\x07\x08") or _has_several_parts(file):
        raise Foreign("several-part zip")
    if head.startswith(b"PK"):
        return _ZipReader(file)
    return _TarReader(file, head, most_bytes, should_stop)


class _ZipReader:
    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file)
        self.guessed_names = 0
        packed = sum(each.compress_size for each in self._zip.infolist())
        if packed > os.fstat(file.fileno()).st_size:
            raise Bomb("its entries lie over one another")

    def entries(self) -> Iterator[Entry]:
        self.guessed_names = 0
        for number, info in enumerate(self._zip.infolist()):
            name = self._name_of(info)
            yield Entry(number, name, info.file_size, name.endswith(("/", "\\")), _zip_fault(info), info)

    def open(self, entry: Entry, folder: str) -> IO[bytes]:  # noqa: ARG002
        return self._zip.open(entry.source)

    def _name_of(self, info: zipfile.ZipInfo) -> str:
        """Return the name; packers that do not say so often mean UTF-8 all the same."""
        name = info.orig_filename
        if info.flag_bits & _UTF8_NAME or name.isascii():
            return name
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            self.guessed_names += 1
            return name


def _has_several_parts(file: IO[bytes]) -> bool:
    """Say whether the directory at the end of a zip speaks of other disks."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    file.seek(0)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 8:
        return False
    this_disk, first_disk = struct.unpack_from("<HH", tail, place + 4)
    return not {this_disk, first_disk} <= {0, 0xFFFF}


def _zip_fault(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if stat.S_ISLNK(mode):
        return "Links"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "Devices and pipes"
    if info.flag_bits & _ENCRYPTED:
        return "Encrypted entries"
    if info.compress_type not in _ZIP_METHODS:
        return "Entries packed in a way that is not known here"
    return ""


class _TarReader:
    def __init__(self, file: IO[bytes], head: bytes, most_bytes: int, should_stop: Callable[[], bool]) -> None:
        self._file, self._head = file, head
        self._most_bytes, self._should_stop = most_bytes, should_stop
        self._tar: tarfile.TarFile | None = None
        self.guessed_names = 0

    def entries(self) -> Iterator[Entry]:
        self._file.seek(0)
        stream = _Stream(_inflated(self._file, self._head), self._most_bytes, self._should_stop)
        self._tar = tar = tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape")  # type: ignore[arg-type]
        number = 0
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # a million of them need not be kept
            yield Entry(number, member.name, member.size, member.isdir(), _tar_fault(member), member)
            number += 1
        stream.seek(tar.offset)
        if stream.read(_TAR_BLOCK) != bytes(_TAR_BLOCK):  # else tarfile takes a broken header for the end
            raise tarfile.ReadError("it ends before its end mark")

    def open(self, entry: Entry, folder: str) -> IO[bytes]:
        data_filter = getattr(tarfile, "data_filter", None)  # 3.11.4 and later: a second wall
        if data_filter is not None:
            data_filter(entry.source, folder)
        opened = self._tar.extractfile(entry.source) if self._tar is not None else None
        if opened is None:
            raise tarfile.ReadError("an entry has no content")
        return opened


def _inflated(file: IO[bytes], head: bytes) -> _Inflated:
    if head.startswith(b"\x1f\x8b"):
        return gzip.open(file)
    if head.startswith(b"BZh"):
        return bz2.open(file)
    if head.startswith(b"\xfd7zXZ"):
        return lzma.open(file)
    return file


def _tar_fault(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "Links"
    if not (member.isreg() or member.isdir()):
        return "Devices and pipes"
    return ""


class _Stream:
    """The inflated bytes of a tar, which end with an error where they become too many, or are wanted all at once."""

    def __init__(self, inner: _Inflated, most_bytes: int, should_stop: Callable[[], bool]) -> None:
        self._inner = inner
        self._most_bytes = most_bytes
        self._should_stop = should_stop

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:  # a header that claims to be longer than any
            raise Bomb("a header is larger than any needs to be")
        return self._inner.read(size)

    def tell(self) -> int:
        return self._inner.tell()

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or position < self._inner.tell():
            return self._inner.seek(position, whence)
        if position > self._most_bytes:
            raise Bomb("it swells to more than pictures could")
        while (left := position - self._inner.tell()) > 0:
            if self._should_stop():
                raise Cancelled
            if not self._inner.read(min(left, _STEP)):
                break
        return self._inner.tell()
