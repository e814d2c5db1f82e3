"""Asks for an experiment's forecast: `metastudio forecast` in a process of its own, which computes as a worker does."""

from __future__ import annotations

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.experiment_file import to_toml
from metastudio.gui.documents.background_task import Progress, ShouldStop
from metastudio.gui.documents.side_process import said_by
from metastudio.jobs.worker_command import forecast_command
from metastudio.paths import scratch_folder
from metastudio.runs.forecast import Forecast


def tried(experiment: ExperimentConfig, tell: Progress, should_stop: ShouldStop) -> Forecast:
    """Return the forecast of an experiment.

    Raises:
        MetaStudioError: what the process met.
        Cancelled: if `should_stop` says so; the process is ended.
    """
    with scratch_folder() as folder:
        file = folder / "experiment.toml"
        file.write_text(to_toml(experiment), encoding="utf-8")
        todo = "Lower tasks per step, filters or image size, or start without a forecast."
        return Forecast(**said_by(forecast_command(file), "forecast", tell, should_stop, todo=todo))
