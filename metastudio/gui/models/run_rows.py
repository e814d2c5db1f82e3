"""What the table of runs says of each run, read from disk once and again only where a file of it has changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.errors import MetaStudioError
from metastudio.images.problems import Cancelled
from metastudio.jobs.job import title_of
from metastudio.runs.events import Failed
from metastudio.runs.run_folder import Notes, RunFolder
from metastudio.runs.run_state import Origin, State, summary_of

Stamp = tuple[int, ...]
Tell = Callable[..., None]

_TELL_AFTER_S, _MORE = 0.2, 3
"""Who waits longer sees what there is, then three times as many, and so on: every time the table is made anew."""
_REST_AFTER_S, _REST_S = 0.005, 0.002
"""So often the window gets the interpreter, and for so long."""
_WATCHED = ("run.json", "notes.toml", "evaluations")
"""What a row is made of; `evaluations` is a folder, whose time changes with every file in it."""


@dataclass(frozen=True)
class RunRow:
    """What the table says of one run. `problem` says why it cannot be read, `failure` why it failed.

    Accuracies and their half widths lie in [0, 1].
    """

    run: RunFolder
    name: str
    method: str = ""
    task: str = ""
    state: State | None = None
    accuracy: float | None = None
    ci95: float | None = None
    iteration: int = 0
    iterations: int = 0
    elapsed_s: float = 0.0
    started_at: str = ""
    tags: tuple[str, ...] = ()
    problem: str = ""
    failure: str = ""
    test_accuracy: float | None = None
    test_ci95: float | None = None
    backbone: str = ""
    inner_lr: float | None = None
    inner_steps: int | None = None
    outer_lr: float | None = None
    meta_batch_size: int | None = None
    seed: int | None = None
    device: str = ""
    parameters: int | None = None
    origin: Origin | None = None


def read_row(run: RunFolder, *, is_bare: bool = False) -> RunRow:
    """Read one run; one that is damaged is listed with its reason.

    Args:
        run: The run.
        is_bare: Whether it is known to have neither notes nor results on meta-test.
    """
    try:
        state = run.state()
        summary = state.summary or summary_of(run.experiment())  # older runs have none
        effective = run.effective_state() if state.state.needs_worker else state.state
    except MetaStudioError as error:
        return RunRow(run, run.name, problem=str(error))
    notes, tested = (Notes(), ()) if is_bare else (run.notes(), run.evaluations()[-1:])
    entry, backbone = ALGORITHMS.get(summary.algorithm), BACKBONES.get(summary.backbone)
    return RunRow(
        run=run,
        name=notes.name or title_of(summary),
        method=entry.title if entry else summary.algorithm,
        task=f"{summary.n_way}w{summary.n_shot}s",
        state=effective,
        accuracy=state.best_accuracy,
        ci95=state.best_ci95,
        iteration=state.iteration,
        iterations=state.iterations,
        elapsed_s=state.elapsed_s,
        started_at=state.started_at or state.created_at,
        tags=notes.tags,
        failure=_failure_text(state.failure) if effective is State.FAILED and state.failure else "",
        test_accuracy=tested[0].accuracy if tested else None,
        test_ci95=tested[0].ci95 if tested else None,
        backbone=backbone.title if backbone else summary.backbone,
        inner_lr=summary.inner_lr,
        inner_steps=summary.inner_steps,
        outer_lr=summary.outer_lr,
        meta_batch_size=summary.meta_batch_size,
        seed=state.seed,
        device=state.device,
        parameters=state.parameters or None,
        origin=state.origin,
    )


def _failure_text(failure: Failed) -> str:
    return " ".join(filter(None, (failure.what, failure.why, failure.todo)))


class RunRows:
    """Reads the runs of folders, and keeps what it read. Used by one thread at a time."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._known: dict[str, tuple[Stamp, RunRow]] = {}

    def read(self, folder: Path, tell: Tell, should_stop: Callable[[], bool]) -> tuple[RunRow, ...]:
        """Return a row for every run of a folder, newest first.

        Args:
            folder: Where runs lie.
            tell: Called now and then with the rows read so far, where reading takes longer than a moment.
            should_stop: Asked before every run.

        Raises:
            Cancelled: if `should_stop` says so.
        """
        if folder != self._folder:
            self._folder, self._known = folder, {}
        rows: list[RunRow] = []
        told, tells_at = 0, time.monotonic() + _TELL_AFTER_S
        rests_at = time.monotonic() + _REST_AFTER_S
        for name in _names(folder):
            if should_stop():
                raise Cancelled
            if (row := self._row(folder, name)) is not None:
                rows.append(row)
            now = time.monotonic()
            if now >= tells_at and len(rows) >= _MORE * told:
                told = len(rows)
                tell(tuple(rows))
            if now >= rests_at:
                time.sleep(_REST_S)
                rests_at = time.monotonic() + _REST_AFTER_S
        found = {each.run.name for each in rows}
        self._known = {name: each for name, each in self._known.items() if name in found}
        return tuple(rows)

    def _row(self, folder: Path, name: str) -> RunRow | None:
        stamp = _stamp(os.path.join(folder, name))  # noqa: PTH118 - ten thousand times
        if not stamp[0]:
            return None
        known = self._known.get(name)
        if known is None or known[0] != stamp:
            known = self._known[name] = stamp, read_row(RunFolder(folder / name), is_bare=not any(stamp[2:]))
        elif (state := known[1].state) is not None and (state.needs_worker or state is State.INTERRUPTED):
            known = self._known[name] = stamp, _with_state_of_now(known[1])
        return known[1]


def _with_state_of_now(row: RunRow) -> RunRow:
    """Return a row of which only the state may be another: whether a worker is at work stands in no file."""
    try:
        state = row.run.effective_state()
    except MetaStudioError as error:
        return RunRow(row.run, row.name, problem=str(error))
    return row if state is row.state else replace(row, state=state)


def _names(folder: Path) -> list[str]:
    """Return the names of what lies in a folder and is not hidden, newest first: they begin with the time."""
    try:
        return sorted((each for each in os.listdir(folder) if not each.startswith(".")), reverse=True)  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stamp(path: str) -> Stamp:
    """Return time and size of the files that a row is made of; what is missing has 0."""
    found: list[int] = []
    for name in _WATCHED:
        try:
            status = os.stat(f"{path}/{name}")  # noqa: PTH116 - ten thousand times
            found += (status.st_mtime_ns, status.st_size)
        except OSError:
            found += (0, 0)
    return tuple(found)
