"""How events, problems and results look in the terminal: bars for who watches, plain lines else, or JSON lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table

from metastudio.errors import MetaStudioError, Problem, Severity
from metastudio.runs import events
from metastudio.runs.wording import duration, judged, percent

_PLAIN_EVERY_S = 5.0
_WIDE = 200
_MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.NOTE: "·"}
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def show_error(error: MetaStudioError, *, as_json: bool) -> None:
    """Say what went wrong: on the standard error, or as a `failed` event on the standard output."""
    if as_json:
        _write_line(events.to_line(events.failed(error)))
    else:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"{error.code} {error}", style="red", markup=False)


class Report:
    """Shows what happens while it happens; a context, so that bars are taken down at the end.

    Args:
        as_json: Whether everything becomes JSON lines.
        is_silent: Whether nothing is shown at all, because another process shows it.
    """

    def __init__(self, *, as_json: bool = False, is_silent: bool = False) -> None:
        self.as_json = as_json
        self.is_silent = is_silent
        self.console = Console(highlight=False, soft_wrap=True)
        self._bars: Progress | None = None
        self._what: str | None = None
        self._task: TaskID | None = None
        self._spoke = -_PLAIN_EVERY_S
        self._started: tuple[events.Started, float] | None = None
        self._validation = ""
        self._capacity: events.Capacity | None = None

    def __enter__(self) -> Self:
        if not self.as_json and not self.is_silent and self.console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[said]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
                console=self.console,
                expand=True,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._only(None)
            self._bars.stop()
            self._bars = None

    def say(self, text: str = "", style: str = "") -> None:
        """Print a line of text for people; nothing where JSON is wanted."""
        if not self.as_json and not self.is_silent:
            self.console.print(text, style=style or None, markup=False)

    def show(self, table: Table) -> None:
        """Print a table for people, as wide as it needs where no window limits it; nothing where JSON is wanted."""
        if not self.as_json:
            Console(highlight=False, width=None if self.console.is_terminal else _WIDE).print(table)

    def tell(self, **values: Any) -> None:
        """Print a JSON line for programs; nothing where text is wanted."""
        if self.as_json and not self.is_silent:
            _write_line(json.dumps(values, ensure_ascii=True))

    def problems(self, problems: Iterable[Problem], *, most: int = 20) -> None:
        """Print problems, one a line; beyond `most` only how many more there are."""
        found = list(problems)
        for each in found[:most]:
            self.say(f"{_MARKS[each.severity]} {each}", _COLOURS[each.severity])
        if len(found) > most:
            self.say(f"… and {len(found) - most} more.")
        for each in found:
            self.tell(
                kind="problem",
                code=each.code,
                severity=each.severity,
                where=each.where,
                others=each.others,
                text=str(each.message),
                todo=str(each.todo),
            )

    def progress(self, what: str, done: int, total: int, said: str = "", *, always: bool = False) -> None:
        """Show how far something is; `total` 0 means unknown. Plain lines come every few seconds."""
        if self.as_json:
            return
        if self._bars is not None:
            self._only(what)
            if self._task is None:
                self._task = self._bars.add_task(what, total=total or None, said=said)
            self._bars.update(self._task, completed=done, total=total or None, said=said)
        elif always or time.monotonic() - self._spoke >= _PLAIN_EVERY_S:
            self._spoke = time.monotonic()
            self.say(" ".join(part for part in (what, f"{done:,}/{total:,}" if total else f"{done:,}", said) if part))

    def _only(self, what: str | None) -> None:
        """Take down the bar of anything else than `what`."""
        if self._bars is not None and self._task is not None and what != self._what:
            self._bars.remove_task(self._task)
            self._task = None
        self._what = what

    def counter(self, what: str) -> Callable[[int, int], None]:
        """Return a callback (done, total) that shows progress under the name `what`."""

        def on_progress(done: int, total: int = 0) -> None:
            if self.as_json:
                _write_line(events.to_line(events.Preparing(phase=what, done=done, total=total)))
            else:
                self.progress(what, done, total)

        return on_progress

    def _left(self, event: events.OuterStep) -> str:
        """Return the time left, where no bar shows it; from this stay's own speed, never from the wall clock."""
        if self._bars is not None or self._started is None:
            return ""
        start, began = self._started
        done = event.iteration - start.iteration
        return f", {duration((time.monotonic() - began) / done * (start.iterations - event.iteration))} left"

    def _flops(self, event: events.OuterStep) -> str:
        if self._capacity is None:
            return ""
        flops, share = self._capacity.reached(event.tasks_per_s)
        return f", {flops / 1e9:.0f} GFLOP/s ({100 * share:.0f} % of the machine)"

    def event(self, event: events.Event) -> None:
        """Show one event of a run."""
        if self.as_json or self.is_silent:
            self.tell(**json.loads(events.to_line(event)))
            return
        match event:
            case events.Preparing():
                self.progress(event.phase, event.done, event.total)
            case events.OuterStep():
                pace = f"{event.tasks_per_s:.0f} tasks/s{self._flops(event)}"
                said = f"loss {event.loss:.3f}, {pace}{self._validation}{self._left(event)}"
                total = self._started[0].iterations if self._started else 0
                self.progress("training", event.iteration, total, said)
            case events.Started():
                self._started = (event, time.monotonic())
                self.say(_started(event))
            case events.Validated():
                self._validation = f", validation {percent(event.accuracy, event.ci95)}"
                self.say(_validated(event), "bold" if event.is_best else "")
            case events.Evaluated():
                self.say(evaluated(event), "bold green")
            case events.Adapted():
                self.say(_adapted(event))
            case events.Exported():
                self.say(
                    f"Exported '{event.target}' as {event.format} to {event.path} "
                    f"(verified; largest difference of logits {event.largest_difference:.1e})",
                    "green",
                )
            case events.Notice():
                warns = event.severity == "warning"
                self.say(f"{'!' if warns else '·'} {event.text}", "yellow" if warns else "dim")
            case events.Finished():
                self._only(None)
                self.say(_finished(event), "bold green" if event.outcome == "finished" else "bold")
            case events.Capacity():
                self._capacity = event
            case _:  # traces, learned numbers and checkpoints are for plots; a failure is said at the end, as an error
                pass


