"""Folders of images become an index: which file belongs to which class, and what is odd about them.

Only names and sizes are looked at; whether a file can be shown turns out when it is decoded.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

from metastudio.catalog.data_spec import DataSpec, Layout, Part
from metastudio.images.csv_layout import walked
from metastudio.images.file_list import FileList, PathSet, path_set
from metastudio.images.folder_layout import found_classes, index_of
from metastudio.images.folder_walk import READABLE_SUFFIXES, Held, Walk, distinct_roots, is_ignored
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex, group_of

__all__ = ["READABLE_SUFFIXES", "ImageClass", "ImageFile", "ImageIndex", "arranged", "is_ignored", "scan", "select"]


def scan(
    folders: Sequence[str | Path],
    *,
    layout: Layout = Layout.AUTO,
    depths: Mapping[str, int] | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_folder: Callable[[Held], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ImageIndex:
    """Find the classes in `folders`, and in .csv lists among them, without opening a picture.

    `depths` says for some of the folders how many folders below them name a class, where not all of them do.
    `on_progress` is told the number of pictures found so far, `on_folder` each folder that holds some. What cannot be
    taken is a problem of the index.

    Raises:
        Cancelled: if `should_stop` says so.
    """
    walk = Walk(on_progress or (lambda _count: None), should_stop or (lambda: False), on_folder or (lambda _held: None))
    roots = distinct_roots([os.path.abspath(each) for each in folders], walk)  # noqa: PTH100 - links stay as given
    held, listed = walked(roots, layout, walk)
    walk.close()
    cut = {os.path.abspath(folder): depth for folder, depth in (depths or {}).items()}  # noqa: PTH100 - as above
    found = [*found_classes(held, layout, walk.problems, cut), *listed]
    if listed and not any(folders for _, folders in held) and layout is Layout.AUTO:
        layout = Layout.CSV_LIST
    return index_of(tuple(roots), found, layout, walk.problems)


def arranged(index: ImageIndex, data: DataSpec) -> ImageIndex:
    """Return the index with every picture in the class that it counts for, merged classes and moved files considered.

    A class that is named only there is new; one of which nothing is left is gone.
    """
    if not data.merged_classes and not data.moved_files:
        return index
    moved = PathSet(data.moved_files)
    staying: dict[str, list[FileList]] = defaultdict(list)
    coming: dict[str, list[ImageFile]] = defaultdict(list)
    parts: dict[str, Part | None] = {}
    for each in index.classes:
        left = each.file_list.without(moved)
        name = data.merged_classes.get(each.name, each.name)
        if left:
            staying[name].append(left)
            parts.setdefault(name, each.part)
        for place in moved.places_in(each.file_list) if left is not each.file_list else ():
            file = each.files[place]
            to = data.moved_files[file.path]
            to = data.merged_classes.get(to, to)
            coming[to].append(file)
            parts.setdefault(to, each.part)
    known = {each.name: each for each in index.classes}
    classes = []
    for name in sorted(parts):
        own = FileList.together([*staying[name], *([FileList.of(coming[name])] if coming[name] else [])])
        before = known.get(name) or ImageClass(name, (), parts[name], group_of(name))
        classes.append(before if own == before.files else replace(before, files=own))
    return replace(index, classes=tuple(classes))


def select(index: ImageIndex, data: DataSpec) -> ImageIndex:
    """Return the index `arranged`, without the classes and files that `data` excludes; classes left empty go too."""
    return left_in(arranged(index, data), data)


def left_in(index: ImageIndex, data: DataSpec) -> ImageIndex:
    """Return an index that is `arranged` already, without what `data` excludes; made once for who asks in a row."""
    wanted = data.excluded_classes, data.excluded_files
    for known, excluded, left in tuple(_lately_left):
        if known is index and excluded == wanted:
            return left
    made = _left_in(index, data)
    _lately_left.append((index, wanted, made))
    return made


_lately_left: deque[tuple[ImageIndex, tuple[tuple[str, ...], tuple[str, ...]], ImageIndex]] = deque(maxlen=2)


def _left_in(index: ImageIndex, data: DataSpec) -> ImageIndex:
    return without(index, path_set(data.excluded_files), set(data.excluded_classes))


def without(index: ImageIndex, files: PathSet, classes: Set[str] = frozenset()) -> ImageIndex:
    """Return an index without some files and classes; classes left empty go too."""
    kept = []
    for each in index.classes:
        before = each.file_list
        left = before.without(files)
        if left.names and each.name not in classes:
            kept.append(each if left is before else replace(each, files=left))
    return replace(index, classes=tuple(kept))
