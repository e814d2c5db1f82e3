"""Looking at folders for the document: what was found last time at once, then what is there now."""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

from metastudio.catalog.data_spec import DataSpec, Layout
from metastudio.gui.documents.background_task import Progress, ShouldStop
from metastudio.gui.documents.project_state import NO_IMAGES
from metastudio.images.folder_walk import Held
from metastudio.images.image_folder import scan
from metastudio.images.image_index import ImageIndex
from metastudio.images.kept_index import keep_index, kept_index

_MOST_GLIMPSES: Final = 60
_GLIMPSE_EVERY_S: Final = 0.1


class Sources(NamedTuple):
    """What a scan depends on; `depths` says for some folders how many folders below them name a class."""

    folders: tuple[str, ...] = ()
    layout: Layout = Layout.AUTO
    depths: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, data: DataSpec, **changes: Any) -> Sources:
        """Return those of the data, or of the data with other `folders` or `class_depths`."""
        folders = changes.get("folders", data.folders)
        depths = changes.get("class_depths", data.class_depths)
        return cls(
            tuple(folders), data.layout, tuple(sorted((each, depths[each]) for each in folders if each in depths))
        )


def look_at(sources: Sources, shown: ImageIndex, tell: Progress, should_stop: ShouldStop) -> ImageIndex:
    """Return the images of folders; `shown` itself, or what was kept of the last scan, where nothing has changed.

    Args:
        sources: Where to look, and what names the classes.
        shown: What the window shows of them already.
        tell: Gets what was kept of the last scan, an `ImageIndex`, where nothing is shown yet; paths of the first
            pictures found, a tuple that grows; and numbers of pictures found.
        should_stop: Asked at every file.

    Raises:
        Cancelled: if `should_stop` says so.
    """
    folders, layout, depths = sources
    if not folders:
        return NO_IMAGES
    if not shown.classes and (kept := kept_index(folders, layout, depths)) is not None:
        shown = kept
        tell(kept)
    glimpses = _Glimpses(tell)
    found = scan(
        folders,
        layout=layout,
        depths=dict(depths),
        on_progress=tell,
        on_folder=glimpses.add,
        should_stop=should_stop,
    )
    if found == shown:
        return shown
    keep_index(folders, layout, found, depths)
    return found


class _Glimpses:
    """One picture of each of the first folders, told as they are found, at most ten times a second."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self._paths: list[str] = []
        self._told_at = 0.0

    def add(self, held: Held) -> None:
        """Take the first picture of a folder."""
        if len(self._paths) >= _MOST_GLIMPSES:
            return
        self._paths.append(held.files[0].path)
        now = time.monotonic()
        if now - self._told_at >= _GLIMPSE_EVERY_S or len(self._paths) == _MOST_GLIMPSES:
            self._told_at = now
            self._tell(tuple(self._paths))
