"""The table of runs: searched, sorted by any number, columns chosen, read once, noted with undo; two compared."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from unit.gui.page_studio import make_run

from metastudio.errors import DataError
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.models import run_rows
from metastudio.gui.models.run_colours import RunColours
from metastudio.gui.models.run_columns import NAME, run_columns
from metastudio.gui.models.run_rows import RunRow, RunRows
from metastudio.gui.models.run_search import search
from metastudio.gui.models.runs_table_model import RunsTableModel
from metastudio.gui.pages.runs_page import RunsPage
from metastudio.gui.settings import StudioSettings
from metastudio.gui.studio import Studio
from metastudio.gui.widgets import paired_panel
from metastudio.gui.widgets.paired_panel import PairedPanel
from metastudio.gui.widgets.runs_table import RunsTable
from metastudio.images.problems import Cancelled
from metastudio.runs.episode_scores import EpisodeScores, PairedDifference, write_scores
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State

ROWS = (
    RunRow(RunFolder("/runs/1"), "first", "MAML", "5w1s", State.FINISHED, 0.95, 0.01, inner_lr=0.4, tags=("paper",)),
    RunRow(RunFolder("/runs/2"), "second", "MAML", "5w1s", State.PAUSED, 0.9, 0.01, inner_lr=0.01, iteration=1500),
    RunRow(RunFolder("/runs/3"), "third", "Prototypical", "5w5s", State.FINISHED, None, tags=("draft", "old paper")),
    RunRow(RunFolder("/runs/4"), "broken", problem="It is damaged."),
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["first", "second", "third", "broken"]),
        ("MAML 5w1s", ["first", "second"]),
        ("accuracy>90", ["first"]),
        ("accuracy>=90%", ["first", "second"]),
        ("inner_lr=0.01", ["second"]),
        ("inner_lr<1 iterations>=1e3", ["second"]),
        ("tag:paper", ["first"]),
        ("tag:draft", ["third"]),
        ("paper", ["first", "third"]),
        ("nonsense>3", []),
        ("accuracy>.", []),
    ],
)
def test_words_tags_and_comparisons_find_runs(qapp, text: str, names: list[str]) -> None:
    holds = search(text, run_columns())
    assert [each.name for each in ROWS if holds(each)] == names


@pytest.fixture
def model(qtbot) -> RunsTableModel:
    made = RunsTableModel()
    made.set_rows(ROWS)
    return made


@pytest.mark.parametrize("column", [each.key for each in run_columns()])
def test_every_column_sorts_and_what_has_no_number_comes_last(model: RunsTableModel, column: str) -> None:
    place = [each.key for each in model.columns].index(column)
    model.sort(place, Qt.SortOrder.DescendingOrder)
    number = model.columns[place].number
    if number is not None:
        found = [number(each) for each in model.shown]
        known = [each for each in found if each is not None]
        assert found == sorted(known, reverse=True) + [None] * (len(found) - len(known))
    texts = [model.index(row, place).data() for row in range(model.rowCount())]
    assert len(texts) == 4


@pytest.fixture
def table(qtbot, model: RunsTableModel, tmp_path: Path) -> RunsTable:
    made = RunsTable(model, StudioSettings(tmp_path / "studio.ini"))
    qtbot.addWidget(made)
    return made


def shown(table: RunsTable) -> list[str]:
    header = table.horizontalHeader()
    places = [header.logicalIndex(each) for each in range(header.count())]
    return [table.model().columns[place].key for place in places if not table.isColumnHidden(place)]


def test_what_is_chosen_stays_chosen_when_it_is_sorted(table: RunsTable, model: RunsTableModel) -> None:
    table.choose([ROWS[1].run, ROWS[2].run])
    for place in range(len(model.columns)):
        table.sortByColumn(place, Qt.SortOrder.AscendingOrder)
        assert {each.name for each in table.chosen()} == {"second", "third"}


def test_columns_are_chosen_moved_and_remembered(table: RunsTable, model: RunsTableModel, qtbot, tmp_path) -> None:
    usual = ["name", "method", "task", "state", "accuracy", "iterations", "trained", "started"]
    assert shown(table) == usual
    actions = {each.text(): each for each in table._actions()}
    actions["method"].trigger()
    actions["tags"].trigger()
    header = table.horizontalHeader()
    header.moveSection(header.visualIndex(3), 1)
    assert shown(table) == ["name", "state", "task", "accuracy", "iterations", "trained", "started", "tags"]
    assert not actions["name"].isEnabled(), "a row without a name could not be told"
    table._settings.sync()
    again = RunsTable(model, StudioSettings(tmp_path / "studio.ini"))
    qtbot.addWidget(again)
    assert shown(again) == shown(table)
    again._on_usual_wanted()
    assert shown(again) == usual


def read(rows: RunRows, folder: Path) -> tuple[RunRow, ...]:
    return rows.read(folder, lambda *_: None, lambda: False)


@pytest.fixture
def counted(monkeypatch) -> list[RunFolder]:
    """Every run that is really read."""
    found: list[RunFolder] = []
    known = run_rows.read_row
    monkeypatch.setattr(run_rows, "read_row", lambda run, **is_bare: found.append(run) or known(run, **is_bare))
    return found


def test_only_what_changed_is_read_again(document: ProjectDocument, counted: list[RunFolder]) -> None:
    runs, rows = [make_run(document, name=f"run {number}") for number in range(3)], RunRows()
    first = read(rows, document.runs_folder)
    assert {each.run for each in first} == set(runs)
    assert read(rows, document.runs_folder) == first
    assert len(counted) == 3
    runs[1].write_notes(runs[1].notes().model_copy(update={"tags": ("paper",)}))
    assert [each.tags for each in read(rows, document.runs_folder) if each.run == runs[1]] == [("paper",)]
    assert counted[3:] == [runs[1]]
    assert [each.run for each in first] == sorted(runs, key=lambda each: each.name, reverse=True)


def test_a_run_without_a_summary_is_told_from_its_experiment(document: ProjectDocument) -> None:
    run = make_run(document, name="older")
    with_summary = run_rows.read_row(run)
    run.write_state(run.state().model_copy(update={"summary": None}))
    assert run_rows.read_row(run) == with_summary
    assert (with_summary.name, with_summary.inner_steps) == ("older", document.experiment.algorithm.inner_steps)


def test_whether_a_worker_is_at_work_is_looked_at_each_time(document: ProjectDocument, monkeypatch) -> None:
    run, rows = make_run(document), RunRows()
    run.write_state(run.state().model_copy(update={"state": State.RUNNING}))
    assert read(rows, document.runs_folder)[0].state is State.INTERRUPTED
    monkeypatch.setattr(RunFolder, "effective_state", lambda _: State.RUNNING)
    assert read(rows, document.runs_folder)[0].state is State.RUNNING


def test_a_long_reading_shows_what_it_has_and_can_be_cancelled(document: ProjectDocument, monkeypatch) -> None:
    monkeypatch.setattr(run_rows, "_TELL_AFTER_S", 0.0)
    for number in range(4):
        make_run(document, name=f"run {number}")
    told: list[int] = []
    RunRows().read(document.runs_folder, lambda rows: told.append(len(rows)), lambda: False)
    assert told == [1, 3]
    with pytest.raises(Cancelled):
        RunRows().read(document.runs_folder, lambda rows: None, lambda: True)


def test_a_run_keeps_its_colour_whatever_else_is_chosen() -> None:
    known = [RunFolder(f"/runs/{number}") for number in range(20)]
    colours = RunColours()
    first = colours.of(known[:3], known)
    assert list(first.values()) == [0, 1, 2]
    assert colours.of(known[1:2], known) == {known[1]: 1}
    clashing = colours.of([known[9], known[1]], known)  # the ninth would be given the same colour as the first
    assert clashing[known[1]] == 1
    assert clashing[known[9]] != 1
    assert colours.of([known[9]], known) == {known[9]: clashing[known[9]]}
    many = colours.of(known[:16], known)
    assert len(set(many.values())) == 16


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> Iterator[RunsPage]:
    for number in range(2):
        make_run(document, name=f"run {number}")
    made = RunsPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    qtbot.waitUntil(lambda: len(made.model.rows) == 2)
    yield made
    made.shut_down()
    studio.shut_down()


def test_names_tags_and_notes_can_be_undone(page: RunsPage, studio: Studio, qtbot) -> None:
    run = page.chosen()[0].run
    page.details.tags.setText(" paper, , draft,paper")
    page.details.tags.editingFinished.emit()
    assert run.notes().tags == ("paper", "draft")
    qtbot.waitUntil(lambda: page.chosen()[0].tags == ("paper", "draft"))
    page.model.setData(page.model.index(0, NAME), "The good one", Qt.ItemDataRole.EditRole)
    assert run.notes().name == "The good one"
    assert studio.undo_stack.undoText() == "Rename run"
    studio.undo_stack.undo()
    assert (run.notes().name, run.notes().tags) == ("", ("paper", "draft"))
    studio.undo_stack.undo()
    assert run.notes().tags == ()
    studio.undo_stack.redo()
    assert run.notes().tags == ("paper", "draft")


def test_tags_that_were_not_changed_are_no_step(page: RunsPage, studio: Studio) -> None:
    page.details.tags.editingFinished.emit()
    assert not studio.undo_stack.canUndo()


def scores(accuracy: float) -> EpisodeScores:
    values = tuple(accuracy + 0.01 * (number % 3) for number in range(600))
    return EpisodeScores(
        episodes_id="abc", iteration=50, statistics="support", n_way=5, n_shot=1, n_query=3, accuracies=values
    )


def test_two_chosen_runs_say_how_they_did_on_the_same_episodes(page: RunsPage, qtbot) -> None:
    runs = [each.run for each in page.model.rows]
    page.table.choose(runs)
    assert page.details.paired.isVisible()
    assert "Not yet" in page.details.paired.text.text()
    for run, accuracy in zip(runs, (0.9, 0.6), strict=True):
        write_scores(run, scores(accuracy))
    page.table.choose(runs[:1])
    assert not page.details.paired.isVisible()
    page.table.choose(runs)
    text = page.details.paired.text.text()
    best = page.model.rows[0].name
    assert text.startswith(f"{best} is ahead on the same 600 meta-test episodes: 91.0 ± 0.1 %")
    assert "by 30.0 ± 0.0 points" in text


def test_a_comparison_goes_on_when_another_run_appears(page: RunsPage, document, qtbot, monkeypatch) -> None:
    def wait(first, second, tell, stop):
        while not stop():
            time.sleep(0.01)
        raise Cancelled

    monkeypatch.setattr(paired_panel, "compared", wait)
    page.table.choose([each.run for each in page.model.rows])
    page.details.paired.button.click()
    make_run(document, name="another")
    page.refresh()
    qtbot.waitUntil(lambda: len(page.model.rows) == 3)
    assert len(page.chosen()) == 2
    assert page.details.paired.button.text() == "Cancel"


@pytest.fixture
def panel(qtbot, document: ProjectDocument) -> Iterator[PairedPanel]:
    made = PairedPanel()
    qtbot.addWidget(made)
    made.show()
    rows = [run_rows.read_row(make_run(document, name=name)) for name in ("one", "other")]
    made.show_pair(*rows)
    yield made
    made.stop()


def test_the_same_episodes_are_asked_on_demand_and_a_tie_is_called_one(panel: PairedPanel, qtbot, monkeypatch) -> None:
    found = PairedDifference(600, "support", 0.62, 0.01, 0.61, 0.01, 0.01, 0.012)
    monkeypatch.setattr(paired_panel, "compared", lambda first, second, tell, stop: tell("x", 3, 1200) or found)
    panel.button.click()
    assert panel.button.text() == "Cancel"
    qtbot.waitUntil(lambda: "A tie on the same 600" in panel.text.text())
    assert "+1.0 ± 1.2 points includes zero" in panel.text.text()
    assert panel.button.text() == "Same episodes"


def test_a_comparison_can_be_cancelled_and_its_failure_is_said(panel: PairedPanel, qtbot, monkeypatch) -> None:
    def wait(first, second, tell, stop):
        while not stop():
            time.sleep(0.01)
        raise Cancelled

    monkeypatch.setattr(paired_panel, "compared", wait)
    panel.button.click()
    panel.button.click()
    assert panel.button.text() == "Same episodes"

    def fail(*_: object) -> None:
        raise DataError("'one' has learned from the pictures.", todo="Compare runs of the same split.")

    monkeypatch.setattr(paired_panel, "compared", fail)
    panel.button.click()
    qtbot.waitUntil(lambda: "has learned from" in panel.text.text())
    assert panel.text.property("role") == "warning"


def test_runs_without_a_checkpoint_are_not_asked(panel: PairedPanel) -> None:
    first, second = panel._pair
    (second.run.checkpoints_folder / "last").unlink()
    panel.show_pair(second, first)
    panel.stop()
    panel.show_pair(first, second)
    assert not panel.button.isEnabled()
    assert "checkpoint" in panel.button.toolTip()
