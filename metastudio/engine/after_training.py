"""What happens by itself when training ends: the test that was asked for, then target tasks adapted and exported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from metastudio.catalog.experiment import ExportFormat, TargetTask
from metastudio.engine.adaptation import AdaptedTask, TrainedLearner, adapt_to_target, trained_learner
from metastudio.engine.evaluation.meta_test import evaluate_on_meta_test
from metastudio.engine.export.formats import export
from metastudio.errors import MetaStudioError
from metastudio.runs.events import Adapted, Event, Exported, Notice, Preparing
from metastudio.runs.run_folder import RunFolder


def after_training(run: RunFolder) -> Iterator[Event]:
    """Evaluate, adapt and export as the experiment says; one that fails is said and does not stop the others."""
    experiment = run.experiment()
    if experiment.evaluation.after_training:
        yield from _evaluated(run)
    if not experiment.targets and "checkpoint" not in experiment.exports:
        return
    try:
        trained = trained_learner(run)
    except MetaStudioError as error:
        yield _notice("after-training", f"Nothing was adapted or exported: {error}")
        return
    total = len(experiment.targets)
    if "checkpoint" in experiment.exports:
        yield from _exported(trained, None, "checkpoint", run.exports_folder / "checkpoint")
    for number, (target, name) in enumerate(zip(experiment.targets, _folder_names(experiment.targets), strict=True)):
        yield Preparing(phase=f"adapting to {target.name}", done=number, total=total)
        try:
            adapted = adapt_to_target(trained, target)
        except MetaStudioError as error:
            yield _notice("target-failed", f"The target task '{target.name}' was not adapted to: {error}")
            continue
        yield from (
            _notice("target-picture", f"Target task '{target.name}': {each}") for each in adapted.loaded.problems
        )
        yield Adapted(
            target=target.name,
            losses=tuple(adapted.trace.support_losses),
            accuracy=adapted.query_accuracy,
            queries=0 if adapted.loaded.query is None else len(adapted.loaded.query),
        )
        for kind in experiment.exports:
            if kind != "checkpoint":
                yield Preparing(phase=f"exporting {target.name}", done=number, total=total)
                yield from _exported(trained, adapted, kind, run.exports_folder / f"{name}-{kind}")


def _evaluated(run: RunFolder) -> Iterator[Event]:
    wanted = run.experiment().evaluation
    yield Preparing(phase="evaluating on meta-test", done=0, total=wanted.episodes)
    try:
        yield from evaluate_on_meta_test(run, episodes=wanted.episodes, statistics=wanted.statistics)
    except MetaStudioError as error:
        yield _notice("evaluation-failed", f"Meta-test was not evaluated: {error}")


def _exported(
    trained: TrainedLearner, adapted: AdaptedTask | None, kind: ExportFormat, folder: Path
) -> Iterator[Event]:
    target = "" if adapted is None else adapted.target.name
    try:
        done = export(trained, adapted, kind, folder, overwrite=True)
    except MetaStudioError as error:
        yield _notice("export-failed", f"The export '{folder.name}' was not made: {error}")
        return
    yield Exported(
        target=target, format=kind, path=str(done.path), largest_difference=done.verification.largest_difference
    )


def _notice(code: str, text: str) -> Notice:
    return Notice(code=code, text=text, severity="warning")


def _folder_names(targets: Sequence[TargetTask]) -> list[str]:
    """Return a name for each target that every file system takes; no two alike, in capitals or not."""
    names: list[str] = []
    for target in targets:
        plain = re.sub(r"[^\w-]+", "-", target.name, flags=re.ASCII).strip("-_")[:60] or "target"
        is_taken = plain.casefold() in {each.casefold() for each in names}
        names.append(f"{plain}-{len(names) + 1}" if is_taken else plain)
    return names
