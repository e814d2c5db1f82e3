"""The queue of jobs: one at a time on each device, the next one when one ends, whatever way it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from metastudio.catalog.device_name import may_share
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.errors import MetaStudioError
from metastudio.jobs.call_thread import CallThread
from metastudio.jobs.curves import Curves
from metastudio.jobs.folder_watch import FolderWatch, Seen
from metastudio.jobs.job import Job
from metastudio.jobs.job_thread import Command as WorkerCommand
from metastudio.jobs.job_thread import JobEnd, JobThread
from metastudio.jobs.kept_order import KeptOrder
from metastudio.jobs.worker_command import worker_command
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.continuation import extended_run
from metastudio.runs.control import Wanted
from metastudio.runs.event_log import read_events
from metastudio.runs.events import DEVICE_FAILED, Event
from metastudio.runs.run_commands import Command
from metastudio.runs.run_folder import RunFolder, create_run, list_runs
from metastudio.runs.run_state import State
from metastudio.runs.run_trash import discard

_DOING = {Wanted.PAUSE: State.PAUSING, Wanted.FINISH: State.FINISHING, Wanted.DISCARD: State.DISCARDING}
_KNOWN_BETTER = {State.QUEUED, State.FAILED}
"""Of a job that waits for its turn, or whose worker gave up without a word, the disk knows less than the queue."""
_OVER = {State.FINISHED, State.DISCARDED}
_OFFERED = {State.QUEUED, State.PAUSED, State.INTERRUPTED}


class JobQueue(QObject):
    """Owns the jobs and their threads; lives in the GUI thread, and so do all its slots.

    Two jobs work side by side only where both name a device, and not the same one. A job that fails does not stop the
    queue. What a job's state does not allow (`run_commands.ALLOWED`) is not done. Order and what was taken out are
    kept in the runs folder; where that is read-only nothing is asked of any worker.

    Shutting down: `pause_all()` and wait for `idle` where the workers should end, then always `shut_down()`: no thread
    is left then; workers that still run go on by themselves and are found again by `watch_folder`.

    Attributes:
        is_read_only: Another studio holds the project: this one only looks.

    Signals:
        job_added(object): a `Job` entered the queue.
        job_replaced(object, object): a waiting `Job` was changed: it left, and another one waits in its place.
        job_changed(object): its state, its wish or its reason is another, or its history was read.
        job_removed(object): it left the queue.
        order_changed(): the jobs stand in another order.
        events_arrived(object, object): new events of a job: the `Job` (its curves have them already), and a tuple.
        idle(): the last worker is gone.
        failed(object): a `MetaStudioError` met in doing what was asked.
    """

    job_added = Signal(object)
    job_replaced = Signal(object, object)
    job_changed = Signal(object)
    job_removed = Signal(object)
    order_changed = Signal()
    events_arrived = Signal(object, object)
    idle = Signal()
    failed = Signal(object)

    def __init__(self, *, command: WorkerCommand = worker_command, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._jobs: list[Job] = []
        self._calls: list[CallThread] = []
        self._is_shut = False
        self.is_read_only = False
        self._order = KeptOrder(self)
        self._order.failed.connect(self.failed)
        self._watch = FolderWatch(self)
        self._watch.seen.connect(self._on_seen)

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

    @property
    def held(self) -> tuple[Job, ...]:
        """The jobs that would go on if the person said so: they waited, or were stopped, when a window closed."""
        return tuple(each for each in self._jobs if each.is_held and (each.is_waiting or each.can_resume))

    def watch_folder(self, runs_folder: Path, *, is_read_only: bool = False) -> None:
        """Find what an earlier window left in a project, and from now on what others start there.

        Live workers are watched, what can go on is offered, in the order that was kept. Jobs of another project that
        still work stay in the queue; the others of it leave.
        """
        self._order.flush()
        self.is_read_only = is_read_only
        for job in [each for each in self._jobs if not each.is_working and each.run.path.parent != runs_folder]:
            self._remove(job)
        kept = self._order.begin(runs_folder, is_read_only=is_read_only)
        runs = list_runs(runs_folder)
        for run in sorted(runs, key=lambda each: kept.place(each.name)):
            try:
                self._find(run, run.effective_state())
            except MetaStudioError:  # the Runs page says what is wrong with it
                continue
        self._watch.begin(runs_folder, (each.name for each in runs))
        self._follow()

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

    def take_back(self, run: RunFolder, place: int) -> None:
        """Offer a run that came back from the trash, at its old place.

        Raises:
            IntegrityError: if its folder cannot be read.
        """
        state = run.effective_state()
        if self.job_of(run) is None and state in _OFFERED:
            self._find(run, state)
            self.move(self._jobs[-1], place)

    def pause(self, job: Job) -> None:
        """Let the worker write a checkpoint and end."""
        self._want(job, Wanted.PAUSE)

    def finish(self, job: Job) -> None:
        """Let the worker end now with the best it has, adapt and export; what has stopped is taken up to do that."""
        if job.is_working:
            self._want(job, Wanted.FINISH)
        else:
            self._go_on(job, Command.FINISH, Wanted.FINISH)

    def discard(self, job: Job) -> None:
        """End a job that is not wanted; where no worker lives it is done at once. The trash gives it back."""
        if job.is_working:
            self._want(job, Wanted.DISCARD)
            return
        if not self._may(job, Command.DISCARD):
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
        self._go_on(job, Command.START, Wanted.RUN)

    def resume_held(self) -> None:
        """Let everything go on that waits for the person, each when its device is free."""
        for job in self.held:
            self.resume(job)

    def force(self, job: Job) -> None:
        """Kill a worker that does not follow; what came after its last checkpoint is lost."""
        if job.thread is None or not self._may(job, Command.FORCE):
            return
        try:
            job.thread.force()
        except MetaStudioError as error:
            self.failed.emit(error)

    def remove(self, job: Job) -> None:
        """Take a job without a worker out of the queue; its run stays on the disk, and the Runs page can resume it."""
        if self._may(job, Command.REMOVE):
            self._order.take_out(job.run.name)
            self._remove(job)

    def move(self, job: Job, place: int) -> None:
        """Put a job at another place of the queue."""
        self._jobs.remove(job)
        self._jobs.insert(max(0, min(place, len(self._jobs))), job)
        self.order_changed.emit()
        self._keep_order()

    def duplicate(self, job: Job, experiment: ExperimentConfig | None = None) -> None:
        """Queue a new run with the same snapshot of the images, and the same experiment unless another is given."""
        if self._may(job, Command.DUPLICATE):
            self._call(lambda: _copy(job.run, experiment or job.run.experiment()), self._on_made)

    def edit(self, job: Job, experiment: ExperimentConfig) -> None:
        """Put a new run with another experiment in the place of a job that waits, which goes to the trash.

        A configuration is never changed once it is frozen: so that a run folder is what it says, even here.
        """
        if self._may(job, Command.EDIT):
            self._call(lambda: (job, _copy(job.run, experiment)), self._on_edited)

    def extend(self, job: Job, iterations: int) -> None:
        """Queue a run that goes on from a finished one for so many iterations more; the job may have left the list."""
        if not self.is_read_only and job.why_not(Command.EXTEND) is None:
            self._call(lambda: extended_run(job.run, iterations), self._on_made)

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
        self._watch.stop()
        self._order.flush()
        threads = [job.thread for job in self._jobs if job.thread is not None]
        for thread in threads:
            thread.detach()
        for each in [*threads, *self._calls]:
            each.wait()
        for job in self._jobs:
            job.thread = None
        self._calls.clear()

    # inside

    def _may(self, job: Job, command: Command) -> bool:
        return not self.is_read_only and job in self._jobs and job.why_not(command) is None

    def _find(self, run: RunFolder, state: State) -> None:
        """Take up a run that lies there: watch its worker, or offer it to the person."""
        is_wanted = state.needs_worker or (state in _OFFERED and run.name not in self._order.removed)
        if not is_wanted or self.job_of(run) is not None:
            return
        job = Job(run, run.experiment(), state)
        job.is_held = True
        self._add(job)
        if state.needs_worker:
            self._start(job, attach=True)
        elif state is not State.QUEUED:
            self._read_history(job)

    def _add(self, job: Job) -> None:
        self._jobs.append(job)
        self._order.take_in(job.run.name)
        self.job_added.emit(job)
        self._keep_order()

    def _remove(self, job: Job) -> None:
        job.place = self._jobs.index(job)
        self._jobs.remove(job)
        self.job_removed.emit(job)
        self._keep_order()

    def _keep_order(self) -> None:
        self._order.keep([each.run for each in self._jobs])
        self._follow()

    def _follow(self) -> None:
        self._watch.watch(each.run for each in self._jobs if not each.is_working)

    def _change(self, job: Job, state: State) -> None:
        job.state = state
        self._follow()
        self.job_changed.emit(job)

    def _want(self, job: Job, wanted: Wanted) -> None:
        if job.thread is None or job.wanted is wanted or not self._may(job, Command(wanted.value)):
            return
        try:
            job.thread.want(wanted)
        except MetaStudioError as error:
            self.failed.emit(error)
            return
        job.ask(wanted)
        self._change(job, _DOING[wanted])

    def _go_on(self, job: Job, command: Command, wanted: Wanted) -> None:
        if not self._may(job, command):
            return
        job.is_held = False
        job.reason = ""
        job.ask(wanted)
        self._change(job, State.QUEUED)
        self._start_next()

    def _start_next(self) -> None:
        if self._is_shut or self.is_read_only:
            return
        for job in self._jobs:
            if job.is_waiting and not job.is_held and self._is_free(job.experiment.device):
                self._start(job)

    def _is_free(self, device: str) -> bool:
        """Return whether no job works on a device, or on one of several; "auto" may be any of them."""
        return not any(may_share(device, each.experiment.device) for each in self.working)

    def _start(self, job: Job, *, attach: bool = False) -> None:
        job.curves = Curves()  # the thread tells the whole history again
        wanted = Wanted.RUN if attach else job.wanted
        job.ask(wanted)  # to be followed from now on
        job.thread = JobThread(job.run, attach=attach, wanted=wanted, command=self._command, parent=self)
        job.thread.events_arrived.connect(self._on_events_arrived)
        job.thread.state_said.connect(self._on_state_said)
        job.thread.ended.connect(self._on_ended)
        job.said = job.state if attach else State.PREPARING
        self._change(job, _DOING.get(wanted, job.said))
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
        self.events_arrived.emit(job, events)

    @Slot(object)
    def _on_state_said(self, state: State) -> None:
        job = self._job_of_sender()
        if job is None:
            return
        job.said = state
        shown = _DOING.get(job.wanted, state)
        if shown is not job.state:
            self._change(job, shown)

    @Slot(object)
    def _on_ended(self, end: JobEnd) -> None:
        job = self._job_of_sender()
        if job is None or job.thread is None:
            return
        job.thread.wait()
        job.thread.deleteLater()
        job.thread = None
        job.reason = end.reason
        asked = job.wanted
        job.ask(Wanted.RUN)
        job.said = end.state
        job.is_held = end.state is State.QUEUED  # ended before it began: once more only if the person says so
        self._change(job, end.state)
        if end.state is State.DISCARDED:
            self._remove(job)
        if end.code == DEVICE_FAILED and end.exit_code is not None:  # others, as torchrun, take up what they started
            self._take_up(job, asked)
        if not self.working:
            self.idle.emit()
        self._start_next()

    def _take_up(self, job: Job, asked: Wanted) -> None:
        """Let a job go on whose device failed in that process; twice from the same iteration is for the person."""
        checkpoint = job.run.last()
        at = iteration_of(checkpoint) if checkpoint is not None else 0
        if self._is_shut or (job.taken_up_at is not None and at <= job.taken_up_at):
            return
        job.taken_up_at = at
        if asked is Wanted.RUN:
            self.resume(job)
        elif asked is Wanted.FINISH:
            self.finish(job)

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
    def _on_seen(self, seen: tuple[Seen, ...]) -> None:
        """Show what others did: started or ended a run of ours, began a new one, removed one."""
        for run, state in seen:
            job = self.job_of(run)
            try:
                if job is None and state is not None:
                    self._find(run, state)
                elif job is not None and not job.is_working:
                    self._follow_others(job, state)
            except MetaStudioError as error:
                self.failed.emit(error)

    def _follow_others(self, job: Job, state: State | None) -> None:
        if state is None:
            self._remove(job)
        elif state.needs_worker:
            job.state = state
            self._start(job, attach=True)
        elif state in _OVER or (job.state not in _KNOWN_BETTER and state is not job.state):
            job.said = state
            self._change(job, state)
            if state is State.DISCARDED:
                self._remove(job)

    @Slot(object)
    def _on_made(self, run: RunFolder) -> None:
        try:
            self.enqueue(run)
        except MetaStudioError as error:
            self.failed.emit(error)

    @Slot(object)
    def _on_edited(self, answer: tuple[Job, RunFolder]) -> None:
        old, run = answer
        try:
            if not self._may(old, Command.EDIT):  # it was started meanwhile: both go on
                self.enqueue(run)
                return
            place, was_held = self._jobs.index(old), old.is_held
            discard(old.run)
            new = Job(run, run.experiment(), State.QUEUED)
        except MetaStudioError as error:
            self.failed.emit(error)
            return
        new.is_held, old.place = was_held, place
        self._jobs[place] = new
        self._order.take_in(run.name)
        self._keep_order()
        self.job_replaced.emit(old, new)
        self.order_changed.emit()
        self._start_next()

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


def _copy(run: RunFolder, experiment: ExperimentConfig) -> RunFolder:
    data = run.data()
    return create_run(experiment, data.index, data.parts, runs_folder=run.path.parent)
