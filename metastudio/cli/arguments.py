"""Arguments that several commands share, and how an experiment is put together from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from metastudio.catalog import experiment_file
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.overrides import with_overrides
from metastudio.catalog.recipes import find_recipe, with_recipe
from metastudio.errors import ConfigurationError
from metastudio.runs.run_folder import RunFolder

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines instead of text, and nothing else.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set one option of the experiment; may be given often. `metastudio catalog options` lists all of them.",
    ),
]
RecipeName = Annotated[
    str, typer.Option("--recipe", metavar="NAME", help="Begin with a recipe; `metastudio catalog recipes` lists them.")
]
ImageFolders = Annotated[
    list[Path] | None,
    typer.Option("--images", metavar="FOLDER", help="Folder of images, a class a folder; may be given often."),
]
RunsFolder = Annotated[Path, typer.Option("--runs", metavar="FOLDER", help="Folder in which runs lie.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)]


def assembled(
    file: Path | None, *, recipe: str = "", images: list[Path] | None = None, overrides: list[str] | None = None
) -> ExperimentConfig:
    """Return the experiment of a file, changed by a recipe, then by folders, then by single options.

    Relative paths in the file begin at its folder, those of `images` at the working folder.

    Raises:
        ConfigurationError: if the file cannot be read, or anything in it or in the options is wrong.
    """
    text = "" if file is None else _text_of(file)
    where = "" if file is None else str(file)
    values: dict[str, Any] = experiment_file.read_values(text, where=where)
    if recipe:
        values = with_recipe(values, find_recipe(recipe))
    if images:
        data = values.get("data", {})
        values["data"] = {**data, "folders": [str(each.absolute()) for each in images]}
    values = with_overrides(values, overrides or [])
    experiment = experiment_file.experiment_in(values, text, where=where)
    base = Path.cwd() if file is None else file.absolute().parent
    return experiment_file.with_paths(experiment, lambda path: str(base / path))


def existing_run(path: Path) -> RunFolder:
    """Return the run that lies in a folder.

    Raises:
        ConfigurationError: if there is none.
    """
    run = RunFolder(path)
    if not run.exists():
        raise ConfigurationError("There is no run here.", where=str(path), todo="`metastudio runs` lists them.")
    return run


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            "The experiment cannot be read.", where=str(file), why=f"The system says: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError("The experiment is not UTF-8 text.", where=str(file), why=f"{error}.") from error
