"""Every method on Omniglot under the same budget of seconds: accuracy, pace and memory, as rows of a table.

Run by hand: ``python -m tests.benchmarks.method_table OMNIGLOT_FOLDER SPLITS_FOLDER OUT_FOLDER [--seconds 600]
[--ways 5 20]``. Each method takes its quick recipe; a trial (`metastudio forecast`) says how many iterations fit into
the budget, so that the outer rate falls to its end within it. Meta-Transfer Learning starts from the plain classifier
of the same table. What is in OUT_FOLDER/rows.jsonl already is not done again; the table is printed at the end, and
alone with ``--seconds 0``. ``--trials`` makes only the trials, which want free cores; the rows then use them.
What the forecast of the very same experiment said is kept beside what came, as a check of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shlex
import statistics
from pathlib import Path
from types import MappingProxyType
from typing import Any

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.recipes import Recipe, recipes
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder
from tests.benchmarks.forecasts import GOAL, called, forecast_of, wall_s

EPISODES = MappingProxyType({5: 600, 20: 200})
"""Of the test, by ways: about as many queries."""
FIRST = ("classifier",)
"""Others start from it."""


def recipe_of(algorithm: str) -> Recipe | None:
    """Return the quick recipe of a method for Omniglot."""
    found = [each for each in recipes() if each.algorithm == algorithm and each.name.startswith("quick-")]
    return next((each for each in found if each.name.endswith("-omniglot")), None)


def tried(recipe: Recipe, ways: int, arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what to ask for, so that a method's training takes the budget, and the forecast of just that."""
    asked: list[object] = ["--images", arguments.omniglot, "--recipe", recipe.name]
    options = {f"data.split.meta_{part}": arguments.splits / f"{part}.json" for part in ("train", "val", "test")}
    options = {"data.split.kind": "lists", **options, "episodes.n_way": ways, "exports": "[]"}
    shown_as = {f"data.split.meta_{part}": f"SPLITS/{part}.json" for part in ("train", "val", "test")}
    if "train_n_way" in recipe.values["episodes"]:  # it trains with more ways than it is tested with
        options["episodes.train_n_way"] = max(ways, recipe.values["episodes"]["train_n_way"])
    if ALGORITHMS[recipe.algorithm].capabilities.keeps_backbone:
        options["initial_weights"] = next(row["run"] for row in rows if row["method"] == FIRST[0])
        shown_as["initial_weights"] = "RUN-OF-THE-CLASSIFIER"
    tasks = recipe.values["training"].get("meta_batch_size", ExperimentConfig().training.meta_batch_size)
    iterations = max(10, round(arguments.seconds * forecast_of([*asked, *_set(options)])["tasks_per_s"] / tasks))
    options |= {"training.iterations": iterations, "training.validate_every": iterations // 3 or 1}
    asked += _set(options)
    return {
        "method": recipe.algorithm,
        "ways": ways,
        "asked": [str(each) for each in asked],
        "shown": shlex.join(["--recipe", recipe.name, *_set(options | shown_as)]),
        "iterations": iterations,
        "tasks": tasks,
        "forecast": forecast_of(asked),
    }


def measured(trial: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and test one method; return its row."""
    said = called("train", *trial["asked"], "--runs", arguments.out / "runs")
    run = RunFolder(next(line["path"] for line in said if line["kind"] == "run"))
    both = ("--statistics", "support", "--statistics", "batch")
    tested = called("evaluate", run.path, "--episodes", EPISODES[trial["ways"]], *both)
    events = read_events(run.events_path)[0]
    steps = [each for each in events if each.kind == "outer_step"]
    seconds = wall_s(events)
    return {
        "method": trial["method"],
        "ways": trial["ways"],
        "run": str(run.path),
        "iterations": trial["iterations"],
        "seconds": seconds,
        "tasks_per_s": trial["tasks"] * trial["iterations"] / run.state().elapsed_s,
        "tasks_per_s_of_steps": statistics.median(each.tasks_per_s for each in steps),
        "memory_bytes": max(each.memory_bytes for each in steps),
        "forecast": {name: trial["forecast"][name] for name in ("seconds", "memory_bytes")},
        "tests": [line for line in tested if "statistics" in line],
        "command": trial["shown"],
    }


def kept(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def found(lines: list[dict[str, Any]], method: str, ways: int) -> dict[str, Any] | None:
    """Return the line of a method."""
    return next((each for each in lines if (each["method"], each["ways"]) == (method, ways)), None)


def _set(options: dict[str, object]) -> list[str]:
    return [part for name, value in options.items() for part in ("--set", f"{name}={value}")]


def against_forecast(row: dict[str, Any]) -> str:
    """Return how a row's forecast did, as Markdown."""
    said = row["forecast"]
    ratios = [said[name] / row[name] for name in ("seconds", "memory_bytes")]
    verdict = "holds" if all(1 / GOAL <= ratio <= GOAL for ratio in ratios) else "MISSES"
    return (
        f"| {ALGORITHMS[row['method']].title}, {row['ways']}-way | {said['seconds']:.0f} | {row['seconds']:.0f} "
        f"| {ratios[0]:.2f} | {said['memory_bytes'] / 1e6:.0f} | {row['memory_bytes'] / 1e6:.0f} | {ratios[1]:.2f} "
        f"| {verdict} |"
    )


def shown(row: dict[str, Any]) -> str:
    """Return a row as Markdown."""
    by_kind = {each["statistics"]: each for each in row["tests"]}

    def accuracy(kind: str, which: str = "") -> str:
        value, half = by_kind[kind][f"accuracy{which}"], by_kind[kind][f"ci95{which}"]
        return "–" if value is None else f"{100 * value:.1f} ± {100 * half:.1f}"

    return (
        f"| {ALGORITHMS[row['method']].title} | {accuracy('support', '_before')} | {accuracy('support')} "
        f"| {accuracy('batch')} | {row['tasks_per_s']:.3g} | {row['memory_bytes'] / 1e6:.0f} | {row['seconds']:.0f} "
        f"| `{row['command']}` |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("splits", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--ways", type=int, nargs="*", default=[5, 20])
    parser.add_argument("--methods", nargs="*", default=list(ALGORITHMS))
    parser.add_argument("--trials", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows_file, trials_file = arguments.out / "rows.jsonl", arguments.out / "trials.jsonl"
    rows, trials = kept(rows_file), kept(trials_file)
    order = sorted(arguments.methods, key=lambda name: name not in FIRST)
    for ways, name in itertools.product(arguments.ways if arguments.seconds else [], order):
        recipe = recipe_of(name)
        if recipe is None or found(rows, name, ways):
            continue
        trial = found(trials, name, ways)
        if trial is None:
            trial = tried(recipe, ways, arguments, rows)
            trials.append(trial)
            with trials_file.open("a") as out:
                out.write(json.dumps(trial) + "\n")
        if arguments.trials:
            continue
        rows.append(measured(trial, arguments))
        with rows_file.open("a") as out:
            out.write(json.dumps(rows[-1]) + "\n")
        print(shown(rows[-1]), flush=True)
    for ways in arguments.ways:
        print(f"\n{ways}-way 1-shot\n")
        print("| method | before, % | `support`, % | `batch`, % | tasks/s | MB | s | command |")
        print("|---|---|---|---|---|---|---|---|")
        for row in rows:
            if row["ways"] == ways:
                print(shown(row))
    print("\n| experiment | s said | s measured | ratio | MB said | MB measured | ratio | within 1.5 |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(against_forecast(row))


if __name__ == "__main__":
    main()
