"""Tasks: the episode that is shown is the one that is trained on, what is not feasible says how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from unit.gui.drops import drag_over, drop_on, files_mime, text_mime, url_mime
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.gui import commands
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.documents.project_state import NO_IMAGES
from metastudio.gui.pages.tasks_page import TasksPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.episode_layout import Place
from metastudio.gui.widgets.target_card import TargetCard
from metastudio.gui.widgets.toast import Toast
from metastudio.images.episode_draw import draw_episode
from metastudio.images.picture_check import Checked
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
    page.episode.draw_another()
    classes = [each for each in document.used.classes if document.parts[each.name] is Part.META_TRAIN]
    drawn = draw_episode([4] * len(classes), 3, 1, 3, seed=0, part=Part.META_TRAIN, number=1)
    shown = page.episode.view.rows()
    assert [row.name for row in shown] == [classes[position].name for position in drawn.classes]
    for row, position, support, query in zip(shown, drawn.classes, drawn.support, drawn.query, strict=True):
        assert row.support == tuple(classes[position].files[image].path for image in support)
        assert row.query == tuple(classes[position].files[image].path for image in query)


def test_another_one_is_another_and_each_part_has_its_own(page: TasksPage, document: ProjectDocument) -> None:
    first = page.episode.view.rows()
    page.episode.again_button.click()
    assert page.episode.view.rows() != first
    assert page.episode.title.text() == "Episode 2"
    page.episode.part_box.setCurrentIndex(1)
    assert {document.parts[row.name] for row in page.episode.view.rows()} == {Part.META_VAL}


def test_sliders_and_spins_are_one_value_and_one_step(page: TasksPage, studio: Studio) -> None:
    page.shape.sliders["n_query"].setValue(2)
    page.shape.spins["n_query"].setValue(1)
    assert studio.project.experiment.episodes.n_query == 1
    assert page.shape.sliders["n_query"].value() == 1
    assert len(page.episode.view.rows()[0].query) == 1
    assert studio.undo_stack.count() == 1
    studio.undo_stack.undo()
    assert page.shape.spins["n_query"].value() == 3


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
    page.episode.part_box.setFocus()
    for name in ("n_way", "n_shot", "n_query"):
        turn(page.shape.spins[name])
        turn(page.shape.sliders[name])
    assert studio.undo_stack.count() == 0
    page.shape.spins["n_query"].setFocus()
    turn(page.shape.spins["n_query"])
    assert studio.project.experiment.episodes.n_query == 4


def test_too_few_images_name_the_class_and_offer_two_ways_out(
    page: TasksPage, studio: Studio, document: ProjectDocument
) -> None:
    paths = [file.path for file in document.index.by_name("class07").files[:2]]
    commands.exclude_files(document, paths=paths)
    assert "class07" in page.feasibility.text.text()
    assert "K + Q ≤ 2" in page.feasibility.text.text()
    assert page.feasibility.queries_button.text() == "Lower Q to 1"
    assert page.feasibility.shots_button.isHidden(), "K is 1 already"
    assert page.feasibility.exclude_button.text().startswith("Exclude")
    toasts: list[Toast] = []
    studio.toasted.connect(toasts.append)
    page.feasibility.exclude_button.click()
    assert "class07" not in document.parts
    assert not page.feasibility.queries_button.isVisible()
    assert "class07 is excluded" in toasts[-1].text.replace("\u2068", "").replace("\u2069", "")
    toasts[-1].action()
    assert "class07" in document.parts
    page.feasibility.queries_button.click()
    assert document.experiment.episodes.n_query == 1
    assert not page.feasibility.queries_button.isVisible()
    document.set_option("episodes.n_way", 2)
    toasts[-1].action()
    assert document.experiment.episodes.n_query == 1, "something newer lies upon it"
    assert "newer" in toasts[-1].text


def test_lowering_k_is_a_step_of_its_own(page: TasksPage, studio: Studio, document: ProjectDocument) -> None:
    page.shape.spins["n_shot"].setValue(3)
    assert page.feasibility.shots_button.text() == "Lower K to 1"
    assert page.feasibility.queries_button.text() == "Lower Q to 1"
    page.feasibility.shots_button.click()
    assert document.experiment.episodes.n_shot == 1
    studio.undo_stack.undo()
    assert document.experiment.episodes.n_shot == 3


def test_a_method_that_trains_with_other_shots_shows_them(page: TasksPage, document: ProjectDocument) -> None:
    document.set_option("algorithm.name", "reptile")
    document.set_option("episodes.n_query", 1)
    assert document.experiment.algorithm.train_n_shot > 4
    assert "Fits" not in page.feasibility.text.text()
    assert page.feasibility.shots_button.text() == "Lower K in training to 3"
    page.feasibility.shots_button.click()
    assert document.experiment.algorithm.train_n_shot == 3
    assert "Fits" in page.feasibility.text.text()
    assert {len(row.support) for row in page.episode.view.rows()} == {3}
    page.episode.part_box.setCurrentIndex(2)
    assert {len(row.support) for row in page.episode.view.rows()} == {document.experiment.episodes.n_shot}


def test_too_few_classes_offer_to_lower_the_ways(page: TasksPage, document: ProjectDocument) -> None:
    page.shape.spins["n_way"].setValue(6)
    assert "meta-val has 3 classes" in page.feasibility.text.text()
    assert page.feasibility.ways_button.text() == "Lower N to 3"
    page.feasibility.ways_button.click()
    assert document.experiment.episodes.n_way == 3
    assert page.feasibility.text.text().startswith("Fits: K + Q up to 4")


def test_what_cannot_be_drawn_says_why_instead_of_failing(page: TasksPage) -> None:
    page.shape.spins["n_query"].setValue(50)
    assert page.episode.stack.currentWidget() is page.episode.no_episode
    assert "fewer than the 51" in page.episode.no_episode.accessibleDescription()
    assert not page.feasibility.exclude_button.isEnabled()
    assert "Every class" in page.feasibility.exclude_button.toolTip()


def test_rotations_show_classes_turned(page: TasksPage, document: ProjectDocument) -> None:
    commands.set_rotations_as_classes(document, is_on=True)
    turns = set()
    for _ in range(8):
        page.episode.draw_another()
        turns |= {row.quarter_turns for row in page.episode.view.rows()}
    assert turns == {0, 1, 2, 3}
    page.episode.part_box.setCurrentIndex(2)
    assert {row.quarter_turns for row in page.episode.view.rows()} == {0}


def test_without_images_the_page_says_where_they_come_from(qtbot, studio: Studio, tmp_path: Path) -> None:
    studio.open_project(ProjectDocument(Project.create(tmp_path / "empty"), studio.undo_stack))
    page = TasksPage(studio)
    qtbot.addWidget(page)
    assert page.episode.stack.currentWidget() is page.episode.no_episode
    assert not page.episode.again_button.isEnabled()
    assert page.episode.again_button.toolTip() == "Add images first."
    with qtbot.waitSignal(studio.page_wanted) as wanted:
        page.episode.images_button.click()
    assert wanted.args == ["images"]


def test_folders_dropped_on_the_list_become_a_task(
    qtbot, page: TasksPage, studio: Studio, document: ProjectDocument, tmp_path: Path
) -> None:
    folder = make_classes(tmp_path / "mine", classes=2, pictures=3)
    targets = page.targets
    assert not drag_over(targets, text_mime("hello"))
    drag_over(targets, files_mime(sorted(folder.iterdir())))
    assert targets.list.hint.text() == "2 folders → a new task with 2 classes"
    drop_on(targets, files_mime(sorted(folder.iterdir())))
    assert document.targets == (), "a drop returns at once"
    qtbot.waitUntil(lambda: len(document.targets) == 1)
    assert [each.name for each in document.targets[0].classes] == ["class00", "class01"]
    studio.undo_stack.undo()
    assert document.targets == ()
    assert targets.open_task_name == ""


def test_what_cannot_become_a_task_is_refused_by_name(qtbot, page: TasksPage, document: ProjectDocument) -> None:
    drop_on(page.targets, url_mime("https://example.org/cat.png"))
    qtbot.waitUntil(lambda: "https://example.org/cat.png" in page.targets.list.hint.text())
    assert document.targets == ()


def test_a_task_is_assembled_step_by_step_and_each_step_is_undone(
    page: TasksPage, studio: Studio, document: ProjectDocument, tmp_path: Path
) -> None:
    mug, cup = (str(make_picture(tmp_path / f"{name}.png", shade)) for name, shade in (("mug", 10), ("cup", 90)))
    targets = page.targets
    targets.add_task()
    targets.rename_task(0, "My cups")
    targets.bins.add_class("mug", [mug])
    targets.bins.add_class("cup", [cup])
    assembled = TargetTask(
        name="My cups",
        classes=(TargetClass(name="mug", support=(mug,)), TargetClass(name="cup", support=(cup,))),
    )
    assert document.targets == (assembled,)
    assert targets.editor.try_button.isEnabled()
    studio.undo_stack.undo()
    assert [each.name for each in targets.bins.classes()] == ["mug"]
    assert not targets.editor.try_button.isEnabled()
    assert "Two classes" in targets.editor.try_button.toolTip()
    while studio.undo_stack.canUndo():
        studio.undo_stack.undo()
    assert document.targets == ()
    while studio.undo_stack.canRedo():
        studio.undo_stack.redo()
    assert document.targets == (assembled,)


def test_duplicates_in_a_task_are_refused_with_a_word(page: TasksPage, tmp_path: Path) -> None:
    mug = str(make_picture(tmp_path / "mug.png"))
    page.targets.add_task()
    page.targets.bins.add_class("mug", [mug])
    page.targets.bins.add_class("cup", [mug])
    assert "picture-twice" in {each.code for each in page.targets.editor.strip.problems()}
    assert page.targets.editor.strip.isVisible()


def test_a_name_that_is_taken_is_not_taken_again(page: TasksPage, document: ProjectDocument) -> None:
    page.targets.add_task()
    page.targets.add_task()
    assert [task.name for task in document.targets] == ["My task", "My task 2"]
    page.targets.rename_task(1, "My task")
    assert [task.name for task in document.targets] == ["My task", "My task 2"]


def test_try_it_jumps_with_the_task_and_removal_can_be_undone(
    qtbot, page: TasksPage, studio: Studio, document: ProjectDocument, tmp_path: Path
) -> None:
    pictures = [str(make_picture(tmp_path / f"{shade}.png", shade)) for shade in (10, 90, 170)]
    classes = (TargetClass(name="a", support=tuple(pictures[:2])), TargetClass(name="b", support=(pictures[2],)))
    commands.set_targets(document, targets=[TargetTask(name="Mine", classes=classes)], title="New")
    card = page.targets.findChild(TargetCard)
    assert card._about.full_text() == "2 classes, 1–2 shots"
    with qtbot.waitSignal(studio.page_wanted) as wanted:
        card.try_button.click()
    assert wanted.args == ["try_it"]
    assert studio.selected_target == "Mine"
    card.remove_button.click()
    assert document.targets == ()
    studio.undo_stack.undo()
    assert document.targets[0].name == "Mine"


def test_what_can_be_pressed_has_a_name_to_be_read_aloud(page: TasksPage) -> None:
    page.targets.add_task()
    shape = (*page.shape.spins.values(), *page.shape.sliders.values(), *page.shape.training.values())
    widgets = [*shape, page.feasibility.map, page.episode.part_box, page.episode.view, page.targets.editor.name]
    assert all(widget.accessibleName() for widget in widgets)
    assert page.feasibility.map.accessibleDescription().startswith("N = 3, K = 1, Q = 3: fits. With every class")
    assert page.episode.view.accessibleDescription().startswith("Classes in label order: class")


# the shape in training, and the map


def test_training_may_have_ways_and_queries_of_its_own(page: TasksPage, document: ProjectDocument) -> None:
    page.shape.training["train_n_query"].setValue(1)
    page.shape.training["train_n_way"].setValue(4)
    assert {len(row.query) for row in page.episode.view.rows()} == {1}
    assert len(page.episode.view.rows()) == 4
    page.episode.part_box.setCurrentIndex(1)
    assert {len(row.query) for row in page.episode.view.rows()} == {3}
    assert page.shape.training["train_n_shot"].isHidden()
    document.set_option("algorithm.name", "reptile")
    assert page.shape.training["train_n_shot"].value() == document.experiment.algorithm.train_n_shot
    page.shape.training["train_n_shot"].setValue(2)
    assert document.experiment.algorithm.train_n_shot == 2


def test_one_way_in_training_is_stepped_over(page: TasksPage, document: ProjectDocument) -> None:
    spin = page.shape.training["train_n_way"]
    assert spin.text() == "same"
    spin.stepUp()
    assert document.experiment.episodes.train_n_way == 2
    spin.stepDown()
    assert document.experiment.episodes.train_n_way == 0


def point_of(page: TasksPage, n_shot: int, n_query: int) -> QPoint:
    return page.feasibility.map._cell(n_shot, n_query).center().toPoint()


def test_a_click_in_the_map_chooses_k_and_q_of_the_part(
    page: TasksPage, studio: Studio, document: ProjectDocument
) -> None:
    QTest.mouseClick(page.feasibility.map, Qt.MouseButton.LeftButton, pos=point_of(page, 2, 1))
    assert (document.experiment.episodes.n_shot, document.experiment.episodes.n_query) == (2, 1)
    assert studio.undo_stack.count() == 1
    studio.undo_stack.undo()
    page.shape.training["train_n_query"].setValue(3)
    QTest.mouseClick(page.feasibility.map, Qt.MouseButton.LeftButton, pos=point_of(page, 1, 2))
    assert (document.experiment.episodes.n_query, document.experiment.episodes.train_n_query) == (3, 2)
    page.episode.part_box.setCurrentIndex(1)
    QTest.mouseClick(page.feasibility.map, Qt.MouseButton.LeftButton, pos=point_of(page, 1, 1))
    assert (document.experiment.episodes.n_query, document.experiment.episodes.train_n_query) == (1, 2)


def test_arrow_keys_in_the_map_change_k_and_q(page: TasksPage, document: ProjectDocument) -> None:
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Left):
        QTest.keyClick(page.feasibility.map, key)
    assert (document.experiment.episodes.n_shot, document.experiment.episodes.n_query) == (1, 1)


def test_hovering_says_what_fits_what_would_and_what_cannot(page: TasksPage, document: ProjectDocument) -> None:
    name = next(each for each, part in document.parts.items() if part is Part.META_TRAIN)
    commands.exclude_files(document, paths=[file.path for file in document.index.by_name(name).files[:2]])
    about = page.feasibility.map.about
    assert about(1, 1) == "N = 3, K = 1, Q = 1: fits"
    assert about(1, 2) == f"N = 3, K = 1, Q = 2: fits without \u2068{name}\u2069, which has 2 pictures"
    assert about(1, 4) == "N = 3, K = 1, Q = 4: no class has 5 pictures"


# pins


def test_a_pinned_class_and_picture_stay_while_the_rest_changes(page: TasksPage, studio: Studio) -> None:
    view = page.episode.view
    view.pin_toggled.emit(Place(1, "query", 2))
    first = view.rows()
    assert first[1].pinned == {("", 0), ("query", 2)}
    others = set()
    for _ in range(6):
        page.episode.again_button.click()
        assert view.rows()[1].name == first[1].name
        assert view.rows()[1].query[2] == first[1].query[2]
        others.add((view.rows()[0].name, view.rows()[1].support))
    assert len(others) > 2
    assert page.episode.clear_button.text() == "Clear 2 pins"
    assert "training draws its episodes without them" in page.episode.clear_button.toolTip()
    assert studio.undo_stack.count() == 0, "pins belong to the page"
    page.episode.clear_button.click()
    assert page.episode.clear_button.isHidden()
    assert not any(row.pinned for row in view.rows())


def test_pins_are_set_and_let_go_with_mouse_and_keys(page: TasksPage) -> None:
    view = page.episode.view
    layout = view._layout()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=layout.area(Place(2, "support", 0)).center())
    assert view.rows()[2].pinned == {("", 0), ("support", 0)}
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert view.rows()[2].pinned == {("", 0)}
    QTest.keyClick(view, Qt.Key.Key_Left)
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert view.rows()[2].pinned == frozenset()
    QTest.keyClick(view, Qt.Key.Key_Up)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert view.rows()[1].pinned == {("", 0)}
    view.setFocus()
    assert view.accessibleDescription().startswith("Class class") or not view.hasFocus()


def test_pins_of_a_part_that_lost_their_class_are_passed_over(page: TasksPage, document: ProjectDocument) -> None:
    view = page.episode.view
    name = view.rows()[0].name
    view.pin_toggled.emit(Place(0))
    page.episode.part_box.setCurrentIndex(1)
    assert not any(row.pinned for row in view.rows())
    page.episode.part_box.setCurrentIndex(0)
    assert view.rows()[0].name == name
    commands.exclude_classes(document, names=[name])
    assert name not in [row.name for row in view.rows()]
    assert len(view.rows()) == 3


def test_unreadable_pictures_are_neither_drawn_nor_counted(page: TasksPage, document: ProjectDocument) -> None:
    document.set_option("episodes.n_query", 1)
    drawn = {path for row in page.episode.view.rows() for path in (*row.support, *row.query)}
    lost = next(iter(sorted(drawn)))
    checked = Checked((), NO_IMAGES, unreadable=(lost,))
    document._take_checked(checked)
    drawn = {path for row in page.episode.view.rows() for path in (*row.support, *row.query)}
    assert drawn
    assert lost not in drawn
    most = min(len(each.files) for each in document.readable.classes)
    assert f"K + Q up to {most} pictures" in page.feasibility.text.text()
