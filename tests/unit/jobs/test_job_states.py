"""Any sequence of commands, worker events and accidents: the queue never shows a state that is not true.

The workers here are pretended: rules let each of them take its next step, and it writes `run.json` as a real one does.
What the queue shows is compared with them after every rule.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PySide6.QtCore import QObject, Signal
from unit.runs.small_runs import make_run

from metastudio.catalog.validation import parse_experiment
from metastudio.jobs import job_queue, job_thread
from metastudio.jobs.folder_watch import Seen
from metastudio.jobs.job import Job
from metastudio.jobs.job_queue import JobQueue
from metastudio.jobs.job_thread import JobEnd
from metastudio.runs.control import Wanted
from metastudio.runs.run_commands import ALLOWED, Command
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

_ENDS = {Wanted.PAUSE: State.PAUSED, Wanted.DISCARD: State.DISCARDED, Wanted.FINISH: State.FINISHED}
_SAYS = {Wanted.PAUSE: State.PAUSING, Wanted.DISCARD: State.DISCARDING, Wanted.FINISH: State.FINISHING}


class PretendedThread(QObject):
    """Stands for a `JobThread` and its worker: what the worker does next is said by the test."""

    events_arrived = Signal(object)
    state_said = Signal(object)
    training_started = Signal()
    ended = Signal(object)

    def __init__(self, run: RunFolder, *, attach: bool = False, parent: Any = None, **_: Any) -> None:
        super().__init__(parent)
        self.run = run
        self.is_alive = False
        self.heard = Wanted.RUN
        self.state = State.PREPARING
        self.has_begun = attach
        self._attach = attach

    def start(self) -> None:
        self.is_alive = True
        if self._attach:
            self.state = self.run.state().state

    def want(self, wanted: Wanted) -> None:
        self.heard = wanted

    def force(self) -> None:
        self.end(State.DISCARDED if self.heard is Wanted.DISCARD else State.INTERRUPTED)

    def write(self, state: State) -> None:
        self.state = state
        self.run.write_state(self.run.state().model_copy(update={"state": state}))

    def say(self, state: State) -> None:
        self.has_begun = True
        self.write(state)
        self.state_said.emit(state)

    def end(self, state: State) -> None:
        if state is State.INTERRUPTED and not self.has_begun:
            state = self.run.state().state  # as it lay there before
            state = State.INTERRUPTED if state.needs_worker else state
        elif state is not State.INTERRUPTED:
            self.write(state)
        self.is_alive = False
        self.ended.emit(JobEnd(state, 0, "It was killed." if state is State.INTERRUPTED else ""))

    def give_up(self) -> None:
        """End with an exit code of its own, and not a word in `run.json`."""
        self.is_alive = False
        state = State.DISCARDED if self.heard is Wanted.DISCARD else State.FAILED
        if state is State.DISCARDED:
            self.write(state)
        self.ended.emit(JobEnd(state, 5, "It could not begin."))

    def wait(self) -> None:
        pass

    def detach(self) -> None:
        pass


class AnyHistory(RuleBasedStateMachine):
    """A person and some workers, both doing whatever they may."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(job_queue, "JobThread", PretendedThread)
        self.folder = Path(tempfile.mkdtemp())
        self.queue = JobQueue()
        self.queue.watch_folder(self.folder)
        self.queue._watch.stop()
        self.gave_up: set[RunFolder] = set()
        self.foreign: set[RunFolder] = set()

    def teardown(self) -> None:
        for job in self.queue.working:
            job.thread = None
        self.queue.shut_down()
        self.queue.deleteLater()
        self.patch.undo()
        shutil.rmtree(self.folder)

    # the person

    @precondition(lambda self: len(self.queue.jobs) < 4)
    @rule(device=st.sampled_from(["cpu", "cuda:0", "auto"]))
    def enqueue(self, device: str) -> None:
        self.queue.enqueue(make_run(self.folder, parse_experiment({"device": device})))

    @precondition(lambda self: self.queue.jobs)
    @rule(data=st.data(), command=st.sampled_from(["pause", "finish", "discard", "resume", "force", "remove"]))
    def ask(self, data: st.DataObject, command: str) -> None:
        job = data.draw(st.sampled_from(self.queue.jobs))
        before = job.state, job.wanted, job.thread
        is_allowed = Command("start" if command == "resume" else command) in ALLOWED[job.state]
        getattr(self.queue, command)(job)
        if not is_allowed:
            assert (job.state, job.wanted, job.thread) == before

    @precondition(lambda self: self.queue.jobs)
    @rule(data=st.data(), place=st.integers(-1, 5))
    def move(self, data: st.DataObject, place: int) -> None:
        job = data.draw(st.sampled_from(self.queue.jobs))
        before = set(self.queue.jobs)
        self.queue.move(job, place)
        assert set(self.queue.jobs) == before

    @precondition(lambda self: all(job.thread.has_begun for job in self.queue.working))
    @rule()
    def leave_and_come_back(self) -> None:
        """The window closes while workers go on; the next one finds them, and asks before it starts anything."""
        alive = {job.run: job.thread for job in self.queue.working}
        order = [job.run for job in self.queue.jobs]
        self.queue.shut_down()
        found = JobQueue()
        self.patch.setattr(RunFolder, "effective_state", lambda run: _effective(run, alive))
        found.watch_folder(self.folder)
        found._watch.stop()
        self.queue.deleteLater()
        self.queue = found
        assert {job.run for job in found.working} == set(alive)
        kept = [run for run in order if found.job_of(run) is not None]
        assert [job.run for job in found.jobs if job.run in kept] == kept
        assert all(job.is_held for job in found.jobs)

    # the workers

    @precondition(lambda self: self.queue.working)
    @rule(data=st.data())
    def worker_trains(self, data: st.DataObject) -> None:
        thread = self._any_worker(data)
        if not thread.has_begun:
            thread.say(State.PREPARING)
        elif thread.state is State.PREPARING:
            thread.say(State.RUNNING)

    @precondition(lambda self: self.queue.working)
    @rule(data=st.data())
    def worker_follows(self, data: st.DataObject) -> None:
        thread = self._any_worker(data)
        if thread.has_begun and thread.heard is not Wanted.RUN and thread.state is not _SAYS[thread.heard]:
            thread.say(_SAYS[thread.heard])

    @precondition(lambda self: self.queue.working)
    @rule(data=st.data(), how=st.sampled_from(["as wanted", "by itself", "fails", "waits", "killed"]))
    def worker_ends(self, data: st.DataObject, how: str) -> None:
        thread = self._any_worker(data)
        wanted = _ENDS.get(thread.heard, State.FINISHED)
        ends = {"fails": State.FAILED, "waits": State.PAUSED, "killed": State.INTERRUPTED, "by itself": State.FINISHED}
        state = ends.get(how, wanted)
        thread.end(State.DISCARDED if thread.heard is Wanted.DISCARD else state)

    @precondition(lambda self: self.queue.working)
    @rule(data=st.data())
    def worker_gives_up(self, data: st.DataObject) -> None:
        thread = self._any_worker(data)
        thread.give_up()
        if thread.heard is not Wanted.DISCARD:
            self.gave_up.add(thread.run)

    @rule()
    def look_at_the_folder(self) -> None:
        """What the queue reads of its own runs changes nothing where nobody else did anything."""
        before = [(job, job.state) for job in self.queue.jobs]
        idle = [job.run for job in self.queue.jobs if not job.is_working]
        self.queue._on_seen(tuple(Seen(run, _effective(run, {})) for run in idle))
        assert [(job, job.state) for job in self.queue.jobs] == before

    @precondition(lambda self: any(not job.is_working for job in self.queue.jobs))
    @rule(data=st.data(), state=st.sampled_from([State.RUNNING, State.FINISHED, State.DISCARDED, None]))
    def somebody_else_acts(self, data: st.DataObject, state: State | None) -> None:
        """A terminal resumes, ends, discards or removes a run that waits here."""
        job = data.draw(st.sampled_from([each for each in self.queue.jobs if not each.is_working]))
        if state is None:
            shutil.rmtree(job.run.path)
        else:
            job.run.write_state(job.run.state().model_copy(update={"state": state}))
        if state is State.RUNNING:
            self.foreign.add(job.run)
        self.queue._on_seen((Seen(job.run, state),))
        assert (job in self.queue.jobs) == (state in {State.RUNNING, State.FINISHED})

    def _any_worker(self, data: st.DataObject) -> PretendedThread:
        return data.draw(st.sampled_from([job.thread for job in self.queue.working]))

    # what must be true

    @invariant()
    def a_state_that_needs_a_worker_has_one_and_no_other_has(self) -> None:
        for job in self.queue.jobs:
            assert job.state.needs_worker == (job.thread is not None), job
            assert job.thread is None or job.thread.is_alive

    @invariant()
    def what_is_shown_is_what_was_asked_or_what_the_worker_says(self) -> None:
        for job in self.queue.working:
            asked = _SAYS.get(job.wanted)
            assert job.state is (asked or job.thread.state), job
            assert job.thread.heard is job.wanted, "what is shown as asked was really said to the worker"

    @invariant()
    def what_ended_is_shown_as_it_lies_on_the_disk(self) -> None:
        for job in self.queue.jobs:
            if job.thread is None and job.state is not State.QUEUED:
                written = job.run.state().state
                if job.run in self.gave_up and job.state is State.FAILED:
                    continue
                assert job.state is (State.INTERRUPTED if written.needs_worker else written), job
            if job.thread is None and job.state is State.QUEUED:
                assert job.run.state().state.can_go_on or job.run.state().state.needs_worker

    @invariant()
    def each_device_has_one_job_and_nothing_waits_for_a_free_one(self) -> None:
        self.foreign &= {job.run for job in self.queue.working}
        devices = [job.experiment.device for job in self.queue.working if job.run not in self.foreign]
        assert len(set(devices)) == len(devices)
        assert "auto" not in devices or len(devices) == 1
        if not self.queue.working:
            assert not [job for job in self.queue.jobs if job.is_waiting and not job.is_held]

    @invariant()
    def what_is_discarded_has_left(self) -> None:
        assert State.DISCARDED not in [job.state for job in self.queue.jobs]


