"""What the worker does for the queue: extending, starting from a checkpoint, waiting for a drive."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from metastudio.engine.learner import build_learner, load_learner, take_initial_weights
from metastudio.engine.training.gradient_watch import GradientWatch
from metastudio.engine.training.worker import work
from metastudio.errors import ConfigurationError, IntegrityError, ResourceError
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan, select
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.continuation import extended_run
from metastudio.runs.control import Wanted, write_control
from metastudio.runs.event_log import read_events
from metastudio.runs.run_folder import RunFolder, create_run
from metastudio.runs.run_state import State
from metastudio.runs.run_trash import restore, trash
from tests.unit.engine.small_runs import (
    at_iteration,
    make_glyphs,
    small_experiment,
    small_run,
    target_of,
    weights_of,
    with_training,
    work_until,
)


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


# going on longer


def test_an_extended_run_is_bit_for_bit_the_run_that_was_planned_so_long(glyphs: Path, tmp_path: Path) -> None:
    long = small_run(tmp_path / "long", small_experiment(glyphs))
    work_until(long)
    short = small_run(tmp_path / "short", with_training(small_experiment(glyphs), iterations=3))
    work_until(short)
    before = {path.name: path.read_bytes() for path in short.path.iterdir() if path.is_file()}
    more = extended_run(short, 3)
    assert more.state().origin is not None
    assert (more.state().origin.kind, more.state().origin.run, more.state().origin.iteration) == (
        "extended",
        str(short.path),
        3,
    )
    assert (more.state().state, more.state().iteration, more.state().iterations) == (State.QUEUED, 3, 6)
    told = work_until(more)
    assert [each.iteration for each in told if each.kind == "outer_step"] == [4, 5, 6]
    assert weights_of(more) == weights_of(long)
    assert "not-bit-exact" not in [each.code for each in told if each.kind == "notice"]
    assert {path.name: path.read_bytes() for path in short.path.iterdir() if path.is_file()} == before
    history = [each.iteration for each in read_events(more.events_path)[0] if each.kind == "outer_step"]
    assert history == [1, 2, 3, 4, 5, 6], "its curves begin where the first run began"


def test_an_extended_run_knows_the_best_of_before_and_needs_the_old_run_no_more(glyphs: Path, tmp_path: Path) -> None:
    first = small_run(tmp_path, small_experiment(glyphs))
    work_until(first)
    more = extended_run(first, 2)
    assert (more.best() or Path()).name == (first.best() or Path()).name
    assert more.state().best_accuracy == first.state().best_accuracy
    shutil.rmtree(first.path)
    assert work_until(more)[-1].iteration == 8
    load_learner(more)


def test_a_run_that_was_finished_early_is_extended_from_where_it_ended(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, with_training(small_experiment(glyphs), iterations=500))
    for event in work(run):
        if at_iteration(2)(event):
            write_control(run, Wanted.FINISH)
    reached = run.state().iteration
    more = extended_run(run, 4)
    assert work_until(more)[-1].iteration == reached + 4
    (progress,) = {json.loads((path / "state.json").read_text())["ends_at"] for path in more.checkpoints()}
    assert progress == 0


def test_only_what_is_finished_is_extended(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    with pytest.raises(ConfigurationError, match="queued"):
        extended_run(run, 5)
    work_until(run)
    with pytest.raises(ConfigurationError, match="at least one"):
        extended_run(run, 0)
    last = run.last()
    assert last is not None
    (last / "weights.safetensors").write_bytes(b"")
    with pytest.raises(IntegrityError):
        extended_run(run, 5)
    assert [each for each in tmp_path.iterdir() if each != run.path] == [], "nothing is left behind"


# starting from a checkpoint


def test_a_named_checkpoint_gives_all_its_weights_and_is_recorded(glyphs: Path, tmp_path: Path) -> None:
    first = small_run(tmp_path, small_experiment(glyphs))
    work_until(first)
    checkpoint = first.checkpoints()[0]
    experiment = small_experiment(glyphs, initial_weights=str(checkpoint), seed=5)
    learner = build_learner(experiment, train_classes=9)
    take_initial_weights(learner, experiment)
    theirs = load_learner(first, checkpoint).state_dict()
    assert all(value.equal(theirs[name]) for name, value in learner.state_dict().items())
    second = small_run(tmp_path, experiment)
    origin = second.state().origin
    assert origin is not None
    assert (origin.kind, origin.run, origin.iteration) == ("weights", str(first.path), iteration_of(checkpoint))
    assert next(each for each in work_until(second) if each.kind == "started").iteration == 0


def test_a_checkpoint_of_another_method_gives_its_backbone(glyphs: Path, tmp_path: Path) -> None:
    first = small_run(tmp_path, small_experiment(glyphs, algorithm={"name": "classifier"}))
    work_until(first)
    experiment = small_experiment(glyphs, initial_weights=str(first.checkpoints()[0]))
    learner = build_learner(experiment, train_classes=9)
    fresh = {name: value.clone() for name, value in learner.state_dict().items()}
    take_initial_weights(learner, experiment)
    changed = {name for name, value in learner.state_dict().items() if not value.equal(fresh[name])}
    assert changed
    assert all("backbone" in name for name in changed)


def test_a_run_that_has_begun_needs_what_it_started_from_no_more(glyphs: Path, tmp_path: Path) -> None:
    first = small_run(tmp_path / "one", small_experiment(glyphs))
    work_until(first)
    second = small_run(tmp_path / "two", small_experiment(glyphs, initial_weights=str(first.path)))
    work_until(second, at_iteration(3))
    shutil.rmtree(first.path)
    assert work_until(second)[-1].outcome == "finished"


# discarding


def test_what_was_discarded_comes_back_and_goes_on_without_a_lost_iteration(glyphs: Path, tmp_path: Path) -> None:
    undisturbed = small_run(tmp_path / "one", small_experiment(glyphs))
    work_until(undisturbed)
    run = small_run(tmp_path / "two", small_experiment(glyphs))
    for event in work(run):
        if at_iteration(3)(event):
            write_control(run, Wanted.DISCARD)
    assert run.state().state is State.DISCARDED
    back = restore(trash(run))
    assert (back.path, back.state().state) == (run.path, State.PAUSED)
    told = work_until(back)
    assert next(each for each in told if each.kind == "started").iteration >= 3
    assert weights_of(back) == weights_of(undisturbed)


# what waits for the person


@pytest.mark.expects_log("folder is gone")
def test_b18_a_drive_that_is_gone_pauses_the_run_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    glyphs = make_glyphs(tmp_path / "drive")
    run = small_run(tmp_path / "runs", small_experiment(glyphs))
    work_until(run, at_iteration(2))
    monkeypatch.setenv("METASTUDIO_CACHE", str(tmp_path / "another cache"))  # the decoded pictures are gone as well
    glyphs.rename(tmp_path / "unplugged")
    failed = work_until(run)[-1]
    assert (failed.kind, failed.code, failed.exit_code, failed.is_pause) == ("failed", "MS-310", 3, True)
    assert "resume" in failed.todo
    assert run.state().state is State.PAUSED
    (tmp_path / "unplugged").rename(glyphs)
    assert work_until(run)[-1].outcome == "finished"
    assert run.state().failure is None


def test_b19_a_folder_that_goes_while_training_is_told_and_needed_no_more(tmp_path: Path) -> None:
    glyphs = make_glyphs(tmp_path / "drive")
    run = small_run(tmp_path / "runs", small_experiment(glyphs))
    told: list[Any] = []
    for event in work(run):
        told.append(event)
        if at_iteration(1)(event):
            glyphs.rename(tmp_path / "unplugged")
    assert [each.code for each in told if each.kind == "notice"].count("folder-gone") == 1
    assert told[-1].outcome == "finished"


def test_b19_pictures_that_come_go_and_change_while_training_are_told(tmp_path: Path) -> None:
    glyphs = make_glyphs(tmp_path / "drive")
    run = small_run(tmp_path / "runs", small_experiment(glyphs))
    gone, altered, twin, touched, *_ = sorted(glyphs.rglob("*.png"))
    told: list[Any] = []
    for event in work(run):
        told.append(event)
        if at_iteration(1)(event):
            shutil.copy2(twin, twin.with_name("new.png"))
            (twin.parent / "folder.png").mkdir()
            gone.unlink()
            altered.write_bytes(altered.read_bytes() + b" ")
            os.utime(touched)
    [note] = [each.text for each in told if each.kind == "notice" and each.code == "pictures-changed"]
    assert "1 gone, 1 altered, 1 new" in note
    assert told[-1].outcome == "finished"


def test_b19_nothing_is_told_of_pictures_that_lay_there_unused(tmp_path: Path) -> None:
    glyphs = make_glyphs(tmp_path / "drive")
    experiment = small_experiment(glyphs)
    left_out, *_ = sorted(glyphs.rglob("*.png"))
    data = experiment.data.model_copy(update={"excluded_files": (str(left_out),)})
    index = select(scan([glyphs]), data)
    run = create_run(experiment, index, split_classes(index, data.split), runs_folder=tmp_path / "runs")
    assert str(left_out) not in [file.path for each in run.data().index.classes for file in each.files]
    told = []
    for event in work(run):
        told.append(event)
        if at_iteration(1)(event):
            left_out.chmod(0o600)
    assert "pictures-changed" not in [each.code for each in told if each.kind == "notice"]


@pytest.mark.expects_log("is gone")
def test_b18_pictures_of_a_target_that_are_out_of_reach_pause_the_end_once(glyphs: Path, tmp_path: Path) -> None:
    shutil.copytree(glyphs, tmp_path / "drive")
    target = target_of(tmp_path / "drive")
    run = small_run(tmp_path, small_experiment(glyphs, targets=[target.model_dump()], exports=["adapted"]))
    told: list[Any] = []
    for event in work(run):
        told.append(event)
        if at_iteration(2)(event):
            (tmp_path / "drive").rename(tmp_path / "unplugged")
    assert (told[-1].kind, told[-1].is_pause) == ("failed", True)
    assert run.state().state is State.PAUSED
    assert run.exports() == []
    (tmp_path / "unplugged").rename(tmp_path / "drive")
    again = work_until(run)
    assert "outer_step" not in [each.kind for each in again]
    assert [each.name for each in run.exports()] == ["two-adapted"]


class _FullMemory:
    """Refuses memory so many times, as torch does."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.asked = 0

    def __call__(self, real: Any, *arguments: Any) -> Any:
        self.asked += 1
        if 3 < self.asked <= 3 + self.times:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(*arguments)


