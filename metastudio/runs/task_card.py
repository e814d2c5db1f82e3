"""A task card: a target task as one small file, to be shared; pictures are found again by their hashes.

It is a zip of ``task.json`` and a thumbnail of each picture, called by the picture's sha256. No picture and no path is
in it. What is read is bounded, checked, and never written anywhere.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.catalog.settings import Settings
from metastudio.errors import DataError, Problem, Severity, problem
from metastudio.images.decoding import MAX_FILE_BYTES, read_file
from metastudio.images.problems import Cancelled, UnreadableImage
from metastudio.images.thumbnails import small_jpeg, small_pixels
from metastudio.runs.atomic import write_atomically

MOST_PICTURES: Final = 1000
MOST_BYTES: Final = 8_000_000
_MOST_TEXT_BYTES: Final = 2_000_000
_MOST_THUMBNAIL_BYTES: Final = 32_000
_TEXT: Final = "task.json"
_THUMBNAIL: Final = re.compile(r"thumbnails/([0-9a-f]{64})\.jpg")


class CardPicture(Settings):
    """A picture by what it is, not by where it lies; its name is only shown."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=1, le=MAX_FILE_BYTES)
    name: str = Field(max_length=255)


class CardClass(Settings):
    """A class of the task."""

    name: str = Field(min_length=1)
    support: tuple[CardPicture, ...] = ()
    query: tuple[CardPicture, ...] = ()


