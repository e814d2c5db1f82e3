"""The Runs page: every run in a table, curves of what is chosen, notes that stay, a trash that gives back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from unit.gui.page_studio import make_run

from metastudio.catalog.metric import PrototypicalConfig
from metastudio.gui.dialogs.extend_dialog import ExtendDialog
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.models.run_columns import ACCURACY, NAME, STATE
from metastudio.gui.models.run_rows import RunRow, RunRows
from metastudio.gui.pages.runs_page import RunsPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.toast import Toast
from metastudio.runs.differences import differences
from metastudio.runs.event_log import EventLog
from metastudio.runs.events import Failed, OuterStep, Validated
from metastudio.runs.run_folder import RunFolder, list_runs
from metastudio.runs.run_state import Origin, State


def write_history(run: RunFolder, count: int, accuracy: float = 0.9) -> None:
    with EventLog(run.events_path) as log:
        for number in range(1, count + 1):
            log.append(
                OuterStep(
                    iteration=number,
                    loss=1 / number,
                    accuracy=0.5,
                    gradient_norm=1.0,
                    lr=0.1,
                    tasks_per_s=1.0,
                    memory_bytes=1,
                    elapsed_s=number,
                )
            )
        log.append(Validated(iteration=count, accuracy=accuracy, ci95=0.01, loss=1, episodes=9, is_best=True))


@pytest.fixture
def runs(document: ProjectDocument) -> list[RunFolder]:
    made = [make_run(document, name="maml-5w1s"), make_run(document, name="proto", algorithm=PrototypicalConfig())]
    for place, run in enumerate(made):
        write_history(run, 20 + place)
        run.write_state(
            run.state().model_copy(
                update={"best_accuracy": 0.5 + 0.45 * place, "started_at": f"2026-01-0{place + 1}T10:00:00+00:00"}
            )
        )
    return made


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> Iterator[RunsPage]:
    made = RunsPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    made.on_shown()
    qtbot.waitUntil(lambda: not made.is_reading)
    yield made
    made.on_hidden()
    made.shut_down()
    studio.shut_down()


@pytest.fixture
def filled(runs: list[RunFolder], page: RunsPage, qtbot) -> RunsPage:
    page.refresh()
    qtbot.waitUntil(lambda: len(page.model.rows) == 2)
    return page


def test_a_run_says_which_one_it_goes_on_from(runs: list[RunFolder], page: RunsPage, qtbot) -> None:
    first, second = runs
    second.write_state(
        second.state().model_copy(update={"origin": Origin(kind="extended", run=first.name, iteration=20)})
    )
    page.refresh()
    qtbot.waitUntil(lambda: any(each.origin for each in page.model.rows))
    rows = {each.run: each for each in page.model.rows}
    page.details.show_rows([rows[second]])
    assert f"goes on from {first.name} at 20" in page.details._facts.text()
    page.details.show_rows([rows[first]])
    assert "goes on from" not in page.details._facts.text()


def read_rows(folder: Path) -> tuple[RunRow, ...]:
    return RunRows().read(folder, lambda *_: None, lambda: False)


def texts(page: RunsPage, column: int) -> list[str]:
    model = page.table.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_without_runs_the_page_says_what_belongs_there(page: RunsPage) -> None:
    assert page._stack.currentIndex() == 0


def test_every_accuracy_has_its_interval_and_the_newest_run_is_first(filled: RunsPage) -> None:
    assert texts(filled, NAME) == ["proto", "maml-5w1s"]
    assert texts(filled, ACCURACY) == ["95.0 ± 0.4 %", "50.0 ± 0.4 %"]


def test_sorting_goes_by_number_and_not_by_letter(filled: RunsPage, runs) -> None:
    runs[0].write_state(runs[0].state().model_copy(update={"best_accuracy": 0.09}))
    filled.model.set_rows(read_rows(filled.studio.runs_folder))
    filled.table.sortByColumn(ACCURACY, Qt.SortOrder.AscendingOrder)
    assert texts(filled, ACCURACY) == ["9.0 ± 0.4 %", "95.0 ± 0.4 %"]


def test_words_and_states_filter_together(filled: RunsPage, runs, qtbot) -> None:
    filled._search.setText("5w1s MAML")
    assert texts(filled, NAME) == ["maml-5w1s"]
    filled._search.setText("")
    runs[0].write_state(runs[0].state().model_copy(update={"state": State.PAUSED}))
    filled.model.set_rows(read_rows(filled.studio.runs_folder))
    filled._state_choice.setCurrentIndex(3)
    assert texts(filled, STATE) == ["paused"]


def test_chosen_runs_are_laid_over_one_another_in_their_colours(filled: RunsPage, runs, qtbot) -> None:
    filled.table.choose(runs)
    qtbot.waitUntil(lambda: all(filled.curves.loss.curve(each.name) is not None for each in runs))
    assert {len(filled.curves.loss.curve(each.name).x) for each in runs} == {20, 21}
    assert {filled.curves.accuracy.curve(each.name).index for each in runs} == {0, 1}
    filled.table.choose(runs[:1])
    assert filled.curves.loss.curve(runs[1].name) is None


def test_several_runs_are_compared_by_what_differs_and_a_tie_is_called_one(filled: RunsPage, runs, qtbot) -> None:
    filled.table.choose(runs)
    table = filled.details._table
    names = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert "algorithm.name" in names
    assert "training.iterations" not in names
    assert "proto is ahead of maml-5w1s" in filled.details._facts.text()
    for run in runs:
        run.write_state(run.state().model_copy(update={"best_accuracy": 0.9}))
    filled.model.set_rows(read_rows(filled.studio.runs_folder))
    filled.details.show_rows(filled.chosen())
    assert "tie" in filled.details._facts.text()


def test_a_name_and_notes_stay_with_the_run(filled: RunsPage, runs, qtbot) -> None:
    filled.table.choose(runs[:1])
    row = texts(filled, NAME).index("maml-5w1s")
    filled.table.model().setData(filled.table.model().index(row, NAME), "The good one", Qt.ItemDataRole.EditRole)
    filled.details._notes.setPlainText("Tried with 5 steps.")
    filled.on_hidden()
    assert runs[0].notes().name == "The good one"
    assert runs[0].notes().text == "Tried with 5 steps."
    qtbot.waitUntil(lambda: "The good one" in texts(filled, NAME))


def test_trash_takes_a_run_away_and_undo_brings_it_back(filled: RunsPage, runs, studio: Studio, qtbot) -> None:
    toasts = []
    studio.toasted.connect(toasts.append)
    filled.table.choose(runs[:1])
    filled.details.buttons["trash"].click()
    qtbot.waitUntil(lambda: texts(filled, NAME) == ["proto"])
    toasts[-1].action()
    qtbot.waitUntil(lambda: len(filled.model.rows) == 2)
    assert set(list_runs(studio.runs_folder)) == set(runs)


def test_only_one_run_with_a_checkpoint_can_be_tried(filled: RunsPage, runs, studio: Studio, qtbot) -> None:
    filled.table.choose(runs)
    assert not filled.details.buttons["try_it"].isEnabled()
    assert "one run" in filled.details.buttons["try_it"].toolTip()
    filled.table.choose(runs[1:])
    with qtbot.waitSignals([studio.run_selected, studio.page_wanted]):
        filled.details.buttons["hand_over"].click()
    assert studio.selected_run == runs[1]


def test_a_stopped_run_is_resumed_on_the_jobs_page(filled: RunsPage, runs, studio: Studio, qtbot) -> None:
    assert not filled.details.buttons["resume"].isEnabled()
    runs[0].write_state(runs[0].state().model_copy(update={"state": State.PAUSED}))
    filled.model.set_rows(read_rows(studio.runs_folder))
    filled.table.choose(runs[:1])
    with qtbot.waitSignal(studio.page_wanted) as caught:
        filled.details.buttons["resume"].click()
    assert caught.args == ["jobs"]
    assert studio.jobs.queued == runs[:1]


@pytest.mark.parametrize("only_looks", [False, True])
def test_the_report_of_a_run_is_written_and_shown(
    filled: RunsPage,
    runs,
    studio: Studio,
    qtbot,
    toasts: list[Toast],
    monkeypatch: pytest.MonkeyPatch,
    only_looks: bool,
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    studio.jobs.is_read_only = only_looks
    filled.table.choose(runs)
    assert not filled.details.buttons["report"].isEnabled()
    filled.table.choose(runs[:1])
    filled.details.buttons["report"].click()
    qtbot.waitUntil(lambda: bool(opened))
    assert "Outer loss" in opened[0].read_text("utf-8")
    assert (runs[0].path / "report.html").exists() is not only_looks, "one that only looks leaves runs alone"
    assert str(opened[0].name) in toasts[-1].text


def test_a_finished_run_is_extended_from_here(
    filled: RunsPage, runs, studio: Studio, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[RunFolder, int]] = []
    monkeypatch.setattr(studio.jobs, "extend", lambda job, count: asked.append((job.run, count)), raising=False)
    runs[0].write_state(runs[0].state().model_copy(update={"state": State.PAUSED}))
    filled.model.set_rows(read_rows(studio.runs_folder))
    filled.table.choose(runs[:1])
    assert not filled.details.buttons["extend"].isEnabled()
    filled.table.choose(runs[1:])
    filled.details.buttons["extend"].click()
    qtbot.waitUntil(lambda: filled.findChild(ExtendDialog) is not None)
    dialog = filled.findChild(ExtendDialog)
    dialog.count.setValue(30)
    dialog.accept()
    assert asked == [(runs[1], 30)]


def test_what_stopped_a_run_is_said_and_what_can_be_done(filled: RunsPage, runs, studio: Studio) -> None:
    failure = Failed(code="MS-501", what="The disk is full.", todo="Free 3 MB, then resume.")
    runs[0].write_state(runs[0].state().model_copy(update={"state": State.FAILED, "failure": failure}))
    runs[1].write_state(runs[1].state().model_copy(update={"state": State.RUNNING}))
    filled.model.set_rows(read_rows(studio.runs_folder))
    filled.table.choose(runs[:1])
    assert "⚠ The disk is full. Free 3 MB, then resume." in filled.details._facts.text()
    assert filled.details.buttons["resume"].isEnabled()
    filled.table.choose(runs[1:])
    assert "interrupted" in filled.details._facts.text()
    assert "Its worker is gone" in filled.details._facts.text()
    filled.table.clearSelection()
    for key, button in filled.details.buttons.items():
        assert not button.isEnabled(), key
        assert button.toolTip(), key


def test_a_damaged_run_is_listed_with_its_reason(filled: RunsPage, runs, qtbot) -> None:
    runs[0].state_path.write_text("{")
    filled.refresh()
    qtbot.waitUntil(lambda: "cannot be read" in texts(filled, STATE))
    filled.table.choose(runs[:1])
    assert "damaged" in filled.details._facts.text()
    assert not filled.details.buttons["resume"].isEnabled()


def test_differences_leave_out_what_is_the_same() -> None:
    one, other = {"a": {"b": 1, "c": 2}, "name": "x"}, {"a": {"b": 1, "c": 3, "d": 4}, "name": "y"}
    assert differences([one, other]) == {"a.c": ("2", "3"), "a.d": ("–", "4")}
