"""What was dropped or pasted: local pictures and folders, and by name what cannot be taken."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QBuffer, QCoreApplication, QIODevice, QMimeData, QUrl
from PySide6.QtGui import QImage

from metastudio.errors import Problem, ResourceError, Severity, problem
from metastudio.images.folder_walk import READABLE_SUFFIXES, is_ignored
from metastudio.runs.atomic import write_atomically

_LOOKED_AT_WHILE_DRAGGING = 300
MOST_PICTURES = 5000


def _tr(text: str) -> str:
    return QCoreApplication.translate("drop_files", text)


@dataclass(frozen=True)
class DroppedFiles:
    """What a drop brings.

    Attributes:
        folders: Absolute paths of folders.
        pictures: Absolute paths of files that look like pictures.
        problems: What was not taken, each by its name.
        image: Pixels without a file, from a browser or the clipboard; null where there are none.
        others: Absolute paths of other files that whoever asked wants too.
    """

    folders: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    image: QImage | None = None
    others: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be taken."""
        return not (self.folders or self.pictures or self.others or self.image is not None)


def has_files(mime: QMimeData) -> bool:
    """Say whether something may be dropped here at all: plain text is not, and the pointer shows it."""
    return mime.hasUrls() or has_pixels(mime)


def has_pixels(mime: QMimeData) -> bool:
    """Say whether a picture lies in the data itself."""
    return mime.hasImage() or bool(image_formats(mime))


def image_formats(mime: QMimeData) -> tuple[str, ...]:
    """Return in which formats of pictures the data lies as plain bytes."""
    return tuple(each for each in mime.formats() if each.startswith("image/"))


def dropped_files(mime: QMimeData, *, wants: Callable[[str], bool] | None = None) -> DroppedFiles:
    """Look at everything that was dropped; a few stats for each file, nothing is opened.

    `wants` says by its path which file is taken though it is no picture; such files are `others`.
    """
    folders, pictures, others, problems = [], [], [], []
    urls = mime.urls()
    for url in urls:
        if (refused := _refused(url)) is not None:
            problems.append(refused)
            continue
        path = os.path.abspath(url.toLocalFile())  # noqa: PTH100 - keeps links as given
        if Path(path).is_dir():
            folders.append(path)
        elif is_picture_name(path):
            pictures.append(path)
        elif wants is not None and wants(path) and Path(path).is_file():
            others.append(path)
        else:
            problems.append(not_a_picture(path))
    if len(pictures) > MOST_PICTURES:
        problems.append(
            problem(
                "too-many-pictures",
                _tr("{count} pictures were dropped at once; the first {most} were taken."),
                todo=_tr("Drop their folder on the Images page instead."),
                severity=Severity.WARNING,
                count=len(pictures),
                most=MOST_PICTURES,
            )
        )
    image = None
    if not (folders or pictures or others) and has_pixels(mime):
        image = _image_in(mime)
        problems = [] if image is not None else problems  # the browser's address came with the pixels
    kept = dict.fromkeys(pictures[:MOST_PICTURES])
    return DroppedFiles(
        tuple(dict.fromkeys(folders)), tuple(kept), tuple(problems), image, tuple(dict.fromkeys(others))
    )


def _image_in(mime: QMimeData) -> QImage | None:
    """Return the pixels that came without a file, decoded from plain bytes where there is nothing else."""
    pixels = mime.imageData() if mime.hasImage() else None
    if isinstance(pixels, QImage) and not pixels.isNull():
        return QImage(pixels)
    for each in image_formats(mime):
        decoded = QImage.fromData(mime.data(each))
        if not decoded.isNull():
            return decoded
    return None


def holds_folders(mime: QMimeData) -> bool:
    """Say whether the first of dragged folders holds folders itself, by a look at a few of its entries."""
    paths = (url.toLocalFile() for url in mime.urls()[:_LOOKED_AT_WHILE_DRAGGING] if _refused(url) is None)
    first = next((path for path in paths if Path(path).is_dir()), None)
    if first is None:
        return False
    try:
        with os.scandir(first) as entries:
            return any(entry.is_dir() for entry in islice(entries, _LOOKED_AT_WHILE_DRAGGING))
    except OSError:
        return False


def counted_kinds(mime: QMimeData) -> tuple[int, int]:
    """Return how many folders and files are being dragged, from a look at the first few hundred."""
    paths = [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]
    folders = sum(Path(each).is_dir() for each in paths[:_LOOKED_AT_WHILE_DRAGGING])
    return folders, len(paths) - folders


def is_picture_name(path: str) -> bool:
    """Say whether a name looks like a picture that can be read."""
    return Path(path).suffix.lower() in READABLE_SUFFIXES and not is_ignored(Path(path).name)


def pictures_of(folder: str) -> tuple[str, ...]:
    """Return the pictures that lie directly in a folder, by name; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(each.path for each in entries if is_picture_name(each.path) and each.is_file())
    except OSError:
        return ()
    return tuple(found[:MOST_PICTURES])


def save_image(image: QImage, folder: Path) -> str:
    """Keep pixels that came without a file, as a PNG named after what it shows, and return its path.

    Raises:
        ResourceError: if it cannot be written.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):
        raise ResourceError("The dropped picture could not be kept.", where=str(folder))
    content = bytes(buffer.data().data())
    path = folder / f"dropped-{hashlib.sha256(content).hexdigest()[:12]}.png"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return str(path)


def not_a_picture(path: str) -> Problem:
    """Return the problem of a file that is none."""
    name = Path(path).name
    if not Path(path).exists():
        return _problem("file-missing", _tr("'{name}' is not there."), name)
    return _problem("not-a-picture", _tr("'{name}' is not a picture that can be read."), name)


def _refused(url: QUrl) -> Problem | None:
    if not url.isLocalFile():
        name = url.toDisplayString()
        return _problem(
            "not-local",
            _tr("'{name}' is not on this computer; nothing is fetched from the network."),
            name if len(name) < 120 else f"{name[:120]}…",
            todo=_tr("Save it first, then drop the file."),
        )
    if url.host() and os.name != "nt":
        return _problem("other-host", _tr("'{name}' lies on another computer."), url.toDisplayString())
    return None


def _problem(code: str, template: str, name: str, *, todo: str = "") -> Problem:
    return problem(code, template, todo=todo, severity=Severity.WARNING, name=name)


def some_sentences(sentences: Sequence[str], most: int = 3) -> str:
    """Return the first sentences and how many more there are."""
    shown = list(sentences[:most])
    if len(sentences) > most:
        shown.append(_tr("And {count} more.").format(count=len(sentences) - most))
    return "\n".join(shown)
