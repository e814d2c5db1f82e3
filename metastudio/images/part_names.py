"""How people call the three parts, in folders, lists and columns."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from metastudio.catalog.data_spec import Part

PART_NAMES: Final = {
    f"{prefix}{name}": part
    for part, names in {
        Part.META_TRAIN: ("train", "training"),
        Part.META_VAL: ("val", "valid", "validation", "dev"),
        Part.META_TEST: ("test", "testing"),
    }.items()
    for name in names
    for prefix in ("", "meta_", "meta-", "meta")
}
"""In lower case."""


def part_of_list(path: str | Path) -> Part | None:
    """Return the part whose classes a file lists, by its name: ``train.json``, ``meta-val.txt``; None for others."""
    name = Path(path)
    return PART_NAMES.get(name.stem.lower()) if name.suffix.lower() in (".json", ".txt") else None
