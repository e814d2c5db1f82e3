"""What there is: `runs` on disk, `devices` of the machine, and the `catalog` of everything that can be chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from metastudio.catalog.entry import FAMILY_TITLES, Entry
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.catalog.options import OptionInfo, options_of
from metastudio.catalog.recipes import Recipe, recipes
from metastudio.cli.arguments import AsJson
from metastudio.cli.report import Report
from metastudio.errors import ConfigurationError, MetaStudioError, did_you_mean
from metastudio.runs.run_folder import RunFolder, list_runs
from metastudio.runs.wording import percent


def runs(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="A folder of runs, or a project.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List runs: state, progress, best validation accuracy.

    Examples: `metastudio runs`, `metastudio runs ~/Documents/MetaStudio/leaves`
    """
    found = list_runs(folder / "runs" if (folder / "project.toml").is_file() else folder)
    report = Report(as_json=as_json)
    if not found:
        report.say(f"There are no runs in {folder}. `metastudio train` makes one.")
        return
    table = _table("Run", "State", "Iteration", "Best validation", "Started")
    for run in found:
        row = _row(run)
        report.tell(kind="run", **row)
        table.add_row(*(str(row[name]) for name in ("name", "state", "iteration", "best", "started_at")))
    report.show(table)


def devices(as_json: AsJson = False) -> None:
    """List where it can compute, and why not elsewhere."""
    from metastudio.engine.devices import list_devices

    report = Report(as_json=as_json)
    table = _table("Name", "Device", "Free memory", "", "Note")
    for each in list_devices():
        report.tell(kind="device", **each.model_dump())
        mark = "recommended" if each.is_recommended else "" if each.is_usable else "not usable"
        table.add_row(each.name, each.title, f"{each.free_bytes / 1e9:.1f} GB", mark, each.note)
    report.show(table)


def catalog(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A method, a backbone, a recipe, `options` or `recipes`.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Explain what can be chosen: everything in short, or one thing with all its options.

    Examples: `metastudio catalog`, `metastudio catalog maml`, `metastudio catalog quick-maml-omniglot`,
    `metastudio catalog options`
    """
    report = Report(as_json=as_json)
    shelf = {recipe.name: recipe for recipe in recipes()}
    entries = {**ALGORITHMS, **BACKBONES}
    if name in entries:
        section = "algorithm" if name in ALGORITHMS else "backbone"
        _show_entry(entries[name], section, report)
    elif name in shelf:
        _show_recipe(shelf[name], report)
    elif name == "options":
        _show_options(options_of(ExperimentConfig), report)
    elif name == "recipes":
        _show_recipes(report)
    elif not name:
        _show_menu("Methods", ALGORITHMS.values(), report)
        _show_menu("Backbones", BACKBONES.values(), report)
        _show_recipes(report)
    else:
        known = [*entries, *shelf, "options", "recipes"]
        raise ConfigurationError(
            "The catalogue has nothing called '{name}'.{hint}",
            name=name,
            hint=did_you_mean(name, known),
            todo="`metastudio catalog` lists everything.",
        )


def _row(run: RunFolder) -> dict[str, Any]:
    try:
        state = run.state()
        return {
            "name": run.name,
            "path": str(run.path),
            "state": str(run.effective_state()),
            "iteration": f"{state.iteration:,} / {state.iterations:,}",
            "best": "" if state.best_accuracy is None else percent(state.best_accuracy, state.best_ci95),
            "started_at": state.started_at,
            "origin": None if state.origin is None else state.origin.model_dump(),
        }
    except MetaStudioError as error:
        return {
            "name": run.name,
            "path": str(run.path),
            "state": f"unreadable: {error.what}",
            "iteration": "",
            "best": "",
            "started_at": "",
            "origin": None,
        }


def _show_menu(title: str, entries: Any, report: Report) -> None:
    table = _table(title, "", "In one sentence", "Paper")
    for each in entries:
        report.tell(kind="entry", name=each.name, title=each.title, summary=each.summary, family=each.family)
        paper = f"{each.paper.authors}, {each.paper.venue} {each.paper.year}"
        table.add_row(each.name, FAMILY_TITLES[each.family], each.summary, paper)
    report.show(table)


def _show_recipes(report: Report) -> None:
    table = _table("Recipe", "For what", "Measured", "Paper")
    for each in recipes():
        report.tell(kind="recipe", name=each.name, summary=each.summary, measured=each.measured, paper=each.paper)
        table.add_row(each.name, each.summary, each.measured or "not yet", each.paper)
    report.show(table)


def _show_entry(entry: Entry, section: str, report: Report) -> None:
    paper = entry.paper
    report.say(f"{entry.title} ({entry.name}): {entry.summary}", "bold")
    report.say(f"{paper.authors}: {paper.title}. {paper.venue} {paper.year}, {paper.identifier}")
    _show_options(options_of(entry.config_type, section), report)


def _show_recipe(recipe: Recipe, report: Report) -> None:
    report.say(f"{recipe.title} ({recipe.name}): {recipe.summary}", "bold")
    report.say(f"Measured: {recipe.measured or 'not yet'}\nPaper: {recipe.paper or 'none'}")
    report.tell(kind="recipe", name=recipe.name, values=recipe.values)
    table = _table("Option", "Value")
    for option, value in _flat(recipe.values):
        table.add_row(option, str(value))
    report.show(table)


def _show_options(options: tuple[OptionInfo, ...], report: Report) -> None:
    table = _table("Option", "Default", "Allowed", "What it does")
    for each in options:
        allowed = " ".join(part for part in (each.range_text, each.unit) if part)
        only = f" (only {each.variant})" if each.variant else ""
        report.tell(kind="option", name=each.name, default=_plain(each.default), allowed=allowed, help=each.help + only)
        table.add_row(each.name, str(_plain(each.default)), allowed, each.help + only)
    report.show(table)


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value) if not isinstance(value, bool) else str(value).lower()


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    return table
