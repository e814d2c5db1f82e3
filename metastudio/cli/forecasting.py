"""`metastudio forecast`: how long an experiment will take and how much memory, before it is started."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from metastudio.cli.arguments import AsJson, ImageFolders, Overrides, RecipeName, assembled
from metastudio.cli.experiments import images_of
from metastudio.cli.report import Report
from metastudio.runs.preflight import require_start
from metastudio.runs.wording import duration


def forecast(
    experiment_file: Annotated[
        Path | None, typer.Argument(metavar="[EXPERIMENT.toml]", help="What would be trained.", show_default=False)
    ] = None,
    images: ImageFolders = None,
    recipe: RecipeName = "",
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Try an experiment for some seconds, and say how long it will take and how much memory. Nothing is kept.

    Examples: `metastudio forecast maml.toml`,
    `metastudio forecast --images omniglot --recipe quick-maml-omniglot --set backbone.filters=32`
    """
    from metastudio.engine.forecast import forecast as tried

    with Report(as_json=as_json) as report:
        experiment = assembled(experiment_file, recipe=recipe, images=images, overrides=overrides)
        index, parts = images_of(experiment, report)
        report.problems(require_start(experiment, index, parts))
        found = tried(experiment, index, parts)
        report.say(
            f"About {duration(found.seconds)} and {found.memory_bytes / 1e9:.2g} GB on {found.device}, at "
            f"{found.tasks_per_s:.3g} tasks/s; target tasks and exports come on top."
        )
        report.tell(kind="forecast", **asdict(found))
