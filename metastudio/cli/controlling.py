"""`metastudio pause`, `finish`, `discard`, `restore` and `extend`: what the Jobs page does, for a run on the disk.

Whoever started the run, a window shows what comes of it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from metastudio.cli.arguments import AsJson, RunArgument, existing_run
from metastudio.cli.report import Report
from metastudio.errors import ConfigurationError, ResourceError
from metastudio.runs import run_trash
from metastudio.runs.continuation import extended_run
from metastudio.runs.control import Wanted, write_control
from metastudio.runs.run_commands import Command, why_not
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import force_worker

_LOOK_EVERY_S = 0.2
_SAY_AGAIN_EVERY_S = 1.0

Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", help="How long to wait until it follows.", min=0)]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="End a worker that has not followed by then; what came after its last checkpoint is lost."
    ),
]


def pause(run: RunArgument, wait: Wait = 60, force: Force = False, as_json: AsJson = False) -> None:
    """Let a worker write a checkpoint and end; the device is free then.

    `metastudio train RUN` goes on from there, bit for bit on the CPU.

    Examples: `metastudio pause runs/20261120-101500-maml-5w1s-a3f2`, `metastudio pause RUN --wait 10 --force`
    """
    _stop(existing_run(run), Wanted.PAUSE, wait, force, Report(as_json=as_json))


def finish(run: RunArgument, wait: Wait = 600, force: Force = False, as_json: AsJson = False) -> None:
    """Let a worker end at the next safe point with the best so far, then evaluate, adapt and export as configured.

    A run that was paused, interrupted or failed is taken up here to do that, as `metastudio train RUN --finish` does;
    then there is no worker to wait for or to force.

    Examples: `metastudio finish runs/20261120-101500-maml-5w1s-a3f2`
    """
    from metastudio.cli.training import train

    found, report = existing_run(run), Report(as_json=as_json)
    if _require(found, Command.FINISH).needs_worker:
        _stop(found, Wanted.FINISH, wait, force, report)
    else:
        train(found.path, finish=True, as_json=as_json)
        _tell_state(found, report)


def discard(run: RunArgument, wait: Wait = 60, force: Force = False, as_json: AsJson = False) -> None:
    """End a run that is not wanted, whether it waits or works, and put it into the trash beside the others.

    Examples: `metastudio discard runs/20261120-101500-maml-5w1s-a3f2`
    """
    found, report = existing_run(run), Report(as_json=as_json)
    _require(found, Command.DISCARD)
    if found.effective_state().needs_worker:
        _stop(found, Wanted.DISCARD, wait, force, report)
    if found.effective_state() is not State.DISCARDED:  # nobody worked on it, or who did was ended
        run_trash.discard(found)
    trashed = run_trash.trash(found)
    report.say(f"It is in the trash. Take it back with: metastudio restore {trashed}")
    report.tell(kind="trashed", path=str(trashed))


def restore(
    trashed: Annotated[Path, typer.Argument(metavar="TRASHED", help="The folder of a run in the trash.")],
    as_json: AsJson = False,
) -> None:
    """Take a run back out of the trash; what was discarded can go on from its last checkpoint.

    Examples: `metastudio restore runs/.trash/20261120-101500-maml-5w1s-a3f2`
    """
    existing_run(trashed)
    if trashed.absolute().parent.name != run_trash.TRASH_NAME:
        raise ConfigurationError("This run is not in the trash.", where=str(trashed), todo="There is nothing to do.")
    run, report = run_trash.restore(trashed.absolute()), Report(as_json=as_json)
    report.say(f"The run lies in {run.path}. It is {run.effective_state().value}.")
    report.tell(kind="run", path=str(run.path), state=run.effective_state().value)


def extend(
    run: RunArgument,
    by: Annotated[int, typer.Option("--by", metavar="ITERATIONS", help="How many iterations more.", min=1)],
    as_json: AsJson = False,
) -> None:
    """Make a run that goes on from the last checkpoint of a finished one; the finished one stays as it is.

    With the schedules "constant" and "halving" it becomes what a run planned so long would be. With "linear" and
    "cosine" the outer learning rate rises again to where it would be there, and falls to zero once more.

    Examples: `metastudio extend runs/20261120-101500-maml-5w1s-a3f2 --by 1000`
    """
    found, report = existing_run(run), Report(as_json=as_json)
    _require(found, Command.EXTEND)
    made = extended_run(found, by)
    report.say(f"The run lies in {made.path}. Train it with: metastudio train {made.path}")
    report.tell(kind="run", path=str(made.path))


def _require(run: RunFolder, command: Command) -> State:
    """Return the state of a run that takes a command.

    Raises:
        ConfigurationError: if it does not, with the reason.
    """
    state = run.effective_state()
    reason = why_not(state, command)
    if reason is not None:
        raise ConfigurationError("This run is {state}. " + str(reason), state=state.value, where=str(run.path))
    return state


def _stop(run: RunFolder, wanted: Wanted, wait_s: float, is_forced: bool, report: Report) -> None:
    """Ask a worker, and wait until it is gone; a worker that only just starts sets its own wish first.

    Raises:
        ConfigurationError: if the run's state does not allow it.
        LockedError: if it should be forced and is at work on another computer.
        ResourceError: if it has not followed in time and is not to be forced.
    """
    _require(run, Command(wanted.value))
    began = said = time.monotonic()
    write_control(run, wanted)
    while run.effective_state().needs_worker:
        if time.monotonic() - began > wait_s:
            if not is_forced:
                raise ResourceError(
                    "The worker has been asked, and has not followed within {seconds} seconds.",
                    seconds=f"{wait_s:g}",
                    where=str(run.path),
                    todo="It may still do so. Wait longer, or add --force.",
                )
            force_worker(run)
            report.say("The worker was ended; what came after its last checkpoint is lost.", "yellow")
            is_forced, wait_s = False, wait_s + 10
        if time.monotonic() - said > _SAY_AGAIN_EVERY_S:
            said = time.monotonic()
            write_control(run, wanted)
        time.sleep(_LOOK_EVERY_S)
    _tell_state(run, report)


def _tell_state(run: RunFolder, report: Report) -> None:
    state, iteration = run.effective_state(), run.state().iteration
    report.say(f"The run is {state.value} at iteration {iteration}: {run.path}")
    report.tell(kind="state", state=state.value, iteration=iteration, path=str(run.path))
