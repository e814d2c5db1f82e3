"""One command of ours in a process of its own, that computes as a worker does, and the JSON lines that it says."""

from __future__ import annotations

import json
import subprocess
from typing import Any, BinaryIO

from metastudio.errors import ResourceError
from metastudio.gui.documents.background_task import Progress, ShouldStop
from metastudio.images.problems import Cancelled
from metastudio.jobs.job_thread import ending_reason
from metastudio.jobs.session_thread import error_of
from metastudio.jobs.worker_command import hidden_flags, lower_priority
from metastudio.paths import scratch_folder
from metastudio.runs.events import Failed
from metastudio.runs.kill import kill_with_children

_GLANCE_S = 0.05


def said_by(
    command: tuple[list[str], dict[str, str]], kind: str, tell: Progress, should_stop: ShouldStop, *, todo: str
) -> dict[str, Any]:
    """Run a command until it ends, and return the line of a kind that it said, without its kind.

    Args:
        command: Its argv and environment.
        kind: Of the line that is the answer.
        tell: Called with (phase, done, total) as it gets on.
        should_stop: Asked twenty times a second.
        todo: What helps where it ends without an answer.

    Raises:
        MetaStudioError: what the process met.
        Cancelled: if `should_stop` says so; the process is ended.
    """
    argv, env = command
    found: dict[str, Any] | None = None
    with (
        scratch_folder() as folder,
        (folder / "said").open("wb") as output,
        (folder / "log").open("wb") as log,
        (folder / "said").open("rb") as said_so_far,
        subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            start_new_session=True,
            creationflags=hidden_flags(),
        ) as process,
    ):
        lower_priority(process.pid)
        lines = _Lines(said_so_far)
        has_ended = False
        while not has_ended:
            if should_stop():
                kill_with_children(process.pid)
                raise Cancelled
            has_ended = _ends_within(process, _GLANCE_S)
            for said in lines.new():
                match said.pop("kind", ""):
                    case "preparing":
                        tell(said["phase"], said["done"], said["total"])
                    case "failed":
                        raise error_of(Failed.model_validate(said))
                    case other if other == kind:
                        found = said
        if found is None:
            words = (folder / "log").read_text(encoding="utf-8", errors="replace")
            last = words.strip().splitlines()[-1:]
            raise ResourceError(
                "It ended without an answer.", why=ending_reason(process.returncode, "".join(last).strip()), todo=todo
            )
    return found


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Lines:
    """Reads the whole lines of a file that somebody else appends to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read = 0

    def new(self) -> list[dict[str, Any]]:
        self._file.seek(self._read)
        whole, _, _ = self._file.read().rpartition(b"\n")
        self._read += len(whole) + bool(whole)
        return [json.loads(each) for each in whole.splitlines() if each.strip()]
