"""Looking at folders for the document: what was found last time at once, then what is there now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from metastudio.catalog.data_spec import Layout
from metastudio.gui.documents.background_task import Progress, ShouldStop
from metastudio.gui.documents.project_state import NO_IMAGES
from metastudio.images.folder_walk import Held
from metastudio.images.image_folder import scan
from metastudio.images.image_index import ImageIndex
from metastudio.images.kept_index import keep_index, kept_index

_MOST_GLIMPSES: Final = 60
_GLIMPSE_EVERY_S: Final = 0.1


def look_at(
    folders: Sequence[str], layout: Layout, shown: ImageIndex, tell: Progress, should_stop: ShouldStop
) -> ImageIndex:
    """Return the images of folders; `shown` itself, or what was kept of the last scan, where nothing has changed.

    Args:
        folders: Where to look.
        layout: What names their classes.
        shown: What the window shows of them already.
        tell: Gets what was kept of the last scan, an `ImageIndex`, where nothing is shown yet; paths of the first
            pictures found, a tuple that grows; and numbers of pictures found.
        should_stop: Asked at every file.

    Raises:
        Cancelled: if `should_stop` says so.
    """
    if not folders:
        return NO_IMAGES
    if not shown.classes and (kept := kept_index(folders, layout)) is not None:
        shown = kept
        tell(kept)
    glimpses = _Glimpses(tell)
    found = scan(folders, layout=layout, on_progress=tell, on_folder=glimpses.add, should_stop=should_stop)
    if found == shown:
        return shown
    keep_index(folders, layout, found)
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
