"""A run folder's worker: holds its lock, prepares its images, trains, adapts target tasks, and writes all of it down.

Every event is on the disk before anyone sees it. Whoever watches reads the folder.
"""

from __future__ import annotations

import logging
import time
import traceback
import zlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TypeVar

import torch

from metastudio.catalog.data_spec import Part
from metastudio.engine.after_training import after_training
from metastudio.engine.devices import resolve_device
from metastudio.engine.learner import build_learner, take_initial_weights
from metastudio.engine.tasks.frozen_pictures import require_same_pictures
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.checkpoint import OPTIMIZER, WEIGHTS
from metastudio.engine.training.executor import Executor, chosen_executor, executor_named, threads_of_operations
from metastudio.engine.training.ranks import LostRankError, Ranks
from metastudio.engine.training.shared_tasks import SharedTasks
from metastudio.engine.training.trainer import Trainer
from metastudio.errors import ConfigurationError, IntegrityError, MetaStudioError, Problem, Severity
from metastudio.images.changed_pictures import PictureWatch
from metastudio.images.image_folder import ImageIndex
from metastudio.images.image_store import ImageStore, open_store
from metastudio.images.problems import Cancelled
from metastudio.runs import events
from metastudio.runs.checkpoint_files import commit_checkpoint, newest_whole_checkpoint
from metastudio.runs.control import Wanted, read_control, write_control
from metastudio.runs.event_log import EventLog
from metastudio.runs.preflight import preflight
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import RunState, State, computer, now, versions
from metastudio.runs.worker_lock import hold_worker_lock

_log = logging.getLogger(__name__)
_STATE_EVERY_S = 1.0
_PREPARING_EVERY_S = 0.1
_DOING = {Wanted.PAUSE: State.PAUSING, Wanted.FINISH: State.FINISHING, Wanted.DISCARD: State.DISCARDING}
Result = TypeVar("Result")


def work(
    run: RunFolder,
    *,
    stop_requested: Callable[[], bool] = lambda: False,
    ranks: Ranks | None = None,
    wish: Wanted = Wanted.RUN,
) -> Iterator[events.Event]:
    """Work on a run until it ends; go on where it stopped. The last event is `Finished` or `Failed`.

    Where several processes share it, all do this; the first of them writes, and what the others yield is for them.

    Args:
        run: A folder that `create_run` made.
        stop_requested: Looked at wherever `control` is, after every outer step and every judged episode: true means
            what `pause` in `control` means.
        ranks: The processes that share the run's tasks; this one alone where they are not given.
        wish: What `control` says until somebody wants something else.

    Raises:
        LockedError: if another worker is at work on it; nothing was written.
        ConfigurationError: if the run has already ended.
        ResourceError: if the processes cannot meet.
        LostRankError: if one of them is gone, and all are started anew.
    """
    ranks = ranks or Ranks()
    with ranks, hold_worker_lock(run) if ranks.is_first else nullcontext():
        state = run.state()
        if ranks.is_first and not (state.state.can_go_on or state.state.needs_worker):
            raise ConfigurationError(
                "This run has ended: it is {state}.",
                state=state.state.value,
                where=str(run.path),
                todo="Start a new one.",
            )
        if not ranks.is_first:
            yield from _reported(_stay(run, stop_requested, _StateKeeper(run, state, is_writer=False), ranks), ranks)
            return
        write_control(run, wish)
        with EventLog(run.events_path) as log:
            keeper = _StateKeeper(run, state)
            for event in _reported(_stay(run, stop_requested, keeper, ranks), ranks):
                log.append(event)
                keeper.note(event)
                yield event


def _stay(
    run: RunFolder, stop_requested: Callable[[], bool], keeper: _StateKeeper, ranks: Ranks
) -> Iterator[events.Event]:
    work = _Work(run, stop_requested, keeper, ranks)  # made in here, so that a damaged experiment is reported too
    yield from work.stay()


class _StateKeeper:
    """Keeps `run.json` true while events pass; at most one write a second where nothing but a number moved."""

    def __init__(self, run: RunFolder, state: RunState, *, is_writer: bool = True) -> None:
        self.run = run
        self.failed_before = state.failure
        self.state = state
        self._is_writer = is_writer
        self._written = -1.0
        self.change(state=State.PREPARING, started_at=state.started_at or now(), ended_at="", failure=None)

    def change(self, **values: object) -> None:
        """Write a changed state."""
        self.state = RunState.model_validate({**self.state.model_dump(), **values})
        if self._is_writer:
            self.run.write_state(self.state)
        self._written = time.monotonic()

    def note(self, event: events.Event) -> None:
        """Take from an event what `run.json` says."""
        match event:
            case events.OuterStep():
                if time.monotonic() - self._written > _STATE_EVERY_S or self.state.state is not State.RUNNING:
                    self.change(state=State.RUNNING, iteration=event.iteration, elapsed_s=event.elapsed_s)
            case events.Validated() if event.is_best:
                self.change(
                    best_iteration=event.iteration,
                    best_accuracy=event.accuracy,
                    best_ci95=event.ci95,
                    iteration=event.iteration,
                )
            case events.Finished():
                self.change(state=State(event.outcome), iteration=event.iteration, ended_at=now())
            case events.Failed():
                self.change(state=State.PAUSED if event.is_pause else State.FAILED, ended_at=now(), failure=event)
            case _:
                pass


