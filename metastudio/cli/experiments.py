"""`metastudio new`: an experiment file, complete and commented; and from an experiment to a run that waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.experiment_file import to_toml
from metastudio.cli.arguments import AsJson, ImageFolders, Overrides, RecipeName, assembled
from metastudio.cli.report import Report
from metastudio.errors import ConfigurationError, counted
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import ImageIndex, scan, select
from metastudio.runs.atomic import write_atomically
from metastudio.runs.preflight import preflight, require_start
from metastudio.runs.run_folder import RunFolder, create_run


def new(
    out: Annotated[Path, typer.Argument(metavar="OUT.toml", help="The file to write.", show_default=False)],
    images: ImageFolders = None,
    recipe: RecipeName = "",
    overrides: Overrides = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.toml where it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write an experiment file, with every option and what it does.

    Examples: `metastudio new maml.toml --images omniglot --recipe quick-maml-omniglot`,
    `metastudio new own.toml --images photos --recipe quick-proto-own --set episodes.n_way=3`
    """
    if out.exists() and not overwrite:
        raise ConfigurationError("The file exists.", where=str(out), todo="Choose another name, or add --overwrite.")
    experiment = assembled(None, recipe=recipe, images=images, overrides=overrides)
    with Report(as_json=as_json) as report:
        if experiment.data.folders:
            index, parts = images_of(experiment, report)
            report.problems(preflight(experiment, index, parts))
        write_atomically(out.absolute(), to_toml(experiment))
        report.say(f"Wrote {out}. Train it with: metastudio train {out}")
        report.tell(kind="experiment", path=str(out.absolute()))


def made_run(
    experiment: ExperimentConfig, index: ImageIndex, parts: Mapping[str, Part], runs_folder: Path, report: Report
) -> RunFolder:
    """Check, and make the run.

    Raises:
        ConfigurationError: if the experiment cannot be trained.
        DataError: if the images are the reason.
        ResourceError: if the run cannot be written.
    """
    report.problems(require_start(experiment, index, parts))
    run = create_run(experiment, index, parts, runs_folder=runs_folder)
    report.tell(kind="run", path=str(run.path))
    return run


def images_of(experiment: ExperimentConfig, report: Report) -> tuple[ImageIndex, dict[str, Part]]:
    """Scan and split, and say what was found.

    Raises:
        ConfigurationError: if the experiment names no folder.
        DataError: if a folder or the split is wrong.
    """
    if not experiment.data.folders:
        raise ConfigurationError("The experiment names no images.", where="data.folders", todo="Add --images FOLDER.")
    on_progress = report.counter("looking at folders")
    data = experiment.data
    found = scan(
        data.folders, layout=data.layout, depths=data.class_depths, on_progress=lambda done: on_progress(done, 0)
    )
    index = select(found, experiment.data)
    parts = split_classes(index, experiment.data.split)
    counts = Counter(parts.values())
    report.say(
        f"{counted(index.file_count, '1 picture', '{count} pictures')} in "
        f"{counted(len(index.classes), '1 class', '{count} classes')}: {counts[Part.META_TRAIN]:,} meta-train, "
        f"{counts[Part.META_VAL]:,} meta-val, {counts[Part.META_TEST]:,} meta-test"
    )
    report.problems(index.problems)
    return index, parts
