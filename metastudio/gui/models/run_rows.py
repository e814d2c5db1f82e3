"""What the table of runs says of each run, read from disk once and again only where a file of it has changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.errors import MetaStudioError, ResourceError
from metastudio.images.problems import Cancelled
from metastudio.jobs.job import title_of
from metastudio.paths import cache_folder
from metastudio.runs.atomic import write_atomically
from metastudio.runs.events import Failed
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

Stamp = tuple[int, ...]
Tell = Callable[..., None]

_VERSION = 1
_TELL_EVERY_S = 0.3
_KEPT_AFTER = 20
"""So few runs are read anew as fast."""
_WATCHED = ("run.json", "experiment.toml", "notes.toml", "evaluations")
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


def read_row(run: RunFolder) -> RunRow:
    """Read one run; one that is damaged is listed with its reason."""
    try:
        state, experiment, notes = run.state(), run.experiment(), run.notes()
        effective = run.effective_state()
    except MetaStudioError as error:
        return RunRow(run, run.name, problem=str(error))
    entry, backbone = ALGORITHMS.get(experiment.algorithm.name), BACKBONES.get(experiment.backbone.name)
    tested = run.evaluations()[-1:]
    return RunRow(
        run=run,
        name=notes.name or title_of(experiment),
        method=entry.title if entry else experiment.algorithm.name,
        task=f"{experiment.episodes.n_way}w{experiment.episodes.n_shot}s",
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
        backbone=backbone.title if backbone else experiment.backbone.name,
        inner_lr=getattr(experiment.algorithm, "inner_lr", None),
        inner_steps=getattr(experiment.algorithm, "inner_steps", None),
        outer_lr=experiment.training.outer_lr,
        meta_batch_size=experiment.training.meta_batch_size,
        seed=experiment.seed,
        device=state.device,
        parameters=state.parameters or None,
    )


def _failure_text(failure: Failed) -> str:
    return " ".join(filter(None, (failure.what, failure.why, failure.todo)))


class RunRows:
    """Reads the runs of folders. What it read it keeps, also for the next start, in the cache folder.

    Used by one thread at a time.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._known: dict[str, tuple[Stamp, RunRow]] = {}
        self._unkept = 0

    def read(self, folder: Path, tell: Tell, should_stop: Callable[[], bool]) -> tuple[RunRow, ...]:
        """Return a row for every run of a folder, newest first.

        Args:
            folder: Where runs lie.
            tell: Called with the rows read so far, where reading takes longer than a moment.
            should_stop: Asked before every run.

        Raises:
            Cancelled: if `should_stop` says so.
        """
        if folder != self._folder:
            self._folder, self._known = folder, _kept_rows(folder)
            self._unkept = 0
        rows: list[RunRow] = []
        told = time.monotonic()
        for name in _names(folder):
            if should_stop():
                raise Cancelled
            if (row := self._row(folder, name)) is not None:
                rows.append(row)
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                tell(tuple(rows))
        found = {each.run.name for each in rows}
        self._known = {name: each for name, each in self._known.items() if name in found}
        if self._unkept > _KEPT_AFTER + len(rows) // 100:
            _keep_rows(folder, self._known)
            self._unkept = 0
        return tuple(rows)

    def _row(self, folder: Path, name: str) -> RunRow | None:
        stamp = _stamp(os.path.join(folder, name))  # noqa: PTH118 - ten thousand times
        if not stamp[0]:
            return None
        known = self._known.get(name)
        if known is None or known[0] != stamp:
            known = self._known[name] = stamp, read_row(RunFolder(folder / name))
            self._unkept += 1
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


# kept for the next start


def _index_path(folder: Path) -> Path:
    return cache_folder() / "runs" / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]}.json"


def _kept_rows(folder: Path) -> dict[str, tuple[Stamp, RunRow]]:
    """Return what was kept; nothing where that is missing, spoilt, or of another version."""
    try:
        values = json.loads(_index_path(folder).read_bytes())
        if values["version"] != _VERSION:
            return {}
        return {name: (tuple(stamp), _from_plain(folder / name, plain)) for name, stamp, plain in values["rows"]}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def _keep_rows(folder: Path, rows: dict[str, tuple[Stamp, RunRow]]) -> None:
    plain = [(name, stamp, _to_plain(row)) for name, (stamp, row) in rows.items()]
    path = _index_path(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"version": _VERSION, "rows": plain}))
    except (OSError, ResourceError):  # the next start reads the runs themselves
        return


_NAMES = [each.name for each in fields(RunRow) if each.name != "run"]


def _to_plain(row: RunRow) -> list[Any]:
    values = {each: getattr(row, each) for each in _NAMES}
    return list(values.values())


def _from_plain(path: Path, plain: list[Any]) -> RunRow:
    values = dict(zip(_NAMES, plain, strict=True))
    values["state"] = State(values["state"]) if values["state"] is not None else None
    values["tags"] = tuple(values["tags"])
    return RunRow(RunFolder(path), **values)
