"""What a task card speaks of and nobody found yet: kept by the window, for the project knows only what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metastudio.gui.models.bin_contents import QUERY, SUPPORT, UNLABELLED_BIN, Bin, BinContents

if TYPE_CHECKING:
    import numpy as np

    from metastudio.gui.documents.task_cards import OpenedCard
    from metastudio.runs.task_card import CardPicture


@dataclass(frozen=True)
class MissingPicture:
    """A picture of the card, the class it belongs to (none for the unlabelled), and its role there."""

    picture: CardPicture
    class_name: str = ""
    role: str = ""


@dataclass(frozen=True)
class CardRemainder:
    """The missing pictures of one card, with the thumbnails (h, w, 3) that it has, by hash."""

    pictures: tuple[MissingPicture, ...] = ()
    thumbnails: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, opened: OpenedCard) -> CardRemainder:
        """Return what was not found of a card."""
        card = opened.read.card
        every = [
            MissingPicture(picture, each.name, role)
            for each in card.classes
            for role in (SUPPORT, QUERY)
            for picture in getattr(each, role)
        ]
        every += [MissingPicture(picture) for picture in card.unlabelled]
        missing = tuple(each for each in every if each.picture.sha256 not in opened.found)
        return cls(missing, opened.read.thumbnails)

    def wanted(self) -> dict[str, int]:
        """Return the size in bytes of each missing picture, by its hash."""
        return {each.picture.sha256: each.picture.size_bytes for each in self.pictures}

    def rows(self) -> list[tuple[str, str, int, str]]:
        """Return hash, name, size in bytes and class of each."""
        return [
            (each.picture.sha256, each.picture.name, each.picture.size_bytes, each.class_name) for each in self.pictures
        ]

    def placed(self, found: Mapping[str, str], contents: BinContents) -> tuple[CardRemainder, BinContents]:
        """Return what is still missing, and the contents with what was found.

        A picture goes into the class of its name; where that is gone, to those without a class. One that is in the
        task already is only taken off the list.
        """
        numbers = {each.name: number for number, each in enumerate(contents.classes)}
        owners = contents.owners()
        left = []
        for each in self.pictures:
            path = found.get(each.picture.sha256)
            if path is None:
                left.append(each)
            elif path not in owners:
                owners[path] = each.class_name
                place = Bin(numbers[each.class_name], each.role) if each.class_name in numbers else UNLABELLED_BIN
                contents = contents.with_pictures(place, (*contents.at(place), path))
        return CardRemainder(tuple(left), self.thumbnails), contents
