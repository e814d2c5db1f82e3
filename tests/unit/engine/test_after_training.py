"""When training ends the target tasks are adapted and exported by themselves; one that fails stops no other."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetTask
from metastudio.engine.after_training import _folder_names, after_training
from metastudio.engine.export.folder import verify_sums
from metastudio.errors import ExportError
from metastudio.images.problems import Cancelled
from metastudio.runs.event_log import EventLog
from metastudio.runs.events import Adapted, Evaluated, Event, Exported, Notice
from metastudio.runs.run_folder import RunFolder


def told(run: RunFolder) -> list[Event]:
    return [each for each in after_training(run) if each.kind != "preparing"]


@pytest.mark.slow
def test_every_target_is_adapted_and_exported_in_every_format(
    run_with: Callable[..., RunFolder], target: TargetTask
) -> None:
    hopeless = TargetTask(name="hopeless", classes=target.classes[:1])
    run = run_with("maml", targets=(hopeless, target), exports=("checkpoint", "adapted", "onnx"))
    checkpoint, failed, adapted, folder, onnx = told(run)
    assert isinstance(failed, Notice)
    assert "'hopeless' was not adapted to" in failed.text
    assert isinstance(adapted, Adapted)
    assert (adapted.target, adapted.queries) == ("colours", 3)
    assert len(adapted.losses) > 1
    for event, name in ((checkpoint, "checkpoint"), (folder, "colours-adapted"), (onnx, "colours-onnx")):
        assert isinstance(event, Exported)
        assert Path(event.path) == run.exports_folder / name
        assert event.largest_difference <= 1e-4
        verify_sums(Path(event.path))
    assert [each.name for each in run.exports()] == ["checkpoint", "colours-adapted", "colours-onnx"]


def test_the_run_ends_with_its_report(run_with: Callable[..., RunFolder], target: TargetTask) -> None:
    run = run_with("prototypical", targets=(target,), exports=())
    (adapted,) = told(run)
    assert isinstance(adapted, Adapted)
    assert len(adapted.classes) == len(adapted.confusion) == len(adapted.confusion[0])
    assert sum(map(sum, adapted.confusion)) == adapted.queries
    assert sum(adapted.confusion[each][each] for each in range(len(adapted.classes))) == round(
        adapted.accuracy * adapted.queries
    )
    assert "<h2>Target task: colours</h2>" in (run.path / "report.html").read_text("utf-8")


def test_a_report_that_cannot_be_written_is_said(run_with: Callable[..., RunFolder]) -> None:
    run = run_with("prototypical")
    (run.path / "report.html").mkdir()
    (notice,) = told(run)
    assert isinstance(notice, Notice)
    assert notice.code == "report-failed"


@pytest.mark.slow
def test_an_export_that_fails_is_said_and_the_next_is_made(
    run_with: Callable[..., RunFolder], target: TargetTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_with("prototypical", targets=(target,), exports=("adapted", "onnx"))
    monkeypatch.setattr("metastudio.engine.export.bundle.pt2_bytes", lambda _: b"not a program")
    adapted, failed, made = told(run)
    assert isinstance(adapted, Adapted)
    assert isinstance(failed, Notice)
    assert failed.code == "export-failed"
    assert "was not kept" in failed.text
    assert isinstance(made, Exported)
    assert [each.name for each in run.exports()] == ["colours-onnx"]


@pytest.mark.slow
def test_a_pause_between_exports_leaves_whole_ones_and_the_next_stay_makes_the_rest(
    run_with: Callable[..., RunFolder], target: TargetTask
) -> None:
    run = run_with("prototypical", targets=(target,), exports=("adapted", "onnx"))

    def stay(until: str) -> list[str]:
        """Do what is owed until an event of a kind was told, as a worker does: every event lies on the disk."""
        seen: list[str] = []
        with EventLog(run.events_path) as log, contextlib.suppress(Cancelled):
            for event in after_training(run, should_stop=lambda: until in seen):
                log.append(event)
                seen.append(event.kind)
        return [each for each in seen if each != "preparing"]

    assert stay("adapted") == ["adapted"]
    assert run.exports() == []
    assert stay("exported") == ["exported"]
    assert [each.name for each in run.exports()] == ["colours-adapted"]
    first = (run.exports_folder / "colours-adapted").stat().st_ino
    assert stay("never") == ["exported"]
    assert [each.name for each in run.exports()] == ["colours-adapted", "colours-onnx"]
    assert (run.exports_folder / "colours-adapted").stat().st_ino == first
    assert stay("never") == []


def test_an_export_that_a_stop_ended_is_no_failure(
    run_with: Callable[..., RunFolder], target: TargetTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in a terminal also ends the clean process that verifies."""
    run = run_with("prototypical", targets=(target,), exports=("onnx",))
    stopped: list[bool] = []

    def ended(*_: object, **__: object) -> None:
        stopped.append(True)
        raise ExportError("It does not run: KeyboardInterrupt")

    monkeypatch.setattr("metastudio.engine.after_training.export", ended)
    seen: list[Event] = []
    with pytest.raises(Cancelled):
        seen.extend(after_training(run, should_stop=lambda: bool(stopped)))
    assert "notice" not in [each.kind for each in seen]


def test_a_run_without_targets_has_nothing_to_say(run_with: Callable[..., RunFolder]) -> None:
    assert told(run_with("maml")) == []


def test_without_a_whole_checkpoint_it_says_so_and_ends(run_with: Callable[..., RunFolder], target: TargetTask) -> None:
    run = run_with("maml", targets=(target,))
    best = run.best()
    assert best is not None
    (best / "weights.safetensors").write_bytes(b"")
    (notice,) = told(run)
    assert isinstance(notice, Notice)
    assert "Nothing was adapted or exported" in notice.text


def test_meta_test_is_spent_only_when_asked(run_with: Callable[..., RunFolder]) -> None:
    run = run_with("prototypical", evaluation={"after_training": True, "episodes": 5})
    index, parts = run.data()
    run.write_data(index, dict.fromkeys(parts, Part.META_TEST))
    (evaluated,) = told(run)
    assert isinstance(evaluated, Evaluated)
    assert (evaluated.episodes, evaluated.statistics) == (5, "support")
    assert len(list(run.evaluations_folder.glob("*.json"))) == 1
    assert json.loads(next(run.evaluations_folder.glob("*.json")).read_text())["episodes"] == 5


def test_folder_names_are_plain_and_never_the_same() -> None:
    names = ["My task", "my/task", "🍄", "../..", "x" * 300]
    made = _folder_names([TargetTask(name=each) for each in names])
    assert made == ["My-task", "my-task-2", "target", "target-4", "x" * 60]
