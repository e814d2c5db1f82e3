"""What the person wants of a running worker: one word in one file, read between outer steps and judged episodes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from metastudio.runs.atomic import write_atomically

if TYPE_CHECKING:
    from metastudio.runs.run_folder import RunFolder


class Wanted(StrEnum):
    """Go on; checkpoint and leave; end now with the best; end and keep nothing."""

    RUN = "run"
    PAUSE = "pause"
    FINISH = "finish"
    DISCARD = "discard"


def read_control(run: RunFolder) -> Wanted:
    """Return what is wanted; a file that is missing or says nothing known means `run`."""
    try:
        return Wanted(run.control_path.read_text(encoding="utf-8", errors="replace").strip())
    except (OSError, ValueError):
        return Wanted.RUN


def write_control(run: RunFolder, wanted: Wanted) -> None:
    """Say what is wanted.

    Raises:
        ResourceError: if it cannot be written.
    """
    write_atomically(run.control_path, f"{Wanted(wanted)}\n")
