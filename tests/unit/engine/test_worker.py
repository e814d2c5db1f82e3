"""A run folder's worker: what it leaves on the disk, and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine.evaluation import evaluator
from metastudio.engine.evaluation.evaluator import score_episode
from metastudio.engine.evaluation.meta_test import evaluate_on_meta_test
from metastudio.engine.learner import build_learner, load_learner, take_initial_weights
from metastudio.engine.training.worker import work
from metastudio.errors import ConfigurationError, DataError, IntegrityError, LockedError
from metastudio.runs.checkpoint_files import SUMS, iteration_of
from metastudio.runs.control import Wanted, write_control
from metastudio.runs.event_log import read_events
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import hold_worker_lock
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, weights_of, work_until


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


def at_iteration(iteration: int):
    return lambda event: event.kind == "outer_step" and event.iteration == iteration


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_weights_after_stop_and_resume_equal_those_of_an_undisturbed_run_bit_for_bit(
    name: str, glyphs: Path, tmp_path: Path
) -> None:
    experiment = small_experiment(glyphs, algorithm={"name": name}, backbone={"filters": 4, "normalization": "running"})
    undisturbed = small_run(tmp_path / "one", experiment)
    work_until(undisturbed)
    stopped = small_run(tmp_path / "two", experiment)
    assert work_until(stopped, at_iteration(1))[-1].outcome == "paused"
    assert stopped.state().state is State.PAUSED
    assert work_until(stopped, at_iteration(4))[-1].iteration == 4
    assert work_until(stopped)[-1].outcome == "finished"
    assert weights_of(stopped) == weights_of(undisturbed)


def test_a_run_killed_between_checkpoints_goes_on_to_the_same_weights(glyphs: Path, tmp_path: Path) -> None:
    experiment = small_experiment(glyphs)
    undisturbed = small_run(tmp_path / "one", experiment)
    work_until(undisturbed)
    killed = small_run(tmp_path / "two", experiment)
    events = work(killed)
    for event in events:
        if event.kind == "outer_step" and event.iteration == 5:
            break
    events.close()  # iteration 5 is lost, the checkpoint of iteration 4 is there
    assert killed.effective_state() is State.INTERRUPTED
    started = next(event for event in work_until(killed) if event.kind == "started")
    assert (started.iteration, started.resumed) == (4, True)
    assert weights_of(killed) == weights_of(undisturbed)


def test_an_altered_checkpoint_is_refused_and_the_one_before_it_taken(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    work_until(run, at_iteration(4))
    weights = run.checkpoints()[-1] / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    events = work_until(run)
    assert "checkpoint-broken" in [event.code for event in events if event.kind == "notice"]
    assert next(event for event in events if event.kind == "started").iteration == 3
    assert events[-1].outcome == "finished"


def test_events_on_the_disk_are_those_that_were_seen(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    seen = work_until(run)
    written, _, torn = read_events(run.events_path)
    assert list(written) == seen
    assert torn == 0
    kinds = [event.kind for event in seen]
    assert kinds.count("outer_step") == 6
    assert kinds.count("validated") == 2
    assert {event.iteration for event in seen if event.kind == "inner_trace"} >= {1, 6}
    assert run.state().state is State.FINISHED
    assert run.state().best_accuracy == max(event.accuracy for event in seen if event.kind == "validated")
    assert (run.best() / SUMS).is_file()


def test_the_snapshot_gets_the_hashes_that_were_found_while_preparing(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    work_until(run)
    assert all(len(file.sha256) == 64 for cls in run.data().index.classes for file in cls.files)


@pytest.mark.expects_log("gone or has changed")
def test_a_resume_on_changed_pictures_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    glyphs = make_glyphs(tmp_path / "glyphs")
    run = small_run(tmp_path / "runs", small_experiment(glyphs))
    work_until(run, at_iteration(2))
    picture, other = sorted(glyphs.rglob("*.png"))[:2]
    picture.write_bytes(other.read_bytes())
    monkeypatch.setenv("METASTUDIO_CACHE", str(tmp_path / "another cache"))  # else the decoded pictures are still there
    failed = work_until(run)[-1]
    assert (failed.kind, failed.exit_code) == ("failed", 3)
    assert str(picture) in failed.where
    assert run.state().state is State.FAILED


@pytest.mark.parametrize(("wanted", "state"), [(Wanted.PAUSE, State.PAUSED), (Wanted.DISCARD, State.DISCARDED)])
def test_control_is_read_at_every_outer_step(wanted: Wanted, state: State, glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    events = []
    for event in work(run):
        events.append(event)
        if at_iteration(2)(event):
            write_control(run, wanted)
    assert run.state().state is state
    assert events[-1].iteration in {2, 3}


def test_finish_keeps_the_best_and_ends_early(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    events = []
    for event in work(run):
        events.append(event)
        if at_iteration(2)(event):
            write_control(run, Wanted.FINISH)
    assert run.state().state is State.FINISHED
    assert events[-1].iteration < 6
    assert run.best() is not None


class _Judged:
    """Counts the episodes that were begun to be judged, so that a test can speak up in the middle of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(evaluator, "score_episode", self._score_episode)
        self._real = score_episode

    def _score_episode(self, *asked: Any) -> Any:
        self.count += 1
        return self._real(*asked)


