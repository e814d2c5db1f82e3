"""Every method on Omniglot under the same budget of seconds: accuracy, pace and memory, as rows of a table.

Run by hand: ``python -m tests.benchmarks.method_table OMNIGLOT_FOLDER SPLITS_FOLDER OUT_FOLDER [--seconds 600]
[--ways 5 20]``. Each method takes its quick recipe; a trial (`metastudio forecast`) says how many iterations fit into
the budget, so that the outer rate falls to its end within it. Meta-Transfer Learning starts from the plain classifier
of the same table. What is in OUT_FOLDER/rows.jsonl already is not done again; the table is printed at the end, and
alone with ``--seconds 0``.
What the forecast of the very same experiment said is kept beside what came, as a check of it.
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.recipes import Recipe, recipes
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder
from tests.benchmarks.forecasts import GOAL, called, forecast_of

EPISODES = 600
FIRST = ("classifier",)
"""Others start from it."""


def recipe_of(algorithm: str) -> Recipe | None:
    """Return the quick recipe of a method for Omniglot."""
    found = [each for each in recipes() if each.algorithm == algorithm and each.name.startswith("quick-")]
    return next((each for each in found if each.name.endswith("-omniglot")), None)


def measured(recipe: Recipe, ways: int, arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Train and test one method; return its row."""
    asked: list[object] = ["--images", arguments.omniglot, "--recipe", recipe.name]
    options = {f"data.split.meta_{part}": arguments.splits / f"{part}.json" for part in ("train", "val", "test")}
    options = {"data.split.kind": "lists", **options, "episodes.n_way": ways, "exports": "[]"}
    shown_as = {"meta_train": "SPLITS/train.json", "meta_val": "SPLITS/val.json", "meta_test": "SPLITS/test.json"}
    shown_options = {f"data.split.{part}": place for part, place in shown_as.items()}
    if "train_n_way" in recipe.values["episodes"]:  # it trains with more ways than it is tested with
        options["episodes.train_n_way"] = max(ways, recipe.values["episodes"]["train_n_way"])
    if ALGORITHMS[recipe.algorithm].capabilities.keeps_backbone:
        options["initial_weights"] = next(row["run"] for row in rows if row["method"] == FIRST[0])
        shown_options["initial_weights"] = "RUN-OF-THE-CLASSIFIER"
    asked += _set(options)
    tasks = recipe.values["training"].get("meta_batch_size", ExperimentConfig().training.meta_batch_size)
    iterations = max(10, round(arguments.seconds * forecast_of(asked)["tasks_per_s"] / tasks))
    budget = {"training.iterations": iterations, "training.validate_every": iterations // 3 or 1}
    asked += _set(budget)
    forecast = forecast_of(asked)
    folder = arguments.out / "runs"
    said = called("train", *asked, "--runs", folder)
    run = RunFolder(next(line["path"] for line in said if line["kind"] == "run"))
    statistics = ("--statistics", "support", "--statistics", "batch")
    tests = [line for line in called("evaluate", run.path, "--episodes", EPISODES, *statistics) if "statistics" in line]
    steps = [each for each in read_events(run.events_path)[0] if each.kind == "outer_step"]
    seconds = run.state().elapsed_s
    return {
        "method": recipe.algorithm,
        "ways": ways,
        "run": str(run.path),
        "iterations": iterations,
        "seconds": seconds,
        "tasks_per_s": tasks * iterations / seconds,
        "memory_bytes": max(each.memory_bytes for each in steps),
        "forecast": {name: forecast[name] for name in ("seconds", "memory_bytes")},
        "tests": tests,
        "command": shlex.join(["--recipe", recipe.name, *_set(options | shown_options | budget)]),
    }


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
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "rows.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    order = sorted(arguments.methods, key=lambda name: name not in FIRST)
    for ways in arguments.ways if arguments.seconds else []:
        for name in order:
            recipe = recipe_of(name)
            if recipe is None or any(row["method"] == name and row["ways"] == ways for row in rows):
                continue
            rows.append(measured(recipe, ways, arguments, rows))
            with file.open("a") as out:
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
