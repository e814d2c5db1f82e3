"""`metastudio compare`: two runs on the very same episodes, and in what they differ."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from metastudio.cli.arguments import AsJson, RunArgument, existing_run
from metastudio.cli.report import Report
from metastudio.cli.results import Statistics
from metastudio.runs.differences import differences
from metastudio.runs.episode_scores import PairedDifference
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.wording import percent


def compare(
    first: RunArgument,
    second: RunArgument,
    episodes: Annotated[int, typer.Option(min=2, help="Meta-test episodes; more narrow the interval.")] = 600,
    statistics: Annotated[
        Statistics, typer.Option(help="Where normalisation takes mean and variance from, in both runs.")
    ] = Statistics.SUPPORT,
    as_json: AsJson = False,
) -> None:
    """Compare the best checkpoints of two runs on the same frozen meta-test episodes, those of the first.

    The difference carries its 95 % interval from the paired differences of single episodes; where that includes zero,
    the runs are a tie. Answers are kept with both runs, so that asking again takes a moment.

    Example: `metastudio compare runs/maml runs/proto --episodes 1000`
    """
    from metastudio.engine.evaluation.comparison import compare as compared

    runs = existing_run(first), existing_run(second)
    with Report(as_json=as_json) as report:
        _show_differences(runs, report)
        found = compared(*runs, episodes=episodes, statistics=statistics.value, on_progress=report.counter("comparing"))
        report.say(f"{_name(runs[0])}: {percent(found.first_accuracy, found.first_ci95)}")
        report.say(f"{_name(runs[1])}: {percent(found.second_accuracy, found.second_ci95)}")
        report.say(_verdict(found, *map(_name, runs)), "bold")
        names = [str(each.path) for each in runs]
        report.tell(kind="compared", first=names[0], second=names[1], is_tie=found.is_tie, **asdict(found))


def _verdict(found: PairedDifference, first: str, second: str) -> str:
    interval = "n/a" if found.ci95 is None else f"{100 * found.ci95:.1f}"
    asked = f"the same {found.episodes:,} meta-test episodes, statistics '{found.statistics}'"
    if found.is_tie:
        return f"A tie: {100 * found.difference:+.1f} ± {interval} points on {asked} include zero."
    ahead, behind = (first, second) if found.difference > 0 else (second, first)
    return f"{ahead} is ahead of {behind} by {100 * abs(found.difference):.1f} ± {interval} points on {asked}."


def _show_differences(runs: tuple[RunFolder, RunFolder], report: Report) -> None:
    found = differences([each.experiment().model_dump(mode="json") for each in runs])
    table = Table(box=None, pad_edge=False)
    for title in ("Differs", *map(_name, runs)):
        table.add_column(title, overflow="fold")
    for option, values in found.items():
        table.add_row(option, *values)
    report.tell(kind="differences", options=found)
    if found:
        report.show(table)
    else:
        report.say("Their configurations are the same.")


def _name(run: RunFolder) -> str:
    return run.notes().name or run.name
