"""What was exported of a run before: by the worker at its end, or by hand; read beside the window."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from metastudio.errors import IntegrityError
from metastudio.runs.checkpoint_files import verify_checkpoint
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Exported
from metastudio.runs.run_folder import RunFolder

VERIFICATION = "verification.json"
"""The file that marks a folder as an export, and says what was compared."""


@dataclass(frozen=True)
class EarlierExport:
    """An export on disk.

    Attributes:
        path: Its folder.
        largest_difference: Of logits, when it was verified; None where that cannot be read any more.
        is_unaltered: Whether its files have the sums that were written with them, so that nothing broke since. Who
            alters both is not found out: sums do not tell where a file comes from.
        size_bytes: Of all its files.
    """

    path: Path
    largest_difference: float | None
    is_unaltered: bool
    size_bytes: int


def earlier_exports(run: RunFolder) -> tuple[EarlierExport, ...]:
    """Return the exports of a run that are still there, newest first."""
    told = [Path(each.path) for each in read_events(run.events_path)[0] if isinstance(each, Exported)]
    there = {path for path in [*run.exports(), *told] if is_export(path)}
    return tuple(_described(path) for path in sorted(there, key=lambda path: path.stat().st_mtime, reverse=True))


def is_export(path: Path) -> bool:
    """Return whether a folder is an export that may be replaced by another."""
    return (path / VERIFICATION).is_file()


def _described(path: Path) -> EarlierExport:
    try:
        difference = float(json.loads((path / VERIFICATION).read_bytes())["largest_difference_of_logits"])
    except (OSError, ValueError, KeyError, TypeError):
        difference = None
    try:
        verify_checkpoint(path)
        is_unaltered = True
    except IntegrityError:
        is_unaltered = False
    size = sum(each.stat().st_size for each in path.iterdir() if each.is_file())
    return EarlierExport(path, difference, is_unaltered, size)
