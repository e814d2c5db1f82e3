"""`metastudio train`: trains an experiment, or goes on with a run, until it ends or is asked to stop."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastudio.catalog.device_name import parse_device
from metastudio.cli.arguments import AsJson, ImageFolders, Overrides, RecipeName, RunsFolder, assembled, existing_run
from metastudio.cli.experiments import images_of, made_run
from metastudio.cli.report import Report
from metastudio.cli.signals import ENDING_SIGNALS
from metastudio.errors import ConfigurationError, MetaStudioError
from metastudio.logs import log_to_file
from metastudio.runs import events
from metastudio.runs.control import Wanted
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.session_priority import lower_session_priority

if TYPE_CHECKING:
    from metastudio.engine.training.ranks import Ranks


def train(
    what: Annotated[
        Path | None,
        typer.Argument(
            metavar="[EXPERIMENT.toml|RUN]",
            help="A file to train from the start, or the folder of a run to go on with.",
            show_default=False,
        ),
    ] = None,
    runs_folder: RunsFolder = Path("runs"),
    images: ImageFolders = None,
    recipe: RecipeName = "",
    overrides: Overrides = None,
    make_only: Annotated[
        bool, typer.Option("--make-only", help="Make the run and say where it lies; torchrun or a cluster trains it.")
    ] = False,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="End a run that was begun where it stands: evaluate, adapt and export as configured."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train an experiment, or go on with a run that was paused, interrupted or failed.

    Ctrl-C writes a checkpoint and ends with 130; `metastudio train RUN` goes on from there, bit for bit on the CPU.
    A second Ctrl-C ends at once. With the device `cuda*2` or `cpu*2` two processes share the tasks of each step; so do
    those that `torchrun` starts, on one computer or several, on the folder of a run.

    Examples: `metastudio train maml.toml`, `metastudio train runs/20261120-101500-maml-5w1s-a3f2`,
    `metastudio train --images omniglot --recipe quick-proto-omniglot --set training.iterations=500`,
    `torchrun --nproc-per-node=2 -m metastudio train runs/20261120-101500-maml-5w1s-a3f2`
    """
    wish = Wanted.FINISH if finish else Wanted.RUN
    if _is_one_of_torchrun():
        exit_code = _work_as_one_of_torchrun(what, as_json, wish)
    else:
        with Report(as_json=as_json) as report:
            run = _run_of(what, runs_folder, images, recipe, overrides, report)
            if finish and not run.checkpoints():
                raise ConfigurationError(
                    "There is no checkpoint to finish with yet.",
                    where=str(run.path),
                    todo="Train it without --finish.",
                )
            processes = 0 if make_only else _processes(run)
            exit_code = work_on(run, report, wish=wish) if processes == 1 else 0
        if processes > 1:  # the first of them shows how it goes
            from metastudio.engine.training.launch import train_in_processes

            exit_code = train_in_processes(run.path, processes, wish=wish, as_json=as_json)
        report.say(f"The run lies in {run.path}")
        if make_only or exit_code in {130, 143}:
            report.say(f"Go on with: metastudio train {run.path}")
    if exit_code:
        raise typer.Exit(exit_code)


def work_on(run: RunFolder, report: Report, ranks: Ranks | None = None, wish: Wanted = Wanted.RUN) -> int:
    """Work on a run in this process and show what happens; return the exit code.

    Args:
        run: What is worked on.
        report: Shows it.
        ranks: The processes that share it; this one alone where they are not given.
        wish: What is wanted of it from the start.

    Raises:
        LockedError: if another worker is at work on it.
        ConfigurationError: if it has ended.
        ResourceError: if the processes cannot meet, or one is lost and all are started anew.
    """
    from metastudio.engine.training.worker import work

    last: events.Event | None = None
    with _logged(run) if ranks is None or ranks.is_first else contextlib.nullcontext(), _Stop() as stop:
        for event in work(run, stop_requested=lambda: stop.exit_code != 0, ranks=ranks, wish=wish):
            report.event(event)
            last = event
    if isinstance(last, events.Failed):
        _say_failure(last, report)
        return last.exit_code
    stopped = isinstance(last, events.Finished) and last.outcome == "paused"
    return stop.exit_code if stopped else 0


@contextlib.contextmanager
def _logged(run: RunFolder) -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    log = log_to_file(run.log_path)
    try:
        yield
    finally:
        root.removeHandler(log)
        root.setLevel(level)
        log.close()


def _is_one_of_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ or os.environ.get("WORLD_SIZE", "1") != "1"


def _work_as_one_of_torchrun(what: Path | None, as_json: bool, wish: Wanted) -> int:
    if what is None or not what.is_dir():
        raise ConfigurationError(
            "Several processes are given the folder of a run, which one of them alone has made.",
            todo="Make it with: metastudio train EXPERIMENT.toml --make-only.",
        )
    from metastudio.engine.training.ranks import LostRankError, Ranks

    if hasattr(os, "getpriority"):  # torchrun gave each of its processes a session of its own
        lower_session_priority(os.getpriority(os.PRIO_PROCESS, 0))
    ranks = Ranks(os.environ)
    try:
        with Report(as_json=as_json, is_silent=not ranks.is_first) as report:
            return work_on(existing_run(what), report, ranks, wish)
    except LostRankError as error:
        if ranks.is_first:
            raise
        return error.exit_code  # the first says it, or was the one


def _processes(run: RunFolder) -> int:
    """Return how many processes the run's device asks for; 1 where it cannot be read, which the worker says."""
    with contextlib.suppress(MetaStudioError):
        device = parse_device(run.experiment().device)
        return device.processes if device is not None else 1
    return 1


class _Stop:
    """While entered, a first signal asks for an orderly end and a second one ends the process at once.

    `exit_code` is 0 until then, 130 after Ctrl-C, 143 after the system's wish.
    """

    def __init__(self) -> None:
        self.exit_code = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Stop:
        with contextlib.suppress(ValueError):  # not the main thread, in which alone signals arrive
            for number in ENDING_SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup wants it so
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        exit_code = 130 if number == signal.SIGINT else 143
        if self.exit_code:
            os._exit(exit_code)
        self.exit_code = exit_code


def _run_of(
    what: Path | None,
    runs_folder: Path,
    images: list[Path] | None,
    recipe: str,
    overrides: list[str] | None,
    report: Report,
) -> RunFolder:
    if what is not None and what.is_dir():
        run = existing_run(what)
        if images or recipe or overrides:
            raise ConfigurationError(
                "A run keeps the configuration that it was begun with.",
                where=str(what),
                todo=f"Start another one: metastudio train {run.experiment_path} with your options.",
            )
        return run
    if what is None and not images:
        raise ConfigurationError(
            "Nothing to train is named.", todo="Name an experiment file or a run, or give --images and --recipe."
        )
    experiment = assembled(what, recipe=recipe, images=images, overrides=overrides)
    return made_run(experiment, *images_of(experiment, report), runs_folder, report)


def _say_failure(event: events.Failed, report: Report) -> None:
    head = f"{event.what} ({event.where})" if event.where else event.what
    report.say(" ".join(part for part in (event.code, head, event.why, event.todo) if part), "red")
