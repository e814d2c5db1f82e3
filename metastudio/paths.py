"""Where the program's own files lie: cache, settings, default projects. Nothing else is written outside a project."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

_APP = "metastudio"


def _usable(folder: Path) -> Path:
    """Return `folder`, made where it was missing, or one of the temporary folder where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    fallback = Path(tempfile.gettempdir()) / f"{_APP}-{os.getuid() if hasattr(os, 'getuid') else 'user'}" / folder.name
    fallback.mkdir(parents=True, exist_ok=True, mode=0o700)
    return fallback


def cache_folder() -> Path:
    """Return the folder of decoded images and thumbnails (`METASTUDIO_CACHE` overrides it)."""
    override = os.environ.get("METASTUDIO_CACHE")
    return _usable(Path(override) if override else platformdirs.user_cache_path(_APP))


def config_folder() -> Path:
    """Return the folder of the studio's settings (`METASTUDIO_CONFIG` overrides it)."""
    override = os.environ.get("METASTUDIO_CONFIG")
    return _usable(Path(override) if override else platformdirs.user_config_path(_APP))


def documents_folder() -> Path:
    """Return the folder in which projects are made when the person names none (`METASTUDIO_HOME` overrides it)."""
    override = os.environ.get("METASTUDIO_HOME")
    return Path(override) if override else platformdirs.user_documents_path() / "MetaStudio"


def resources_folder() -> Path:
    """Return the folder of help, themes and samples that ships with the program."""
    return Path(__file__).resolve().parent.parent / "resources"
