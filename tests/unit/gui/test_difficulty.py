"""The difficulty of classes: asked for, shown as pairs and as a map, narrowed, and acted upon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from unit.gui.page_studio import make_classes, make_run

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.gui import commands
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.tasks_page import TasksPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.difficulty_panel import DifficultyPanel
from metastudio.gui.widgets.toast import Toast
from metastudio.jobs.session_thread import SessionThread
from metastudio.runs.class_map import ClassMap

PATIENCE_MS = 120_000


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> TasksPage:
    studio.project.set_option("episodes.n_way", 3)
    studio.undo_stack.clear()
    made = TasksPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    made.on_shown()
    made.tabs.setCurrentIndex(1)
    yield made
    made.shut_down()


@pytest.fixture
def panel(page: TasksPage) -> DifficultyPanel:
    return page.difficulty


def compare(qtbot, panel: DifficultyPanel) -> None:
    (panel.measure_button if panel.measure_button.isVisible() else panel.empty_button).click()
    assert panel.difficulty.is_busy
    qtbot.waitUntil(lambda: not panel.difficulty.is_busy, timeout=10_000)


def listed(panel: DifficultyPanel) -> list[tuple[str, str]]:
    return [(each.first, each.second) for each in panel.pairs.pairs.pairs]


def test_nothing_is_compared_before_it_is_wanted_and_then_from_raw_pixels(qtbot, panel: DifficultyPanel) -> None:
    assert panel.stack.currentWidget() is panel.empty
    assert not panel.difficulty.is_busy
    compare(qtbot, panel)
    assert "raw pixels" in panel.about.text()
    assert "20 classes, up to 4 pictures each" in panel.about.text()
    assert listed(panel)[0] == ("class00", "class01")
    assert len(listed(panel)) == 190
    first = panel.pairs.pairs.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert first == "class00 and class01: 40 % of their pictures lie nearer to the other class."


def test_a_model_is_chosen_and_named_and_its_map_is_another(
    qtbot, page: TasksPage, panel: DifficultyPanel, document: ProjectDocument
) -> None:
    run = make_run(document)
    compare(qtbot, panel)
    page.on_shown()
    qtbot.waitUntil(lambda: len(panel.runs.choices) == 1)
    panel.select_run(run)
    assert panel.difficulty.map is None
    assert "trained model" in panel.empty._text.text()
    compare(qtbot, panel)
    assert "iteration 50, before it adapts" in panel.about.text()
    assert "12 of the compared classes it was trained on" in panel.about.text()
    panel.runs.setCurrentIndex(0)
    panel.runs.activated.emit(0)
    assert "raw pixels" in panel.about.text(), "the map from pixels was kept"


def test_a_part_is_shown_without_asking_again(qtbot, panel: DifficultyPanel, document: ProjectDocument) -> None:
    compare(qtbot, panel)
    asked = panel.difficulty._session.ask
    panel.difficulty._session.ask = lambda _: pytest.fail("asked again")
    place = panel.scope_box.findData("part meta_test")
    panel.scope_box.setCurrentIndex(place)
    panel.scope_box.activated.emit(place)
    own = {name for name, part in document.parts.items() if part is Part.META_TEST}
    assert {name for pair in listed(panel) for name in pair} == own
    panel.difficulty._session.ask = asked


def test_the_classes_of_a_target_task_are_compared_with_its_own_pictures(
    qtbot, panel: DifficultyPanel, document: ProjectDocument, tmp_path: Path
) -> None:
    folder = make_classes(tmp_path / "new", classes=3, pictures=2)
    files = {each.name: tuple(map(str, sorted(each.iterdir()))) for each in sorted(folder.iterdir())}
    classes = tuple(TargetClass(name=name, support=own[:1], query=own[1:]) for name, own in files.items())
    commands.set_targets(document, targets=[TargetTask(name="Mine", classes=classes)], title="New task")
    place = panel.scope_box.findData("target Mine")
    panel.scope_box.setCurrentIndex(place)
    panel.scope_box.activated.emit(place)
    assert panel.stack.currentWidget() is panel.empty
    compare(qtbot, panel)
    assert listed(panel)[:2] == [("class00", "class01"), ("class01", "class02")]
    panel.pairs.setCurrentIndex(panel.pairs.pairs.index(0))
    assert not panel.pair_actions.exclude_button.isEnabled()
    assert "target task" in panel.pair_actions.pin_button.toolTip()
    panel.pair_actions.task_button.click()
    assert [each.name for each in document.targets[1].classes] == ["class00", "class01"]
    commands.set_targets(document, targets=[], title="Remove")
    assert panel.difficulty.scope is None
    assert panel.scope_box.currentData() == ""


def test_an_excluded_class_leaves_list_and_map_at_once_and_undo_brings_it_back(
    qtbot, panel: DifficultyPanel, studio: Studio, document: ProjectDocument, toasts: list[Toast]
) -> None:
    compare(qtbot, panel)
    panel.pairs.setCurrentIndex(panel.pairs.pairs.index(0))
    panel.pair_actions.exclude_actions[1].trigger()
    assert "class01" not in document.parts
    assert "class01" not in panel.difficulty.map.names
    assert all("class01" not in pair for pair in listed(panel))
    assert toasts[-1].action_text == "Undo"
    studio.undo_stack.undo()
    assert "class01" in panel.difficulty.map.names


def test_a_pair_becomes_a_target_task_as_one_step(
    qtbot, panel: DifficultyPanel, page: TasksPage, studio: Studio, document: ProjectDocument
) -> None:
    compare(qtbot, panel)
    panel.pairs.setCurrentIndex(panel.pairs.pairs.index(0))
    panel.pair_actions.task_button.click()
    (task,) = document.targets
    assert task.name == "class00 – class01"
    assert [(each.name, len(each.support), len(each.query)) for each in task.classes] == [
        *(("class00", 1, 3), ("class01", 1, 3))
    ]
    assert page.targets.open_task_name == task.name
    assert studio.undo_stack.count() == 1


def test_both_are_pinned_in_the_composer_and_stay_there(
    qtbot, page: TasksPage, panel: DifficultyPanel, document: ProjectDocument
) -> None:
    compare(qtbot, panel)
    same = next(pair for pair in panel.pairs.pairs.pairs if _part_of(document, pair) is Part.META_TEST)
    panel.pairs.choose(same)
    panel.pair_actions.pin_button.click()
    assert page.tabs.currentIndex() == 0
    assert page.episode.part is Part.META_TEST
    for _ in range(3):
        assert {same.first, same.second} <= {row.name for row in page.episode.view.rows()}
        page.episode.draw_another()
    apart = next(pair for pair in panel.pairs.pairs.pairs if _part_of(document, pair) is None)
    panel.pairs.choose(apart)
    assert not panel.pair_actions.pin_button.isEnabled()
    assert "different parts" in panel.pair_actions.pin_button.toolTip()


def _part_of(document: ProjectDocument, pair) -> Part | None:
    one, other = document.parts[pair.first], document.parts[pair.second]
    return one if one is other else None


def test_a_dot_leads_to_its_hardest_pair_and_a_pair_to_both_dots(qtbot, panel: DifficultyPanel) -> None:
    compare(qtbot, panel)
    scatter = panel.scatter
    x, y = panel.difficulty.map.places[panel.difficulty.map.positions["class07"]]
    spot = scatter._box.mapViewToScene(QPointF(x, y))
    assert scatter.class_at(spot) == "class07"
    assert scatter.class_at(scatter._box.mapViewToScene(QPointF(x, y + 9))) is None
    scatter._on_mouse_moved(spot)
    assert scatter._card.isVisible()
    assert "0.5 spreads to class" in scatter._card._about
    QTest.mouseClick(scatter._view.viewport(), Qt.MouseButton.LeftButton, pos=scatter._view.mapFromScene(spot))
    qtbot.waitUntil(lambda: panel.pairs.current() is not None)
    assert (panel.pairs.current().first, panel.pairs.current().second) == ("class06", "class07")
    assert scatter._marks.points().size == 2
    assert "class06 and class07: 34 %" in panel.pair_actions.text.text()


def test_with_keys_alone_a_class_is_searched_and_a_pair_chosen(qtbot, panel: DifficultyPanel) -> None:
    compare(qtbot, panel)
    panel.search.setFocus()
    QTest.keyClicks(panel.search, "S19")
    assert listed(panel)[0] == ("class18", "class19")
    assert all("class19" in pair for pair in listed(panel))
    panel.pairs.setFocus()
    QTest.keyClick(panel.pairs, Qt.Key.Key_Home)
    QTest.keyClick(panel.pairs, Qt.Key.Key_Down)
    assert panel.pairs.current() is not None
    assert panel.pair_actions.task_button.isEnabled()


def test_what_changed_since_is_said_and_compared_again(
    qtbot, panel: DifficultyPanel, document: ProjectDocument
) -> None:
    compare(qtbot, panel)
    assert "changed since" not in panel.about.text()
    commands.exclude_files(document, paths=[document.index.by_name("class03").files[0].path])
    assert "1 class has changed since" in panel.about.text()
    compare(qtbot, panel)
    assert "changed since" not in panel.about.text()


def test_a_refusal_is_said_in_words_and_the_map_before_stays(
    qtbot, panel: DifficultyPanel, document: ProjectDocument
) -> None:
    compare(qtbot, panel)
    commands.move_files(document, paths=[document.index.by_name("class00").files[0].path], to="refused")
    compare(qtbot, panel)
    assert panel.about.text() == "⚠ There is no run here. It may have been moved or deleted."
    assert panel.difficulty.map is not None


def test_a_long_comparison_shows_how_far_it_is_and_is_cancelled(
    qtbot, panel: DifficultyPanel, document: ProjectDocument
) -> None:
    commands.move_files(document, paths=[document.index.by_name("class00").files[0].path], to="slow")
    panel.empty_button.click()
    qtbot.waitUntil(panel.progress.isVisible, timeout=5000)
    qtbot.waitUntil(lambda: panel._phase.full_text() == "Looking at pictures…")
    panel.cancel_button.click()
    assert not panel.progress.isVisible()
    assert not panel.difficulty.is_busy
    QTest.qWait(2500)  # the answer comes and is nobody's
    assert panel.difficulty.map is None
    assert panel.empty_button.isEnabled()


def test_the_composer_says_how_hard_its_episode_is(qtbot, page: TasksPage, panel: DifficultyPanel) -> None:
    assert not page.episode.difficulty.isVisible()
    compare(qtbot, panel)
    page.tabs.setCurrentIndex(0)
    words = set()
    for _ in range(30):
        page.episode.draw_another()
        names = [row.name for row in page.episode.view.rows()]
        here = panel.difficulty.project_map().mean_confusion(names)
        words.add(page.episode.difficulty.text())
        assert ("easier" in page.episode.difficulty.text()) == (here == 0)
    assert "harder than most" in words


def test_another_project_forgets_the_maps(qtbot, page: TasksPage, panel: DifficultyPanel) -> None:
    compare(qtbot, panel)
    panel.set_document(None)
    assert panel.difficulty.map is None
    assert "No images yet" in panel.empty.accessibleName()
    panel.set_document(page.studio.project)


def test_a_map_of_1623_classes_stays_fluid(qtbot, panel: DifficultyPanel) -> None:
    random = np.random.default_rng(0)
    count = 1623
    places = random.normal(size=(count, 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2).astype(np.float32)
    np.fill_diagonal(apart, np.nan)
    found = ClassMap(
        names=tuple(f"alphabet/{number:04}" for number in range(count)),
        pictures=(20,) * count,
        places=places,
        shown_share=0.3,
        confusion=np.exp(-8 * apart),
        separation=apart,
    )
    panel.scatter.show_map(found)
    panel.scatter.grab()
    began = time.perf_counter()
    for step in range(20):
        panel.scatter._on_mouse_moved(panel.scatter._box.mapViewToScene(QPointF(*places[step])))
    assert (time.perf_counter() - began) / 20 < 0.02
    assert not panel.scatter._card.isHidden()
    assert len(found.pairs(200)) == 200


@pytest.fixture
def real_session(studio: Studio) -> Iterator[None]:
    studio.session.stop()
    studio.session = SessionThread()
    studio.session.start()
    yield
    studio.session.stop()


@pytest.mark.slow
def test_a_real_process_compares_real_pictures_and_says_what_it_cannot(
    qtbot, studio: Studio, document: ProjectDocument, real_session
) -> None:
    page = TasksPage(studio)
    qtbot.addWidget(page)
    page.show()
    page.tabs.setCurrentIndex(1)
    panel = page.difficulty
    panel.empty_button.click()
    qtbot.waitUntil(lambda: panel.difficulty.map is not None, timeout=PATIENCE_MS)
    assert panel.difficulty.map.names == tuple(each.name for each in document.used.classes)
    panel.difficulty.set_run(make_run(document))  # its checkpoint is empty
    panel.empty_button.click()
    qtbot.waitUntil(lambda: bool(panel.difficulty.reason), timeout=PATIENCE_MS)
    assert panel.about.text().startswith("⚠ ")
    page.shut_down()
