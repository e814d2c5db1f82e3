"""What a scan found, kept in the cache folder, so that the next opening shows it at once while it looks again.

A file holds the hash of its lines, then what is said of the whole, then a line for each class: short pieces, for
reading one piece holds up every other thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from metastudio import paths
from metastudio.catalog.data_spec import Layout, Part
from metastudio.errors import DataError
from metastudio.images.file_list import FileList
from metastudio.images.image_index import ImageClass, ImageIndex

_VERSION: Final = 1
_MOST_KEPT: Final = 20
_FOLDER: Final = "indexes"

Depths = Sequence[tuple[str, int]]
"""Of some folders, how many folders below them name a class."""


def kept_index(folders: Sequence[str], layout: Layout, depths: Depths = ()) -> ImageIndex | None:
    """Return what the last scan of these folders found; None where none is kept, or what is kept was altered."""
    try:
        with _path(folders, layout, depths).open("rb") as file:
            digest = file.readline().strip()
            lines = list(file)
    except OSError:
        return None
    if _digest(lines).encode("ascii") != digest:
        return None
    try:
        head, *rest = map(json.loads, lines)
        index = ImageIndex.from_json(head | {"classes": []})
        return replace(index, classes=tuple(map(_class_of, rest)))
    except (DataError, KeyError, TypeError, ValueError, OverflowError):
        return None


def keep_index(folders: Sequence[str], layout: Layout, index: ImageIndex, depths: Depths = ()) -> None:
    """Keep what a scan of these folders found; where the disk does not let it, the next opening only takes longer."""
    path = _path(folders, layout, depths)
    lines = [_line(each) for each in _parts(index)]
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_digest(lines).encode("ascii") + b"\n")
                file.writelines(lines)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _prune(path.parent)


def _path(folders: Sequence[str], layout: Layout, depths: Depths) -> Path:
    named = json.dumps([_VERSION, list(folders), layout.value, *depths])
    return paths.cache_folder() / _FOLDER / f"{hashlib.sha256(named.encode('ascii')).hexdigest()[:32]}.jsonl"


def _digest(lines: Sequence[bytes]) -> str:
    total = hashlib.sha256()
    for each in lines:
        total.update(each)
    return total.hexdigest()


def _parts(index: ImageIndex) -> Iterator[dict[str, Any]]:
    yield {name: value for name, value in replace(index, classes=()).to_json().items() if name != "classes"}
    for each in index.classes:
        files = each.file_list
        yield {
            "name": each.name,
            "part": each.part,
            "group": each.group,
            "folder": files.folder,
            "files": files.names,
            "sizes": files.sizes.tolist(),
            "times": files.times.tolist(),
        }


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode("ascii") + b"\n"


def _class_of(values: dict[str, Any]) -> ImageClass:
    names = tuple(map(str, values["files"]))
    sizes, times = array("q", values["sizes"]), array("q", values["times"])
    if not len(names) == len(sizes) == len(times):
        raise ValueError("the columns are of different lengths")
    part = None if values["part"] is None else Part(values["part"])
    files = FileList(str(values["folder"]), names, sizes, times)
    return ImageClass(str(values["name"]), files, part, str(values["group"]))


def _prune(folder: Path) -> None:
    """Remove what was kept longest ago."""
    found = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for each in found[_MOST_KEPT:]:
        each.unlink(missing_ok=True)
