"""Answers to what the studio asks: keeps learners and adapted models at hand between the questions."""

from __future__ import annotations

import itertools
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from metastudio.catalog.experiment import TargetTask
from metastudio.engine.adaptation import (
    AdaptedTask,
    TrainedLearner,
    adapt_to_target,
    chosen_checkpoint,
    trained_learner,
)
from metastudio.engine.class_map import class_map
from metastudio.engine.evaluation.meta_test import evaluate_on_meta_test
from metastudio.engine.export.formats import export
from metastudio.engine.preview import preview
from metastudio.engine.tasks.target_task import read_picture
from metastudio.engine.transfer_note import transfer_note
from metastudio.errors import ConfigurationError
from metastudio.images.problems import UnreadableImage
from metastudio.runs.checkpoint_files import SUMS
from metastudio.runs.events import to_line
from metastudio.runs.questions import (
    AdaptedAnswer,
    AskAdapt,
    AskClassDistances,
    AskEvaluate,
    AskExport,
    AskPredict,
    AskPreview,
    ClassDistancesAnswer,
    EvaluatedAnswer,
    ExportedAnswer,
    Prediction,
    Predictions,
    Progress,
)
from metastudio.runs.run_folder import RunFolder

OnProgress = Callable[[Progress], None]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_LEARNERS, _ADAPTED = 3, 16
_PROGRESS_EVERY_S = 0.1


class Session:
    """Adapts, predicts, exports and evaluates, on the CPU, so that the device is free for training."""

    def __init__(self) -> None:
        self._learners: _Recent[tuple[Path, int], TrainedLearner] = _Recent(_LEARNERS)
        self._adapted: _Recent[str, AdaptedTask] = _Recent(_ADAPTED)
        self._notes: _Recent[tuple[object, ...], str] = _Recent(_ADAPTED)
        self._numbers = itertools.count(1)

    def answer(self, question: BaseModel, on_progress: OnProgress) -> BaseModel:
        """Return the answer to a question.

        Raises:
            MetaStudioError: what went wrong, as a person can understand it.
        """
        match question:
            case AskAdapt():
                return self._adapt(question, on_progress)
            case AskPredict():
                return self._predict(question, on_progress)
            case AskExport():
                return self._export(question, on_progress)
            case AskEvaluate():
                return self._evaluate(question, on_progress)
            case AskClassDistances():
                return self._class_distances(question, on_progress)
            case AskPreview():
                return preview(question)
            case _:
                raise TypeError(f"nobody answers {type(question).__name__}")

    def _adapt(self, question: AskAdapt, on_progress: OnProgress) -> AdaptedAnswer:
        steps = None if question.inner_steps < 0 else question.inner_steps
        adapted = self._adapted_to(question, question.target, on_progress, steps=steps)
        note = self._note(adapted, on_progress)
        handle = f"adapted-{next(self._numbers)}"
        self._adapted.put(handle, adapted)
        return AdaptedAnswer(
            handle=handle,
            classes=adapted.loaded.classes,
            losses=tuple(adapted.trace.support_losses),
            accuracies=tuple(adapted.trace.support_accuracies),
            inner_steps=adapted.inner_steps,
            query_accuracy=adapted.query_accuracy,
            problems=tuple(map(str, adapted.loaded.problems)),
            note=note,
        )

    def _predict(self, question: AskPredict, on_progress: OnProgress) -> Predictions:
        adapted = self._adapted.get(question.handle)
        if adapted is None:
            raise ConfigurationError(
                "The adapted model '{handle}' is no longer kept.", handle=question.handle, todo="Adapt again."
            )
        seldom = _seldom(on_progress, "looking at pictures")
        predictions = []
        for done, file in enumerate(question.files):
            seldom(done, len(question.files))
            predictions.append(_prediction(adapted, file))
        return Predictions(predictions=tuple(predictions))

    def _export(self, question: AskExport, on_progress: OnProgress) -> ExportedAnswer:
        trained = self._learner(question, on_progress)
        adapted = None
        if question.target is not None and question.format != "checkpoint":
            adapted = self._adapted_to(question, question.target, on_progress, steps=None)
        on_progress(Progress(phase="writing"))
        done = export(
            trained,
            adapted,
            question.format,
            Path(question.folder),
            overwrite=question.overwrite,
            on_phase=lambda phase: on_progress(Progress(phase=phase)),
        )
        return ExportedAnswer(
            path=str(done.path),
            files=done.files,
            largest_difference=done.verification.largest_difference,
            batches=done.verification.batches,
            size_bytes=done.size_bytes,
        )

    def _evaluate(self, question: AskEvaluate, on_progress: OnProgress) -> EvaluatedAnswer:
        results = evaluate_on_meta_test(
            RunFolder(question.run),
            episodes=question.episodes,
            statistics=question.statistics,
            on_progress=_seldom(on_progress, "testing"),
        )
        return EvaluatedAnswer(lines=tuple(map(to_line, results)))

    def _class_distances(self, question: AskClassDistances, on_progress: OnProgress) -> ClassDistancesAnswer:
        trained = self._learner(question, on_progress) if question.run else None
        return class_map(
            question.classes,
            question.preprocessing,
            trained,
            on_phase=lambda phase: _seldom(on_progress, phase),
        )

    def _adapted_to(
        self, question: AskAdapt | AskExport, target: TargetTask, on_progress: OnProgress, *, steps: int | None
    ) -> AdaptedTask:
        trained = self._learner(question, on_progress)
        on_progress(Progress(phase="adapting"))
        return adapt_to_target(trained, target, steps=steps)

    def _note(self, adapted: AdaptedTask, on_progress: OnProgress) -> str:
        """Return the note on a set of support pictures, thought about once: other inner steps do not change it."""
        labels = adapted.loaded.support.labels.tolist()
        key = (adapted.trained.checkpoint, *zip(labels, adapted.loaded.support_files, strict=True))
        note = self._notes.get(key)
        if note is None:
            on_progress(Progress(phase="comparing with plain pixels"))
            note = transfer_note(adapted)
            self._notes.put(key, note)
        return note

    def _learner(self, question: AskAdapt | AskExport | AskClassDistances, on_progress: OnProgress) -> TrainedLearner:
        run = RunFolder(question.run)
        checkpoint = chosen_checkpoint(run, question.checkpoint)
        sums = checkpoint / SUMS
        key = (checkpoint, sums.stat().st_mtime_ns if sums.is_file() else 0)
        known = self._learners.get(key)
        if known is None:
            on_progress(Progress(phase="loading the checkpoint"))
            known = trained_learner(run, question.checkpoint)
            self._learners.put(key, known)
        return known


class _Recent(Generic[Key, Value]):
    """The last few values that were put or asked for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the value, which counts as used."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value; the one not used for longest goes."""
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)


def _prediction(adapted: AdaptedTask, file: str) -> Prediction:
    try:
        image = read_picture(file, adapted.trained.experiment.data.preprocessing)
    except UnreadableImage as error:
        return Prediction(file=file, probabilities=(), problem=str(error.problem.message))
    probabilities = adapted.classifier.logits(image).double().softmax(dim=1)[0].tolist()
    if not all(map(math.isfinite, probabilities)):
        return Prediction(file=file, probabilities=(), problem="the model has no number for it")
    return Prediction(file=file, probabilities=tuple(probabilities))


def _seldom(on_progress: OnProgress, phase: str) -> Callable[[int, int], None]:
    """Return a listener that passes on how far it is a few times a second."""
    told = -math.inf

    def listen(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _PROGRESS_EVERY_S:
            told = time.monotonic()
            on_progress(Progress(phase=phase, done=done, total=total))

    return listen
