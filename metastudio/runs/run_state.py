"""What `run.json` says: how far a run is, where and with what it computes, how good it became."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from metastudio import __version__
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.runs.events import Failed

SCHEMA_VERSION = 1


class State(StrEnum):
    """Where a run stands. `INTERRUPTED` is derived, never written: it says running, and nobody is at work."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    FINISHING = "finishing"
    FINISHED = "finished"
    FAILED = "failed"
    DISCARDING = "discarding"
    DISCARDED = "discarded"
    INTERRUPTED = "interrupted"

    @property
    def needs_worker(self) -> bool:
        """Whether it can be true only while a worker is at work."""
        return self in {State.PREPARING, State.RUNNING, State.PAUSING, State.FINISHING, State.DISCARDING}

    @property
    def can_go_on(self) -> bool:
        """Whether a worker may be started on it."""
        return self in {State.QUEUED, State.PAUSED, State.FAILED, State.INTERRUPTED}


def versions() -> dict[str, str]:
    """Return the versions that decide whether a resume is bit-exact, without importing anything large."""
    found = {"metastudio": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "Pillow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def computer() -> dict[str, str]:
    """Return which computer this is, as far as it decides whether a resume is bit-exact."""
    return {"platform": sys.platform, "machine": platform.machine(), "host": platform.node()}


def now() -> str:
    """Return the wall clock in UTC, for people; durations never come from it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Origin(BaseModel):
    """Where a run came from: `extended` goes on from another's last checkpoint, `weights` starts from its weights.

    `iteration` is that of the checkpoint, None where the best of the run was taken.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["extended", "weights"]
    run: str
    iteration: int | None = None


class RunSummary(BaseModel):
    """The few words and numbers of the frozen experiment by which runs are told apart in a list.

    They stand in `run.json` too, so that ten thousand runs are listed without reading ten thousand experiments. `name`
    is that of the experiment.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str
    algorithm: str
    backbone: str
    n_way: int
    n_shot: int
    meta_batch_size: int
    outer_lr: float
    inner_lr: float | None = None
    inner_steps: int | None = None


def summary_of(experiment: ExperimentConfig) -> RunSummary:
    """Return what a list says of an experiment; methods without an inner loop have no inner rate and steps."""
    return RunSummary(
        name=experiment.name,
        algorithm=experiment.algorithm.name,
        backbone=experiment.backbone.name,
        n_way=experiment.episodes.n_way,
        n_shot=experiment.episodes.n_shot,
        meta_batch_size=experiment.training.meta_batch_size,
        outer_lr=experiment.training.outer_lr,
        inner_lr=getattr(experiment.algorithm, "inner_lr", None),
        inner_steps=getattr(experiment.algorithm, "inner_steps", None),
    )


class RunState(BaseModel):
    """Frozen; the worker writes a changed copy. Accuracies lie in [0, 1]; `elapsed_s` is training without pauses.

    `computer` is empty until a worker began; `threads` are those of each of its `processes`. `failure` of a paused run
    is what it waits for the person to put right.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    schema_version: int = SCHEMA_VERSION
    state: State = State.QUEUED
    iteration: int = 0
    iterations: int
    created_at: str = Field(default_factory=now)
    started_at: str = ""
    ended_at: str = ""
    versions: dict[str, str] = Field(default_factory=versions)
    platform: str = sys.platform
    computer: dict[str, str] = Field(default_factory=dict)
    seed: int = 0
    device: str = ""
    executor: str = ""
    threads: int = 0
    processes: int = 1
    parameters: int = 0
    elapsed_s: float = 0.0
    best_iteration: int = 0
    best_accuracy: float | None = None
    best_ci95: float | None = None
    skipped_files: int = 0
    failure: Failed | None = None
    origin: Origin | None = None
    summary: RunSummary | None = None
