"""The thread of one job: starts a worker process or finds the one at work, tells its events, knows how it ended."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QObject, QThread, Signal

from metastudio.errors import MetaStudioError
from metastudio.jobs.worker_command import start_worker, worker_command
from metastudio.runs.control import Wanted, read_control, write_control
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Failed
from metastudio.runs.kill import kill_with_children
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State
from metastudio.runs.run_trash import discard
from metastudio.runs.worker_lock import force_worker, is_worker_alive

_TICK_S = 0.04
"""Twenty-five batches a second at most."""
_GLANCE_S = 0.5
_MOST_EVENTS = 2000
"""In one batch, so that a long history does not hold up the window."""
_LOG_TAIL_BYTES = 2000
_SIGNALS_FROM = 128
"""Exit codes from here on say that a signal ended the worker."""
_LAST_READS = 40
"""How often the events of a worker that is gone are tried, two seconds long, where they cannot be read."""

Command = Callable[[str, Wanted], tuple[list[str], dict[str, str]]]


class JobEnd(NamedTuple):
    """How a worker's stay ended. `reason` is a sentence where something went wrong; `exit_code` None where not ours.

    `code` is that of the failure that the worker wrote down, if it did.
    """

    state: State
    exit_code: int | None
    reason: str
    code: str = ""


class JobThread(QThread):
    """Lives as long as one stay of a worker at a run.

    It exists because starting a process, reading its events and waiting for its end must not hold up the window. Only
    it reads the worker's exit. `want` and `force` may be called from any thread. Shutting down, in this order:
    `detach()` (the worker goes on without us) or wait for `ended`, then `wait()`. After `detach` nothing is emitted.

    Signals:
        events_arrived(object): a tuple of new `Event`s, at most 25 times a second; begins with the run's whole history.
        state_said(object): the `State` that the worker wrote down, whenever it is another.
        training_started(): the worker process lives.
        ended(object): a `JobEnd`, once, when the process is gone and all its events were told.
    """

    events_arrived = Signal(object)
    state_said = Signal(object)
    training_started = Signal()
    ended = Signal(object)

    def __init__(
        self,
        run: RunFolder,
        *,
        attach: bool = False,
        wanted: Wanted = Wanted.RUN,
        command: Command = worker_command,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._run = run
        self._attach = attach
        self._command = command
        self._detached = threading.Event()
        self._wanted = wanted
        self._process: subprocess.Popen[bytes] | None = None
        self._offset = 0
        self._next_glance = 0.0
        self._written: tuple[int, int] | None = None
        self._said: State | None = None

    def want(self, wanted: Wanted) -> None:
        """Say what the worker should do, and keep saying it: a worker that only just starts sets its own wish first.

        Raises:
            ResourceError: if it cannot be written.
        """
        self._wanted = wanted
        write_control(self._run, wanted)

    def force(self) -> None:
        """Kill the worker now; what came after its last checkpoint is lost.

        Raises:
            LockedError: if it is at work on another computer.
        """
        if self._process is not None:
            kill_with_children(self._process.pid)
        else:
            force_worker(self._run)

    def detach(self) -> None:
        """Stop watching; the worker goes on by itself."""
        self._detached.set()

    def run(self) -> None:
        try:
            end = self._watch()
        except MetaStudioError as error:
            end = JobEnd(State.FAILED, None, str(error))
        except OSError as error:
            end = JobEnd(State.FAILED, None, f"The worker could not be started: {error}.")
        if self._detached.is_set():
            self._let_go()
        elif end is not None:
            self.ended.emit(end)

    def _watch(self) -> JobEnd | None:
        if not self._attach and not is_worker_alive(self._run):
            self._written = self._mark()  # what was written before says nothing about the worker that is started now
            write_control(self._run, self._wanted)
            argv, env = self._command(str(self._run.path), self._wanted)
            self._process = start_worker(argv, env, self._run.log_path)
        self.training_started.emit()
        last_reads = _LAST_READS
        while not self._detached.wait(_TICK_S):
            is_alive = self._is_alive()
            if not self._can_tell() and not is_alive and last_reads:
                last_reads -= 1
            elif not is_alive:
                if self._process is not None and is_worker_alive(self._run):  # another came first, and is watched now
                    self._process = None
                    continue
                return self._end()
        return None

    def _is_alive(self) -> bool:
        """Return whether the worker lives; a folder that cannot be read or written just now is no sign of its end."""
        if self._process is not None and self._process.poll() is not None:
            return False
        if time.monotonic() < self._next_glance:
            return True
        self._next_glance = time.monotonic() + _GLANCE_S
        with contextlib.suppress(OSError, MetaStudioError):
            if self._wanted is not Wanted.RUN and read_control(self._run) is Wanted.RUN:
                write_control(self._run, self._wanted)
        try:
            return self._process is not None or is_worker_alive(self._run)
        except (OSError, MetaStudioError):
            return True

    def _can_tell(self) -> bool:
        """Tell what is new and return whether it could be read; the next tick tries again."""
        try:
            self._tell_state()
            self._tell()
        except (OSError, MetaStudioError):
            return False
        return True

    def _mark(self) -> tuple[int, int] | None:
        """Return what changes whenever `run.json` is written."""
        try:
            found = self._run.state_path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def _tell_state(self) -> None:
        mark = self._mark()
        if mark is None or mark == self._written:
            return
        state = self._run.state().state
        self._written = mark
        if state.needs_worker and state is not self._said:
            self._said = state
            self.state_said.emit(state)

    def _tell(self) -> None:
        events, self._offset, _ = read_events(self._run.events_path, self._offset)
        for first in range(0, len(events), _MOST_EVENTS):
            if self._detached.is_set():
                return
            self.events_arrived.emit(events[first : first + _MOST_EVENTS])
            if len(events) > _MOST_EVENTS:
                self.msleep(round(_TICK_S * 1000))

    def _end(self) -> JobEnd:
        exit_code = self._process.returncode if self._process is not None else None
        state = self._run.effective_state()
        if self._wanted is Wanted.DISCARD and state is not State.DISCARDED:
            discard(self._run)
            return JobEnd(State.DISCARDED, exit_code, "")
        if state in {State.QUEUED, State.INTERRUPTED} and exit_code and 0 < exit_code < _SIGNALS_FROM:
            return JobEnd(State.FAILED, exit_code, ending_reason(exit_code, self._log_tail()))  # it gave up by itself
        if state is State.INTERRUPTED:
            return JobEnd(state, exit_code, ending_reason(exit_code, self._log_tail()))
        failure = self._run.state().failure if state in {State.FAILED, State.PAUSED} else None
        if failure is None:
            return JobEnd(state, exit_code, "")
        return JobEnd(state, exit_code, failure_text(failure), failure.code)

    def _log_tail(self) -> str:
        try:
            with self._run.log_path.open("rb") as file:
                file.seek(max(0, self._run.log_path.stat().st_size - _LOG_TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""

    def _let_go(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # it outlives us on purpose: no warning about a child nobody waited for


def failure_text(failure: Failed) -> str:
    """Return what a worker said of its end as sentences: what, where, why, and what to do."""
    what = f"{failure.what} ({failure.where})" if failure.where else failure.what
    return " ".join(filter(None, (what, failure.why, failure.todo)))


def ending_reason(exit_code: int | None, log_tail: str) -> str:
    """Return a sentence about a worker that ended without saying why."""
    if exit_code is None:
        how = "Its worker is gone."
    elif exit_code in {-9, 137}:
        how = "Its worker was killed; the system does that when memory runs out."
    elif exit_code < 0:
        how = f"Its worker was ended by signal {-exit_code}."
    else:
        how = f"Its worker ended with code {exit_code}."
    return f"{how} {log_tail}".strip() if exit_code and exit_code > 0 else how
