"""One person, all the way through the real window with the real worker: from pictures to a verified export."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from unit.gui.drops import drop_on, files_mime

from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.gui import app, commands
from metastudio.gui.main_window import MainWindow
from metastudio.runs.events import Adapted, Exported
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import lock_holder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SOON_MS = 60_000
LATER_MS = 240_000
ITERATIONS = 50


class _NoTorch:
    """Refuses every import of torch."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if name.partition(".")[0] == "torch":
            raise AssertionError("the window imported torch")


@pytest.fixture
def without_torch() -> Iterator[None]:
    """Hide what other tests of this process imported, so that an import by the window is seen."""
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "torch"}
    guard = _NoTorch()
    sys.meta_path.insert(0, guard)
    yield
    sys.meta_path.remove(guard)
    sys.modules.update(hidden)


@pytest.fixture
def window(without_torch, qtbot, tmp_path: Path) -> Iterator[MainWindow]:
    made = app.build_window(QGuiApplication.instance(), settings_path=tmp_path / "studio.ini")
    made.show()
    app.begin(made, sample=True)
    qtbot.waitUntil(lambda: made.studio.project is not None, timeout=SOON_MS)
    document = made.studio.project
    qtbot.waitUntil(lambda: bool(document.index.classes) and not document.is_busy, timeout=SOON_MS)
    for name, value in {
        "episodes.n_way": 3,
        "episodes.n_shot": 2,
        "episodes.n_query": 3,
        "data.preprocessing.image_size": 16,
        "backbone.filters": 8,
        "training.iterations": ITERATIONS,
        "training.meta_batch_size": 2,
        "training.validate_every": 20,
        "training.validation_episodes": 10,
        "training.checkpoint_every": 10,
    }.items():
        document.set_option(name, value)
    yield made
    for job in made.studio.jobs.working:
        made.studio.jobs.force(job)
    made._may_leave = True
    made.close()
    made.deleteLater()


def start_job(window: MainWindow, qtbot):
    """Press Start on the Learn page and return the job."""
    window.show_page("learn")
    learn = window.current_page
    qtbot.waitUntil(learn.start_button.isEnabled, timeout=SOON_MS)
    qtbot.mouseClick(learn.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.studio.jobs.jobs) == 1, timeout=SOON_MS)
    return window.studio.jobs.jobs[0]


def pictures_of_three_classes(window: MainWindow) -> list[list[str]]:
    return [[each.path for each in cls.files[:4]] for cls in window.studio.project.index.classes[:3]]


def drop_classes(bins: QWidget, classes: list[list[str]], qtbot) -> None:
    for number, pictures in enumerate(classes, start=1):
        place = next(each for each in bins.findChildren(QWidget) if type(each).__name__ == "NewClassPlace")
        assert drop_on(place, files_mime(pictures[:2]))
        qtbot.waitUntil(lambda number=number: len(bins.classes()) == number, timeout=SOON_MS)