def _effective(run: RunFolder, alive: dict[RunFolder, object]) -> State:
    state = run.state().state
    return State.INTERRUPTED if state.needs_worker and run not in alive else state


def test_any_sequence_shows_only_what_is_true(qapp) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        AnyHistory,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a history is short enough to be read; making it shorter takes minutes
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def job_in(queue: JobQueue, folder: Path, state: State) -> Job:
    run = make_run(folder)
    run.write_state(run.state().model_copy(update={"state": state}))
    job = Job(run, run.experiment(), state)
    if state.needs_worker:
        job.thread = PretendedThread(run, attach=True)
        job.thread.ended.connect(queue._on_ended)
        job.thread.start()
    queue._jobs.append(job)
    return job


@pytest.mark.parametrize("state", [each for each in State if each is not State.DISCARDED])
@pytest.mark.parametrize(
    "name", ["pause", "finish", "discard", "resume", "force", "remove", "duplicate", "edit", "extend"]
)
def test_the_queue_does_what_the_table_allows_and_nothing_else(
    qapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, name: str
) -> None:
    monkeypatch.setattr(job_queue, "JobThread", PretendedThread)
    queue = JobQueue()
    queue._is_shut = True
    called: list[object] = []
    monkeypatch.setattr(queue, "_call", lambda call, _: called.append(call))
    job = job_in(queue, tmp_path, state)
    job.curves.has_checkpoint = True
    arguments: dict[str, tuple[object, ...]] = {"edit": (job.experiment,), "extend": (5,)}
    before = job.state, job.wanted, job.thread, queue.jobs
    getattr(queue, name)(job, *arguments.get(name, ()))
    changed = bool(called) or (job.state, job.wanted, job.thread, queue.jobs) != before
    is_allowed = Command("start" if name == "resume" else name) in ALLOWED[state]
    if name == "resume" and state is State.QUEUED:
        assert not changed, "it waits for its device and needs no word"
    else:
        assert changed == is_allowed
    for each in queue.jobs:
        each.thread = None
    queue.shut_down()


def test_a_read_only_queue_asks_nothing_of_anybody(qapp, tmp_path: Path) -> None:
    queue = JobQueue()
    job = job_in(queue, tmp_path, State.RUNNING)
    queue.is_read_only = True
    for name in ("pause", "finish", "discard", "force"):
        getattr(queue, name)(job)
    assert (job.state, job.wanted) == (State.RUNNING, Wanted.RUN)
    job.thread = None
    queue.shut_down()


def test_a_worker_that_was_killed_for_memory_is_said_so_and_can_go_on() -> None:
    """D5: the system ends what takes too much."""
    for code in (-9, 137):
        assert "memory" in job_thread.ending_reason(code, "")
    assert Command.START in ALLOWED[State.INTERRUPTED]
