"""Folders of images become an index: which file belongs to which class, and what is odd about them.

Only names and sizes are looked at; whether a file can be shown turns out when it is decoded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from metastudio.catalog.data_spec import DataSpec, Layout
from metastudio.images.folder_layout import found_classes, index_of
from metastudio.images.folder_walk import READABLE_SUFFIXES, Walk, distinct_roots, is_ignored
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex

__all__ = ["READABLE_SUFFIXES", "ImageClass", "ImageFile", "ImageIndex", "is_ignored", "scan", "select"]


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
    walk = Walk(on_progress or (lambda _count: None), should_stop or (lambda: False))
    roots = distinct_roots([os.path.abspath(each) for each in folders], walk)  # noqa: PTH100 - links stay as given
    held = [(root, list(walk.folders_of(root))) for root in roots]
    walk.close()
    found = found_classes(held, layout, walk.problems)
    return index_of(tuple(roots), found, layout, walk.problems)


def select(index: ImageIndex, data: DataSpec) -> ImageIndex:
    """Return the index without the classes and files that `data` excludes; classes left empty go too."""
    classes, files = set(data.excluded_classes), set(data.excluded_files)
    kept = (
        each
        if files.isdisjoint([file.path for file in each.files] if files else ())
        else replace(each, files=tuple(file for file in each.files if file.path not in files))
        for each in index.classes
        if each.name not in classes
    )
    return replace(index, classes=tuple(each for each in kept if each.files))
