"""Nested folders: what each depth gives is shown before they are taken, chosen by mouse or key, and undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from unit.gui.drops import drop_on, files_mime
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.data_spec import ManualSplit, Part, RandomSplit
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.depth_panel import DepthPanel
from metastudio.gui.widgets.small_picture import SmallPicture
from metastudio.runs.project import Project


@pytest.fixture
def page(qtbot, studio: Studio, tmp_path: Path) -> ImagesPage:
    studio.open_project(ProjectDocument(Project.create(tmp_path / "empty", name="Empty"), studio.undo_stack))
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    made.activateWindow()
    yield made
    made.shut_down()


@pytest.fixture
def alphabets(tmp_path: Path) -> Path:
    folder = tmp_path / "alphabets"
    for place, alphabet in enumerate(("Greek", "Latin", "Runes")):
        for number in range(4):
            make_picture(folder / alphabet / f"character{number:02}" / "1.png", shade=60 * place + number)
    return folder


def panel_of(page: ImagesPage) -> DepthPanel:
    return page._incoming.depth_panel


def names(studio: Studio) -> list[str]:
    return [each.name for each in studio.project.index.classes]


def offered(qtbot, page: ImagesPage, folder: Path) -> DepthPanel:
    assert drop_on(page, files_mime([folder]))
    qtbot.waitUntil(lambda: panel_of(page).isVisible())
    return panel_of(page)


def test_nothing_is_taken_before_the_person_has_seen_what_each_depth_gives(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path
) -> None:
    panel = offered(qtbot, page, alphabets)

    assert [each.text() for each in panel.choices()] == ["12 classes by character", "3 classes by the outer folder"]
    assert panel.choices()[0].isChecked(), "what was recognised"
    assert "Greek, Latin, Runes" in panel.choices()[1].accessibleDescription()
    assert panel.take_button.text() == "Add 12 classes"
    assert len(panel.findChildren(SmallPicture)) == 5 + 3
    assert not names(studio)
    assert studio.undo_stack.count() == 0
    assert page._stack.currentWidget() is page._nothing, "the sentence of the empty page does not stand beside it"


def test_another_depth_is_chosen_by_mouse_and_is_one_step(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path
) -> None:
    panel = offered(qtbot, page, alphabets)
    row = panel.choices()[1].parentWidget()
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=row.rect().bottomRight() - row.rect().topLeft() / 2)
    assert panel.take_button.text() == "Add 3 classes"
    QTest.mouseClick(panel.take_button, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: names(studio) == ["Greek", "Latin", "Runes"] and not studio.project.is_busy)
    assert not panel.isVisible()
    assert page._stack.currentWidget() is page._content
    assert studio.project.experiment.data.class_depths == {str(alphabets): 1}
    assert studio.undo_stack.count() == 1
    assert studio.undo_stack.undoText() == "Add alphabets"
    studio.undo_stack.undo()
    assert not names(studio)
    studio.undo_stack.redo()
    assert names(studio) == ["Greek", "Latin", "Runes"]


def test_the_keyboard_chooses_takes_and_leaves(qtbot, page: ImagesPage, studio: Studio, alphabets: Path) -> None:
    panel = offered(qtbot, page, alphabets)
    assert panel.choices()[0].hasFocus()
    QTest.keyClick(panel.choices()[0], Qt.Key.Key_Escape)
    assert not panel.isVisible()
    assert studio.project.offer is None
    assert page._stack.currentWidget() is page._empty
    assert studio.undo_stack.count() == 0

    panel = offered(qtbot, page, alphabets)
    qtbot.waitUntil(lambda: panel.choices()[1].parentWidget().y() > 0)  # arrows go by places
    QTest.keyClick(panel.choices()[0], Qt.Key.Key_Down)
    assert panel.choices()[1].isChecked()
    QTest.keyClick(panel.choices()[1], Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(names(studio)) == 3)


def test_what_was_recognised_is_taken_without_a_second_look(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path
) -> None:
    panel = offered(qtbot, page, alphabets)
    panel.take_button.click()

    assert len(names(studio)) == 12, "at once"
    assert studio.project.experiment.data.class_depths == {}
    qtbot.waitUntil(lambda: not studio.project.is_busy)


def test_a_chosen_folder_is_asked_about_and_class_folders_are_not(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(alphabets))
    page.choose_folders()
    qtbot.waitUntil(lambda: panel_of(page).isVisible())
    panel_of(page).leave_button.click()

    drop_on(page, files_mime([make_classes(tmp_path / "leaves", classes=3)]))
    qtbot.waitUntil(lambda: len(names(studio)) == 3 and not studio.project.is_busy)
    assert not panel_of(page).isVisible()


def test_a_drop_while_a_choice_waits_joins_it(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path, tmp_path: Path
) -> None:
    panel = offered(qtbot, page, alphabets)
    drop_on(page, files_mime([make_classes(tmp_path / "leaves", classes=3)]))
    qtbot.waitUntil(lambda: panel.isVisible() and panel.choices()[0].text().startswith("15 "))
    panel.choices()[1].setChecked(True)
    panel.take_button.click()

    qtbot.waitUntil(lambda: len(names(studio)) == 6 and not studio.project.is_busy)
    assert studio.undo_stack.count() == 1
    assert studio.undo_stack.undoText() == "Add 2 folders"


def test_the_depth_is_chosen_again_later_as_a_step_of_its_own(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path
) -> None:
    offered(qtbot, page, alphabets).take_button.click()
    qtbot.waitUntil(lambda: not studio.project.is_busy)
    page._more_menu.aboutToShow.emit()
    ask = next(each for each in page._more_menu.actions() if each.text().startswith("Choose what a class is"))
    ask.trigger()
    panel = panel_of(page)
    qtbot.waitUntil(panel.isVisible)
    assert panel.leave_button.text() == "Leave as it is"
    panel.choices()[1].setChecked(True)
    assert panel.take_button.text() == "Take 3 classes"
    panel.take_button.click()
    qtbot.waitUntil(lambda: len(names(studio)) == 3 and not studio.project.is_busy)
    assert studio.undo_stack.undoText() == "Choose what a class is"

    page._more_menu.aboutToShow.emit()
    next(each for each in page._more_menu.actions() if each.text().startswith("Choose what")).trigger()
    qtbot.waitUntil(panel.isVisible)
    assert panel.choices()[1].isChecked(), "as it is now"
    panel.leave_button.click()
    studio.undo_stack.undo()
    assert len(names(studio)) == 12
    studio.undo_stack.redo()
    assert len(names(studio)) == 3


def test_a_split_by_hand_of_classes_that_are_gone_is_dealt_anew(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path
) -> None:
    offered(qtbot, page, alphabets).take_button.click()
    page._board.move_classes(["Greek/character00"], Part.META_TEST)
    assert isinstance(studio.project.experiment.data.split, ManualSplit)
    qtbot.waitUntil(lambda: not studio.project.is_busy)

    studio.project.ask_depth([str(alphabets)])
    qtbot.waitUntil(lambda: panel_of(page).isVisible())
    studio.project.take_offer(1)
    qtbot.waitUntil(lambda: len(names(studio)) == 3 and not studio.project.is_busy)
    assert studio.project.experiment.data.split == RandomSplit()
    studio.undo_stack.undo()
    assert studio.project.parts["Greek/character00"] is Part.META_TEST


def test_a_folder_that_moved_keeps_its_depth_and_a_removed_one_takes_it_along(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path, tmp_path: Path
) -> None:
    panel = offered(qtbot, page, alphabets)
    panel.choices()[1].setChecked(True)
    panel.take_button.click()
    qtbot.waitUntil(lambda: len(names(studio)) == 3 and not studio.project.is_busy)
    moved = tmp_path / "elsewhere"
    alphabets.rename(moved)
    studio.project.locate_folder(str(alphabets), str(moved))
    qtbot.waitUntil(lambda: studio.project.experiment.data.class_depths == {str(moved): 1})
    qtbot.waitUntil(lambda: not studio.project.is_busy)
    assert names(studio) == ["Greek", "Latin", "Runes"]

    studio.project.remove_folders([str(moved)])
    qtbot.waitUntil(lambda: not studio.project.experiment.data.folders)
    assert studio.project.experiment.data.class_depths == {}
    assert studio.undo_stack.undoText() == "Remove elsewhere"


def test_a_choice_that_waits_is_still_there_when_the_page_comes_back(
    qtbot, page: ImagesPage, studio: Studio, alphabets: Path
) -> None:
    panel = offered(qtbot, page, alphabets)
    page.on_hidden()
    page.hide()
    page.show()
    page.on_shown()
    assert panel.isVisible()
    second = ImagesPage(studio)
    qtbot.addWidget(second)
    second.show()
    assert second._incoming.depth_panel.isVisible()
    second.shut_down()