def _run_with(full: _FullMemory, folder: Path, glyphs: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    run = small_run(folder, small_experiment(glyphs))
    from metastudio.engine.algorithms.base import MetaLearner

    real = MetaLearner.outer_step
    monkeypatch.setattr(MetaLearner, "outer_step", lambda *arguments: full(real, *arguments))
    return run


def test_d6_memory_that_is_full_once_is_freed_and_the_step_is_the_same(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = small_run(tmp_path / "one", small_experiment(glyphs))
    work_until(undisturbed)
    run = _run_with(_FullMemory(1), tmp_path / "two", glyphs, monkeypatch)
    assert work_until(run)[-1].outcome == "finished"
    assert weights_of(run) == weights_of(undisturbed)


@pytest.mark.expects_log("is full")
def test_d6_memory_that_stays_full_pauses_the_run_with_all_its_steps(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run_with(_FullMemory(2), tmp_path, glyphs, monkeypatch)
    failed = work_until(run)[-1]
    assert (failed.kind, failed.exit_code, failed.is_pause) == ("failed", 5, True)
    assert "CUDA out of memory" in failed.why
    assert run.state().state is State.PAUSED
    last = run.last()
    assert last is not None
    assert iteration_of(last) == 3, "what was done before is kept, though no checkpoint was due"
    assert work_until(run)[-1].outcome == "finished"


@pytest.mark.expects_log("disk is full")
def test_d3_a_full_disk_pauses_the_run(glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))

    def refuse(*_: object, **__: object) -> None:
        raise ResourceError("The disk is full.", todo="Free 3 MB.")

    with monkeypatch.context() as patch:
        patch.setattr("metastudio.engine.training.worker.commit_checkpoint", refuse)
        failed = work_until(run)[-1]
    assert (failed.is_pause, failed.todo) == (True, "Free 3 MB.")
    assert run.state().state is State.PAUSED
    assert work_until(run)[-1].outcome == "finished"


# numbers


def _break_rows(monkeypatch: pytest.MonkeyPatch, rows: set[int]) -> None:
    """Let the tasks of these rows of a meta-batch of three give no number, the first time that they are computed."""
    from metastudio.engine.training import task_gradient as module

    real = module.mean_of

    def mean_of(done: Any, episodes: Any, parameters: Any) -> Any:
        if len(done) == 3:
            done = [(float("nan") if row in rows else each[0], *each[1:]) for row, each in enumerate(done)]
        return real(done, episodes, parameters)

    monkeypatch.setattr("metastudio.engine.training.executor.mean_of", mean_of)


def test_e2_a_task_that_gives_no_number_is_dropped_and_counted_where_the_experiment_says_so(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_rows(monkeypatch, {1})
    run = small_run(tmp_path, with_training(small_experiment(glyphs), drop_tasks=0.4))
    told = work_until(run)
    assert told[-1].outcome == "finished"
    assert [each.dropped_tasks for each in told if each.kind == "outer_step"] == [1] * 6
    notices = [each.text for each in told if each.kind == "notice" and each.code == "dropped-tasks"]
    assert "since the start of this stay: 6" in notices[-1]


@pytest.mark.expects_log("not a number")
@pytest.mark.parametrize(("rows", "share"), [({1}, 0.0), ({0, 1}, 0.4), ({0, 1, 2}, 0.9)])
def test_e2_more_than_that_share_stops_the_run(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: set[int], share: float
) -> None:
    _break_rows(monkeypatch, rows)
    run = small_run(tmp_path, with_training(small_experiment(glyphs), drop_tasks=share))
    failed = work_until(run)[-1]
    assert (failed.kind, failed.exit_code) == ("failed", 6)
    assert run.state().state is State.FAILED


def test_e2_the_mean_is_that_of_the_tasks_that_are_left(glyphs: Path, tmp_path: Path) -> None:
    """A step of three tasks of which one is dropped is the step of the other two."""
    from metastudio.engine.training.executor import OneByOne
    from metastudio.engine.training.task_gradient import BrokenTasksError, mean_of, task_gradient
    from tests.unit.engine.episodes import make_episode, make_learner

    learner = make_learner()
    episodes = [make_episode(seed=seed) for seed in range(3)]
    parameters = dict(learner.named_parameters())
    done = [task_gradient(learner.task_loss, each, parameters) for each in episodes]
    done[1] = (float("inf"), *done[1][1:])
    with pytest.raises(BrokenTasksError) as broken:
        mean_of(done, episodes, parameters)
    assert broken.value.rows == (1,)
    with OneByOne() as executor:
        step = learner.outer_step([episodes[0], episodes[2]], executor)
    kept = mean_of([done[0], done[2]], [episodes[0], episodes[2]], parameters)
    assert all(value.equal(step.gradients[name]) for name, value in kept.gradients.items())


def test_e3_a_gradient_that_explodes_is_told_once_with_a_clip_to_take() -> None:
    watch = GradientWatch(0.0)
    said = [watch.notice(number, 2.0) for number in range(1, 30)]
    assert said == [None] * 29
    notice = watch.notice(30, 4000.0)
    assert notice is not None
    assert (notice.code, notice.severity) == ("gradient-explodes", "warning")
    assert "2,000 times" in notice.text
    assert "clip the gradient at about 20" in notice.text
    assert watch.notice(31, 1e9) is None


def test_e3_a_gradient_that_is_cut_is_told_once() -> None:
    watch = GradientWatch(5.0)
    assert watch.notice(1, 4.9) is None
    notice = watch.notice(2, 7.0)
    assert notice is not None
    assert (notice.code, notice.severity) == ("gradient-clipped", "note")
    assert watch.notice(3, 100.0) is None


def test_e3_the_first_gradients_are_no_reason_for_alarm() -> None:
    watch = GradientWatch(0.0)
    assert [watch.notice(number, 10.0**number) for number in range(1, 10)] == [None] * 9
