"""A run on disk."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from metastudio.catalog.data_spec import Part
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import DataError, IntegrityError, ResourceError
from metastudio.runs.events import Evaluated
from metastudio.runs.run_folder import Notes, RunFolder, create_run, list_runs
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import hold_worker_lock
from tests.unit.runs.small_runs import index_of, make_run, thirty_classes


def test_a_new_run_waits_and_holds_everything_it_was_made_of(tmp_path: Path) -> None:
    experiment = parse_experiment({"name": "glyphs", "seed": 3, "training": {"iterations": 70}})
    index, parts = thirty_classes()
    run = create_run(experiment, index, parts, runs_folder=tmp_path / "runs")
    assert re.fullmatch(r"\d{8}-\d{6}-maml-5w1s-[0-9a-f]{4}", run.name)
    assert run.experiment() == experiment
    assert run.data().index == index
    assert run.data().parts == parts
    assert run.data().parts["class00"] is Part.META_TRAIN
    state = run.state()
    assert (state.state, state.iterations, state.seed) == (State.QUEUED, 70, 3)
    assert run.effective_state() is State.QUEUED
    assert run.control_path.read_text() == "run\n"
    assert list_runs(tmp_path / "runs") == [run]


def test_runs_made_in_the_same_second_have_different_names(tmp_path: Path) -> None:
    assert len({make_run(tmp_path).name for _ in range(20)}) == 20


def test_a_file_name_that_is_no_text_survives_the_snapshot(tmp_path: Path) -> None:
    index = index_of({"a\udcff": 2})
    run = create_run(parse_experiment({}), index, {"a\udcff": Part.META_TRAIN}, runs_folder=tmp_path)
    run.data_path.read_bytes().decode("ascii")
    assert run.data().index == index


def test_a_run_is_never_made_inside_a_folder_of_images(tmp_path: Path) -> None:
    index, parts = thirty_classes()
    inside = index_of({"a": 1})
    inside = type(inside)(folders=(str(tmp_path),), layout=inside.layout, classes=index.classes)
    with pytest.raises(DataError, match="taken for images"):
        create_run(parse_experiment({}), inside, parts, runs_folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_runs_folder_that_cannot_be_made_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError, match="could not be written"):
        make_run(tmp_path / "file")


def test_a_copied_run_is_another_run(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    shutil.copytree(run.path, tmp_path / "copy")
    assert [each.name for each in list_runs(tmp_path)] == [run.name, "copy"]
    assert RunFolder(tmp_path / "copy") != run


def test_what_is_no_run_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "something").mkdir()
    (tmp_path / ".trash").mkdir()
    (tmp_path / "file").write_text("")
    shutil.copytree(make_run(tmp_path / "elsewhere").path, tmp_path / ".trash" / "run")
    assert list_runs(tmp_path) == []
    assert list_runs(tmp_path / "missing") == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "NaN", '{"iterations": "x"}', "[" * 100_000, "\0" * 100])
def test_a_damaged_state_is_refused_with_its_file(content: str, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.state_path.write_text(content)
    with pytest.raises(IntegrityError, match=r"run\.json"):
        run.state()
    assert list_runs(tmp_path) == [run], "it is still there to be looked at"


def test_a_run_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    values = json.loads(run.state_path.read_text()) | {"schema_version": 99, "versions": {"metastudio": "9.1"}}
    run.state_path.write_text(json.dumps(values))
    before = run.state_path.read_bytes()
    with pytest.raises(IntegrityError, match=r"newer MetaStudio \(9\.1\)"):
        run.state()
    assert run.state_path.read_bytes() == before


@pytest.mark.parametrize("name", ["data.json", "experiment.toml", "run.json"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (run.path / name).unlink()
    read = {"data.json": run.data, "experiment.toml": run.experiment, "run.json": run.state}[name]
    with pytest.raises(IntegrityError, match=re.escape(name)):
        read()


@pytest.mark.parametrize("content", ['{"parts": {"a": "nowhere"}}', '{"index": [], "parts": {}}', '{"parts": []}'])
def test_a_damaged_snapshot_is_refused(content: str, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.data_path.write_text(content)
    with pytest.raises(IntegrityError, match=r"data\.json"):
        run.data()


def test_a_run_that_says_running_without_a_worker_is_interrupted(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.write_state(run.state().model_copy(update={"state": State.RUNNING}))
    with hold_worker_lock(run):
        assert run.effective_state() is State.RUNNING
    assert run.effective_state() is State.INTERRUPTED
    assert run.state().state is State.RUNNING, "interrupted is derived, never written"


def test_states_say_whether_a_worker_may_start() -> None:
    assert {each for each in State if each.can_go_on} == {
        State.QUEUED,
        State.PAUSED,
        State.FAILED,
        State.INTERRUPTED,
    }


def test_notes_are_kept_and_spoilt_ones_are_none(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert run.notes() == Notes()
    notes = Notes(name="the good one", text='with "quotes"\nand lines', tags=("paper", "ü"))
    run.write_notes(notes)
    assert run.notes() == notes
    (run.path / "notes.toml").write_text("name = 3 =")
    assert run.notes() == Notes()


def test_evaluations_are_kept_beside_each_other(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert run.evaluations() == ()
    made = [
        Evaluated(
            iteration=10,
            statistics=statistics,
            is_transductive=statistics == "batch",
            accuracy=0.9,
            ci95=None,
            accuracy_before=None,
            ci95_before=None,
            episodes=1,
            n_way=5,
            n_shot=1,
            n_query=15,
            at=at,
        )
        for at, statistics in (("2026-01-01T00:00:00.001+00:00", "support"), ("2026-01-01T00:00:00.002+00:00", "batch"))
    ]
    for each in made:
        run.write_evaluation(each)
    (run.evaluations_folder / "damaged.json").write_text("{")
    assert run.evaluations() == tuple(made)


def test_exports_are_listed_by_name(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert run.exports() == []
    for name in ("b", "a", ".writing-1"):
        (run.exports_folder / name).mkdir(parents=True)
    assert [each.name for each in run.exports()] == ["a", "b"]
