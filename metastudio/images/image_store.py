"""Every picture decoded once, kept as uint8 in the cache folder, and mapped into memory from then on.

A store is two files: `NAME.json` (the index with hashes, behind a hash of itself) and `DIGEST.pixels` (rows of H*W*C
bytes). What does not fit its hash is made again; nothing is ever written where the pictures lie.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from metastudio import paths
from metastudio.catalog.data_spec import Preprocessing
from metastudio.errors import DataError, GoneError, Problem, ResourceError, Severity, problem
from metastudio.images.decode_pool import Read, Wanted, decode_all
from metastudio.images.duplicates import duplicates
from metastudio.images.fingerprints import index_fingerprint
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex
from metastudio.images.problems import some_of

_VERSION: Final = 2
_KEPT_BYTES: Final = 8 << 30
_BLOCK_ROWS: Final = 4096
_REUSED_STORES: Final = 3
_UNFINISHED: Final = ".writing-"
_ABANDONED_AFTER_S: Final = 3600

_PASSING: Final = frozenset({"file-gone", "not-allowed", "no-memory", "changed-since-import"})
"""Why a file may be left out today and readable tomorrow, though its size and time stay the same."""

_ODDITIES: Final = {
    "first frame": (
        "1 file holds several frames or pages; the first is taken ({names}).",
        "{count} files hold several frames or pages; the first is taken ({names}).",
    ),
    "wrong extension": (
        "1 file is of another format than its ending says; it was read ({names}).",
        "{count} files are of another format than their ending says; they were read ({names}).",
    ),
    "tiny": (
        "1 picture is smaller than the image size and was enlarged ({names}).",
        "{count} pictures are smaller than the image size and were enlarged ({names}).",
    ),
    "odd aspect": (
        "1 picture is three times as long as wide or longer; the square shows little ({names}).",
        "{count} pictures are three times as long as wide or longer; the square shows little ({names}).",
    ),
}
"""What is odd about pictures, said of one and of many."""


@dataclass(frozen=True)
class ImageStore:
    """The pictures of an index as the network sees them, before scaling to [0, 1] and inverting.

    Attributes:
        images: (n, H, W, C) uint8, read-only, mapped from the disk; the rows of a class follow each other.
        index: The files that could be read, with their hashes, in the order of the rows.
        problems: What was left out or is odd.
        fingerprint: See `index_fingerprint`.
        perceptual_hashes: (n,) uint64, see `perceptual_hash`.
    """

    images: NDArray[np.uint8] = field(repr=False)
    index: ImageIndex
    problems: tuple[Problem, ...]
    fingerprint: str
    perceptual_hashes: NDArray[np.uint64] = field(repr=False)
    _rows: dict[str, range] = field(repr=False)

    def rows(self, class_name: str) -> range:
        """Return the rows of a class.

        Raises:
            DataError: if there is none of this name, or none of its pictures could be read.
        """
        if class_name not in self._rows:
            self.index.by_name(class_name)
        return self._rows[class_name]


def open_store(
    index: ImageIndex,
    preprocessing: Preprocessing,
    *,
    cache: Path | None = None,
    also_from: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ImageStore:
    """Return the pictures of `index`, from the cache where their paths, sizes and times are the same.

    Args:
        index: What was scanned, or what a run froze; where it holds hashes, files that differ are left out.
        preprocessing: Size, colour and fit; `invert` plays no role here.
        cache: Folder of the stores; in the program's cache folder if not given.
        also_from: Another folder of stores, from which pictures are taken over too.
        on_progress: Gets the numbers of files done and of all.
        should_stop: Asked now and then.

    Raises:
        DataError: if no picture can be read, or a folder has gone meanwhile.
        ResourceError: if the cache cannot be written, or the disk of the pictures does not answer.
        Cancelled: if `should_stop` says so.
    """
    folder = cache or paths.cache_folder() / "stores"
    name = _name_of(index, preprocessing)
    store = _reopened(folder, name, index)
    if store is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made = _made(
                (folder, *([also_from] if also_from else [])),
                index,
                preprocessing,
                on_progress or (lambda *_: None),
                should_stop or (lambda: False),
            )
            names = {_name_of(made.index, preprocessing)}
            if all(each.code not in _PASSING for each in made.problems):
                names.add(name)  # else the files left out are tried again next time
            for each in names:
                _write_json(folder, each, made)
            _prune(folder, keep=made.pixels)
        except OSError as error:
            raise ResourceError(
                "The decoded pictures could not be kept.",
                where=str(folder),
                why=f"The system says: {error.strerror or error}.",
                todo="Free some space there, or set METASTUDIO_CACHE to another folder.",
            ) from error
        store = _mapped(folder, made)
    return store


@dataclass(frozen=True)
class _Made:
    """What is written of a store."""

    index: ImageIndex
    problems: tuple[Problem, ...]
    pixels: str
    shape: tuple[int, int, int, int]
    perceptual_hashes: tuple[int, ...] = field(repr=False)


def _name_of(index: ImageIndex, preprocessing: Preprocessing) -> str:
    """Return the file name of the store: what it was decoded as, and a hash of the list of files."""
    listed = [[each.name, [[f.path, f.size_bytes, f.modified_ns] for f in each.files]] for each in index.classes]
    digest = hashlib.sha256(json.dumps([_VERSION, listed]).encode()).hexdigest()[:32]
    return f"{_kind_of(preprocessing)}-{digest}.json"


def _kind_of(preprocessing: Preprocessing) -> str:
    return f"{preprocessing.image_size}-{preprocessing.colour}-{preprocessing.fit}"


def _reopened(folder: Path, name: str, index: ImageIndex) -> ImageStore | None:
    """Return the store of this name if it is whole and its hashes are those that `index` knows."""
    made = _read_json(folder / name)
    if made is None:
        return None
    kept = {file.path: file.sha256 for each in made.index.classes for file in each.files}
    for each in index.classes:
        for file in each.files:
            if file.sha256 and kept.get(file.path) != file.sha256:
                return None
    made = replace(made, index=replace(made.index, folders=index.folders, layout=index.layout, problems=index.problems))
    try:
        store = _mapped(folder, made)
        os.utime(folder / name)
        os.utime(folder / made.pixels)
    except (OSError, ValueError):
        return None
    return store


def _mapped(folder: Path, made: _Made) -> ImageStore:
    """Return the store that was written, or raise `OSError` or `ValueError` if it is not whole."""
    images = np.memmap(folder / made.pixels, dtype=np.uint8, mode="r", shape=made.shape)
    if _digest_of(images) != made.pixels.removesuffix(".pixels"):
        raise ValueError("the pixels were altered")
    rows: dict[str, range] = {}
    first = 0
    for each in made.index.classes:
        rows[each.name] = range(first, first + len(each.files))
        first += len(each.files)
    if first != made.shape[0] or first != len(made.perceptual_hashes):
        raise ValueError("the index has another number of files than the store has rows")
    hashes = np.array(made.perceptual_hashes, np.uint64)
    return ImageStore(images, made.index, made.problems, index_fingerprint(made.index), hashes, rows)


def _digest_of(images: NDArray[np.uint8]) -> str:
    total = hashlib.sha256()
    for first in range(0, len(images), _BLOCK_ROWS):
        total.update(np.ascontiguousarray(images[first : first + _BLOCK_ROWS]).data)
    return total.hexdigest()


def _made(
    folders: tuple[Path, ...],
    index: ImageIndex,
    preprocessing: Preprocessing,
    on_progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> _Made:
    """Decode into the first folder what is not known from an earlier store in any of them."""
    folder = folders[0]
    files = [file for each in index.classes for file in each.files]
    shape = (preprocessing.image_size, preprocessing.image_size, preprocessing.channels)
    row_bytes = shape[0] * shape[1] * shape[2]
    _require_space(folder, len(files) * row_bytes)
    descriptor, temporary = tempfile.mkstemp(prefix=_UNFINISHED, suffix=".pixels", dir=folder)
    try:
        with os.fdopen(descriptor, "r+b", buffering=0) as pixels:
            pixels.truncate(len(files) * row_bytes)
            outcomes: dict[int, Read] = _copied(folders, files, _kind_of(preprocessing), pixels, shape)
            on_progress(len(outcomes), len(files))

            def take(reads: list[Read]) -> None:
                outcomes.update((read.row, read) for read in reads)
                on_progress(len(outcomes), len(files))

            wanted = [Wanted(row, file) for row, file in enumerate(files) if row not in outcomes]
            decode_all(wanted, preprocessing, temporary, on_read=take, should_stop=should_stop)
            in_order = [_checked(outcomes[row], file) for row, file in enumerate(files)]
            good = [read.row for read in in_order if read.problem is None]
            _require_some(index, in_order, len(good))
            _close_ranks(pixels, good, row_bytes)
            images = np.memmap(temporary, dtype=np.uint8, mode="r", shape=(len(good), *shape))
            digest = _digest_of(images)
            del images
        readable = _with_what_was_read(index, in_order)
        _put(Path(temporary), folder / f"{digest}.pixels")
    finally:
        Path(temporary).unlink(missing_ok=True)
    problems = (*_problems_of(in_order), *_emptied(index, readable), *duplicates(readable))
    hashes = tuple(read.perceptual_hash for read in in_order if read.problem is None)
    return _Made(readable, problems, f"{digest}.pixels", (len(good), *shape), hashes)


def _put(temporary: Path, target: Path) -> None:
    """Give the pixels their name; Windows refuses while another process maps the same pixels, which then stay."""
    try:
        temporary.replace(target)
    except PermissionError:
        if not target.exists():
            raise


def _require_space(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise ResourceError(
            "The disk of the cache is full.",
            where=str(folder),
            todo="Free {megabytes} MB, or set METASTUDIO_CACHE to another folder.",
            megabytes=-(-(size_bytes - free) // 1_000_000),
        )


def _copied(
    folders: tuple[Path, ...], files: list[ImageFile], kind: str, pixels: Any, shape: tuple[int, int, int]
) -> dict[int, Read]:
    """Take over rows of files that the newest stores of this kind know already."""
    rows: dict[tuple[str, int, int], int] = {(f.path, f.size_bytes, f.modified_ns): row for row, f in enumerate(files)}
    outcomes: dict[int, Read] = {}
    stores = [
        store
        for folder in folders
        for store in sorted(folder.glob(f"{kind}-*.json"), key=_modified, reverse=True)[:_REUSED_STORES]
    ]
    for each in stores:
        made = _read_json(each)
        if made is None or made.shape[1:] != shape:
            continue
        known = [f for of_class in made.index.classes for f in of_class.files]
        both = [
            (place, row, f)
            for place, f in enumerate(known)
            if (row := rows.get((f.path, f.size_bytes, f.modified_ns))) is not None
            and row not in outcomes
            and files[row].sha256 in ("", f.sha256)
        ]
        if not both:
            continue
        try:
            store = _mapped(each.parent, made)
        except (OSError, ValueError):
            continue
        odd = _oddities_of(made.problems)
        for place, row, file in both:
            content = store.images[place].tobytes()
            pixels.seek(row * len(content))
            pixels.write(content)
            look = made.perceptual_hashes[place]
            outcomes[row] = Read(row, file, tuple(odd.get(file.path, ())), perceptual_hash=look)
    return outcomes


def _modified(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _checked(read: Read, as_known: ImageFile) -> Read:
    """Keep out a file that is not the one that was imported."""
    if read.problem is None and as_known.sha256 and read.file.sha256 != as_known.sha256:
        changed = problem(
            "changed-since-import",
            "is not the file that was imported: its bytes have changed",
            where=as_known.path,
            todo="Bring the old file back, or scan the folder again.",
        )
        return replace(read, problem=changed)
    return read


def _require_some(index: ImageIndex, reads: list[Read], good: int) -> None:
    silent = next((read.problem for read in reads if read.problem and read.problem.code == "disk-silent"), None)
    if silent is not None:
        raise ResourceError(
            "The disk did not answer.",
            where=silent.where,
            todo="Look after its connection, then try again; what was read so far is read again.",
        )
    gone = [folder for folder in index.folders if not Path(folder).exists()]
    if gone and any(read.problem is not None and read.problem.code == "file-gone" for read in reads):
        raise GoneError("The folder is gone.", where=gone[0], todo="Reconnect the drive, then resume.")
    if not good:
        problems = [read.problem for read in reads if read.problem is not None]
        raise DataError(
            "None of the {count} pictures can be read.",
            one="The picture cannot be read.",
            where=", ".join(index.folders),
            problems=problems[:20],
            count=len(reads),
        )


def _close_ranks(pixels: Any, good: list[int], row_bytes: int) -> None:
    """Move the rows in `good` to the front, in their order, and drop the rest."""
    for place, row in enumerate(good):
        if place != row:
            pixels.seek(row * row_bytes)
            content = pixels.read(row_bytes)
            pixels.seek(place * row_bytes)
            pixels.write(content)
    pixels.truncate(len(good) * row_bytes)


def _with_what_was_read(index: ImageIndex, reads: list[Read]) -> ImageIndex:
    """Return the index with hashes, without what could not be read, and without classes of which nothing is left."""
    remaining = iter(reads)
    classes: list[ImageClass] = []
    for each in index.classes:
        own = [next(remaining) for _ in each.files]
        files = tuple(read.file for read in own if read.problem is None)
        if files:
            classes.append(replace(each, files=files))
    return replace(index, classes=tuple(classes))


def _problems_of(reads: list[Read]) -> list[Problem]:
    problems = [read.problem for read in reads if read.problem is not None]
    odd: dict[str, list[str]] = defaultdict(list)
    for read in reads:
        for oddity in read.oddities:
            odd[oddity].append(read.file.path)
    for oddity, found in odd.items():
        names = some_of([Path(each).name for each in found])
        problems.append(
            problem(
                _code_of(oddity),
                _ODDITIES[oddity][1],
                one=_ODDITIES[oddity][0],
                where=found[0],
                others=found[1:],
                severity=Severity.NOTE,
                count=len(found),
                names=names,
            )
        )
    return problems


def _oddities_of(problems: tuple[Problem, ...]) -> dict[str, list[str]]:
    """Return what was said to be odd about each file, as `_problems_of` put it together."""
    by_code = {_code_of(oddity): oddity for oddity in _ODDITIES}
    odd: dict[str, list[str]] = defaultdict(list)
    for each in problems:
        if each.code in by_code:
            for path in (each.where, *each.others):
                odd[path].append(by_code[each.code])
    return odd


def _code_of(oddity: str) -> str:
    return oddity.replace(" ", "-")


def _emptied(index: ImageIndex, readable: ImageIndex) -> list[Problem]:
    left = {each.name for each in readable.classes}
    return [
        problem(
            "class-unreadable",
            "None of the {count} pictures of class '{name}' can be read; the class is left out.",
            one="The only picture of class '{name}' cannot be read; the class is left out.",
            where=each.name,
            severity=Severity.WARNING,
            count=len(each.files),
            name=each.name,
        )
        for each in index.classes
        if each.name not in left
    ]


def _write_json(folder: Path, name: str, made: _Made) -> None:
    values = replace(made.index, problems=made.problems).to_json() | {
        "pixels": made.pixels,
        "shape": made.shape,
        "perceptual_hashes": made.perceptual_hashes,
    }
    body = json.dumps(values).encode("ascii")
    content = hashlib.sha256(body).hexdigest().encode("ascii") + b"\n" + body
    descriptor, temporary = tempfile.mkstemp(prefix=_UNFINISHED, suffix=".json", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(folder / name)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read_json(path: Path) -> _Made | None:
    """Return what was written, or nothing if it is not there or was altered."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode("ascii") != digest:
            return None
        values = json.loads(body)
        index = ImageIndex.from_json(values)
        n, height, width, channels = values["shape"]
        hashes = tuple(map(int, values["perceptual_hashes"]))
        return _Made(
            replace(index, problems=()), index.problems, values["pixels"], (n, height, width, channels), hashes
        )
    except (OSError, ValueError, KeyError, DataError):
        return None


def _prune(folder: Path, *, keep: str) -> None:
    """Remove what was used longest ago, until the rest is small enough; an open store stays readable."""
    total = 0
    for each in sorted(folder.iterdir(), key=_modified, reverse=True):
        with contextlib.suppress(OSError):
            if each.name.startswith(_UNFINISHED):
                if time.time() - _modified(each) > _ABANDONED_AFTER_S:
                    each.unlink()
                continue
            total += each.stat().st_size
            if total > _KEPT_BYTES and each.name != keep:
                each.unlink()
