"""One person, all the way through the real window with the real worker: from pictures to a verified export."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from journeys.person import choose, click, drop_files, fill_in, open_page, type_number
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QRadioButton
from pytestqt.qtbot import QtBot
from waiting_runs import make_glyphs, tiny_experiment

from metastudio.catalog.data_spec import Part, RandomSplit
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui.dialogs.split_dialog import SplitDialog
from metastudio.gui.main_window import MainWindow
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.class_bin import ClassBins
from metastudio.gui.widgets.new_class_place import NewClassPlace
from metastudio.gui.widgets.one_class_bin import OneClassBin
from metastudio.images.sample_glyphs import make_sample_glyphs
from metastudio.jobs.job import Job
from metastudio.runs.events import Adapted, Exported
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import State
from metastudio.runs.worker_lock import lock_holder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SOON_MS = 60_000
LATER_MS = 240_000
ITERATIONS = 50


def bin_of(bins: ClassBins, number: int) -> OneClassBin:
    return next(each for each in bins.findChildren(OneClassBin) if each.number == number)


def drop_classes(bins: ClassBins, classes: list[list[Path]], qtbot: QtBot) -> None:
    """Drop the pictures of each class on the place for one more class."""
    for number, pictures in enumerate(classes, start=1):
        drop_files(bins.findChild(NewClassPlace), pictures)
        qtbot.waitUntil(lambda number=number: len(bins.classes()) == number, timeout=SOON_MS)


# the steps of the long journey, in its order


def drop_a_folder(window: MainWindow, folder: Path, qtbot: QtBot) -> None:
    """Images: an empty page says what a dropped folder of folders can be, takes it, and shows classes and pictures."""
    page = open_page(window, "images")
    document = window.studio.project
    assert page._stack.currentIndex() == 0, "an empty project shows what belongs there"
    drop_files(page._stack.currentWidget(), [folder])
    panel = page._incoming.depth_panel
    qtbot.waitUntil(panel.isVisible, timeout=SOON_MS)
    assert panel.choices()[0].text().startswith("18 classes")
    assert not document.index.classes, "nothing is taken before the choice"
    click(panel.take_button)
    qtbot.waitUntil(lambda: len(document.index.classes) == 18 and not document.is_busy, timeout=SOON_MS)
    lists = {column.part: column.view for column in page._board.columns}
    assert sum(len(lists[part].rows_model.rows()) for part in Part) == 18
    for view in (lists[Part.META_TRAIN], lists[Part.META_TEST]):
        path = view.rows_model.rows()[0].paths[0]
        qtbot.waitUntil(lambda path=path, view=view: is_drawn(path, view.side_px), timeout=SOON_MS)


def is_drawn(path: str, side_px: int) -> bool:
    found = shared_thumbnails().get(path, side_px)
    return found is not None and not found.pixmap.isNull()


def split_and_prepare(window: MainWindow, qtbot: QtBot) -> None:
    """Images: deal the classes, and say what the network sees."""
    page = window.current_page
    click(page._split_button)
    dialog = page.findChild(SplitDialog)
    qtbot.waitExposed(dialog)
    type_number(dialog._train, 50)
    type_number(dialog._val, 25)
    click(dialog._take)
    document = window.studio.project
    assert document.experiment.data.split == RandomSplit(meta_train=0.5, meta_val=0.25, meta_test=0.25)
    assert [sum(part is each for part in document.parts.values()) for each in Part] == [9, 5, 4]
    type_number(page.seen.preprocessing._size, 16)
    assert document.experiment.data.preprocessing.image_size == 16


def compose_tasks(window: MainWindow, mine: list[list[Path]], qtbot: QtBot) -> None:
    """Tasks: N, K, Q, a sampled episode, and a target task of dropped pictures."""
    page = open_page(window, "tasks")
    document = window.studio.project
    for name, value in {"n_way": 3, "n_shot": 2, "n_query": 3}.items():
        type_number(page.shape.spins[name], value)
    assert {key: getattr(document.experiment.episodes, key) for key in page.shape.spins} == {
        "n_way": 3,
        "n_shot": 2,
        "n_query": 3,
    }
    rows = page.episode.view.rows()
    assert [(len(row.support), len(row.query)) for row in rows] == [(2, 3)] * 3
    click(page.episode.again_button)
    assert page.episode.view.rows() != rows

    targets = page.targets
    click(targets.list.new_button)
    name = targets.editor.name
    name.selectAll()
    QTest.keyClicks(name, "Three glyphs")
    QTest.keyClick(name, Qt.Key.Key_Tab)
    drop_classes(targets.bins, [pictures[:2] for pictures in mine], qtbot)
    for number, pictures in enumerate(mine):
        shelf = bin_of(targets.bins, number).query
        drop_files(shelf, pictures[2:4])
        qtbot.waitUntil(lambda number=number: len(targets.bins.classes()[number].query) == 2, timeout=SOON_MS)
    (task,) = document.targets
    assert task.name == "Three glyphs"
    assert [(len(each.support), len(each.query)) for each in task.classes] == [(2, 2)] * 3


def choose_what_to_learn(window: MainWindow, qtbot: QtBot) -> None:
    """Learn: a method's card, a recipe that fills the form, sizes of one's own, and a device."""
    page = open_page(window, "learn")
    document = window.studio.project
    click(page.shelf.cards["prototypical"])
    assert document.experiment.algorithm.name == "prototypical"
    choose(page.recipes.box, "quick-maml-sample")
    assert document.experiment.algorithm.name == "maml"
    assert page.shelf.cards["maml"].isChecked()
    folders = document.experiment.data.folders
    for name, number in {
        "episodes.n_way": 3,
        "episodes.n_shot": 2,
        "episodes.n_query": 3,
        "episodes.train_n_query": 3,
        "backbone.filters": 8,
        "training.iterations": ITERATIONS,
        "training.meta_batch_size": 2,
        "training.validate_every": 20,
        "training.validation_episodes": 10,
        "training.checkpoint_every": 10,
    }.items():
        fill_in(page.form, name, number)
    assert document.experiment.data.folders == folders
    assert document.experiment.training.iterations == ITERATIONS
    qtbot.waitUntil(lambda: "cpu" in page.devices.names and page.devices._state.isHidden(), timeout=SOON_MS)
    cpu = next(each for each in page.devices.findChildren(QRadioButton) if each.property("device") == "cpu")
    click(cpu)
    assert document.experiment.device == "cpu"
    assert [box.isChecked() for box in page.at_the_end.boxes] == [True], "the target task is ticked by itself"
    click(page.at_the_end.formats._boxes["onnx"])
    assert document.experiment.exports == ("adapted",)


def start(window: MainWindow, qtbot: QtBot) -> Job:
    """Learn: press Start, and find oneself on Jobs with the job."""
    page = open_page(window, "learn")
    qtbot.waitUntil(page.start_button.isEnabled, timeout=SOON_MS)
    click(page.start_button)
    qtbot.waitUntil(lambda: window.current_page.key == "jobs" and bool(window.studio.jobs.jobs), timeout=SOON_MS)
    (job,) = window.studio.jobs.jobs
    assert window.current_page.job is job
    return job


def watch_it_learn(window: MainWindow, job: Job, qtbot: QtBot) -> None:
    """Jobs: the curves grow, and the target task is adapted to and exported without a further click."""
    page = window.current_page
    curves = page.plots
    qtbot.waitUntil(
        lambda: bool(curves.outer.curve("loss")) and len(curves.outer.curve("loss").x) > 0, timeout=LATER_MS
    )
    assert job.is_working, "points are drawn while it learns"
    qtbot.waitUntil(lambda: job.state in {State.FINISHED, State.FAILED}, timeout=LATER_MS)
    assert job.state is State.FINISHED, job.reason
    qtbot.waitUntil(lambda: len(curves.outer.curve("loss").x) == ITERATIONS, timeout=SOON_MS)
    assert len(curves.accuracy.curve("after").x) == ITERATIONS
    assert len(curves.accuracy.curve("before").x) >= 2
    assert len(curves.accuracy.curve("validated").x) >= 2
    assert len(curves.inner.curve("support 0").y) >= 2, "the inner loss, step by step"
    events = [*job.curves.adapted, *job.curves.exported]
    assert [type(each) for each in events] == [Adapted, Exported]
    assert events[1].largest_difference <= 1e-4
    qtbot.waitUntil(lambda: "1 export was written and verified" in page.banner.text(), timeout=SOON_MS)


def try_it(window: MainWindow, job: Job, mine: list[list[Path]], qtbot: QtBot) -> None:
    """Runs → Try it: drop support and queries, and read probabilities."""
    runs = open_page(window, "runs")
    qtbot.waitUntil(lambda: len(runs.model.rows) == 1, timeout=SOON_MS)
    qtbot.waitUntil(lambda: runs.curves.loss.curve(job.run.name) is not None, timeout=SOON_MS)
    click(runs.details.buttons["try_it"])
    page = window.current_page
    assert page.key == "try_it"
    qtbot.waitUntil(lambda: page.try_out.run == job.run, timeout=SOON_MS)
    drop_classes(page.bins, [pictures[:2] for pictures in mine], qtbot)
    queries = [str(picture) for pictures in mine for picture in pictures[4:]]
    drop_files(page.queries.view.viewport(), queries)
    qtbot.waitUntil(
        lambda: (
            page.try_out.adapted is not None
            and len(page.try_out.adapted.classes) == 3
            and all(page.try_out.probabilities(each) for each in queries)
        ),
        timeout=LATER_MS,
    )
    for each in queries:
        assert sum(page.try_out.probabilities(each)) == pytest.approx(1, abs=1e-3)
    losses = page.inner_steps.plot.curve("loss").y
    assert len(losses) == page.try_out.default_steps + 1
    assert losses[-1] < losses[0], "adapting to these pictures lowers their loss"


def hand_over(window: MainWindow, qtbot: QtBot) -> None:
    """Hand over: export the target task by hand, and see it verified."""
    runs = open_page(window, "runs")
    click(runs.details.buttons["hand_over"])
    page = window.current_page
    assert page.key == "hand_over"
    qtbot.waitUntil(lambda: page.runs.chosen is not None, timeout=SOON_MS)
    qtbot.waitUntil(page.earlier.isVisible, timeout=SOON_MS)
    click(page.formats.buttons["adapted"])
    assert page.chosen_target().name == "Three glyphs"
    page.place.set_value(str(window.studio.project.folder / "taken away"))
    page.place.edited.emit(page.place.value())
    click(page.export_button)
    qtbot.waitUntil(lambda: not page.card.isHidden(), timeout=LATER_MS)
    assert page.card.heading.text() == "Verified"
    exported = page.destination()
    assert (exported / "predict.py").is_file()
    assert list(exported.glob("*.pt2"))


def test_from_a_dropped_folder_to_a_verified_export(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    make_glyphs(tmp_path / "glyphs")
    make_sample_glyphs(tmp_path / "mine", seed=1, alphabets=1, characters=3, drawers=6)
    mine = [sorted(folder.iterdir()) for folder in sorted(tmp_path.glob("mine/*/*"))]

    drop_a_folder(window, tmp_path / "glyphs", qtbot)
    split_and_prepare(window, qtbot)
    compose_tasks(window, mine, qtbot)
    choose_what_to_learn(window, qtbot)
    job = start(window, qtbot)
    watch_it_learn(window, job, qtbot)
    try_it(window, job, mine, qtbot)
    hand_over(window, qtbot)


class TestAWorkerThatIsKilled:
    @pytest.fixture
    def draft(self, tmp_path: Path) -> ExperimentConfig:
        return tiny_experiment(make_glyphs(tmp_path / "glyphs"), iterations=100_000)

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
    def test_shows_interrupted_and_resume_goes_on(self, window: MainWindow, qtbot: QtBot) -> None:
        job = start(window, qtbot)
        jobs = window.page("jobs")
        qtbot.waitUntil(lambda: job.iteration > 6, timeout=LATER_MS)
        os.kill(lock_holder(job.run).pid, signal.SIGKILL)
        qtbot.waitUntil(lambda: job.state is State.INTERRUPTED, timeout=SOON_MS)
        qtbot.waitUntil(lambda: "Interrupted" in jobs.banner.text(), timeout=SOON_MS)
        assert RunFolder(job.run.path).effective_state() is State.INTERRUPTED
        click(jobs.banner.button)
        qtbot.waitUntil(lambda: job.curves.started is not None and job.curves.started.resumed, timeout=LATER_MS)
        click(jobs.headline.buttons["finish"])
        assert jobs.headline.buttons["finish"].text() == "Finishing…"
        qtbot.waitUntil(lambda: job.state is State.FINISHED, timeout=LATER_MS)
