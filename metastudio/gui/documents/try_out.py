"""A try-out: support pictures and queries of a person, the model adapted to them, and what the person thinks of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pydantic import BaseModel
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from metastudio.catalog.experiment import ExperimentConfig, TargetClass, TargetTask
from metastudio.catalog.menu import ALGORITHMS
from metastudio.errors import IntegrityError, MetaStudioError
from metastudio.gui.wording import counted
from metastudio.jobs.session_thread import SessionThread
from metastudio.runs.questions import AdaptedAnswer, AskAdapt, AskPredict, Prediction, Predictions, Progress
from metastudio.runs.run_folder import RunFolder

NONE_OF_THESE = ""
"""What a picture is that belongs to no class of the task."""

_DEBOUNCE_MS = 250
_AS_AT_TEST = -1


@dataclass(frozen=True)
class Judgement:
    """What a picture is, and what the model had said when that became known."""

    truth: str
    was_right: bool


@dataclass(frozen=True)
class TryOutState:
    """What a person put together: replaced as a whole, so that undo only swaps it.

    Attributes:
        classes: The bins with their support pictures.
        queries: The pictures asked about, in the order of their arrival.
        known: The class of queries that is known beforehand.
        judged: What the person said of queries.
    """

    classes: tuple[TargetClass, ...] = ()
    queries: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    judged: Mapping[str, Judgement] = field(default_factory=lambda: MappingProxyType({}))


class ChangeTryOut(QUndoCommand):
    """Puts another state in place of the try-out's."""

    def __init__(self, try_out: TryOut, title: str, after: TryOutState) -> None:
        super().__init__(title)
        self._try_out = try_out
        self._before = try_out.state
        self._after = after

    def redo(self) -> None:
        self._try_out.show_state(self._after)

    def undo(self) -> None:
        self._try_out.show_state(self._before)


