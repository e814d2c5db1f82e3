"""Compares forecasts with what is then measured: time and memory of quick recipes, cut to about half a minute.

Run by hand: ``python -m tests.benchmarks.forecasts OMNIGLOT_FOLDER [RECIPE ...] [--seconds 40]``. Each recipe is
tried with `metastudio forecast`; from its pace follow the iterations of the seconds asked for; these are forecast
once more and then trained, each in a process of its own. Ratios within 1/1.5 and 1.5 hold the goal.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.recipes import recipes
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Event
from metastudio.runs.run_folder import list_runs

GOAL = 1.5


def called(*arguments: object) -> list[dict[str, object]]:
    """Return the JSON lines that a command says."""
    argv = [sys.executable, "-m", "metastudio", *map(str, arguments), "--json"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def forecast_of(arguments: list[object]) -> dict[str, float]:
    """Return the forecast of an experiment."""
    return next(line for line in called("forecast", *arguments) if line["kind"] == "forecast")  # type: ignore[return-value]


def wall_s(events: Sequence[Event]) -> float:
    """Return how long a run of one stay took from its start to its end, validations and tests with it."""
    ends = [next(each.at for each in events if each.kind == kind) for kind in ("started", "finished")]
    began, ended = map(datetime.fromisoformat, ends)
    return (ended - began).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("recipes", nargs="*")
    parser.add_argument("--seconds", type=float, default=40)
    arguments = parser.parse_args()
    for recipe in recipes():
        if recipe.name not in (arguments.recipes or [recipe.name]) or "omniglot" not in recipe.name:
            continue
        asked: list[object] = ["--images", arguments.omniglot, "--recipe", recipe.name, "--set", "exports=[]"]
        whole = forecast_of(asked)
        tasks = recipe.values["training"].get("meta_batch_size", ExperimentConfig().training.meta_batch_size)
        iterations = max(3, round(arguments.seconds * whole["tasks_per_s"] / tasks))
        asked += ["--set", f"training.iterations={iterations}"]
        said = forecast_of(asked)
        with tempfile.TemporaryDirectory() as folder:
            called("train", *asked, "--runs", folder)
            [run] = list_runs(Path(folder))
            events = read_events(run.events_path)[0]
            steps = [each for each in events if each.kind == "outer_step"]
            seconds, memory = wall_s(events), max(each.memory_bytes for each in steps)
            pace = statistics.median(each.tasks_per_s for each in steps)
        ratios = said["seconds"] / seconds, said["memory_bytes"] / memory
        verdict = "holds" if all(1 / GOAL <= ratio <= GOAL for ratio in ratios) else "MISSES"
        print(
            f"{recipe.name}: {said['seconds']:.0f} s said, {seconds:.0f} s measured ({ratios[0]:.2f}); "
            f"{said['memory_bytes'] / 1e6:.0f} MB said, {memory / 1e6:.0f} MB measured ({ratios[1]:.2f}), "
            f"{pace:.3g} tasks a second: {verdict}",
            flush=True,
        )


if __name__ == "__main__":
    main()
