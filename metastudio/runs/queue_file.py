"""What a project's queue remembers between two starts: the order of its jobs, and which runs were taken out of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from metastudio.runs.atomic import resources, write_atomically

FILE_NAME = "queue.json"


class QueueOrder(NamedTuple):
    """Names of runs: those of the queue in their order, and those that were taken out though they could go on."""

    order: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()

    def place(self, name: str) -> int:
        """Return where a run stood; those that nobody ordered come last."""
        return self.order.index(name) if name in self.order else len(self.order)


def read_queue(runs_folder: Path) -> QueueOrder:
    """Return what was kept; nothing where the file is missing or spoilt: then runs come by age."""
    try:
        said = json.loads((runs_folder / FILE_NAME).read_bytes())
        return QueueOrder(tuple(map(str, said["order"])), frozenset(map(str, said["removed"])))
    except (OSError, ValueError, KeyError, TypeError):
        return QueueOrder()


def write_queue(runs_folder: Path, order: Sequence[str], removed: Collection[str]) -> None:
    """Keep the order.

    Raises:
        ResourceError: if it cannot be written; the old file is whole.
    """
    with resources(runs_folder):
        runs_folder.mkdir(parents=True, exist_ok=True)
    kept = {"order": list(order), "removed": sorted(removed)}
    write_atomically(runs_folder / FILE_NAME, json.dumps(kept, ensure_ascii=True) + "\n")