def _reported(inner: Iterator[events.Event], ranks: Ranks) -> Iterator[events.Event]:
    """Pass events on; turn an error into `Failed`, which ends the run and loses nothing that is on the disk.

    Raises:
        LostRankError: if a process is gone and all are started anew: that does not end the run.
    """
    try:
        yield from inner
    except LostRankError as error:
        if ranks.will_restart:
            yield events.Notice(code="lost-process", text=f"{error.what} All are started anew.", severity="warning")
            raise
        _log.error("%s", error)
        yield events.failed(error)
    except MetaStudioError as error:
        _log.error("%s", error)
        yield events.failed(error)
        ranks.tell(error)
    except MemoryError as error:
        yield events.Failed(
            code="MS-510",
            what="There is not enough memory.",
            todo="Lower tasks per step, filters or image size.",
            exit_code=5,
            is_pause=True,
        )
        ranks.tell(error)
    except torch.AcceleratorError as error:
        _log.exception("The graphics processor failed.")
        yield events.Failed(
            code=events.DEVICE_FAILED,
            what="The graphics processor failed.",
            why=str(error).partition("\n")[0],
            todo="Resume the run: a new process goes on from the last checkpoint.",
            exit_code=5,
            is_pause=True,
        )
        ranks.tell(error)
    except Exception as error:  # noqa: BLE001 whatever it is, it is written down as the run's end
        _log.exception("The worker met a bug.")
        where = traceback.extract_tb(error.__traceback__)[-1]
        yield events.Failed(
            code="MS-700",
            what="Something unexpected happened: this is a bug of MetaStudio.",
            where=f"{Path(where.filename).name}, line {where.lineno}",
            why=f"{type(error).__name__}: {error}",
            todo="The run can be resumed from its last checkpoint. The log tells more.",
            exit_code=70,
        )
        ranks.tell(error)


def _with_progress(
    phase: str, call: Callable[[Callable[[int, int], None]], Result]
) -> Generator[events.Event, None, Result]:
    """Run a call that reports (done, total) on a thread, and yield how far it is until it returns."""
    far: list[tuple[int, int]] = []
    with ThreadPoolExecutor(1, "preparing") as pool:
        future = pool.submit(call, lambda done, total: far.append((done, total)))
        told = (0, 0)
        while not future.done():
            wait([future], timeout=_PREPARING_EVERY_S)
            if far and far[-1] != told:
                told = far[-1]
                yield events.Preparing(phase=phase, done=told[0], total=told[1])
    return future.result()


def _notice(problem: Problem) -> events.Notice:
    is_note = problem.severity is Severity.NOTE
    return events.Notice(code=problem.code, text=str(problem), severity="note" if is_note else "warning")


