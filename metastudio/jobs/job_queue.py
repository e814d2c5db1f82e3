"""The queue of jobs: one at a time on each device, the next one when one ends, whatever way it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.errors import MetaStudioError
from metastudio.jobs.call_thread import CallThread
from metastudio.jobs.curves import Curves
from metastudio.jobs.job import Job
from metastudio.jobs.job_thread import Command, JobEnd, JobThread, discard
from metastudio.jobs.worker_command import worker_command
from metastudio.runs.control import Wanted
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Event, Finished, OuterStep, Preparing, Started
from metastudio.runs.run_folder import RunFolder, create_run, list_runs
from metastudio.runs.run_state import State

_DOING = {Wanted.PAUSE: State.PAUSING, Wanted.FINISH: State.FINISHING, Wanted.DISCARD: State.FINISHING}
_OFFERED = {State.QUEUED, State.PAUSED, State.INTERRUPTED}


class JobQueue(QObject):
    """Owns the jobs and their threads; lives in the GUI thread, and so do all its slots.

    Two jobs work side by side only where both name a device, and not the same one. A job that fails does not stop the
    queue. Shutting down: `pause_all()` and wait for `idle` where the workers should end, then always `shut_down()`:
    no thread is left then; workers that still run go on by themselves and are found again by `watch_folder`.

    Signals:
        job_added(object): a `Job` entered the queue.
        job_changed(object): its state, its wish or its reason is another, or its history was read.
        job_removed(object): it left the queue.
        order_changed(): the jobs stand in another order.
        events_arrived(object, object): new events of a job: the `Job` (its curves have them already), and a tuple.
        idle(): the last worker is gone.
        failed(object): a `MetaStudioError` met in doing what was asked.
    """

    job_added = Signal(object)
    job_changed = Signal(object)
    job_removed = Signal(object)
    order_changed = Signal()
    events_arrived = Signal(object, object)
    idle = Signal()
    failed = Signal(object)

    def __init__(self, *, command: Command = worker_command, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._jobs: list[Job] = []
        self._calls: list[CallThread] = []
        self._is_shut = False

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs, in the order of the queue."""
        return tuple(self._jobs)

    @property
    def working(self) -> tuple[Job, ...]:
        """The jobs whose worker lives."""
        return tuple(each for each in self._jobs if each.is_working)

    def job_of(self, run: RunFolder) -> Job | None:
        """Return the job that works on a run, if there is one."""
        return next((each for each in self._jobs if each.run == run), None)

    def watch_folder(self, runs_folder: Path) -> None:
        """Find what an earlier window left in a project: live workers are watched, what can go on is offered.

        Jobs of another project that still work stay in the queue; the others of it leave.
        """
        for job in [each for each in self._jobs if not each.is_working and each.run.path.parent != runs_folder]:
            self._remove(job)
        for run in list_runs(runs_folder):
            if self.job_of(run) is not None:
                continue
            try:
                state = run.effective_state()
                if state.needs_worker or state in _OFFERED:
                    job = Job(run, run.experiment(), state)
                else:
                    continue
            except MetaStudioError:  # the Runs page says what is wrong with it
                continue
            job.is_held = True
            self._add(job)
            if state.needs_worker:
                self._start(job, attach=True)
            elif state is not State.QUEUED:
                self._read_history(job)

    def enqueue(self, run: RunFolder) -> Job:
        """Add a run at the end; it starts when its device is free.

        Raises:
            IntegrityError: if its folder cannot be read.
        """
        known = self.job_of(run)
        if known is not None:
            if known.is_waiting:
                self.resume(known)
            return known
        job = Job(run, run.experiment(), State.QUEUED)
        self._add(job)
        self._start_next()
        return job

    def pause(self, job: Job) -> None:
        """Let the worker write a checkpoint and end."""
        self._want(job, Wanted.PAUSE)

    def finish(self, job: Job) -> None:
        """Let the worker end now with the best it has, adapt and export."""
        self._want(job, Wanted.FINISH)

    def discard(self, job: Job) -> None:
        """End a job and keep nothing of it; where no worker lives it is done at once."""
        if job.is_working:
            self._want(job, Wanted.DISCARD)
            return
        try:
            discard(job.run)
        except MetaStudioError as error:
            self.failed.emit(error)
            return
        self._change(job, State.DISCARDED)
        self._remove(job)

    def resume(self, job: Job) -> None:
        """Let a paused, interrupted, failed or held job go on when its device is free."""
        if job.is_working:
            return
        job.is_held = False
        job.reason = ""
        job.ask(Wanted.RUN)
        self._change(job, State.QUEUED)
        self._start_next()

    def force(self, job: Job) -> None:
        """Kill a worker that does not follow; what came after its last checkpoint is lost."""
        if job.thread is not None:
            job.thread.force()

    def remove(self, job: Job) -> None:
        """Take a job without a worker out of the queue; its run stays on the disk."""
        if not job.is_working:
            self._remove(job)

    def move(self, job: Job, place: int) -> None:
        """Put a job at another place of the queue."""
        self._jobs.remove(job)
        self._jobs.insert(max(0, min(place, len(self._jobs))), job)
        self.order_changed.emit()

    def duplicate(self, job: Job) -> None:
        """Queue a new run with the same experiment and the same snapshot of the images."""

        def copied() -> RunFolder:
            data = job.run.data()
            return create_run(job.run.experiment(), data.index, data.parts, runs_folder=job.run.path.parent)

        self._call(copied, self._on_duplicated)

    def pause_all(self) -> None:
        """Pause every job, and start none."""
        self._is_shut = True
        for job in self.working:
            self.pause(job)
        if not self.working:
            self.idle.emit()

    def take_up(self) -> None:
        """Start jobs again after `pause_all`: the person stays."""
        self._is_shut = False
        self._start_next()

    def shut_down(self) -> None:
        """Leave the workers to themselves and end every thread; wait for them."""
        self._is_shut = True
        threads = [job.thread for job in self._jobs if job.thread is not None]
        for thread in threads:
            thread.detach()
        for each in [*threads, *self._calls]:
            each.wait()
        for job in self._jobs:
            job.thread = None
        self._calls.clear()

    # inside

    def _add(self, job: Job) -> None:
        self._jobs.append(job)
        self.job_added.emit(job)

    def _remove(self, job: Job) -> None:
        self._jobs.remove(job)
        self.job_removed.emit(job)

    def _change(self, job: Job, state: State) -> None:
        job.state = state
        self.job_changed.emit(job)

    def _want(self, job: Job, wanted: Wanted) -> None:
        if job.thread is None or job.wanted is wanted:
            return
        try:
            job.thread.want(wanted)
        except MetaStudioError as error:
            self.failed.emit(error)
            return
        job.ask(wanted)
        self._change(job, _DOING.get(wanted, job.state))

    def _start_next(self) -> None:
        if self._is_shut:
            return
        for job in self._jobs:
            if job.is_waiting and not job.is_held and self._is_free(job.experiment.device):
                self._start(job)

    def _is_free(self, device: str) -> bool:
        """Return whether no job works on a device; "auto" may be any of them."""
        busy = {each.experiment.device for each in self.working}
        return not busy or ("auto" not in busy and device != "auto" and device not in busy)

    def _start(self, job: Job, *, attach: bool = False) -> None:
        job.curves = Curves()  # the thread tells the whole history again
        job.thread = JobThread(job.run, attach=attach, command=self._command, parent=self)
        job.thread.events_arrived.connect(self._on_events_arrived)
        job.thread.ended.connect(self._on_ended)
        self._change(job, job.state if attach else State.PREPARING)
        job.thread.start()

    def _job_of_sender(self) -> Job | None:
        sender = self.sender()
        return next((each for each in self._jobs if each.thread is sender), None)

    @Slot(object)
    def _on_events_arrived(self, events: tuple[Event, ...]) -> None:
        job = self._job_of_sender()
        if job is None:
            return
        job.curves.add(events)
        if job.wanted is Wanted.RUN:
            state = _state_after(events, job.state)
            if state is not job.state:
                self._change(job, state)
        self.events_arrived.emit(job, events)

    @Slot(object)
    def _on_ended(self, end: JobEnd) -> None:
        job = self._job_of_sender()
        if job is None or job.thread is None:
            return
        job.thread.wait()
        job.thread.deleteLater()
        job.thread = None
        job.reason = end.reason
        job.ask(Wanted.RUN)
        self._change(job, end.state)
        if end.state is State.DISCARDED:
            self._remove(job)
        if not self.working:
            self.idle.emit()
        self._start_next()

    def _read_history(self, job: Job) -> None:
        def read() -> tuple[Job, Curves]:
            curves = Curves()
            curves.add(read_events(job.run.events_path)[0])
            return job, curves

        self._call(read, self._on_history_read)

    @Slot(object)
    def _on_history_read(self, answer: tuple[Job, Curves]) -> None:
        job, curves = answer
        if not job.is_working:
            job.curves = curves
            self.job_changed.emit(job)

    @Slot(object)
    def _on_duplicated(self, run: RunFolder) -> None:
        self.enqueue(run)

    def _call(self, call: Callable[[], object], on_succeeded: Callable[[Any], None]) -> None:
        thread = CallThread(call, self)
        thread.succeeded.connect(on_succeeded)
        thread.failed.connect(self._on_call_failed)
        thread.finished.connect(self._on_call_finished)
        self._calls.append(thread)
        thread.start()

    @Slot(object)
    def _on_call_failed(self, error: Exception) -> None:
        self.failed.emit(error)

    @Slot()
    def _on_call_finished(self) -> None:
        thread = self.sender()
        self._calls = [each for each in self._calls if each is not thread]
        if isinstance(thread, CallThread):
            thread.wait()
            thread.deleteLater()


def _state_after(events: tuple[Event, ...], state: State) -> State:
    """Return the state that events lead to while the worker lives."""
    for event in events:
        match event:
            case Preparing():
                state = State.PREPARING
            case Started() | OuterStep():
                state = State.RUNNING
            case Finished():
                state = State.PAUSING if event.outcome == "paused" else State.FINISHING
            case _:
                pass
    return state