def test_from_a_folder_of_images_to_a_verified_export(window: MainWindow, qtbot) -> None:
    studio = window.studio
    assert window.current_page.key == "images"
    classes = pictures_of_three_classes(window)

    window.show_page("tasks")  # compose: the shape of episodes, and a task of one's own
    tasks = window.current_page
    tasks._spins["n_shot"].setValue(1)
    assert studio.project.experiment.episodes.n_shot == 1

    job = start_job(window, qtbot)
    qtbot.waitUntil(lambda: window.current_page.key == "jobs", timeout=SOON_MS)
    qtbot.waitUntil(lambda: job.state is State.FINISHED, timeout=LATER_MS)
    jobs = window.current_page
    assert jobs.job is job
    qtbot.waitUntil(lambda: len(jobs.plots.outer.curve("loss").x) == ITERATIONS, timeout=SOON_MS)
    assert len(jobs.plots.accuracy.curve("after").x) == ITERATIONS
    assert len(jobs.plots.accuracy.curve("before").x) >= 2
    assert len(jobs.plots.accuracy.curve("validated").x) >= 2
    assert jobs.plots.inner.curve("support 0") is not None
    assert job.curves.best is not None

    window.show_page("runs")
    runs = window.current_page
    qtbot.waitUntil(lambda: len(runs.model.rows) == 1, timeout=SOON_MS)
    qtbot.waitUntil(lambda: runs.loss.curve(job.run.name) is not None, timeout=SOON_MS)
    runs.details.buttons["try_it"].click()

    trial = window.current_page
    assert trial.key == "try_it"
    qtbot.waitUntil(lambda: trial.try_out.run is not None, timeout=SOON_MS)
    drop_classes(trial.bins, classes, qtbot)
    qtbot.waitUntil(
        lambda: trial.try_out.adapted is not None and len(trial.try_out.adapted.classes) == 3, timeout=LATER_MS
    )
    queries = [pictures[3] for pictures in classes]
    trial.queries.view.files_dropped.emit(files_mime(queries))
    qtbot.waitUntil(lambda: all(trial.try_out.probabilities(each) for each in queries), timeout=SOON_MS)
    for each in queries:
        assert sum(trial.try_out.probabilities(each)) == pytest.approx(1, abs=1e-3)
    trial.save_as("My glyphs")
    assert [each.name for each in studio.project.targets] == ["My glyphs"]

    studio.select_run(job.run, page="hand_over")
    hand_over = window.current_page
    qtbot.waitUntil(hand_over.export_button.isEnabled, timeout=SOON_MS)
    hand_over.export_button.click()
    qtbot.waitUntil(lambda: hand_over.card.heading.text() == "Verified", timeout=LATER_MS)
    exported = hand_over.destination()
    assert (exported / "predict.py").is_file()
    assert list(exported.glob("*.pt2"))
    assert "torch" not in sys.modules


def test_target_tasks_are_adapted_and_exported_without_further_clicks(window: MainWindow, qtbot) -> None:
    classes = pictures_of_three_classes(window)
    made = tuple(
        TargetClass(name=f"glyph {number}", support=tuple(pictures[:2]), query=tuple(pictures[2:]))
        for number, pictures in enumerate(classes)
    )
    commands.set_targets(window.studio.project, targets=[TargetTask(name="Three", classes=made)], title="Add")
    window.studio.project.set_option("exports", ("adapted",))
    window.studio.project.set_option("training.iterations", 10)
    job = start_job(window, qtbot)
    qtbot.waitUntil(lambda: job.state in {State.FINISHED, State.FAILED}, timeout=LATER_MS)
    assert job.state is State.FINISHED, job.reason
    events = [*job.curves.adapted, *job.curves.exported]
    assert [type(each) for each in events] == [Adapted, Exported]
    assert events[1].largest_difference <= 1e-4
    qtbot.waitUntil(lambda: "1 export" in window.page("jobs").banner.text(), timeout=SOON_MS)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_worker_shows_interrupted_and_resume_goes_on(window: MainWindow, qtbot) -> None:
    window.studio.project.set_option("training.iterations", 100_000)
    job = start_job(window, qtbot)
    jobs = window.page("jobs")
    qtbot.waitUntil(lambda: job.iteration > 11, timeout=LATER_MS)
    os.kill(lock_holder(job.run).pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: job.state is State.INTERRUPTED, timeout=SOON_MS)
    qtbot.waitUntil(lambda: "Interrupted" in jobs.banner.text(), timeout=SOON_MS)
    assert RunFolder(job.run.path).effective_state() is State.INTERRUPTED
    jobs.banner.button.click()
    qtbot.waitUntil(lambda: job.curves.started is not None and job.curves.started.resumed, timeout=LATER_MS)
    jobs.headline.buttons["finish"].click()
    assert jobs.headline.buttons["finish"].text() == "Finishing…"
    qtbot.waitUntil(lambda: job.state is State.FINISHED, timeout=LATER_MS)
