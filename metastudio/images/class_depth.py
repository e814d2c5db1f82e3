"""What a class can be in folders within folders: what every depth of their names gives, said before one is taken."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from metastudio.errors import Message
from metastudio.images.image_index import ImageClass

MOST_EXAMPLES: Final = 5


@dataclass(frozen=True)
class DepthChoice:
    """What one depth gives.

    Attributes:
        depth: How many folders below the dropped one name a class; 0 where all of them do.
        count: Number of classes.
        title: ``"50 classes by the outer folder"``.
        examples: The end of the names of some classes, from the first to the last; the last component, and the one
            before where that alone does not tell them apart.
        pictures: The path of one picture of each of these.
    """

    depth: int
    count: int
    title: Message
    examples: tuple[str, ...]
    pictures: tuple[str, ...]

    def example_text(self) -> str:
        """Return the examples as a list that says whether there are more: ``a, b …``."""
        return ", ".join(self.examples) + (" …" if self.count > len(self.examples) else "")


def depth_choices(classes: Sequence[ImageClass], folders: Sequence[str]) -> tuple[DepthChoice, ...]:
    """Return what the classes in `folders` can be, the deepest first; nothing where there is no choice.

    `classes` are those of a scan that took every component of their names. A depth that gives a single class, or the
    same classes as a greater one, is no choice.
    """
    own = [(tuple(each.name.split("/")), path) for each in classes if (path := _first_in(each, folders))]
    deepest = max((len(name) for name, _ in own), default=0)
    found: list[tuple[int, dict[tuple[str, ...], str]]] = []
    for depth in range(deepest, 0, -1):
        pictures: dict[tuple[str, ...], str] = {}
        for name, path in own:
            pictures.setdefault(name[:depth], path)
        if not found or (len(pictures) > 1 and pictures.keys() != found[-1][1].keys()):
            found.append((depth, pictures))
    if len(found) < 2:
        return ()
    return tuple(
        _choice(depth if number else 0, pictures, deepest=deepest) for number, (depth, pictures) in enumerate(found)
    )


def _first_in(each: ImageClass, folders: Sequence[str]) -> str:
    """Return the first picture of a class that lies in one of the folders; empty where none does."""
    files = each.file_list
    beginnings = tuple(os.path.join(folder, "") for folder in folders)  # noqa: PTH118 - paths are strings here
    if files.folder:
        return next(iter(files.first_paths(1)), "") if files.folder.startswith(beginnings) else ""
    return next((path for path in files.paths if path.startswith(beginnings)), "")


def _choice(depth: int, pictures: dict[tuple[str, ...], str], *, deepest: int) -> DepthChoice:
    names = sorted(pictures)
    some = names
    if len(names) > MOST_EXAMPLES:
        some = [names[place * len(names) // MOST_EXAMPLES] for place in range(MOST_EXAMPLES)]
    word = _shared_word([name[-1] for name in names])
    if word:
        template = "{count} classes by {word}"
    elif deepest == 2:
        template = "{count} classes by the outer folder" if depth else "{count} classes by the inner folder"
    else:
        template = "{count} classes by folder {place} of {deepest}"
    title = Message(template, {"count": f"{len(names):,}", "word": word, "place": depth or deepest, "deepest": deepest})
    told_by = 1 if len({name[-1] for name in names}) == len(names) else 2
    examples = tuple("/".join(name[-told_by:]) for name in some)
    return DepthChoice(depth, len(names), title, examples, tuple(pictures[name] for name in some))


def _shared_word(names: Sequence[str]) -> str:
    """Return the word of which all names are numbered kinds, ``"character"`` of ``"character01"``; else nothing."""
    words = set(_without_numbers(names))
    word = words.pop().lower()
    return word if not words and word.isalpha() and any(name.lower() != word for name in names) else ""


def _without_numbers(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield name.rstrip("0123456789").rstrip(" -_.")
