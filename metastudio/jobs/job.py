"""One job: a run in the queue, what is known of it, and the thread that watches its worker."""

from __future__ import annotations

import time

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.errors import Message
from metastudio.jobs.curves import Curves
from metastudio.jobs.job_thread import JobThread
from metastudio.runs.control import Wanted
from metastudio.runs.run_commands import Command, why_not
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import RunSummary, State, summary_of

FORCE_AFTER_S = 8.0
"""A wish that was not followed for so long may be forced."""


def title_of(summary: RunSummary) -> str:
    """Return the experiment's own name; one that nobody named is called after its method and task: ``maml-3w2s``."""
    if summary.name != ExperimentConfig.model_fields["name"].default:
        return summary.name
    return f"{summary.algorithm}-{summary.n_way}w{summary.n_shot}s"


class Job:
    """Belongs to the `JobQueue`, which alone changes it, in the GUI thread; others read.

    Attributes:
        run: Its folder.
        experiment: Its frozen configuration.
        title: What a person calls it.
        state: Where it stands, as it is shown; leaves "running" only when the worker is gone.
        said: What the worker wrote down last; what is shown where the person asked for nothing else.
        wanted: What the person asked of the worker.
        is_held: It waits for the person, not for its turn.
        place: Where it stood in the queue when it left.
        reason: Why it failed or was interrupted, as a sentence.
        taken_up_at: The iteration where it was last taken up by itself, because its device had failed; None: never.
        origin: The run that it goes on from, or whose weights it began with; None where there is none.
        curves: Everything its events said.
        thread: Watches the worker; None when there is none.
    """

    def __init__(self, run: RunFolder, experiment: ExperimentConfig, state: State) -> None:
        self.run = run
        self.experiment = experiment
        self.title = run.notes().name or title_of(summary_of(experiment))
        self.state = state
        self.said = state
        self.wanted = Wanted.RUN
        self.is_held = False
        self.place = 0
        self.reason = ""
        self.taken_up_at: int | None = None
        self.origin = run.state().origin
        self.curves = Curves()
        self.thread: JobThread | None = None
        self._asked_at = 0.0

    def __repr__(self) -> str:
        return f"Job({self.run.name}, {self.state})"

    @property
    def is_working(self) -> bool:
        """Whether a worker process lives, or is about to."""
        return self.thread is not None

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its turn or for the person."""
        return self.state is State.QUEUED and self.thread is None

    @property
    def can_resume(self) -> bool:
        """Whether it can go on from its last checkpoint."""
        return self.thread is None and self.state in {State.PAUSED, State.INTERRUPTED, State.FAILED}

    def why_not(self, command: Command) -> Message | None:
        """Return why it does not take a command now; None where it does."""
        if command is Command.START and self.is_waiting and not self.is_held and self.wanted is Wanted.RUN:
            return Message("It starts by itself when its device is free.")
        if command is Command.EDIT and self.state is State.QUEUED and self.run.checkpoints():
            return why_not(State.PAUSED, command)  # it was begun, and only waits to go on
        if command is Command.FINISH and self.can_resume and not self.curves.has_checkpoint:
            return Message("There is no checkpoint to finish with yet.")
        return why_not(self.state, command)

    @property
    def can_force(self) -> bool:
        """Whether a wish has gone unfollowed for some seconds."""
        is_asked = self.is_working and self.wanted is not Wanted.RUN
        return is_asked and time.monotonic() - self._asked_at > FORCE_AFTER_S

    @property
    def device(self) -> str:
        """Where it computes: what the worker said, before that what was asked for."""
        return self.curves.started.device if self.curves.started else self.experiment.device

    @property
    def iterations(self) -> int:
        """How many iterations it will have."""
        return self.curves.started.iterations if self.curves.started else self.experiment.training.iterations

    @property
    def iteration(self) -> int:
        """How many iterations are done."""
        if self.curves.last_step is not None:
            return self.curves.last_step.iteration
        return self.curves.started.iteration if self.curves.started else 0

    @property
    def share(self) -> float:
        """How much of its iterations is done, in [0, 1]."""
        return min(1.0, self.iteration / self.iterations) if self.iterations else 0.0

    def seconds_left(self) -> float | None:
        """Return how long training will take still; None where that is unknown, or it does not train on."""
        return self.curves.seconds_left() if self.state is State.RUNNING else None

    def ask(self, wanted: Wanted) -> None:
        """Note what the person wants, and when they said so."""
        self.wanted = wanted
        self._asked_at = time.monotonic()