class _Work:
    """One stay of a worker at a run."""

    def __init__(self, run: RunFolder, stop_requested: Callable[[], bool], keeper: _StateKeeper, ranks: Ranks) -> None:
        self.run = run
        self.stop_requested = stop_requested
        self.keeper = keeper
        self.ranks = ranks
        self.experiment = run.experiment()
        self._has_missed_folder = False

    def wanted(self, during: State = State.RUNNING) -> Wanted:
        """Return what the person wants, and let `run.json` say that it is being done; nothing to finish yet is none.

        All processes hear the same; while preparing the first is by itself.
        """
        heard = [self._own_wish()] if during is State.PREPARING else self.ranks.each(self._own_wish)
        wanted = Wanted.PAUSE if Wanted.PAUSE in heard else heard[0]
        if wanted is Wanted.FINISH and during is State.PREPARING:
            return Wanted.RUN
        doing = _DOING.get(wanted)
        if doing not in {None, self.keeper.state.state}:
            self.keeper.change(state=doing)
        return wanted

    def _own_wish(self) -> Wanted:
        if self.stop_requested() or self.ranks.is_orphan:
            return Wanted.PAUSE
        return read_control(self.run) if self.ranks.is_first else Wanted.RUN

    def stay(self) -> Iterator[events.Event]:
        """Prepare, train, and do what was asked for at the end."""
        try:
            parts, store = yield from self._prepared_in_turn()
        except Cancelled:
            yield self._left()
            return
        yield from self._checked(store.index, parts)
        source = EpisodesByClass(
            store,
            parts,
            self.experiment.data.preprocessing,
            seed=self.experiment.seed,
            rotated_parts=frozenset({Part.META_TRAIN} if self.experiment.data.rotations_as_classes else ()),
        )
        resolved = resolve_device(self.experiment.device, place=self.ranks.local_rank, of=self.ranks.local_count)
        device = resolved.device
        if resolved.note:
            yield events.Notice(code="device", text=resolved.note, severity="warning")
        with self._executor(device) as executor:
            learner = build_learner(self.experiment, train_classes=source.class_count(Part.META_TRAIN))
            if self.ranks.is_first and not self.run.checkpoints():  # else they are needed no more, and may be gone
                take_initial_weights(learner, self.experiment)
            trainer = Trainer(
                self.experiment,
                learner,
                source,
                executor=executor,
                device=device,
                save=self._save,
                wanted=self.wanted,
                is_watched=self.ranks.is_first,
            )
            if self.ranks.is_first:
                yield from self._resumed(trainer, device, executor)
            if self.ranks.count > 1:
                files = self.ranks.first(trainer.files)
                if not self.ranks.is_first:
                    trainer.follow(files)
            parameters = sum(each.numel() for each in learner.parameters())
            self.keeper.change(
                state=State.RUNNING,
                device=str(device),
                computer=self.keeper.state.computer or computer(),
                parameters=parameters,
            )
            yield events.Started(
                iteration=trainer.progress.iteration,
                iterations=self.experiment.training.iterations,
                device=str(device) if executor.processes == 1 else f"{device.type}*{executor.processes}",
                executor=executor.name,
                threads=executor.threads,
                processes=executor.processes,
                parameters=parameters,
                resumed=trainer.progress.iteration > 0,
            )
            yield from self._unshared_tasks(executor)
            yield from self._trained(trainer, store.index)

    def _prepared_in_turn(self) -> Generator[events.Event, None, tuple[dict[str, Part], ImageStore]]:
        """Prepare the images in the first process, and then open in the others what it made.

        Raises:
            Cancelled: if something else than going on was wanted meanwhile, in all of them.
            ConfigurationError: if one has another program, experiment or other images.
        """
        index, parts = self.run.data()
        store: ImageStore | None = None
        if self.ranks.is_first:
            with suppress(Cancelled):
                store = yield from self._prepared(index)
        if not self.ranks.first(lambda: store is not None):
            raise Cancelled
        if store is None:
            index, parts = self.run.data()
            store = open_store(index, self.experiment.data.preprocessing)
            require_same_pictures(index, store)
        if self.ranks.count > 1:
            used = {each.name: parts.get(each.name) for each in store.index.classes}
            self.ranks.require_alike(
                {
                    "program": versions(),
                    "experiment": self.experiment.model_dump_json(),
                    "pictures": store.fingerprint,
                    "split": used,
                }
            )
        return parts, store

    def _unshared_tasks(self, executor: Executor) -> Iterator[events.Event]:
        """Say where processes wait for others in every step."""
        tasks, count = self.experiment.training.meta_batch_size, executor.processes
        if tasks < count:
            text = f"{count} processes share {tasks} tasks a step: {count - tasks} of them only help to validate."
            yield events.Notice(code="spare-processes", text=text, severity="warning")
        elif tasks % count:
            text = f"{count} processes share {tasks} tasks a step unevenly: some wait for the others in each."
            yield events.Notice(code="uneven-tasks", text=text)

    def _prepared(self, index: ImageIndex) -> Generator[events.Event, None, ImageStore]:
        """Open the decoded images, and complete the snapshot with the hashes found on the way.

        Raises:
            Cancelled: if something else than going on was wanted meanwhile.
            DataError: if pictures changed since the snapshot.
        """
        store = yield from _with_progress(
            "reading images",
            lambda on_progress: open_store(
                index,
                self.experiment.data.preprocessing,
                on_progress=on_progress,
                should_stop=lambda: self._is_leaving(State.PREPARING),
            ),
        )
        require_same_pictures(index, store)
        if not all(each.sha256 for cls in index.classes for each in cls.files):
            readable = {each.name for each in store.index.classes}
            parts = {name: part for name, part in self.run.data().parts.items() if name in readable}
            self.run.write_data(store.index, parts)
        yield from map(_notice, store.problems)
        skipped = index.file_count - store.index.file_count
        if skipped:
            self.keeper.change(skipped_files=skipped)
            yield events.Notice(code="skipped-files", text=f"Pictures left out: {skipped}.", severity="warning")
        return store

    def _checked(self, index: ImageIndex, parts: dict[str, Part]) -> Iterator[events.Event]:
        found = preflight(self.experiment, index, parts)
        if self.run.checkpoints():  # what has begun needs no more what it started from, which may be gone
            found = tuple(each for each in found if each.code not in {"no-initial-weights", "start-saw-otherwise"})
        errors = [each for each in found if each.severity is Severity.ERROR]
        if errors:
            raise ConfigurationError("This experiment cannot be trained.", problems=errors)
        yield from map(_notice, found)

    def _executor(self, device: torch.device) -> Executor:
        """Return the way of computing that was chosen when the run began: another would differ in the last bits."""
        self._begun = begun = self.keeper.state
        if not begun.executor or begun.processes != self.ranks.count:
            share = -(-self.experiment.training.meta_batch_size // self.ranks.count)
            chosen = self.ranks.first(lambda: chosen_executor(device, share, processes=self.ranks.local_count))
            self.keeper.change(executor=chosen[0], threads=chosen[1], processes=self.ranks.count)
        own = executor_named(self.keeper.state.executor, self.keeper.state.threads)
        return SharedTasks(own, self.ranks) if self.ranks.count > 1 else own

    def _save(self, iteration: int, files: dict[str, bytes], is_best: bool) -> Path:
        """Write a checkpoint in the first process, once all are known to have the same."""

        def commit() -> Path:
            keep = self.experiment.training.keep_checkpoints
            return commit_checkpoint(self.run, iteration, files, is_best=is_best, keep=keep)

        if self.ranks.is_lost and self.ranks.is_first:
            return commit()
        if self.ranks.count > 1:
            self.ranks.require_alike({"weights": zlib.crc32(files[WEIGHTS]), "optimiser": zlib.crc32(files[OPTIMIZER])})
        return self.ranks.first(commit)

    def _resumed(self, trainer: Trainer, device: torch.device, executor: Executor) -> Iterator[events.Event]:
        """Take up the newest checkpoint that is whole; say which ones were not.

        Raises:
            IntegrityError: if there are checkpoints and none is whole.
        """
        path, problems = newest_whole_checkpoint(self.run)
        yield from map(_notice, problems)
        if path is None:
            if self.run.checkpoints():
                raise IntegrityError(
                    "None of the run's checkpoints is whole.",
                    where=str(self.run.checkpoints_folder),
                    todo="Put them back from a copy, or start a new run.",
                )
            return
        trainer.resume(path)
        if (failed := self.keeper.failed_before) is not None and failed.code == events.DEVICE_FAILED:
            text = (
                f"The graphics processor failed ({failed.why}); it goes on from iteration {trainer.progress.iteration}."
            )
            yield events.Notice(code="device-failed", text=text, severity="warning")
        begun = self._begun
        is_elsewhere = begun.computer not in ({}, computer()) or begun.device.partition(":")[0] not in {"", device.type}
        threads_before = threads_of_operations(begun.executor, begun.threads)
        is_shared_otherwise = threads_before != threads_of_operations(executor.name, executor.threads)
        if is_elsewhere or is_shared_otherwise or begun.versions != versions():
            yield events.Notice(
                code="not-bit-exact",
                text="Another computer, device, number of processes or versions than at the start: "
                "the resume is not bit-exact.",
                severity="warning",
            )

    def _trained(self, trainer: Trainer, index: ImageIndex) -> Iterator[events.Event]:
        watch = PictureWatch(index) if self.ranks.is_first else None
        for event in trainer.run():
            if not (isinstance(event, events.Finished) and event.outcome == "finished"):
                yield event
                if isinstance(event, events.CheckpointSaved):
                    yield from self._missing_folder(index.folders)
                continue
            self.keeper.change(state=State.FINISHING, iteration=event.iteration)
            try:
                yield from after_training(self.run, should_stop=self._is_leaving, ranks=self.ranks)
                if watch is not None:
                    yield from map(_notice, watch.changes(should_stop=self._is_leaving))
            except Cancelled:
                yield self._left()
            else:
                yield events.Finished.model_validate(event.model_dump(exclude={"at"}))  # it is later now

    def _missing_folder(self, folders: tuple[str, ...]) -> Iterator[events.Event]:
        """Say once that a folder is gone, which training needs no more: its pictures were decoded before."""
        gone = next((each for each in folders if not Path(each).exists()), None)
        if gone is None or self._has_missed_folder:
            return
        self._has_missed_folder = True
        text = f"The folder is gone: {gone}. Training goes on with its pictures as they were decoded at the start."
        yield events.Notice(code="folder-gone", text=text, severity="warning")

    def _is_leaving(self, during: State = State.RUNNING) -> bool:
        return self.wanted(during) in {Wanted.PAUSE, Wanted.DISCARD}

    def _left(self) -> events.Finished:
        """Return how a stay ends that was left in the middle of something."""
        state = self.keeper.state
        return events.Finished(
            outcome="discarded" if read_control(self.run) is Wanted.DISCARD else "paused",
            iteration=state.iteration,
            best_accuracy=state.best_accuracy,
            best_ci95=state.best_ci95,
        )
