"""`metastudio serve`: questions in, answers out, one JSON line each, until the input ends.

Nothing else may reach the standard output: whatever prints is sent to the standard error. Torch is imported after the
first answer, when nobody waits for it, or when a question needs it. A thread listens while a question is being
answered, so that it can be cancelled.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from metastudio.engine.devices import list_devices
from metastudio.errors import ConfigurationError, MetaStudioError, did_you_mean, problem
from metastudio.images.problems import Cancelled
from metastudio.runs.events import Failed, failed
from metastudio.runs.questions import QUESTIONS, AskDevices, Cancel, Devices, Progress, Question

if TYPE_CHECKING:
    from metastudio.engine.session import Session

Write = Callable[[str], None]

_log = logging.getLogger(__name__)
_NO_ID = -1
_LONGEST_CANCEL_BYTES = 100
_OPS = tuple(str(each.model_fields["op"].default) for each in get_args(get_args(Question)[0]))


def serve() -> int:
    """Converse on the process's own input and output until the input ends; return the exit code."""
    answers = os.fdopen(os.dup(sys.__stdout__.fileno() if sys.__stdout__ else 1), "w", encoding="ascii", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def write(line: str) -> None:
        answers.write(line + "\n")
        answers.flush()

    try:  # a file of its own: one that a thread still reads must not be closed at exit
        converse(os.fdopen(os.dup(sys.stdin.fileno()), "rb"), write)
    except (BrokenPipeError, KeyboardInterrupt):  # whoever asked is gone
        return 0
    return 0


def converse(lines: Iterable[bytes], write: Write) -> None:
    """Answer every line; no question, however wrong, ends it.

    Args:
        lines: Requests as `runs/questions.py` describes them.
        write: Takes one line of answer.
    """
    inbox = _Inbox(lines)
    desk = _Desk(write, inbox.is_cancelled)
    for line in inbox:
        if line.strip():
            desk.answer(line)
            desk.session()  # so that the first picture dropped is answered at once


class _Inbox:
    """Hands out one line after another; a thread reads them, and takes out those that cancel a question."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        threading.Thread(target=self._listen, args=(lines,), name="inbox", daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._waiting.get, None)

    def is_cancelled(self, number: int) -> bool:
        """Return whether nobody wants the answer to a question any more."""
        return number in self._cancelled

    def _listen(self, lines: Iterable[bytes]) -> None:
        try:
            for line in lines:
                number = _cancelled_by(line)
                if number is None:
                    self._waiting.put(line)
                else:
                    self._cancelled.add(number)
        except (OSError, ValueError):  # the pipe broke: that is its end
            _log.info("The input broke off.", exc_info=True)
        finally:
            self._waiting.put(None)


class _Desk:
    """Takes one line after another."""

    def __init__(self, write: Write, is_cancelled: Callable[[int], bool]) -> None:
        self._write = write
        self._is_cancelled = is_cancelled
        self._session: Session | None = None

    def session(self) -> Session:
        """Return the one session; the first call imports torch."""
        if self._session is None:
            from metastudio.engine.session import Session  # noqa: PLC0415

            self._session = Session()
        return self._session

    def answer(self, line: bytes) -> None:
        """Write the answer to one line, or what was wrong with it."""
        number = _NO_ID
        try:
            request = _request(line)
            number = _number(request)
            result = self._result(_question(request), number)
            self._reply(number, result=result.model_dump())
        except MetaStudioError as error:
            self._reply(number, error=failed(error).model_dump())
        except BrokenPipeError:
            raise
        except Cancelled:
            self._reply(number, error=Failed(code="MS-130", what="Cancelled.", exit_code=130).model_dump())
        except MemoryError:
            nothing_left = Failed(code="MS-510", what="There is not enough memory for this.", exit_code=5)
            self._reply(number, error=nothing_left.model_dump())
        except Exception as error:  # noqa: BLE001 - a bug is answered too, or the studio would wait for ever
            _log.exception("A question met a bug.")
            self._reply(number, error=_bug(error).model_dump())

    def _result(self, question: BaseModel, number: int) -> BaseModel:
        if isinstance(question, AskDevices):
            return Devices(devices=list_devices())

        def on_progress(progress: Progress) -> None:
            if self._is_cancelled(number):
                raise Cancelled
            self._reply(number, progress=progress.model_dump())

        if self._is_cancelled(number):
            raise Cancelled
        return self.session().answer(question, on_progress)

    def _reply(self, number: int, **content: dict[str, Any]) -> None:
        self._write(json.dumps({"id": number, **content}, ensure_ascii=True))


def _request(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("This line is no JSON.", why=str(error)) from error
    if not isinstance(request, dict):
        raise ConfigurationError("This line is no JSON object.")
    return request


def _cancelled_by(line: bytes) -> int | None:
    """Return the number of the question that a line cancels; None of every other line."""
    if len(line) > _LONGEST_CANCEL_BYTES or b'"cancel"' not in line:
        return None
    try:
        return Cancel.model_validate_json(line).id
    except ValidationError:
        return None


def _number(request: dict[str, Any]) -> int:
    number = request.pop("id", None)
    if not isinstance(number, int) or isinstance(number, bool):
        raise ConfigurationError("A question needs an 'id', a whole number.")
    return number


def _question(request: dict[str, Any]) -> BaseModel:
    op = request.get("op")
    if op not in _OPS:
        raise ConfigurationError(
            "There is no question called '{op}'.{hint}",
            op=op,
            hint=did_you_mean(str(op), _OPS),
            todo="Known: {known}.",
            known=", ".join(_OPS),
        )
    try:
        question: BaseModel = QUESTIONS.validate_python(request)
    except ValidationError as error:
        problems = [
            problem("question", "{reason}", where=".".join(map(str, each["loc"][1:])), reason=each["msg"])
            for each in error.errors()
        ]
        raise ConfigurationError("The question '{op}' is not complete.", op=op, problems=problems) from error
    return question


def _bug(error: Exception) -> Failed:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return Failed(
        code="MS-700",
        what="Something unexpected happened: this is a bug of MetaStudio.",
        where=f"{Path(where.filename).name}, line {where.lineno}",
        why=f"{type(error).__name__}: {error}",
        exit_code=70,
    )
