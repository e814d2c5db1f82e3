"""Nested folders that were looked at and are not taken yet: what a class can be there is a person's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metastudio.catalog.data_spec import DataSpec, Layout
from metastudio.gui.documents.folder_scan import Sources
from metastudio.images.class_depth import DepthChoice, depth_choices
from metastudio.images.image_index import ImageIndex


@dataclass(frozen=True)
class DepthOffer:
    """A choice between depths.

    Attributes:
        folders: What it is about.
        title: What the step of the undo stack will be called.
        choices: What can be taken, the one that was recognised first.
        depth: The one that is preselected: what the project has now, else what was recognised.
        is_new: Whether the folders are not in the project yet.
    """

    folders: tuple[str, ...]
    title: str
    choices: tuple[DepthChoice, ...]
    depth: int
    is_new: bool

    def sources(self, data: DataSpec, depth: int) -> Sources:
        """Return what is scanned where these folders are taken at a depth, along with what the data has."""
        folders = (*data.folders, *(each for each in self.folders if each not in data.folders))
        depths = {each: own for each, own in data.class_depths.items() if each not in self.folders}
        if depth:
            depths |= dict.fromkeys(self.folders, depth)
        return Sources.of(data, folders=folders, class_depths=depths)


def offer_of(index: ImageIndex, folders: Sequence[str], data: DataSpec, title: str) -> DepthOffer | None:
    """Return what the scanned folders can be; None where their names leave no choice.

    `index` is of a scan in which every component of these folders' names counts.
    """
    choices = () if index.layout is Layout.CSV_LIST else depth_choices(index.classes, folders)
    if not choices:
        return None
    known = {data.class_depths.get(each, 0) for each in folders}
    return DepthOffer(
        folders=tuple(folders),
        title=title,
        choices=choices,
        depth=known.pop() if len(known) == 1 else 0,
        is_new=any(each not in data.folders for each in folders),
    )
