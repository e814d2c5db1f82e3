"""`metastudio train`: trains an experiment, or goes on with a run, until it ends or is asked to stop."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from metastudio.cli.arguments import AsJson, ImageFolders, Overrides, RecipeName, RunsFolder, assembled, existing_run
from metastudio.cli.experiments import images_of, made_run
from metastudio.cli.report import Report
from metastudio.errors import ConfigurationError
from metastudio.logs import log_to_file
from metastudio.runs import events
from metastudio.runs.run_folder import RunFolder

ENDING_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


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
    as_json: AsJson = False,
) -> None:
    """Train an experiment, or go on with a run that was paused, interrupted or failed.

    Ctrl-C writes a checkpoint and ends with 130; `metastudio train RUN` goes on from there, bit for bit on the CPU.
    A second Ctrl-C ends at once.

    Examples: `metastudio train maml.toml`, `metastudio train runs/20261120-101500-maml-5w1s-a3f2`,
    `metastudio train --images omniglot --recipe quick-proto-omniglot --set training.iterations=500`
    """
    with Report(as_json=as_json) as report:
        run = _run_of(what, runs_folder, images, recipe, overrides, report)
        exit_code = work_on(run, report)
        report.say(f"The run lies in {run.path}")
        if exit_code in {130, 143}:
            report.say(f"Go on with: metastudio train {run.path}")
    if exit_code:
        raise typer.Exit(exit_code)


def work_on(run: RunFolder, report: Report) -> int:
    """Work on a run in this process and show what happens; return the exit code.

    Raises:
        LockedError: if another worker is at work on it.
        ConfigurationError: if it has ended.
    """
    from metastudio.engine.training.worker import work

    root = logging.getLogger()
    level = root.level
    log = log_to_file(run.log_path)
    last: events.Event | None = None
    try:
        with _Stop() as stop:
            for event in work(run, stop_requested=lambda: stop.exit_code != 0):
                report.event(event)
                last = event
    finally:
        root.removeHandler(log)
        root.setLevel(level)
        log.close()
    if isinstance(last, events.Failed):
        _say_failure(last, report)
        return last.exit_code
    stopped = isinstance(last, events.Finished) and last.outcome == "paused"
    return stop.exit_code if stopped else 0


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
