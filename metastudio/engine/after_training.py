"""What happens by itself when training ends: the test that was asked for, target tasks adapted and exported, a report.

A pause is heard between any two of them, between the episodes of the test and between the phases of an export. What was
not done then is done when the run goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from metastudio.catalog.experiment import ExportFormat, TargetTask
from metastudio.engine.adaptation import AdaptedTask, TrainedLearner, adapt_to_target, trained_learner
from metastudio.engine.evaluation.meta_test import evaluate_on_meta_test
from metastudio.engine.export.folder import verify_sums
from metastudio.engine.export.formats import export
from metastudio.engine.training.ranks import LostRankError, Ranks
from metastudio.errors import GoneError, MetaStudioError
from metastudio.images.problems import Cancelled
from metastudio.runs.event_log import read_events
from metastudio.runs.events import Adapted, Evaluated, Event, Exported, Failed, Notice, OuterStep, Preparing
from metastudio.runs.report.page import write_report
from metastudio.runs.run_folder import RunFolder

ShouldStop = Callable[[], bool]


def after_training(
    run: RunFolder, *, should_stop: ShouldStop = lambda: False, ranks: Ranks | None = None
) -> Iterator[Event]:
    """Evaluate, adapt, export as the experiment says, and report; what fails is said and does not stop the rest.

    Where several processes share the run they evaluate together, and then part: the first does the rest alone.
    What the run's events say was done since the last outer step is not done again.

    Raises:
        Cancelled: if `should_stop` says so; what was told is done, nothing of the rest.
        GoneError: if the folder of a target's pictures is gone; the next stay goes on without it, if it still is.
    """
    ranks = ranks or Ranks()
    experiment = run.experiment()
    done = ranks.first(lambda: _since_training(run))
    if experiment.evaluation.after_training:
        yield from _evaluated(run, done, should_stop, ranks)
    ranks.part()
    if ranks.is_first:
        yield from _handed_over(run, done, should_stop)
        yield from _reported(run)


def _handed_over(run: RunFolder, done: Sequence[Event], should_stop: ShouldStop) -> Iterator[Event]:
    """Adapt to the target tasks, and export."""
    experiment = run.experiment()
    if not experiment.targets and "checkpoint" not in experiment.exports:
        return
    try:
        trained = trained_learner(run)
    except MetaStudioError as error:
        yield _notice("after-training", f"Nothing was adapted or exported: {error}")
        return
    made = {Path(each.path).name for each in done if isinstance(each, Exported) and _is_whole(Path(each.path))}
    told = {each.target for each in done if isinstance(each, Adapted)}
    total = len(experiment.targets)
    has_waited = any(isinstance(each, Failed) and each.code == GoneError.code for each in done)
    if "checkpoint" in experiment.exports and "checkpoint" not in made:
        yield from _exported(trained, None, "checkpoint", run.exports_folder / "checkpoint", should_stop)
    for number, (target, name) in enumerate(zip(experiment.targets, _folder_names(experiment.targets), strict=True)):
        kinds = [kind for kind in experiment.exports if kind != "checkpoint" and f"{name}-{kind}" not in made]
        if target.name in told and not kinds:
            continue
        _leave_if(should_stop)
        if not has_waited:
            _require_folders(target)
        yield Preparing(phase=f"adapting to {target.name}", done=number, total=total)
        try:
            adapted = adapt_to_target(trained, target)
        except MetaStudioError as error:
            yield _notice("target-failed", f"The target task '{target.name}' was not adapted to: {error}")
            continue
        if target.name not in told:
            yield from _adapted(adapted)
        for kind in kinds:
            yield Preparing(phase=f"exporting {target.name}", done=number, total=total)
            yield from _exported(trained, adapted, kind, run.exports_folder / f"{name}-{kind}", should_stop)


def _since_training(run: RunFolder) -> Sequence[Event]:
    """Return what the run has told since its last outer step."""
    told, _, _ = read_events(run.events_path)
    steps = [number for number, each in enumerate(told) if isinstance(each, OuterStep)]
    return told[steps[-1] + 1 :] if steps else told


def _is_whole(folder: Path) -> bool:
    try:
        verify_sums(folder)
    except MetaStudioError:
        return False
    return True


def _require_folders(target: TargetTask) -> None:
    for each in target.classes:
        for picture in map(Path, (*each.support, *each.query)):
            if not picture.parent.exists():
                raise GoneError(
                    "The folder with pictures of the target task '{target}' is gone.",
                    target=target.name,
                    where=str(picture.parent),
                    todo="Reconnect the drive, then resume. Resumed without it, the run ends without these pictures.",
                )


def _leave_if(should_stop: ShouldStop) -> None:
    if should_stop():
        raise Cancelled


def _evaluated(run: RunFolder, done: Sequence[Event], should_stop: ShouldStop, ranks: Ranks) -> Iterator[Event]:
    wanted = run.experiment().evaluation
    known = {each.statistics for each in done if isinstance(each, Evaluated)}
    statistics = [each for each in wanted.statistics if each not in known]
    if not statistics:
        return
    yield Preparing(phase="evaluating on meta-test", done=0, total=wanted.episodes)
    try:
        yield from evaluate_on_meta_test(
            run, episodes=wanted.episodes, statistics=statistics, should_stop=should_stop, ranks=ranks
        )
    except LostRankError:
        raise
    except MetaStudioError as error:
        yield _notice("evaluation-failed", f"Meta-test was not evaluated: {error}")


def _adapted(adapted: AdaptedTask) -> Iterator[Event]:
    name = adapted.target.name
    yield from (_notice("target-picture", f"Target task '{name}': {each}") for each in adapted.loaded.problems)
    yield adapted.event()


def _exported(
    trained: TrainedLearner, adapted: AdaptedTask | None, kind: ExportFormat, folder: Path, should_stop: ShouldStop
) -> Iterator[Event]:
    _leave_if(should_stop)
    target = "" if adapted is None else adapted.target.name
    try:
        done = export(trained, adapted, kind, folder, overwrite=True, on_phase=lambda _: _leave_if(should_stop))
    except MetaStudioError as error:
        _leave_if(should_stop)  # Ctrl-C ends the clean process too, which says nothing about the export
        yield _notice("export-failed", f"The export '{folder.name}' was not made: {error}")
        return
    yield Exported(
        target=target, format=kind, path=str(done.path), largest_difference=done.verification.largest_difference
    )


def _reported(run: RunFolder) -> Iterator[Event]:
    try:
        write_report(run)
    except MetaStudioError as error:
        yield _notice("report-failed", f"The report of the run was not written: {error}")


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
