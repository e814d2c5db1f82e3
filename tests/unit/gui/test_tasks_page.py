"""Tasks: the episode that is shown is the one that is trained on, what is not feasible says how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from unit.gui.drops import drag_over, drop_on, files_mime, text_mime, url_mime
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.gui import commands
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.tasks_page import TasksPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.target_card import TargetCard
from metastudio.images.episode_draw import draw_episode
from metastudio.runs.project import Project


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> TasksPage:
    studio.project.set_option("episodes.n_way", 3)
    studio.undo_stack.clear()
    made = TasksPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    yield made
    made.shut_down()


def test_the_episode_shown_is_the_one_that_training_draws(page: TasksPage, document: ProjectDocument) -> None:
    page.draw_another()
    classes = [each for each in document.used.classes if document.parts[each.name] is Part.META_TRAIN]
    drawn = draw_episode([4] * len(classes), 3, 1, 3, seed=0, part=Part.META_TRAIN, number=1)
    shown = page._episode.rows()
    assert [row.name for row in shown] == [classes[position].name for position in drawn.classes]
    for row, position, support, query in zip(shown, drawn.classes, drawn.support, drawn.query, strict=True):
        assert row.support == tuple(classes[position].files[image].path for image in support)
        assert row.query == tuple(classes[position].files[image].path for image in query)


def test_another_one_is_another_and_each_part_has_its_own(page: TasksPage, document: ProjectDocument) -> None:
    first = page._episode.rows()
    page._again_button.click()
    assert page._episode.rows() != first
    assert page._episode_title.text() == "Episode 2"
    page._part.setCurrentIndex(1)
    assert {document.parts[row.name] for row in page._episode.rows()} == {Part.META_VAL}


def test_sliders_and_spins_are_one_value_and_one_step(page: TasksPage, studio: Studio) -> None:
    page._sliders["n_query"].setValue(2)
    page._spins["n_query"].setValue(1)
    assert studio.project.experiment.episodes.n_query == 1
    assert page._sliders["n_query"].value() == 1
    assert len(page._episode.rows()[0].query) == 1
    assert studio.undo_stack.count() == 1
    studio.undo_stack.undo()
    assert page._spins["n_query"].value() == 3


def test_the_wheel_changes_a_value_only_while_it_has_the_focus(page: TasksPage, studio: Studio) -> None:
    def turn(widget: QWidget) -> None:
        middle = QPointF(widget.rect().center())
        event = QWheelEvent(
            middle,
            QPointF(widget.mapToGlobal(middle)),
            QPoint(0, 0),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)

    page.activateWindow()
    page._part.setFocus()
    for name in ("n_way", "n_shot", "n_query"):
        turn(page._spins[name])
        turn(page._sliders[name])
    assert studio.undo_stack.count() == 0
    page._spins["n_query"].setFocus()
    turn(page._spins["n_query"])
    assert studio.project.experiment.episodes.n_query == 4


def test_too_few_images_name_the_class_and_offer_two_ways_out(
    page: TasksPage, studio: Studio, document: ProjectDocument
) -> None:
    paths = [file.path for file in document.index.by_name("class07").files[:2]]
    commands.exclude_files(document, paths=paths)
    assert "class07" in page._feasible.text()
    assert "K + Q ≤ 2" in page._feasible.text()
    assert page._lower_button.text() == "Lower Q to 1"
    assert page._exclude_button.text().startswith("Exclude")
    page._exclude_button.click()
    assert "class07" not in document.parts
    assert not page._lower_button.isVisible()
    studio.undo_stack.undo()
    page._lower_button.click()
    assert document.experiment.episodes.n_query == 1
    assert not page._lower_button.isVisible()


def test_a_method_that_trains_with_other_shots_shows_them(page: TasksPage, document: ProjectDocument) -> None:
    document.set_option("algorithm.name", "reptile")
    document.set_option("episodes.n_query", 1)
    assert document.experiment.algorithm.train_n_shot > 4
    assert "Fits" not in page._feasible.text()
    page._lower_button.click()
    assert document.experiment.algorithm.train_n_shot == 3
    assert "Fits" in page._feasible.text()
    assert {len(row.support) for row in page._episode.rows()} == {3}
    page._part.setCurrentIndex(2)
    assert {len(row.support) for row in page._episode.rows()} == {document.experiment.episodes.n_shot}


def test_too_few_classes_offer_to_lower_the_ways(page: TasksPage, document: ProjectDocument) -> None:
    page._spins["n_way"].setValue(6)
    assert "meta-val has 3 classes" in page._feasible.text()
    assert page._lower_button.text() == "Lower N to 3"
    page._lower_button.click()
    assert document.experiment.episodes.n_way == 3
    assert page._feasible.text().startswith("Fits: K + Q up to 4")


def test_what_cannot_be_drawn_says_why_instead_of_failing(page: TasksPage) -> None:
    page._spins["n_query"].setValue(50)
    assert page._episode_stack.currentWidget() is page._no_episode
    assert "fewer than the 51" in page._no_episode.accessibleDescription()
    assert not page._exclude_button.isEnabled()
    assert "Every class" in page._exclude_button.toolTip()


def test_rotations_show_classes_turned(page: TasksPage, document: ProjectDocument) -> None:
    commands.set_rotations_as_classes(document, is_on=True)
    turns = set()
    for _ in range(8):
        page.draw_another()
        turns |= {row.quarter_turns for row in page._episode.rows()}
    assert turns == {0, 1, 2, 3}
    page._part.setCurrentIndex(2)
    assert {row.quarter_turns for row in page._episode.rows()} == {0}


def test_without_images_the_page_says_where_they_come_from(qtbot, studio: Studio, tmp_path: Path) -> None:
    studio.open_project(ProjectDocument(Project.create(tmp_path / "empty"), studio.undo_stack))
    page = TasksPage(studio)
    qtbot.addWidget(page)
    assert page._episode_stack.currentWidget() is page._no_episode
    assert not page._again_button.isEnabled()
    assert page._again_button.toolTip() == "Add images first."
    with qtbot.waitSignal(studio.page_wanted) as wanted:
        page._images_button.click()
    assert wanted.args == ["images"]


def test_folders_dropped_on_the_list_become_a_task(
    qtbot, page: TasksPage, studio: Studio, document: ProjectDocument, tmp_path: Path
) -> None:
    folder = make_classes(tmp_path / "mine", classes=2, pictures=3)
    targets = page._targets
    assert not drag_over(targets, text_mime("hello"))
    drag_over(targets, files_mime(sorted(folder.iterdir())))
    assert targets._hint.text() == "2 folders → a new task with 2 classes"
    drop_on(targets, files_mime(sorted(folder.iterdir())))
    assert document.targets == (), "a drop returns at once"
    qtbot.waitUntil(lambda: len(document.targets) == 1)
    assert [each.name for each in document.targets[0].classes] == ["class00", "class01"]
    studio.undo_stack.undo()
    assert document.targets == ()
    assert targets.open_task_name == ""


def test_what_cannot_become_a_task_is_refused_by_name(qtbot, page: TasksPage, document: ProjectDocument) -> None:
    drop_on(page._targets, url_mime("https://example.org/cat.png"))
    qtbot.waitUntil(lambda: "https://example.org/cat.png" in page._targets._hint.text())
    assert document.targets == ()


def test_a_task_is_assembled_step_by_step_and_each_step_is_undone(
    page: TasksPage, studio: Studio, document: ProjectDocument, tmp_path: Path
) -> None:
    mug, cup = (str(make_picture(tmp_path / f"{name}.png", shade)) for name, shade in (("mug", 10), ("cup", 90)))
    targets = page._targets
    targets.add_task()
    targets.rename_task(0, "My cups")
    targets.bins.add_class("mug", [mug])
    targets.bins.add_class("cup", [cup])
    assembled = TargetTask(
        name="My cups",
        classes=(TargetClass(name="mug", support=(mug,)), TargetClass(name="cup", support=(cup,))),
    )
    assert document.targets == (assembled,)
    assert targets._try_button.isEnabled()
    studio.undo_stack.undo()
    assert [each.name for each in targets.bins.classes()] == ["mug"]
    assert not targets._try_button.isEnabled()
    assert "Two classes" in targets._try_button.toolTip()
    while studio.undo_stack.canUndo():
        studio.undo_stack.undo()
    assert document.targets == ()
    while studio.undo_stack.canRedo():
        studio.undo_stack.redo()
    assert document.targets == (assembled,)


def test_duplicates_in_a_task_are_refused_with_a_word(page: TasksPage, tmp_path: Path) -> None:
    mug = str(make_picture(tmp_path / "mug.png"))
    page._targets.add_task()
    page._targets.bins.add_class("mug", [mug])
    page._targets.bins.add_class("cup", [mug])
    assert "picture-twice" in {each.code for each in page._targets._strip.problems()}
    assert page._targets._strip.isVisible()


def test_a_name_that_is_taken_is_not_taken_again(page: TasksPage, document: ProjectDocument) -> None:
    page._targets.add_task()
    page._targets.add_task()
    assert [task.name for task in document.targets] == ["My task", "My task 2"]
    page._targets.rename_task(1, "My task")
    assert [task.name for task in document.targets] == ["My task", "My task 2"]


def test_try_it_jumps_with_the_task_and_removal_can_be_undone(
    qtbot, page: TasksPage, studio: Studio, document: ProjectDocument, tmp_path: Path
) -> None:
    pictures = [str(make_picture(tmp_path / f"{shade}.png", shade)) for shade in (10, 90, 170)]
    classes = (TargetClass(name="a", support=tuple(pictures[:2])), TargetClass(name="b", support=(pictures[2],)))
    commands.set_targets(document, targets=[TargetTask(name="Mine", classes=classes)], title="New")
    card = page._targets.findChild(TargetCard)
    assert card._about.full_text() == "2 classes, 1 to 2 shots"
    with qtbot.waitSignal(studio.page_wanted) as wanted:
        card.try_button.click()
    assert wanted.args == ["try_it"]
    assert studio.selected_target == "Mine"
    card.remove_button.click()
    assert document.targets == ()
    studio.undo_stack.undo()
    assert document.targets[0].name == "Mine"


def test_what_can_be_pressed_has_a_name_to_be_read_aloud(page: TasksPage) -> None:
    page._targets.add_task()
    widgets = [*page._spins.values(), *page._sliders.values(), page._part, page._episode, page._targets._name]
    assert all(widget.accessibleName() for widget in widgets)
    assert page._gauge.accessibleName() == "K + Q = 4 of 4 images"
    assert page._episode.accessibleDescription().startswith("Classes in label order: class")
