"""Starts the processes that share a run on this computer, as `torchrun` does, and waits for them."""

from __future__ import annotations

import signal
import sys
import uuid
from pathlib import Path

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, launch_agent

from metastudio.runs.control import Wanted


def train_in_processes(run: Path, count: int, *, wish: Wanted = Wanted.RUN, as_json: bool = False) -> int:
    """Train a run in `count` processes; return the exit code of the first that failed, 0 where none did.

    None is started anew: whoever wants the run to go on resumes it.

    Args:
        run: Its folder.
        count: How many.
        wish: What is wanted of them from the start: to go on, or to finish.
        as_json: Whether the first prints its events as JSON lines.
    """
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    program = [] if getattr(sys, "frozen", False) else ["-m", "metastudio"]
    options = ["--finish"] * (wish is Wanted.FINISH) + ["--json"] * as_json
    arguments = [*program, "train", str(run), *options]
    try:
        launch_agent(config, sys.executable, arguments)
    except ChildFailedError as failed:
        code = failed.failures.get(0, failed.get_first_failure()[1]).exitcode
        return code if code > 0 else 128 - code
    except SignalException as asked:
        return 130 if asked.sigval == signal.SIGINT else 143
    return 0
