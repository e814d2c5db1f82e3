"""What is done with a trained run: `evaluate` on classes never seen, `adapt` to a new task, `export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.cli.arguments import AsJson, RunArgument, existing_run
from metastudio.cli.report import Report
from metastudio.errors import ConfigurationError, DataError
from metastudio.images.image_folder import scan


class Statistics(StrEnum):
    """Where normalisation takes mean and variance from at test."""

    SUPPORT = "support"
    BATCH = "batch"
    RUNNING = "running"


class Format(StrEnum):
    """What is handed over."""

    CHECKPOINT = "checkpoint"
    ADAPTED = "adapted"
    ONNX = "onnx"


SupportFolder = Annotated[
    Path | None,
    typer.Option("--support", metavar="FOLDER", help="Pictures to learn the new classes from, a class a folder."),
]
Checkpoint = Annotated[
    int | None,
    typer.Option("--checkpoint", metavar="ITERATION", help="Another checkpoint than the best one.", show_default=False),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")]


def evaluate(
    run: RunArgument,
    episodes: Annotated[int, typer.Option(min=2, help="Test episodes; more narrow the interval.")] = 600,
    statistics: Annotated[
        list[Statistics],
        typer.Option(
            help="'support' answers each picture alone, 'batch' sees all queries together, as most papers do; may be "
            "given often."
        ),
    ] = [Statistics.SUPPORT],  # noqa: B006 - typer copies it
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Spend the meta-test classes on a number: accuracy with its 95 % interval, before and after adaptation.

    The result is also kept in the run's folder `evaluations`.

    Example: `metastudio evaluate RUN --episodes 1000 --statistics support --statistics batch`
    """
    from metastudio.engine.evaluation.meta_test import evaluate_on_meta_test

    found = existing_run(run)
    with Report(as_json=as_json) as report:
        done = evaluate_on_meta_test(
            found,
            episodes=episodes,
            statistics=[each.value for each in statistics],
            iteration=checkpoint,
            on_progress=report.counter("evaluating"),
        )
        for event in done:
            report.event(event)


