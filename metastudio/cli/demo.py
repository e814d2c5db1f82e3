"""`metastudio demo`: the whole journey in the terminal, on generated pictures: train, adapt, export, verify."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import ExperimentConfig, TargetClass, TargetTask
from metastudio.catalog.validation import parse_experiment
from metastudio.cli.arguments import AsJson, Overrides, assembled
from metastudio.cli.experiments import images_of, made_run
from metastudio.cli.report import Report, evaluated
from metastudio.cli.training import work_on
from metastudio.images.image_folder import ImageIndex
from metastudio.paths import documents_folder

_SUPPORT_PICTURES = 5


def demo(
    folder: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Where everything is put; in your documents if not given."),
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", metavar="NAME", help="Another recipe.")] = "quick-maml-sample",
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Do the whole journey in about two minutes, without a window.

    Makes sample images, meta-trains, tests on classes never seen, adapts to some of them, exports, verifies the
    exports, and says where everything lies.

    Example: `metastudio demo --to demo`
    """
    place = (folder or documents_folder() / "Demo").absolute()
    with Report(as_json=as_json) as report:
        images = _sample_images(place / "images", report)
        experiment = assembled(None, recipe=recipe, images=[images], overrides=["name=Demo", *(overrides or [])])
        index, parts = images_of(experiment, report)
        experiment = _with_target(experiment, index, parts)
        run = made_run(experiment, index, parts, place / "runs", report)
        exit_code = work_on(run, report)
        if exit_code == 0:
            for event in run.evaluations():
                report.say(f"\nOn classes never seen in training: {evaluated(event)}", "bold green")
            report.say("\nEverything lies here:", "bold")
            report.say(f"  sample images  {images}\n  the run        {run.path}")
            for path in run.exports():
                report.say(f"  an export      {path}")
                report.tell(kind="export", path=str(path))
            report.say("\nTo go on: `metastudio train`, `metastudio adapt`, or `metastudio` for the studio.")
    if exit_code:
        raise typer.Exit(exit_code)


def _sample_images(folder: Path, report: Report) -> Path:
    from metastudio.images.sample_glyphs import make_sample_glyphs

    if not folder.is_dir():
        report.say("Drawing sample images …")
        make_sample_glyphs(folder)
    return folder


def _with_target(experiment: ExperimentConfig, index: ImageIndex, parts: Mapping[str, Part]) -> ExperimentConfig:
    """Return the experiment with a test at its end, and a task of some classes that training never sees."""
    unseen = [each for each in index.classes if parts.get(each.name) is Part.META_TEST]
    classes = []
    for each in unseen[: experiment.episodes.n_way]:
        files = [file.path for file in each.files]
        support, query = tuple(files[:_SUPPORT_PICTURES]), tuple(files[_SUPPORT_PICTURES:])
        classes.append(TargetClass(name=each.name, support=support, query=query))
    values = experiment.model_dump()
    values["evaluation"]["after_training"] = True
    values["targets"] = [TargetTask(name="never seen before", classes=tuple(classes)).model_dump()]
    return parse_experiment(values)
