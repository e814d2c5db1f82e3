"""What a run says while it works: small frozen events, numbers and short strings only, one JSON object a line.

The whole conversation between a worker and whoever watches it is made of these.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from metastudio.errors import GoneError, IntegrityError, MetaStudioError, ResourceError
from metastudio.runs.json_lines import from_json_line, to_json_line


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class _Event(BaseModel):
    """`at` is the wall clock in UTC, for people; durations never come from it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=True)

    at: str = Field(default_factory=_now)


class Started(_Event):
    """The worker begins, or goes on from `iteration`; so many processes share its tasks, each with those threads."""

    kind: Literal["started"] = "started"
    iteration: int
    iterations: int
    device: str
    executor: str
    threads: int
    processes: int = 1
    parameters: int = 0
    resumed: bool = False


class Preparing(_Event):
    """Something long happens before training: reading images, checking hashes."""

    kind: Literal["preparing"] = "preparing"
    phase: str
    done: int
    total: int


class InnerTrace(_Event):
    """The inner loop of one task of a traced iteration: losses before the first and after every inner step."""

    kind: Literal["inner_trace"] = "inner_trace"
    iteration: int
    task: int
    support_losses: tuple[float, ...]
    query_losses: tuple[float, ...]


class OuterStep(_Event):
    """One outer step. Values before adaptation are there only on traced iterations."""

    kind: Literal["outer_step"] = "outer_step"
    iteration: int
    loss: float
    accuracy: float
    loss_before: float | None = None
    accuracy_before: float | None = None
    gradient_norm: float
    lr: float
    tasks_per_s: float
    memory_bytes: int
    elapsed_s: float
    """Seconds of training so far, pauses left out."""
    dropped_tasks: int = 0
    """Of its tasks, those left out because their loss was not a number."""


class Capacity(_Event):
    """Floating-point operations of one task, and those that the machine does in a second of plain convolutions."""

    kind: Literal["capacity"] = "capacity"
    task_flops: float
    machine_flops: float

    def reached(self, tasks_per_s: float) -> tuple[float, float]:
        """Return operations a second at this pace, and their share of what the machine does."""
        flops = self.task_flops * tasks_per_s
        return flops, flops / self.machine_flops


class Validated(_Event):
    """Accuracy on meta-val, with the half width of its 95 % interval."""

    kind: Literal["validated"] = "validated"
    iteration: int
    accuracy: float
    ci95: float | None
    accuracy_before: float | None = None
    ci95_before: float | None = None
    loss: float
    episodes: int
    is_best: bool


class Learned(_Event):
    """A table of numbers that the method learns beside the weights: `values` has a row for each of `rows`.

    `shape` says how it is drawn: a line for each row over the columns, bars that count numbers in each column, a point
    for each row at its two numbers, or the history of each row's only number. `places` are those of the columns on the
    x axis, 1, 2, … where there are none.
    """

    kind: Literal["learned"] = "learned"
    iteration: int
    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    shape: Literal["lines", "bars", "points", "history"] = "lines"
    places: tuple[float, ...] = ()
    axes: tuple[str, str] = ("", "")


class Evaluated(_Event):
    """Accuracy on meta-test, asked for by a person."""

    kind: Literal["evaluated"] = "evaluated"
    iteration: int
    statistics: str
    is_transductive: bool
    accuracy: float
    ci95: float | None
    accuracy_before: float | None
    ci95_before: float | None
    episodes: int
    n_way: int
    n_shot: int
    n_query: int


class CheckpointSaved(_Event):
    """A checkpoint lies whole on the disk."""

    kind: Literal["checkpoint_saved"] = "checkpoint_saved"
    iteration: int
    path: str
    is_best: bool = False


class Adapted(_Event):
    """A target task was adapted to; `losses` before the first and after every inner step.

    `confusion` has a row for each true class, with the number of queries that were answered with each class.
    """

    kind: Literal["adapted"] = "adapted"
    target: str
    losses: tuple[float, ...]
    accuracy: float | None = None
    queries: int = 0
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()


class Exported(_Event):
    """An export was written and verified; `largest_difference` is of logits."""

    kind: Literal["exported"] = "exported"
    target: str
    format: str
    path: str
    largest_difference: float


class Notice(_Event):
    """Something a person should know that does not stop the work."""

    kind: Literal["notice"] = "notice"
    code: str
    text: str
    severity: Literal["note", "warning"] = "note"


class Finished(_Event):
    """The worker ends as wanted: `outcome` says which of the wants it was."""

    kind: Literal["finished"] = "finished"
    outcome: Literal["finished", "paused", "discarded"]
    iteration: int
    best_accuracy: float | None = None
    best_ci95: float | None = None


DEVICE_FAILED = "MS-520"
"""Code of a `Failed` whose graphics processor is out of use for that process; another process may have it again."""


class Failed(_Event):
    """The worker ends because of an error; `is_pause` where the run itself is sound and waits for something outside."""

    kind: Literal["failed"] = "failed"
    code: str
    what: str
    where: str = ""
    why: str = ""
    todo: str = ""
    exit_code: int = 70
    other_iteration: int | None = None
    """Of a whole checkpoint that can be taken instead of a broken one."""
    is_pause: bool = False


Event = (
    Started
    | Preparing
    | InnerTrace
    | OuterStep
    | Capacity
    | Validated
    | Learned
    | Evaluated
    | CheckpointSaved
    | Adapted
    | Exported
    | Notice
    | Finished
    | Failed
)

_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def failed(error: MetaStudioError) -> Failed:
    """Return the event that says what an error says, its problems included."""
    return Failed(
        code=error.code,
        what=str(error.what),
        where=error.where,
        why=" ".join(part for part in (error.why, *map(str, error.problems)) if part),
        todo=str(error.todo),
        exit_code=error.exit_code,
        other_iteration=error.other_iteration if isinstance(error, IntegrityError) else None,
        is_pause=isinstance(error, ResourceError | GoneError),
    )


def to_line(event: Event) -> str:
    """Return the event as one line of ASCII JSON, without the line end."""
    return to_json_line(event)


def from_line(line: str | bytes) -> Event:
    """Return the event of one line.

    Raises:
        ValueError: if the line is not an event.
    """
    return _EVENTS.validate_python(from_json_line(line))
