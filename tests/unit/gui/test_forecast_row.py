"""The forecast on Learn: asked for, shown, cancelled, and forgotten when the experiment is another."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from metastudio.catalog.experiment import ExperimentConfig, TargetTask
from metastudio.errors import ConfigurationError, ResourceError
from metastudio.gui.documents import side_process
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.documents.side_process import said_by
from metastudio.gui.documents.trial import tried
from metastudio.gui.pages.learn_page import LearnPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets import forecast_row
from metastudio.gui.widgets.forecast_row import ForecastRow
from metastudio.images.problems import Cancelled
from metastudio.jobs.worker_command import forecast_command
from metastudio.runs.forecast import Forecast

FOUND = Forecast(seconds=2000.0, memory_bytes=1_400_000_000, tasks_per_s=41.3, device="cpu")


@pytest.fixture
def row(qtbot) -> ForecastRow:
    made = ForecastRow()
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close_task()


def waits(_experiment: ExperimentConfig, _tell: object, should_stop) -> Forecast:
    while not should_stop():
        time.sleep(0.01)
    raise Cancelled


def test_it_is_asked_for_and_shown(row: ForecastRow, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(forecast_row, "tried", lambda *_: FOUND)
    assert not row.button.isEnabled()
    row.set_experiment(ExperimentConfig(), 10)
    row.button.click()
    qtbot.waitUntil(lambda: "34 min" in row.text.text())
    assert "1.4 GB" in row.text.text()
    assert "41.3 tasks/s" in row.text.text()


def test_another_experiment_forgets_it_and_ends_the_trial(row: ForecastRow, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(forecast_row, "tried", waits)
    row.set_experiment(ExperimentConfig(), 10)
    row.button.click()
    assert row.text.isVisible()
    row.set_experiment(ExperimentConfig(seed=3), 10)
    assert not row.text.isVisible()
    assert row._task is None
    row.set_experiment(None, 10)
    assert not row.button.isEnabled()


def test_a_trial_can_be_cancelled(row: ForecastRow, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(forecast_row, "tried", waits)
    row.set_experiment(ExperimentConfig(), 10)
    row.button.click()
    assert "Cancel" in row.button.text()
    row.button.click()
    assert row._task is None
    assert "Cancel" not in row.button.text()


def test_what_goes_wrong_is_told(row: ForecastRow, qtbot, monkeypatch) -> None:
    def fails(*_: object) -> Forecast:
        raise ConfigurationError("No.")

    monkeypatch.setattr(forecast_row, "tried", fails)
    row.set_experiment(ExperimentConfig(), 10)
    with qtbot.waitSignal(row.failed) as told:
        row.button.click()
    assert isinstance(told.args[0], ConfigurationError)
    assert row.button.isEnabled()


def test_it_is_offered_where_nothing_prevents_the_start(qtbot, studio: Studio, document: ProjectDocument) -> None:
    page = LearnPage(studio)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(page.start_button.isEnabled)
    assert page.forecast.button.isEnabled()
    document.set_option("episodes.n_shot", 50)
    qtbot.waitUntil(lambda: not page.start_button.isEnabled())
    assert not page.forecast.button.isEnabled()
    page.shut_down()


@pytest.mark.slow
def test_the_real_process_answers(document: ProjectDocument) -> None:
    document.set_option("training.iterations", 20)
    document.set_option("episodes.n_query", 2)
    found = tried(document.experiment, lambda *_: None, lambda: False)
    assert found.seconds > 0
    assert found.memory_bytes > 1e8


def test_the_process_of_a_cancelled_trial_is_gone(document: ProjectDocument, monkeypatch) -> None:
    started = threading.Event()
    known = side_process.lower_priority
    pids: list[int] = []

    def note(pid: int) -> None:
        known(pid)
        pids.append(pid)
        started.set()

    monkeypatch.setattr(side_process, "lower_priority", note)
    with pytest.raises(Cancelled):
        tried(document.experiment, lambda *_: None, started.is_set)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def saying(script: str) -> dict[str, object]:
    command = [sys.executable, "-c", script], dict(os.environ)
    return said_by(command, "answer", lambda *told: TOLD.append(told), lambda: False, todo="Try again.")


TOLD: list[tuple[object, ...]] = []


def test_progress_and_the_answer_of_a_process_are_heard() -> None:
    TOLD.clear()
    lines = """
print('{"kind": "preparing", "phase": "testing", "done": 1, "total": 2}', flush=True)
print('{"kind": "answer", "value": 3}')
"""
    assert saying(lines) == {"value": 3}
    assert TOLD == [("testing", 1, 2)]


def test_what_the_process_says_of_a_wrong_experiment_is_an_error_here() -> None:
    failed = """print('{"kind": "failed", "at": "", "code": "MS-200", "what": "No images.", "exit_code": 2}')"""
    with pytest.raises(ConfigurationError, match="No images"):
        saying(failed)


@pytest.mark.parametrize("output", ["", """print('{"kind": "problem", "code": "few-classes"}', flush=True);"""])
def test_a_process_that_died_says_how(output: str) -> None:
    with pytest.raises(ResourceError) as met:
        saying(f"import os; {output} os.kill(os.getpid(), 9)")
    assert "memory" in met.value.why
    with pytest.raises(ResourceError) as met:
        saying(f"import sys; {output} sys.exit('first\\nlast words')")
    assert "last words" in met.value.why


def test_target_tasks_change_nothing_and_more_pictures_do(row: ForecastRow, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(forecast_row, "tried", lambda *_: FOUND)
    row.set_experiment(ExperimentConfig(), 10)
    row.button.click()
    qtbot.waitUntil(lambda: "34 min" in row.text.text())
    row.set_experiment(ExperimentConfig(targets=(TargetTask(name="birds"),)), 10)
    assert row.text.isVisible()
    row.set_experiment(ExperimentConfig(), 11)
    assert not row.text.isVisible()


def test_it_is_called_as_the_command_line_knows_it() -> None:
    argv, _ = forecast_command("experiment.toml")
    assert argv[-3:] == ["forecast", "experiment.toml", "--json"]
