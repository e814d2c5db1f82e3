"""Asks for an experiment's forecast: `metastudio forecast` in a process of its own, which computes as a worker does."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.experiment_file import to_toml
from metastudio.errors import ResourceError
from metastudio.gui.documents.background_task import Progress, ShouldStop
from metastudio.images.problems import Cancelled
from metastudio.jobs.job_thread import ending_reason, kill_with_children
from metastudio.jobs.session_thread import error_of
from metastudio.jobs.worker_command import forecast_command, hidden_flags, lower_priority
from metastudio.runs.events import Failed
from metastudio.runs.forecast import Forecast

_GLANCE_S = 0.05


def tried(experiment: ExperimentConfig, _tell: Progress, should_stop: ShouldStop) -> Forecast:
    """Return the forecast of an experiment.

    Raises:
        MetaStudioError: what the process met.
        Cancelled: if `should_stop` says so; the process is ended.
    """
    with tempfile.TemporaryDirectory(prefix="metastudio-") as folder:
        file = Path(folder) / "experiment.toml"
        file.write_text(to_toml(experiment), encoding="utf-8")
        argv, env = forecast_command(file)
        with subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=hidden_flags(),
        ) as process:
            lower_priority(process.pid)
            while True:
                try:
                    output, log = process.communicate(timeout=_GLANCE_S)
                    break
                except subprocess.TimeoutExpired:
                    if should_stop():
                        kill_with_children(process.pid)
                        raise Cancelled from None
    return _in(output, process.returncode, log)


def _in(output: bytes, exit_code: int, log: bytes = b"") -> Forecast:
    """Return the forecast among the lines that the process said; else raise what it met, or how it ended."""
    for line in output.splitlines():
        said = json.loads(line)
        match said.pop("kind", ""):
            case "forecast":
                return Forecast(**said)
            case "failed":
                raise error_of(Failed.model_validate(said))
    last = log.decode("utf-8", "replace").strip().splitlines()[-1:]
    raise ResourceError(
        "The trial ended without an answer.",
        why=ending_reason(exit_code, "".join(last).strip()),
        todo="Lower tasks per step, filters or image size, or start without a forecast.",
    )