class TaskCard(Settings):
    """What ``task.json`` says."""

    kind: Literal["metastudio-task-card"] = "metastudio-task-card"
    version: Literal[1] = 1
    name: str = Field(min_length=1)
    classes: tuple[CardClass, ...] = ()
    unlabelled: tuple[CardPicture, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> TaskCard:
        names = [each.name for each in self.classes]
        if len(set(names)) != len(names):
            raise ValueError("two classes have the same name")
        hashes = [each.sha256 for each in self.pictures()]
        if len(set(hashes)) != len(hashes):
            raise ValueError("a picture is there twice")
        if len(hashes) > MOST_PICTURES:
            raise ValueError(f"there are {len(hashes)} pictures, at most {MOST_PICTURES} are allowed")
        return self

    def pictures(self) -> tuple[CardPicture, ...]:
        """Return every picture of the task."""
        labelled = (path for each in self.classes for path in (*each.support, *each.query))
        return (*labelled, *self.unlabelled)

    def task(self, found: Mapping[str, str]) -> TargetTask:
        """Return the task with the pictures that were found: a path for each hash."""

        def paths(pictures: tuple[CardPicture, ...]) -> tuple[str, ...]:
            return tuple(found[each.sha256] for each in pictures if each.sha256 in found)

        return TargetTask(
            name=self.name,
            classes=tuple(
                TargetClass(name=each.name, support=paths(each.support), query=paths(each.query))
                for each in self.classes
            ),
            unlabelled=paths(self.unlabelled),
        )


@dataclass(frozen=True)
class ReadCard:
    """A card, and thumbnails (h, w, 3) by hash, for as many pictures as have one."""

    card: TaskCard
    thumbnails: Mapping[str, NDArray[np.uint8]]


def save_card(
    task: TargetTask,
    path: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Problem, ...]:
    """Write the card of a task, and return which pictures could not be read and are not in it.

    Raises:
        DataError: if there are too many pictures, or none that can be read.
        ResourceError: if it cannot be written; a card that was there before is whole.
        Cancelled: if `should_stop` says so.
    """
    content, problems = card_of(task, on_progress=on_progress, should_stop=should_stop)
    write_atomically(path, content)
    return problems


def card_of(
    task: TargetTask,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[bytes, tuple[Problem, ...]]:
    """Return the card of a task as bytes, the same for the same task, and which pictures are not in it, and why.

    Raises:
        DataError: if there are too many pictures, or none that can be read.
        Cancelled: if `should_stop` says so.
    """
    labelled = (path for each in task.classes for path in (*each.support, *each.query))
    wanted = tuple(dict.fromkeys((*labelled, *task.unlabelled)))
    if len(wanted) > MOST_PICTURES:
        raise DataError(
            "The task has {count} pictures, and a card holds at most {most}.",
            count=len(wanted),
            most=MOST_PICTURES,
            todo="Leave some out, or share the project.",
        )
    pictures: dict[str, CardPicture] = {}
    thumbnails: dict[str, bytes] = {}
    problems: list[Problem] = []
    for number, path in enumerate(wanted):
        if should_stop is not None and should_stop():
            raise Cancelled
        try:
            content, file = read_file(path)
            if file.sha256 in thumbnails:
                problems.append(_twice(path))
            else:
                thumbnails[file.sha256] = small_jpeg(content, path)
                pictures[path] = CardPicture(sha256=file.sha256, size_bytes=file.size_bytes, name=_shown_name(path))
        except UnreadableImage as error:
            problems.append(error.problem)
        if on_progress is not None:
            on_progress(number + 1, len(wanted))
    if not pictures:
        raise DataError("No picture of this task can be read.", problems=problems, todo="Add pictures first.")

    def of(paths: tuple[str, ...]) -> tuple[CardPicture, ...]:
        return tuple(pictures[path] for path in paths if path in pictures)

    card = TaskCard(
        name=task.name,
        classes=tuple(
            CardClass(name=each.name, support=of(each.support), query=of(each.query)) for each in task.classes
        ),
        unlabelled=of(task.unlabelled),
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        text = json.dumps(card.model_dump(mode="json"), indent=1)
        archive.writestr(zipfile.ZipInfo(_TEXT), text, zipfile.ZIP_DEFLATED)
        for sha256, jpeg in thumbnails.items():
            archive.writestr(zipfile.ZipInfo(f"thumbnails/{sha256}.jpg"), jpeg)
    return buffer.getvalue(), tuple(problems)


def open_card(path: Path) -> ReadCard:
    """Read a card.

    Raises:
        DataError: if it is none, is damaged, too big, or was made by a newer MetaStudio.
    """
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise DataError("The card cannot be read.", where=str(path), why=f"The system says: {error}.") from error
    if size > MOST_BYTES:
        raise _refused(f"It is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        return parse_card(read_file(str(path))[0])
    except DataError as error:
        error.where = str(path)
        raise


def parse_card(content: bytes) -> ReadCard:
    """Return the card that these bytes are.

    Raises:
        DataError: if they are none, damaged, too big, or of a newer MetaStudio.
    """
    if len(content) > MOST_BYTES:
        raise _refused(f"It is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        text, jpegs = _entries(content)
        values = json.loads(text) if text else None
    except DataError:
        raise
    except (Exception, RecursionError) as error:  # whatever zipfile, zlib and json throw at any bytes
        raise _refused(f"{type(error).__name__}: {error}.") from error
    if values is None:
        raise _refused(f"There is no {_TEXT} in it.")
    if isinstance(values, dict) and isinstance(version := values.get("version"), int) and version > 1:
        raise DataError("This task card was made by a newer MetaStudio.", todo="Open it with that one.")
    try:
        card = TaskCard.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _refused(f"{place or _TEXT}: {first['msg']}.") from error
    if strange := jpegs.keys() - {each.sha256 for each in card.pictures()}:
        raise _refused(f"It has a thumbnail of no picture ({min(strange)[:12]}…).")
    return ReadCard(card, {sha256: _pixels(sha256, jpeg) for sha256, jpeg in jpegs.items()})


def _entries(content: bytes) -> tuple[str, dict[str, bytes]]:
    """Return the text and the thumbnails by hash; nothing else may be in the file."""
    text, jpegs = "", {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_PICTURES + 1:
            raise _refused(f"It has {len(entries)} entries.")
        for entry in entries:
            if entry.flag_bits & 1:
                raise _refused("It is encrypted.")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _refused("It is packed in an unknown way.")
            named = _THUMBNAIL.fullmatch(entry.filename)
            if named is None and entry.filename != _TEXT:
                raise _refused(f"{entry.filename[:80]!r} does not belong in it.")
            if (named is None and text) or (named is not None and named[1] in jpegs):
                raise _refused(f"{entry.filename!r} is in it twice.")
            most = _MOST_TEXT_BYTES if named is None else _MOST_THUMBNAIL_BYTES
            with archive.open(entry) as file:
                data = file.read(most + 1)
            if len(data) > most:
                raise _refused(f"{entry.filename!r} is too big.")
            if named is None:
                text = data.decode("utf-8")
            else:
                jpegs[named[1]] = data
    return text, jpegs


def _pixels(sha256: str, jpeg: bytes) -> NDArray[np.uint8]:
    try:
        return small_pixels(jpeg, sha256)
    except UnreadableImage as error:
        raise _refused(f"A thumbnail is damaged: {error.problem.message}.") from error


def _twice(path: str) -> Problem:
    return problem("picture-twice", "Another picture of the task is the same.", where=path, severity=Severity.WARNING)


def _shown_name(path: str) -> str:
    return Path(path).name.encode("utf-8", "backslashreplace").decode("utf-8")[:255]


def _refused(why: str) -> DataError:
    return DataError("This is not a task card that can be read.", why=why, todo="Ask for the card again.")
