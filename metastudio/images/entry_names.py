"""Names inside archives: which of them may become files below a folder, and why the others may not."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import Final

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)', re.IGNORECASE)
_LONGEST_COMPONENT_BYTES: Final = 255
_LONGEST_NAME_BYTES: Final = 1024
_DEEPEST: Final = 40


def components_of(name: str) -> tuple[str, ...]:
    """Return the components of an entry's path; both slashes part them, and ``.`` says nothing."""
    return tuple(each for each in name.replace("\\", "/").split("/") if each not in ("", "."))


def fault_of(name: str, *, on_windows: bool = os.name == "nt") -> str:
    """Return what is wrong with an entry's name, as the beginning of a sentence; empty where it may be a file."""
    components = components_of(name)
    is_long = _size_of(name) > _LONGEST_NAME_BYTES or len(components) > _DEEPEST
    faults = {
        "Entries without a name": not components,
        "Names with control characters": any(unicodedata.category(letter) == "Cc" for letter in name),
        "Absolute paths": name.startswith(("/", "\\")),
        "Paths with a drive letter": _DRIVE.match(name) is not None,
        "Paths that lead out of the folder with '..'": ".." in components,
        "Names that are too long": is_long or any(_size_of(each) > _LONGEST_COMPONENT_BYTES for each in components),
        "Names that Windows does not allow": on_windows and any(map(_NOT_ON_WINDOWS.search, components)),
    }
    return next((text for text, is_so in faults.items() if is_so), "")


def folded(components: tuple[str, ...]) -> str:
    """Return the same text for paths that are one on a system that folds case or Unicode's normal form."""
    composed = unicodedata.normalize("NFC", "/".join(components))
    return unicodedata.normalize("NFC", composed.casefold())


def _size_of(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))