def report(
    run: RunArgument,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Another place than the run's folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the one-page report of a run: settings, curves, results, support pictures, and how to do it again.

    It is one HTML file without scripts that needs no network. Runs write one by themselves when they finish.

    Example: `metastudio report RUN --to maml.html`
    """
    from metastudio.runs.report.page import write_report

    path = write_report(existing_run(run), to)
    with Report(as_json=as_json) as shown:
        shown.say(f"The report lies in {path}")
        shown.tell(kind="report", path=str(path))


def adapt(
    run: RunArgument,
    support: SupportFolder = None,
    query: Annotated[
        list[Path] | None,
        typer.Option(
            "--query",
            metavar="FOLDER|FILE",
            help="Pictures to answer: a folder with a class a folder is judged, files are just answered; may be given "
            "often.",
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=-1, help="Inner steps; -1 takes as many as the experiment has.")] = -1,
    export_to: Annotated[
        Path | None, typer.Option("--export", metavar="FOLDER", help="Write the adapted model there, and verify it.")
    ] = None,
    overwrite: Overwrite = False,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Adapt the best checkpoint of a run to a new task of a few pictures, and answer others.

    Example: `metastudio adapt RUN --support leaves/known --query leaves/unknown/1.jpg --export leaf-model`
    """
    from metastudio.engine.adaptation import adapt_to_target, trained_learner
    from metastudio.engine.export.formats import export as write_export
    from metastudio.engine.tasks.target_task import read_picture
    from metastudio.runs.events import Exported

    task = target_from(_required(support), query or [])
    with Report(as_json=as_json) as report:
        trained = trained_learner(existing_run(run), checkpoint)
        adapted = adapt_to_target(trained, task, steps=None if steps < 0 else steps)
        report.problems(adapted.loaded.problems)
        report.event(adapted.event())
        for file in task.unlabelled:
            try:
                picture = read_picture(file, trained.experiment.data.preprocessing)
            except DataError as error:
                report.say(f"! {error}", "yellow")
                report.tell(kind="prediction", file=file, problem=str(error))
                continue
            chances = adapted.classifier.logits(picture)[0].softmax(0).tolist()
            answer = dict(zip(adapted.loaded.classes, chances, strict=True))
            best = sorted(answer, key=lambda name: -answer[name])
            report.say(f"{file}: " + ", ".join(f"{name} {100 * answer[name]:.1f} %" for name in best[:3]))
            report.tell(kind="prediction", file=file, probabilities=answer)
        if export_to is not None:
            done = write_export(trained, adapted, "adapted", export_to, overwrite=overwrite)
            report.event(
                Exported(
                    target=task.name,
                    format="adapted",
                    path=str(done.path),
                    largest_difference=done.verification.largest_difference,
                )
            )


def export(
    run: RunArgument,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="The folder to write.", show_default=False)],
    kind: Annotated[
        Format, typer.Option("--format", help="A checkpoint to go on with, a model for torch, or for ONNX.")
    ] = Format.ADAPTED,
    support: SupportFolder = None,
    overwrite: Overwrite = False,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Write an export and verify it in a clean process: same answers from the picture file on, or it fails.

    Examples: `metastudio export RUN --format onnx --support leaves --to leaf-model`,
    `metastudio export RUN --format checkpoint --to handover`
    """
    from metastudio.engine.adaptation import adapt_to_target, trained_learner
    from metastudio.engine.export.formats import export as write_export
    from metastudio.runs.events import Exported

    task = None if kind is Format.CHECKPOINT else target_from(_required(support), [])
    with Report(as_json=as_json) as report:
        trained = trained_learner(existing_run(run), checkpoint)
        adapted = None if task is None else adapt_to_target(trained, task)
        if adapted is not None:
            report.problems(adapted.loaded.problems)
        done = write_export(trained, adapted, kind.value, to, overwrite=overwrite)
        report.event(
            Exported(
                target="" if task is None else task.name,
                format=kind.value,
                path=str(done.path),
                largest_difference=done.verification.largest_difference,
            )
        )
        report.say("\n".join(f"  {name}" for name in done.files))


def target_from(support: Path, queries: list[Path]) -> TargetTask:
    """Return the target task of a folder of support pictures, with queries of known and of unknown class.

    Raises:
        DataError: if a folder cannot be read, or a query's class is none of the support's.
    """
    classes = _classes_in(support)
    known: dict[str, list[str]] = {name: [] for name in classes}
    unlabelled: list[str] = []
    for query in queries:
        if query.is_file():
            unlabelled.append(str(query.absolute()))
            continue
        found = _classes_in(query)
        if set(found) <= set(known):
            for name, files in found.items():
                known[name] += files
        elif not set(found) & set(known):
            unlabelled += [file for files in found.values() for file in files]
        else:
            strange = sorted(set(found) - set(known))
            raise DataError(
                "The queries have classes that the support pictures do not have: {names}.",
                names=", ".join(strange),
                where=str(query),
                todo="Name the folders alike, or give the files themselves.",
            )
    return TargetTask(
        name=support.absolute().name or "task",
        classes=tuple(
            TargetClass(name=name, support=tuple(files), query=tuple(known[name])) for name, files in classes.items()
        ),
        unlabelled=tuple(unlabelled),
    )


def _classes_in(folder: Path) -> dict[str, list[str]]:
    if not folder.exists():
        raise DataError("There is no such folder.", where=str(folder))
    found = scan([folder]).classes
    return {each.name.encode("utf-8", "replace").decode(): [file.path for file in each.files] for each in found}


def _required(support: Path | None) -> Path:
    if support is None:
        raise ConfigurationError(
            "No pictures of the new classes are named.", todo="Add --support FOLDER, a class a folder in it."
        )
    return support
