"""Where the program's own files lie: cache, settings, default projects. Nothing else is written outside a project."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import platformdirs

from metastudio.errors import ResourceError

_APP = "metastudio"
_ROOM_BYTES = 1 << 20
"""A temporary folder that cannot take so much is full."""


def _usable(folder: Path) -> Path:
    """Return `folder`, made where it was missing, or one of the temporary folder where it cannot be written."""
    if _can_write(folder):
        return folder
    fallback = Path(tempfile.gettempdir()) / f"{_APP}-{os.getuid() if hasattr(os, 'getuid') else 'user'}" / folder.name
    fallback.mkdir(parents=True, exist_ok=True, mode=0o700)
    return fallback


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _wanted_cache() -> Path:
    override = os.environ.get("METASTUDIO_CACHE")
    return Path(override) if override else platformdirs.user_cache_path(_APP)


def _wanted_config() -> Path:
    override = os.environ.get("METASTUDIO_CONFIG")
    return Path(override) if override else platformdirs.user_config_path(_APP)


def cache_folder() -> Path:
    """Return the folder of decoded images and thumbnails (`METASTUDIO_CACHE` overrides it)."""
    return _usable(_wanted_cache())


def config_folder() -> Path:
    """Return the folder of the studio's settings (`METASTUDIO_CONFIG` overrides it)."""
    return _usable(_wanted_config())


def replaced_folders() -> dict[Path, Path]:
    """Return what is taken in the place of folders of our own that cannot be written, by the folder that was wanted."""
    wanted = dict.fromkeys((_wanted_cache(), _wanted_config()))
    return {each: taken for each in wanted if (taken := _usable(each)) != each}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder for the time of a block: a temporary one or, where there is no room for it, one of the cache.

    Raises:
        ResourceError: if neither can be written.
    """
    for parent in (None, cache_folder()):
        with suppress(OSError), ExitStack() as made:  # the temporary folder is full, or there is none
            folder = Path(made.enter_context(tempfile.TemporaryDirectory(prefix=f"{_APP}-", dir=parent)))
            (folder / "room").write_bytes(bytes(_ROOM_BYTES))
            (folder / "room").unlink()
            kept = made.pop_all()
            break
    else:
        raise ResourceError(
            "There is no room for temporary files.",
            where=str(cache_folder()),
            todo="Free some space there, or set TMPDIR to a folder with some.",
        )
    with kept:
        yield folder


def documents_folder() -> Path:
    """Return the folder in which projects are made when the person names none (`METASTUDIO_HOME` overrides it)."""
    override = os.environ.get("METASTUDIO_HOME")
    return Path(override) if override else platformdirs.user_documents_path() / "MetaStudio"


def resources_folder() -> Path:
    """Return the folder of help, themes and samples that ships with the program."""
    return Path(__file__).resolve().parent.parent / "resources"
