"""A finished run that goes on: a new run which begins with the last checkpoint and the history of the old one.

Why a new run and not more of the old one is told in decision 0054.
"""

from __future__ import annotations

import json
from pathlib import Path

from metastudio.errors import ConfigurationError, IntegrityError
from metastudio.runs import events
from metastudio.runs.checkpoint_files import SUMS, commit_checkpoint, iteration_of, verify_checkpoint
from metastudio.runs.event_log import EventLog, read_events
from metastudio.runs.run_folder import RunFolder, create_run
from metastudio.runs.run_state import Origin, RunState, State

_TRAINING = (
    events.Started,
    events.OuterStep,
    events.InnerTrace,
    events.Validated,
    events.Learned,
    events.Capacity,
)
"""What training said; how the old run ended, and what it exported, are not the new one's."""
_PROGRESS = "state.json"


def extended_run(run: RunFolder, iterations: int) -> RunFolder:
    """Make a run that waits, and goes on from the last checkpoint of a finished one for so many iterations more.

    Weights, optimiser and best checkpoint are copied, so that the old run may go. The new one computes as the old one
    did, and where the outer learning rate does not depend on the number of iterations, it becomes bit for bit the run
    that an undisturbed one of that length would be.

    Raises:
        ConfigurationError: if the run is not finished, or the number is none.
        IntegrityError: if its last checkpoint is missing or broken.
        ResourceError: if the new run cannot be written; nothing is left behind.
    """
    before = run.state()
    if before.state is not State.FINISHED:
        raise ConfigurationError(
            "Only what is finished can be extended; this run is {state}.",
            state=before.state.value,
            where=str(run.path),
            todo="Go on with it, or let it finish first.",
        )
    if iterations < 1:
        raise ConfigurationError("A run is extended by at least one iteration.", todo="Give a larger number.")
    last = run.last()
    if last is None:
        raise IntegrityError("This run has no checkpoint to go on from.", where=str(run.path), todo="Train it again.")
    reached = iteration_of(last)
    experiment = run.experiment()
    training = experiment.training.model_copy(update={"iterations": reached + iterations})

    def fill(made: RunFolder) -> None:
        best = run.best()
        if best is not None and best != last:
            commit_checkpoint(made, iteration_of(best), _files_of(best), is_best=True, keep=1)
        commit_checkpoint(made, reached, _files_of(last), is_best=best == last, keep=1)
        with EventLog(made.events_path) as log:
            for event in read_events(run.events_path)[0]:
                if isinstance(event, _TRAINING):
                    log.append(event)
        made.write_state(_state_of(made.state(), before, reached, run))

    index, parts = run.data()
    longer = experiment.model_copy(update={"training": training})
    return create_run(longer, index, parts, runs_folder=run.path.parent, fill=fill)


def _files_of(checkpoint: Path) -> dict[str, bytes]:
    """Return a checkpoint's files, without the wish to end there.

    Raises:
        IntegrityError: if it was truncated or altered.
    """
    verify_checkpoint(checkpoint)
    files = {each.name: each.read_bytes() for each in sorted(checkpoint.iterdir()) if each.name != SUMS}
    if _PROGRESS in files:
        files[_PROGRESS] = json.dumps({**json.loads(files[_PROGRESS]), "ends_at": 0}).encode("ascii")
    return files


def _state_of(new: RunState, before: RunState, reached: int, run: RunFolder) -> RunState:
    """Return the state of a run that computes as the one before did."""
    taken = before.model_dump(
        include={
            "versions",
            "computer",
            "device",
            "executor",
            "threads",
            "parameters",
            "elapsed_s",
            "best_iteration",
            "best_accuracy",
            "best_ci95",
        }
    )
    origin = Origin(kind="extended", run=str(run.path), iteration=reached)
    return new.model_copy(update={**taken, "iteration": reached, "origin": origin})
