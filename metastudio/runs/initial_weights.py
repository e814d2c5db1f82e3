"""What `initial_weights` of an experiment names: a run, or one checkpoint of it. Nothing is looked up on the disk."""

from __future__ import annotations

from pathlib import Path

from metastudio.runs.checkpoint_files import is_checkpoint_name, iteration_of
from metastudio.runs.run_state import Origin


def named_start(initial_weights: str) -> tuple[Path, Path | None]:
    """Return the run's folder, and the checkpoint where one is named: ``runs/20261120-…/checkpoints/step-0000100``."""
    path = Path(initial_weights)
    return (path.parent.parent, path) if is_checkpoint_name(path.name) else (path, None)


def origin_of(initial_weights: str) -> Origin | None:
    """Return where a run with these weights comes from; None where none are named."""
    if not initial_weights:
        return None
    folder, checkpoint = named_start(initial_weights)
    return Origin(kind="weights", run=str(folder), iteration=iteration_of(checkpoint) if checkpoint else None)
