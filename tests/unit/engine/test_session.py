"""Adapting, predicting and exporting as the studio asks for it, with a real learner."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.engine import session as session_module
from metastudio.engine.inner_loop import InnerLosses
from metastudio.engine.learner import load_learner
from metastudio.engine.session import Session
from metastudio.errors import ConfigurationError, DataError, IntegrityError, NumericError
from metastudio.jobs.session_thread import error_of
from metastudio.runs.checkpoint_files import SUMS, commit_checkpoint, iteration_of
from metastudio.runs.events import failed, from_line, to_line
from metastudio.runs.questions import (
    AdaptedAnswer,
    AskAdapt,
    AskEvaluate,
    AskExport,
    AskPredict,
    EvaluatedAnswer,
    ExportedAnswer,
    Predictions,
    Progress,
)
from metastudio.runs.run_folder import RunFolder


def adapt(session: Session, run: RunFolder, target: TargetTask, steps: int = -1) -> AdaptedAnswer:
    answer = session.answer(AskAdapt(run=str(run.path), target=target, inner_steps=steps), lambda _: None)
    assert isinstance(answer, AdaptedAnswer)
    return answer


def predict(session: Session, handle: str, *files: str) -> Predictions:
    answer = session.answer(AskPredict(handle=handle, files=files), lambda _: None)
    assert isinstance(answer, Predictions)
    return answer


def test_adapting_tells_the_losses_of_every_step(tiny_run_of: Callable[[str], RunFolder], target: TargetTask) -> None:
    phases: list[str] = []
    answer = Session().answer(
        AskAdapt(run=str(tiny_run_of("maml").path), target=target), lambda progress: phases.append(progress.phase)
    )
    assert isinstance(answer, AdaptedAnswer)
    assert answer.classes == ("red", "green", "blue")
    assert len(answer.losses) == len(answer.accuracies) == answer.inner_steps + 1 > 1
    assert answer.losses[-1] < answer.losses[0]
    assert answer.query_accuracy is not None
    assert phases[:2] == ["loading the checkpoint", "adapting"]


def test_the_number_of_inner_steps_is_the_one_asked_for(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask
) -> None:
    session = Session()
    for steps in (0, 2):
        answer = adapt(session, tiny_run_of("maml"), target, steps)
        assert (answer.inner_steps, len(answer.losses)) == (steps, steps + 1)


def test_other_inner_steps_do_not_ask_for_the_note_again(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(session_module, "transfer_note", lambda adapted: asked.append(1) or "a note")
    session, fewer = Session(), target.model_copy(update={"classes": target.classes[:2]})
    for task, steps in ((target, -1), (target, 2), (fewer, -1), (target, 0)):
        assert adapt(session, tiny_run_of("maml"), task, steps).note == "a note"
    assert len(asked) == 2


def test_a_method_without_inner_steps_has_no_curve(tiny_run_of: Callable[[str], RunFolder], target: TargetTask) -> None:
    answer = adapt(Session(), tiny_run_of("prototypical"), target)
    assert (answer.losses, answer.accuracies, answer.inner_steps) == ((), (), 0)


@pytest.mark.parametrize("algorithm", ["maml", "prototypical", "classifier"])
def test_an_answer_does_not_depend_on_which_others_are_asked_about(
    algorithm: str, tiny_run_of: Callable[[str], RunFolder], target: TargetTask, tiny_pictures: Path
) -> None:
    session = Session()
    handle = adapt(session, tiny_run_of(algorithm), target).handle
    files = [str(each) for each in sorted(tiny_pictures.rglob("*.png"))]
    together = predict(session, handle, *files).predictions
    assert [each.file for each in together] == files
    for one in together:
        assert sum(one.probabilities) == pytest.approx(1)
        assert predict(session, handle, one.file).predictions == (one,)


def test_an_unreadable_picture_is_answered_with_its_reason(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, tiny_pictures: Path
) -> None:
    session = Session()
    handle = adapt(session, tiny_run_of("maml"), target).handle
    lost, good = predict(
        session, handle, os.fsdecode(b"/gone/\xff.png"), str(tiny_pictures / "red" / "0.png")
    ).predictions
    assert (lost.probabilities, lost.problem) == ((), "is no longer there")
    assert good.problem == ""


def test_a_target_task_that_cannot_be_is_refused(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, tiny_pictures: Path
) -> None:
    session, run = Session(), tiny_run_of("maml")
    with pytest.raises(DataError, match="at least two classes"):
        adapt(session, run, target.model_copy(update={"classes": target.classes[:1]}))
    fourth = TargetClass(name="grey", support=(str(tiny_pictures / "grey" / "0.png"),))
    four = target.model_copy(update={"classes": (*target.classes, fourth)})
    with pytest.raises(ConfigurationError, match="4 classes, and the model was trained to tell 3 apart"):
        adapt(session, run, four)
    assert len(adapt(session, tiny_run_of("prototypical"), four).classes) == 4
    assert len(adapt(session, run, target.model_copy(update={"classes": target.classes[:2]})).classes) == 2


def test_an_inner_loop_that_runs_away_is_said(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner_type = type(load_learner(tiny_run_of("maml")))
    honest = learner_type.adapt

    def diverging(self: object, support: object, *, trace: InnerLosses, **more: object) -> object:
        classifier = honest(self, support, trace=trace, **more)  # type: ignore[arg-type]
        trace.support_losses[-1] = float("nan")
        return classifier

    monkeypatch.setattr(learner_type, "adapt", diverging)
    with pytest.raises(NumericError, match="ran away"):
        adapt(Session(), tiny_run_of("maml"), target)


def test_a_newer_checkpoint_is_taken_up(tiny_run: RunFolder, target: TargetTask) -> None:
    session = Session()
    before = adapt(session, tiny_run, target)
    assert adapt(session, tiny_run, target).losses == before.losses
    old = tiny_run.best()
    assert old is not None
    weights = {name: value + 0.1 for name, value in load_file(old / "weights.safetensors").items()}
    files = {each.name: each.read_bytes() for each in old.iterdir() if each.name != SUMS}
    commit_checkpoint(tiny_run, 4, {**files, "weights.safetensors": save(weights)}, is_best=True, keep=2)
    assert adapt(session, tiny_run, target).losses != before.losses


def test_an_altered_checkpoint_is_refused(tiny_run: RunFolder, target: TargetTask) -> None:
    best = tiny_run.best()
    assert best is not None
    weights = best / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(IntegrityError, match="altered") as met:
        adapt(Session(), tiny_run, target)
    assert met.value.other_iteration is None


def test_a_whole_checkpoint_is_offered_in_place_of_an_altered_one(tiny_run: RunFolder, target: TargetTask) -> None:
    session, old = Session(), tiny_run.best()
    assert old is not None
    before = adapt(session, tiny_run, target)
    files = {each.name: each.read_bytes() for each in old.iterdir() if each.name != SUMS}
    newer = commit_checkpoint(tiny_run, iteration_of(old) + 2, files, is_best=True, keep=2)
    (newer / "weights.safetensors").write_bytes(b"cut")
    with pytest.raises(IntegrityError) as met:
        adapt(session, tiny_run, target)
    assert met.value.other_iteration == iteration_of(old)
    asked = AskAdapt(run=str(tiny_run.path), target=target, checkpoint=met.value.other_iteration)
    assert session.answer(asked, lambda _: None).losses == before.losses
    told = from_line(to_line(failed(met.value)))
    assert error_of(told).other_iteration == iteration_of(old)


def test_adapting_leaves_the_kept_learner_as_it_was(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask
) -> None:
    session, run = Session(), tiny_run_of("maml")
    first = adapt(session, run, target)
    adapt(session, run, target, steps=1)
    assert adapt(session, run, target).losses == first.losses
    (kept,) = session._learners._values.values()
    fresh = load_learner(run).state_dict()
    assert all(torch.equal(fresh[name], value) for name, value in kept.learner.state_dict().items())


def test_only_the_adapted_models_asked_for_last_are_kept(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_ADAPTED", 2)
    session, run = Session(), tiny_run_of("prototypical")
    first, second = (adapt(session, run, target).handle for _ in range(2))
    predict(session, first)
    third = adapt(session, run, target).handle
    predict(session, first)
    predict(session, third)
    with pytest.raises(ConfigurationError, match="no longer kept"):
        predict(session, second)


@pytest.mark.slow
def test_an_export_is_written_and_verified(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, tmp_path: Path
) -> None:
    phases: list[Progress] = []
    question = AskExport(run=str(tiny_run_of("maml").path), format="onnx", folder=str(tmp_path / "out"), target=target)
    answer = Session().answer(question, phases.append)
    assert isinstance(answer, ExportedAnswer)
    assert answer.path == str(tmp_path / "out")
    assert answer.batches == (1, 2, 7)
    assert answer.largest_difference <= 1e-4
    assert "model.onnx" in answer.files
    with pytest.raises(ConfigurationError, match="already there"):
        Session().answer(question, phases.append)


def test_meta_test_is_evaluated_and_kept_with_the_run(run_with: Callable[..., RunFolder]) -> None:
    run = run_with("prototypical")
    index, parts = run.data()
    run.write_data(index, dict.fromkeys(parts, Part.META_TEST))
    answer = Session().answer(
        AskEvaluate(run=str(run.path), episodes=4, statistics=("support", "batch")), lambda _: None
    )
    assert isinstance(answer, EvaluatedAnswer)
    kept = run.evaluations()
    assert [each.statistics for each in kept] == ["support", "batch"]
    assert [each.is_transductive for each in kept] == [False, True]
    assert all(each.episodes == 4 and each.ci95 is not None for each in kept)
    assert len(answer.lines) == 2
