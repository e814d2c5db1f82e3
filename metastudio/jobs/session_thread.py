"""The studio's line to torch: a `metastudio serve` process that answers questions, restarted if it dies."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
from pydantic import BaseModel, ValidationError
from PySide6.QtCore import QObject, QThread, Signal, Slot

from metastudio import errors
from metastudio.errors import IntegrityError, MetaStudioError, ResourceError
from metastudio.jobs.worker_command import hidden_flags, session_command
from metastudio.paths import cache_folder
from metastudio.runs.events import Failed
from metastudio.runs.json_lines import from_json_line, to_json_line
from metastudio.runs.kill import kill_with_children
from metastudio.runs.questions import (
    AdaptedAnswer,
    AskDevices,
    Cancel,
    ClassDistancesAnswer,
    Device,
    Devices,
    EvaluatedAnswer,
    ExportedAnswer,
    Predictions,
    PreviewAnswer,
    Reply,
)

_ANSWERS: dict[str, type[BaseModel]] = {
    "devices": Devices,
    "adapt": AdaptedAnswer,
    "predict": Predictions,
    "export": ExportedAnswer,
    "evaluate": EvaluatedAnswer,
    "class_distances": ClassDistancesAnswer,
    "preview": PreviewAnswer,
}
_STOP_S = 4.0
"""After that the process is killed, with what it started: who closes the window waits five seconds at most."""
_QUICK_DEATHS = 3
_ERRORS: dict[int, type[MetaStudioError]] = {
    each.exit_code: each
    for each in (
        errors.ConfigurationError,
        errors.DataError,
        errors.IntegrityError,
        errors.ResourceError,
        errors.NumericError,
        errors.LockedError,
    )
}

Command = Callable[[], tuple[list[str], dict[str, str]]]


def error_of(failed: Failed) -> MetaStudioError:
    """Return the error that another process met, as one of ours."""
    kind = _ERRORS.get(failed.exit_code, MetaStudioError)
    error = kind(failed.what, where=failed.where, why=failed.why, todo=failed.todo)
    if isinstance(error, IntegrityError):
        error.other_iteration = failed.other_iteration
    return error


class SessionThread(QThread):
    """Owns one `metastudio serve` process: a question goes in as a line, replies come out as lines.

    It exists because reading a pipe blocks. A helper thread writes, so that a long question cannot hold up the window.
    When the process dies, every open question fails with a sentence and another process is started; after three deaths
    without an answer in between only the next `ask` starts one. Shutting down, in this order: `stop()` closes the pipe,
    upon which the process ends; after four seconds it and what it started are killed; then the thread returns. Nothing
    is emitted after `stop()`.

    Signals:
        answered(object, object): the number that `ask` returned, and the answer's model.
        failed(object, object): the number, and a `MetaStudioError`.
        progressed(object, object): the number, and a `Progress`.
        devices_changed(object): a tuple of `Device`; until the process has answered only the CPU is listed.
    """

    answered = Signal(object, object)
    failed = Signal(object, object)
    progressed = Signal(object, object)
    devices_changed = Signal(object)

    def __init__(self, *, command: Command = session_command, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._open: dict[int, str] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        self._devices: tuple[Device, ...] = (_cpu(),)
        self._devices_question = 0
        self.answered.connect(self._on_answered)

    @property
    def devices(self) -> tuple[Device, ...]:
        """What can compute, as far as is known now."""
        return self._devices

    def ask(self, question: BaseModel) -> int:
        """Ask one of `runs.questions`; return the number that its answer will carry."""
        number = next(self._numbers)
        line = to_json_line(question)
        with self._lock:
            self._open[number] = line
        self._deaths = 0
        self._lines.put(f'{{"id": {number}, {line[1:]}\n'.encode("ascii"))
        self._wake.set()
        return number

    def ask_devices(self) -> None:
        """Ask what can compute; `devices_changed` tells."""
        self._devices_question = self.ask(AskDevices())

    def forget(self, number: int) -> None:
        """Want no more of a question: whatever comes of it is not told."""
        with self._lock:
            self._open.pop(number, None)

    def cancel(self, number: int) -> None:
        """Want no more of a question, and have the process leave off with it where it next tells its progress."""
        with self._lock:
            was_open = self._open.pop(number, None) is not None
        if was_open:
            self._lines.put(f"{to_json_line(Cancel(id=number))}\n".encode("ascii"))

    def stop(self) -> None:
        """End the process and the thread, also amid a question; wait for both, five seconds at most."""
        self._stopping.set()
        self._wake.set()
        self._lines.put(None)
        if not self.wait(round(_STOP_S * 1000)):
            self._kill()
            self.wait()

    def run(self) -> None:
        while not self._stopping.is_set():
            if self._deaths >= _QUICK_DEATHS:
                self._wake.wait()
                self._wake.clear()
                continue
            self._serve_once()

    def _serve_once(self) -> None:
        log = cache_folder() / "session.log"
        try:
            process = self._started(log)
        except OSError as error:
            self._deaths = _QUICK_DEATHS
            self._fail_open(f"The process could not be started: {error}.")
            return
        self._process = process
        writer = threading.Thread(target=self._write_lines, args=(process,), name="session-writer")
        writer.start()
        assert process.stdout is not None  # noqa: S101  # it was asked for
        for line in process.stdout:
            if self._stopping.is_set():
                break
            self._take(line)
        self._end(process, writer)
        if not self._stopping.is_set():
            self._deaths += 1
            self._fail_open(f"The process ended with code {process.returncode}. {_last_line(log)}")

    def _started(self, log: Path) -> subprocess.Popen[bytes]:
        argv, env = self._command()
        with log.open("wb") as file:
            return subprocess.Popen(
                argv,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
                creationflags=hidden_flags(),
            )

    def _write_lines(self, process: subprocess.Popen[bytes]) -> None:
        """Write what is asked until the process or the thread ends; `None` in the queue is the end."""
        assert process.stdin is not None  # noqa: S101  # it was asked for
        with contextlib.suppress(OSError, ValueError):
            while (line := self._lines.get()) is not None:
                process.stdin.write(line)
                process.stdin.flush()
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _end(self, process: subprocess.Popen[bytes], writer: threading.Thread) -> None:
        self._lines.put(None)
        writer.join()
        while not self._lines.empty() and not self._stopping.is_set():
            self._lines.get()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            kill_with_children(process.pid)
            process.wait()
        assert process.stdout is not None  # noqa: S101  # it was asked for
        process.stdout.close()
        self._process = None

    def _kill(self) -> None:
        if (process := self._process) is not None:
            kill_with_children(process.pid)

    def _take(self, line: bytes) -> None:
        try:
            reply = Reply.model_validate(from_json_line(line))
        except ValueError:
            return
        with self._lock:
            question = self._open.get(reply.id, "")
            if reply.progress is None:
                self._open.pop(reply.id, None)
        if not question:
            return
        self._deaths = 0
        if reply.progress is not None:
            self.progressed.emit(reply.id, reply.progress)
        elif reply.error is not None:
            self.failed.emit(reply.id, error_of(reply.error))
        else:
            self._tell_answer(reply, question)

    def _tell_answer(self, reply: Reply, question: str) -> None:
        kind = next(each for operation, each in _ANSWERS.items() if f'"op": "{operation}"' in question)
        try:
            answer = kind.model_validate(reply.result)
        except ValidationError as error:
            self.failed.emit(reply.id, MetaStudioError("The answer could not be understood.", why=str(error)))
            return
        self.answered.emit(reply.id, answer)

    def _fail_open(self, why: str) -> None:
        with self._lock:
            numbers = list(self._open)
            self._open.clear()
        for number in numbers:
            error = ResourceError(
                "The process that answers was lost.", why=why, todo="Another one is started; try again."
            )
            self.failed.emit(number, error)

    @Slot(object, object)
    def _on_answered(self, number: int, answer: BaseModel) -> None:
        if number == self._devices_question and isinstance(answer, Devices):
            self._devices = answer.devices
            self.devices_changed.emit(self._devices)


def _cpu() -> Device:
    return Device(
        name="cpu",
        title=f"CPU ({os.cpu_count() or 1} cores)",
        free_bytes=psutil.virtual_memory().available,
        is_recommended=True,
    )


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