class TryOut(QObject):
    """Adapts as soon as the support pictures or the steps change, and asks about the queries with what came of it.

    Only the newest question counts: answers to older ones are not wanted any more. Where the best checkpoint is broken,
    `offered` is the iteration of a whole one, and `checkpoint` that of the one in use instead.

    Signals:
        state_changed(): bins, queries or judgements are others.
        adapted_changed(): `adapted`, `answers` or `reason` is another.
        busy_changed(object): a sentence about what is being done, or "" when nothing is.
    """

    state_changed = Signal()
    adapted_changed = Signal()
    busy_changed = Signal(object)

    def __init__(self, session: SessionThread, undo_stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._undo_stack = undo_stack
        self.state = TryOutState()
        self.run: RunFolder | None = None
        self.experiment: ExperimentConfig | None = None
        self.inner_steps = _AS_AT_TEST
        self.threshold = 0.0
        self.adapted: AdaptedAnswer | None = None
        self.answers: dict[str, Prediction] = {}
        self.reason = ""
        self.checkpoint: int | None = None
        self.offered: int | None = None
        self._adapt_number = 0
        self._predict_number = 0
        self._asked: tuple[str, ...] = ()
        self._busy = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.adapt)
        session.answered.connect(self._on_session_answered)
        session.failed.connect(self._on_session_failed)
        session.progressed.connect(self._on_session_progressed)

    # what there is

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the bins, those without pictures left out."""
        return tuple(each.name for each in self.state.classes if each.support)

    @property
    def busy(self) -> str:
        """What is being done, as a sentence; empty when nothing is."""
        return self._busy

    def target(self, name: str) -> TargetTask:
        """Return the try-out as a target task of the given name, with the queries whose class is known."""
        truths = {path: self.truth(path) for path in self.state.queries}
        classes = tuple(
            each.model_copy(update={"query": tuple(path for path, truth in truths.items() if truth == each.name)})
            for each in self.state.classes
            if each.support
        )
        unlabelled = tuple(path for path, truth in truths.items() if truth not in self.class_names)
        return TargetTask(name=name, classes=classes, unlabelled=unlabelled)

    def probabilities(self, path: str) -> tuple[float, ...]:
        """Return the answer about a query in the order of `class_names`; empty where there is none (yet)."""
        found = self.answers.get(path)
        if found is None or self.adapted is None or not found.probabilities:
            return ()
        by_name = dict(zip(self.adapted.classes, found.probabilities, strict=True))
        names = self.class_names
        return tuple(by_name[name] for name in names) if set(names) == by_name.keys() else ()

    def answer(self, path: str) -> str | None:
        """Return the class that a query is said to be, `NONE_OF_THESE` below the threshold, or None without answer."""
        probabilities = self.probabilities(path)
        if not probabilities:
            return None
        best = max(range(len(probabilities)), key=probabilities.__getitem__)
        return self.class_names[best] if probabilities[best] >= self.threshold else NONE_OF_THESE

    def truth(self, path: str) -> str | None:
        """Return what a query is as far as anybody said, or None."""
        if path in self.state.judged:
            return self.state.judged[path].truth
        return self.state.known.get(path)

    def score(self) -> tuple[int, int]:
        """Return how many answers were right, of how many queries whose class is known; the first answer counts."""
        verdicts = []
        for path in self.state.queries:
            if path in self.state.judged:
                verdicts.append(self.state.judged[path].was_right)
            elif path in self.state.known and (answer := self.answer(path)) is not None:
                verdicts.append(answer == self.state.known[path])
        return sum(verdicts), len(verdicts)

    @property
    def default_steps(self) -> int | None:
        """Inner steps of a new task as the experiment has them; None for methods without."""
        if self.experiment is None:
            return None
        algorithm = self.experiment.algorithm
        return getattr(algorithm, "test_inner_steps", getattr(algorithm, "inner_steps", None))

    # changing it

    def set_run(self, run: RunFolder | None, experiment: ExperimentConfig | None) -> None:
        """Work with another run."""
        self.run, self.experiment = run, experiment
        self.inner_steps = _AS_AT_TEST
        self.checkpoint = self.offered = None
        self._start_anew()

    def use_offered(self) -> None:
        """Adapt from the checkpoint that is offered, for this run's best one is broken."""
        self.checkpoint = self.offered
        self.adapt()

    def set_inner_steps(self, steps: int) -> None:
        """Adapt with another number of steps."""
        if steps != self.inner_steps:
            self.inner_steps = steps
            self._timer.start()

    def set_threshold(self, threshold: float) -> None:
        """Believe no answer below this probability."""
        self.threshold = threshold
        self.adapted_changed.emit()

    def set_classes(self, classes: Sequence[TargetClass], title: str) -> None:
        """Put other support pictures into the bins, as one undo step."""
        self._push(title, replace(self.state, classes=tuple(classes)))

    def begin(self, state: TryOutState, title: str) -> None:
        """Put a whole task in place, as one undo step."""
        self._push(title, state)

    def add_queries(self, paths: Iterable[str]) -> None:
        """Ask about further pictures; those that are there already, as query or as support, stay where they are."""
        there = {*self.state.queries, *self._support()}
        added = tuple(path for path in dict.fromkeys(paths) if path not in there)
        if added:
            title = counted(len(added), self.tr("Ask about 1 picture"), self.tr("Ask about {count} pictures"))
            self._push(title, replace(self.state, queries=(*self.state.queries, *added)))

    def remove_queries(self, paths: Iterable[str]) -> None:
        """Ask no more about some pictures."""
        gone = set(paths)
        kept = tuple(path for path in self.state.queries if path not in gone)
        if kept != self.state.queries:
            title = self.tr("Remove {count} queries").format(count=len(gone))
            self._push(title, replace(self.state, queries=kept))

    def accept(self, path: str) -> None:
        """Say that the answer about a query is right."""
        answer = self.answer(path)
        if answer is not None:
            self._judge(path, answer, self.tr("Accept the answer"))

    def correct(self, path: str, truth: str) -> None:
        """Say what a query really is; a picture that was answered wrongly joins the support of its class."""
        if self.answer(path) is None:
            return
        name = truth or self.tr("none of these")
        self._judge(path, truth, self.tr("Correct to {name}").format(name=name))

    def _judge(self, path: str, truth: str, title: str) -> None:
        was_right = self.answer(path) == truth
        before = self.state.judged.get(path)
        judgement = before if before is not None and before.truth == truth else Judgement(truth, was_right)
        judged = MappingProxyType({**self.state.judged, path: judgement})
        classes = self.state.classes
        if not was_right:
            classes = tuple(_joined(each, path, is_its_class=each.name == truth) for each in classes)
        after = replace(self.state, judged=judged, classes=classes)
        if after != self.state:
            self._push(title, after)

    def _push(self, title: str, after: TryOutState) -> None:
        self._undo_stack.push(ChangeTryOut(self, title, after))

    def show_state(self, state: TryOutState) -> None:
        """Put a state in place; only undo commands call this."""
        before, self.state = self.state, state
        if _of_interest(before) != _of_interest(state):
            self._start_anew()
        elif new := [path for path in state.queries if path not in self.answers]:
            self._predict(new)
        self.state_changed.emit()

    # asking

    def _start_anew(self) -> None:
        self._forget()
        self.reason = self.prevents()
        if self.reason:
            self._timer.stop()
            self.adapted = None
            self.answers = {}
        else:
            self._timer.start()
        self.adapted_changed.emit()

    def prevents(self) -> str:
        """Return why nothing can be adapted, as a sentence; empty where it can."""
        names = self.class_names
        if self.run is None or self.experiment is None:
            return self.tr("Choose a run first.")
        if not names:
            return self.tr("Drop some pictures of each thing into a class of its own.")
        if len(names) < 2:
            return self.tr("Pictures of one more class are needed: there is nothing yet to tell “{name}” from.").format(
                name=names[0]
            )
        entry = ALGORITHMS[self.experiment.algorithm.name]
        most = self.experiment.episodes.for_training().n_way
        if len(names) > most and not entry.capabilities.any_n_way:
            others = [each.title for each in ALGORITHMS.values() if each.capabilities.any_n_way]
            return self.tr(
                "{title} was trained to tell {most} classes apart, and there are {count}. "
                "Take classes out, or learn with one that takes any number: {others}."
            ).format(title=entry.title, most=most, count=len(names), others=", ".join(others))
        return ""

    @Slot()
    def adapt(self) -> None:
        """Adapt now."""
        self._timer.stop()
        self._forget()
        self.offered = None
        self.reason = self.prevents()
        if self.reason or self.run is None:
            self.adapted_changed.emit()
            return
        classes = tuple(each.model_copy(update={"query": ()}) for each in self.state.classes if each.support)
        target = TargetTask(name="try-out", classes=classes)
        question = AskAdapt(
            run=str(self.run.path), target=target, inner_steps=self.inner_steps, checkpoint=self.checkpoint
        )
        self._adapt_number = self._session.ask(question)
        self._set_busy(self.tr("Adapting…"))

    @Slot()
    def cancel(self) -> None:
        """Want no answer to what is being asked."""
        self._timer.stop()
        self._forget()
        self.reason = self.tr("Cancelled. Change something, or adapt again.")
        self.adapted_changed.emit()

    def _predict(self, paths: Sequence[str]) -> None:
        support = self._support()
        wanted = tuple(dict.fromkeys([*self._asked, *(path for path in paths if path not in support)]))
        if self.adapted is None or not wanted or self._adapt_number:
            return
        if self._predict_number:
            self._session.forget(self._predict_number)
        self._asked = wanted
        self._predict_number = self._session.ask(AskPredict(handle=self.adapted.handle, files=wanted))
        self._set_busy(counted(len(wanted), self.tr("Looking at 1 picture…"), self.tr("Looking at {count} pictures…")))

    def _forget(self) -> None:
        for number in (self._adapt_number, self._predict_number):
            if number:
                self._session.forget(number)
        self._adapt_number = self._predict_number = 0
        self._asked = ()
        self._set_busy("")

    def _set_busy(self, sentence: str) -> None:
        if sentence != self._busy:
            self._busy = sentence
            self.busy_changed.emit(sentence)

    def _support(self) -> set[str]:
        return {path for each in self.state.classes for path in each.support}

    @Slot(object, object)
    def _on_session_answered(self, number: int, answer: BaseModel) -> None:
        if number == self._adapt_number and isinstance(answer, AdaptedAnswer):
            self._adapt_number = 0
            self._set_busy("")
            self.adapted = answer
            kept = {path: self.answers[path] for path in self.state.judged if path in self.answers}
            same = set(answer.classes) == set(self.class_names)
            self.answers = {path: each for path, each in kept.items() if same and path in self._support()}
            self._predict(self.state.queries)
            self.adapted_changed.emit()
        elif number == self._predict_number and isinstance(answer, Predictions):
            self._predict_number = 0
            self._asked = ()
            self._set_busy("")
            self.answers |= {each.file: each for each in answer.predictions}
            self.adapted_changed.emit()

    @Slot(object, object)
    def _on_session_failed(self, number: int, error: MetaStudioError) -> None:
        if number and number in {self._adapt_number, self._predict_number}:
            self._forget()
            self.offered = error.other_iteration if isinstance(error, IntegrityError) else None
            todo = "" if self.offered is not None else str(error.todo)
            self.reason = " ".join(filter(None, (str(error.what), error.why, todo)))
            self.adapted_changed.emit()

    @Slot(object, object)
    def _on_session_progressed(self, number: int, progress: Progress) -> None:
        if number and number in {self._adapt_number, self._predict_number}:
            share = f" {progress.done}/{progress.total}" if progress.total else ""
            self._set_busy(f"{progress.phase[:1].upper()}{progress.phase[1:]}{share}…")


def _joined(each: TargetClass, path: str, *, is_its_class: bool) -> TargetClass:
    """Return a class with the picture in its support, or without it where it belongs to another."""
    kept = tuple(other for other in each.support if other != path)
    return each.model_copy(update={"support": (*kept, path) if is_its_class else kept})


def _of_interest(state: TryOutState) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what adapting depends on."""
    return tuple((each.name, each.support) for each in state.classes if each.support)