def evaluated(event: events.Evaluated) -> str:
    """Return one result on meta-test, with its protocol."""
    alone = "transductive" if event.is_transductive else "each picture alone"
    return (
        f"meta-test, {event.n_way}-way {event.n_shot}-shot, {event.n_query} queries a class, "
        f"{event.episodes:,} episodes, statistics '{event.statistics}' ({alone}): "
        f"{percent(event.accuracy, event.ci95)}{_before(event)}"
    )


def _before(event: events.Evaluated | events.Validated) -> str:
    if event.accuracy_before is None:
        return ""
    return f" (before adaptation {percent(event.accuracy_before, event.ci95_before)})"


def _started(event: events.Started) -> str:
    shared = f"{event.processes} processes, " if event.processes > 1 else ""
    verb = "Going on from iteration" if event.resumed else "Training from iteration"
    return (
        f"{verb} {event.iteration:,} of {event.iterations:,} on {event.device} "
        f"({shared}{event.executor}, {event.threads} threads, {event.parameters:,} parameters)"
    )


def _validated(event: events.Validated) -> str:
    return (
        f"iteration {event.iteration:,}: validation {percent(event.accuracy, event.ci95)}{_before(event)}, "
        f"{event.episodes:,} episodes{', the best so far' if event.is_best else ''}"
    )


def _adapted(event: events.Adapted) -> str:
    losses = f", support loss {event.losses[0]:.3f} → {event.losses[-1]:.3f}" if len(event.losses) > 1 else ""
    return ", ".join(filter(None, (f"Adapted to '{event.target}'{losses}", judged(event))))


def _finished(event: events.Finished) -> str:
    best = "" if event.best_accuracy is None else f"; best validation {percent(event.best_accuracy, event.best_ci95)}"
    return f"{event.outcome.capitalize()} at iteration {event.iteration:,}{best}"


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