def test_a_pause_during_validation_drops_it_and_the_resume_makes_it_anew(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = small_experiment(glyphs)
    undisturbed = small_run(tmp_path / "one", experiment)
    expected = [event for event in work_until(undisturbed) if event.kind == "validated"]
    judged = _Judged(monkeypatch)
    run = small_run(tmp_path / "two", experiment)
    events = list(work(run, stop_requested=lambda: judged.count > 0))
    assert (events[-1].kind, events[-1].outcome, events[-1].iteration) == ("finished", "paused", 3)
    assert "validated" not in [event.kind for event in events]
    assert (run.state().state, run.state().iteration, run.state().best_accuracy) == (State.PAUSED, 3, None)
    assert run.best() is None
    again = work_until(run)
    validated = [event for event in again if event.kind == "validated"]
    assert again.index(validated[0]) < [event.kind for event in again].index("outer_step")
    assert [each.model_dump(exclude={"at"}) for each in validated] == [
        each.model_dump(exclude={"at"}) for each in expected
    ]
    assert weights_of(run) == weights_of(undisturbed)
    assert run.best().name == undisturbed.best().name
    assert (run.best() / "weights.safetensors").read_bytes() == (
        undisturbed.best() / "weights.safetensors"
    ).read_bytes()


def test_discard_is_heard_during_validation(glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    judged = _Judged(monkeypatch)
    monkeypatch.setattr(
        "metastudio.engine.training.worker.read_control", lambda _: Wanted.DISCARD if judged.count else Wanted.RUN
    )
    events = work_until(run)
    assert (events[-1].outcome, events[-1].iteration) == ("discarded", 3)
    assert run.state().state is State.DISCARDED
    saved = [event.iteration for event in events if event.kind == "checkpoint_saved"]
    assert saved[-1] == 3, "what comes back from the trash has lost nothing"


def test_finish_and_then_pause_goes_on_to_the_end_and_not_with_training(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    judged = _Judged(monkeypatch)
    events = []
    for event in work(run, stop_requested=lambda: judged.count > 0):
        events.append(event)
        if at_iteration(1)(event):
            write_control(run, Wanted.FINISH)
    ended_at = events[-1].iteration
    assert (events[-1].outcome, ended_at < 3) == ("paused", True)
    assert "validated" not in [event.kind for event in events]
    again = work_until(run)
    assert [event.iteration for event in again if event.kind == "validated"] == [ended_at]
    assert "outer_step" not in [event.kind for event in again]
    assert (again[-1].outcome, again[-1].iteration) == ("finished", ended_at)
    assert iteration_of(run.best()) == ended_at


def test_a_pause_during_meta_test_keeps_what_was_measured_and_the_resume_measures_the_rest(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"after_training": True, "episodes": 6, "statistics": ["support", "batch"]}
    run = small_run(tmp_path, small_experiment(glyphs, evaluation=asked))
    judged = _Judged(monkeypatch)
    at_first_kind = []

    def is_in_the_second_kind() -> bool:
        return bool(at_first_kind) and judged.count > at_first_kind[0]

    events = []
    for event in work(run, stop_requested=is_in_the_second_kind):
        events.append(event)
        if event.kind == "evaluated":
            at_first_kind.append(judged.count)
    assert [event.statistics for event in events if event.kind == "evaluated"] == ["support"]
    assert (events[-1].outcome, events[-1].iteration) == ("paused", 6)
    assert run.state().state is State.PAUSED
    assert [each.statistics for each in run.evaluations()] == ["support"]
    again = work_until(run)
    assert [event.statistics for event in again if event.kind == "evaluated"] == ["batch"]
    assert not {"outer_step", "validated"} & {event.kind for event in again}
    assert [each.statistics for each in run.evaluations()] == ["support", "batch"]
    assert run.state().state is State.FINISHED


def test_a_second_worker_is_refused_and_writes_nothing(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    before = run.state_path.read_bytes()
    with hold_worker_lock(run), pytest.raises(LockedError):
        work_until(run)
    assert run.state_path.read_bytes() == before
    assert not run.events_path.exists()


def test_a_run_that_has_ended_is_not_trained_again(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    work_until(run)
    with pytest.raises(ConfigurationError, match="finished"):
        work_until(run)


@pytest.mark.expects_log("not a number")
def test_a_step_that_gives_no_number_fails_the_run(glyphs: Path, tmp_path: Path) -> None:
    wild = small_experiment(glyphs, algorithm={"name": "maml", "inner_lr": 100.0, "inner_steps": 20})
    wild = wild.model_copy(update={"training": wild.training.model_copy(update={"outer_lr": 10.0, "iterations": 300})})
    run = small_run(tmp_path, wild)
    events = work_until(run)
    assert events[-1].kind == "failed"
    assert events[-1].exit_code == 6
    assert "iteration" in events[-1].where
    assert run.state().failure is not None


def test_pretraining_gives_its_backbone_to_the_next_run(glyphs: Path, tmp_path: Path) -> None:
    pretrained = small_run(tmp_path, small_experiment(glyphs, algorithm={"name": "classifier"}))
    work_until(pretrained)
    experiment = small_experiment(glyphs, initial_weights=str(pretrained.path))
    learner = build_learner(experiment, train_classes=9)
    take_initial_weights(learner, experiment)
    theirs = load_learner(pretrained).state_dict()
    ours = learner.state_dict()
    backbone = [name for name in ours if "backbone" in name]
    assert backbone
    assert all(ours[name].equal(theirs[name]) for name in backbone)
    started = next(event for event in work_until(small_run(tmp_path, experiment)) if event.kind == "started")
    assert started.iteration == 0


@pytest.mark.expects_log("experiment.toml")
def test_a_damaged_experiment_fails_the_run_and_says_so(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    run.experiment_path.write_text("name = \n", encoding="utf-8")
    failed = work_until(run)[-1]
    assert (failed.kind, failed.exit_code) == ("failed", 2)
    assert run.state().state is State.FAILED


@pytest.mark.expects_log("None of the run's checkpoints is whole")
def test_a_run_of_which_no_checkpoint_is_whole_does_not_begin_again(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    work_until(run, at_iteration(3))
    for folder in run.checkpoints():
        (folder / "weights.safetensors").write_bytes(b"")
    failed = work_until(run)[-1]
    assert (failed.kind, failed.exit_code) == ("failed", 4)


def test_a_resume_on_another_computer_is_said_not_to_be_bit_exact(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    work_until(run, at_iteration(2))
    state = run.state()
    assert state.computer
    run.write_state(state.model_copy(update={"computer": {**state.computer, "host": "elsewhere"}}))
    assert "not-bit-exact" in [event.code for event in work_until(run) if event.kind == "notice"]


def test_a_classifier_with_an_unreadable_class_can_be_loaded(tmp_path: Path) -> None:
    glyphs = make_glyphs(tmp_path / "glyphs")
    run = small_run(tmp_path / "runs", small_experiment(glyphs, algorithm={"name": "classifier"}))
    index, parts = run.data()
    spoilt = next(each for each in index.classes if parts[each.name] == "meta_train")
    for file in spoilt.files:
        Path(file.path).write_bytes(b"no picture")
    assert work_until(run)[-1].kind == "finished"
    assert spoilt.name not in run.data().parts
    load_learner(run)


def test_a_classifier_trains_where_a_class_is_too_small_for_an_episode(tmp_path: Path) -> None:
    glyphs = make_glyphs(tmp_path / "glyphs")
    experiment = small_experiment(glyphs, algorithm={"name": "classifier"})
    index, parts = small_run(tmp_path / "first", experiment).data()
    for each in index.classes:
        if parts[each.name] == "meta_train":
            for file in each.files[1:]:
                Path(file.path).unlink()
    assert work_until(small_run(tmp_path / "runs", experiment))[-1].kind == "finished"


def test_meta_test_is_refused_on_changed_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    glyphs = make_glyphs(tmp_path / "glyphs")
    run = small_run(tmp_path / "runs", small_experiment(glyphs))
    work_until(run)
    next(glyphs.rglob("*.png")).unlink()
    monkeypatch.setenv("METASTUDIO_CACHE", str(tmp_path / "another cache"))
    with pytest.raises(DataError, match="gone or has changed"):
        list(evaluate_on_meta_test(run, episodes=2, statistics=["support"]))


def test_an_altered_checkpoint_names_the_whole_one_before_it(glyphs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path, small_experiment(glyphs))
    work_until(run)
    newest, older = run.checkpoints()[-1], run.checkpoints()[-2]
    (newest / "weights.safetensors").write_bytes(b"")
    with pytest.raises(IntegrityError) as refused:
        load_learner(run, newest)
    assert f"--checkpoint {int(older.name[5:])}" in str(refused.value.todo)
    load_learner(run, older)
