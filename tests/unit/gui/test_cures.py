"""One click cures what is wrong with the pictures, in the project only, as one step that can be undone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget
from unit.gui.page_studio import make_picture

from metastudio.catalog.data_spec import ManualSplit, Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui import commands
from metastudio.gui.documents.cures import Cure, cures_for, left_out_text, ways_back
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.cure_panel import CurePanel
from metastudio.gui.widgets.toast import Toast
from metastudio.runs.project import Project

Open = Callable[..., ProjectDocument]
ALL = dict.fromkeys(("mug", "cup"), Part.META_TRAIN) | {"pot": Part.META_TEST}


def noise(path: Path, seed: int, side: int = 60) -> Path:
    """A picture that looks like no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rough = np.random.default_rng(seed).integers(30, 210, (6, 6, 3), np.uint8)
    Image.fromarray(rough).resize((60, 60), Image.Resampling.BICUBIC).resize((side, side)).save(path)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number, name in enumerate(("mug", "cup", "pot")):
        for picture in range(3):
            noise(tmp_path / "images" / name / f"{picture}.png", 10 * number + picture)
    return tmp_path / "images"


@pytest.fixture
def opened(qtbot, studio: Studio, tmp_path: Path, images: Path) -> Open:
    def open_it(parts: dict[str, Part] = ALL) -> ProjectDocument:
        draft = ExperimentConfig()
        data = draft.data.model_copy(update={"folders": (str(images),), "split": ManualSplit(parts=parts)})
        project = Project.create(tmp_path / "project", name="Test", draft=draft.model_copy(update={"data": data}))
        made = ProjectDocument(project, studio.undo_stack)
        studio.open_project(made)
        qtbot.waitUntil(lambda: bool(made.index.classes) and not made.is_busy, timeout=20_000)
        return made

    return open_it


def codes(document: ProjectDocument) -> set[str]:
    return {each.code for each in document.image_problems()}


def of_kind(document: ProjectDocument, code: str) -> tuple:
    return tuple(each for each in document.problems() if each.code == code)


def offered(document: ProjectDocument, code: str) -> dict[str, Cure]:
    cures = cures_for(document, of_kind(document, code))
    return {cure.title.replace("\u2068", "").replace("\u2069", ""): cure for cure in cures}


def disk(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(each), each.stat().st_size, each.stat().st_mtime_ns) for each in folder.rglob("*"))


def test_the_copies_of_a_class_are_left_out_and_one_of_each_stays(opened: Open, images: Path, studio: Studio) -> None:
    for number in range(2):
        for copy in range(2):
            shutil.copy(images / "mug" / f"{number}.png", images / "mug" / f"{number} copy {copy}.png")
    document, before = opened(), disk(images)
    assert len(of_kind(document, "duplicate-in-class")) == 2

    cure = offered(document, "duplicate-in-class")["Leave out 4 copies"]
    cure.apply()

    assert cure.done == "4 copies are left out."
    assert len(document.used.by_name("mug").files) == 3
    assert "duplicate-in-class" not in codes(document)
    assert studio.undo_stack.count() == 1
    studio.undo_stack.undo()
    assert len(of_kind(document, "duplicate-in-class")) == 2
    assert disk(images) == before


def test_a_picture_in_two_classes_is_put_into_one_or_the_classes_are_merged(opened: Open, images: Path) -> None:
    shutil.copy(images / "mug" / "0.png", images / "cup" / "mug.png")
    document = opened()

    cures = offered(document, "duplicate-across-classes")
    assert list(cures) == ["Put it only into cup", "Put it only into mug", "Merge mug into cup"]
    cures["Put it only into mug"].apply()
    assert document.experiment.data.excluded_files == (str(images / "cup" / "mug.png"),)
    assert "duplicate-across-classes" not in codes(document)


def test_a_leak_is_closed_by_moving_a_class_or_by_one_side(opened: Open, images: Path, studio: Studio) -> None:
    shutil.copy(images / "mug" / "0.png", images / "pot" / "mug.png")
    document = opened()

    cures = offered(document, "duplicate-across-parts")
    assert "Move pot to meta-train" in cures
    assert "Move mug to meta-test" in cures
    cures["Move pot to meta-train"].apply()
    assert document.parts["pot"] is Part.META_TRAIN
    assert "duplicate-across-parts" not in codes(document)
    assert "duplicate-across-classes" in codes(document), "two classes still have it"
    studio.undo_stack.undo()
    assert "duplicate-across-parts" in codes(document)


def test_of_many_leaks_what_is_learnt_from_stays(opened: Open, images: Path) -> None:
    for number in range(2):
        shutil.copy(images / "pot" / f"{number}.png", images / "cup" / f"pot{number}.png")
        shutil.copy(images / "pot" / f"{number}.png", images / "mug" / f"pot{number}.png")
    document = opened()

    offered(document, "duplicate-across-parts")["Leave out 4 copies"].apply()

    assert not [code for code in codes(document) if code.startswith("duplicate")]
    assert len(document.used.by_name("pot").files) == 1


def test_near_duplicates_of_a_class_leave_the_choice(opened: Open, images: Path) -> None:
    noise(images / "mug" / "smaller.png", 0, side=40)
    document = opened()

    (found,) = of_kind(document, "near-duplicate-in-class")
    assert found.others == (str(images / "mug" / "smaller.png"),)
    assert list(offered(document, found.code)) == ["Leave out the second", "Leave out the first"]
    offered(document, found.code)["Leave out the first"].apply()
    assert document.experiment.data.excluded_files == (str(images / "mug" / "0.png"),)
    assert found.code not in codes(document)


def test_unreadable_pictures_go_at_once_and_a_class_of_them_leaves_the_split(
    opened: Open, images: Path, studio: Studio
) -> None:
    for path in (images / "mug" / "x.png", images / "cup" / "x.png"):
        path.write_bytes(b"")
    for path in (images / "pot").iterdir():
        path.write_text("<html>")
    document = opened()

    offered(document, "unreadable")["Leave out all 5 pictures"].apply()

    assert "unreadable" not in codes(document)
    assert document.parts == {"cup": Part.META_TRAIN, "mug": Part.META_TRAIN}
    assert not [each for each in document.problems() if each.where == "data.split.parts"]
    studio.undo_stack.undo()
    assert document.parts["pot"] is Part.META_TEST


def test_tiny_pictures_are_counted_anew_when_one_is_left_out(opened: Open, images: Path) -> None:
    for number in range(3):
        noise(images / "mug" / f"tiny {number}.png", 90 + number, side=9)
    document = opened()
    (before,) = of_kind(document, "tiny")
    assert before.message.fields["count"] == 3

    commands.exclude_files(document, paths=[before.where])

    (after,) = of_kind(document, "tiny")
    assert after.message.fields["count"] == 2
    assert before.where not in (after.where, *after.others)
    offered(document, "tiny")["Leave out all 2 pictures"].apply()
    assert "tiny" not in codes(document)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the usual disk of this system ignores case")
def test_names_that_differ_in_case_are_merged_and_the_other_classes_keep_their_parts(
    opened: Open, images: Path, studio: Studio
) -> None:
    noise(images / "MUG" / "1.png", 77)
    document = opened(ALL | {"MUG": Part.META_VAL})

    offered(document, "class-differs-in-case")["Merge MUG into mug"].apply()

    assert studio.undo_stack.undoText() == "Merge MUG into mug"
    assert len(document.used.by_name("mug").files) == 4
    assert document.parts == ALL
    assert "class-differs-in-case" not in codes(document)
    commands.separate_classes(document, names=["MUG"])
    assert document.parts == ALL | {"MUG": Part.META_TRAIN}, "it comes back beside the class it counted for"
    studio.undo_stack.undo()
    studio.undo_stack.undo()
    assert document.parts == ALL | {"MUG": Part.META_VAL}


def test_merging_further_leaves_no_chain(opened: Open) -> None:
    document = opened()
    commands.merge_classes(document, names=["mug"], into="cup")
    commands.merge_classes(document, names=["cup"], into="pot")

    assert document.experiment.data.merged_classes == {"cup": "pot", "mug": "pot"}
    assert len(document.used.by_name("pot").files) == 9


def test_everything_left_out_is_counted_and_comes_back(opened: Open, images: Path, studio: Studio) -> None:
    document = opened()
    assert left_out_text(document) == ""
    before = document.state.experiment.data
    commands.exclude_files(document, paths=[str(images / "mug" / "0.png")])
    commands.exclude_classes(document, names=["pot"])
    commands.merge_classes(document, names=["mug"], into="cup")
    commands.move_files(document, paths=[str(images / "mug" / "1.png")], to="vase")

    assert left_out_text(document) == "1 picture left out · 1 class left out · 1 class merged · 1 picture moved"
    assert [file.path for file in document.used.by_name("vase").files] == [str(images / "mug" / "1.png")]
    steps = studio.undo_stack.count()
    while cures := ways_back(document):
        cures[0].apply()
    assert studio.undo_stack.count() == steps + 4
    assert left_out_text(document) == ""
    assert {each.name: len(each.files) for each in document.used.classes} == {"cup": 3, "mug": 3, "pot": 3}
    studio.undo_stack.setIndex(0)
    assert document.experiment.data == before


# in the window


@pytest.fixture
def leaking_page(qtbot, studio: Studio, opened: Open, images: Path) -> ImagesPage:
    noise(images / "pot" / "smaller.png", 0, side=40)
    (images / "cup" / "x.png").write_bytes(b"")
    (images / "mug" / "x.png").write_bytes(b"")
    opened()
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    yield made
    made.shut_down()


def choose(page: ImagesPage, code: str) -> None:
    items = page.health.tree._top_items()
    page.health.tree.setCurrentItem(
        next(each for each in items if each.data(0, Qt.ItemDataRole.UserRole + 1).code == code)
    )


def buttons(page: ImagesPage) -> list[QPushButton]:
    return [each for each in page.health.cures.findChildren(QPushButton) if each.isVisible()]


def test_a_row_shows_its_pictures_side_by_side_and_its_cures(leaking_page: ImagesPage, images: Path) -> None:
    choose(leaking_page, "near-duplicate-across-parts")

    shown = leaking_page.health.cures.pictures()
    assert [(each.path, each.class_name) for each in shown] == [
        (str(images / "mug" / "0.png"), "mug"),
        (str(images / "pot" / "smaller.png"), "pot"),
    ]
    assert len(buttons(leaking_page)) == 4
    assert all(each.accessibleName() for each in buttons(leaking_page))
    choose(leaking_page, "unreadable")
    assert not leaking_page.health.cures.pictures()
    QApplication.processEvents()
    assert [each.accessibleName() for each in buttons(leaking_page)] == ["Leave out all 2 pictures"]


def test_a_click_cures_says_so_and_the_toast_takes_it_back(leaking_page: ImagesPage, studio: Studio) -> None:
    said: list[Toast] = []
    studio.toasted.connect(said.append)
    before = studio.project.experiment
    choose(leaking_page, "unreadable")

    QTest.mouseClick(buttons(leaking_page)[0], Qt.MouseButton.LeftButton)

    assert said[-1].text == "2 pictures are left out."
    assert leaking_page.health.left_out.text() == "2 pictures left out"
    assert not any(each.code == "unreadable" for each in leaking_page.health.tree.problems())
    said[-1].action()
    assert studio.project.experiment == before
    assert leaking_page.health.left_out.isHidden()
    assert any(each.code == "unreadable" for each in leaking_page.health.tree.problems())


def test_a_toast_does_not_undo_what_came_after(leaking_page: ImagesPage, studio: Studio) -> None:
    said: list[Toast] = []
    studio.toasted.connect(said.append)
    choose(leaking_page, "unreadable")
    buttons(leaking_page)[0].click()
    commands.exclude_classes(studio.project, names=["pot"])

    said[0].action()

    assert studio.undo_stack.count() == studio.undo_stack.index() == 2
    assert "Ctrl+Z" in said[-1].text


def test_cures_are_reached_by_keyboard(qtbot, leaking_page: ImagesPage, studio: Studio) -> None:
    leaking_page.activateWindow()
    choose(leaking_page, "unreadable")
    leaking_page.health.tree.setFocus()
    item = leaking_page.health.tree.visualItemRect(leaking_page.health.tree.currentItem())
    leaking_page.health.tree.customContextMenuRequested.emit(item.center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(studio.project.experiment.data.excluded_files) == 2)


def test_the_line_of_what_is_left_out_is_the_way_back(qtbot, leaking_page: ImagesPage, studio: Studio) -> None:
    commands.exclude_files(studio.project, paths=[studio.project.index.by_name("mug").files[0].path])
    leaking_page.health.left_out.click()
    menu = QApplication.activePopupWidget()
    assert [action.text() for action in menu.actions()] == ["Take 1 picture in again"]
    menu.actions()[0].trigger()
    menu.close()
    assert studio.project.experiment.data.excluded_files == ()


def test_a_merged_class_is_seen_among_the_unused_and_its_pictures_in_the_other(
    leaking_page: ImagesPage, studio: Studio
) -> None:
    commands.merge_classes(studio.project, names=["cup"], into="mug")

    unused = leaking_page._board.columns[-1]
    assert [(row.name, row.counts_for) for row in unused.view.rows_model.rows()] == [("cup", "mug")]
    leaking_page._pictures.show_class("mug")
    assert len(leaking_page._pictures.view.paths()) == 8
    leaking_page._pictures.show_class("cup")
    assert leaking_page._pictures.about.full_text() == "counts for mug"
    leaking_page._board.move_classes(["cup"], Part.META_VAL)
    assert studio.project.experiment.data.merged_classes == {}
    assert studio.project.parts["cup"] is Part.META_VAL


class Dragged(QDropEvent):
    """A drop of what lies in another widget."""

    def __init__(self, place: QPoint, source: QWidget) -> None:
        actions = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
        super().__init__(
            QPointF(place), actions, QMimeData(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        self.from_widget = source

    def source(self) -> QWidget:
        return self.from_widget


def test_pictures_dragged_onto_a_class_count_for_it_and_come_back(
    leaking_page: ImagesPage, studio: Studio, images: Path
) -> None:
    path = str(images / "mug" / "0.png")
    shown, view = leaking_page._pictures, leaking_page._board.columns[0].view
    shown.show_class("mug")
    shown.view.select_path(path)
    place = view.visualRect(view.rows_model.position_of("cup")).center()
    view._aim(place)
    view.grab()

    view.dropEvent(Dragged(place, shown.view))

    assert studio.project.experiment.data.moved_files == {path: "cup"}
    assert studio.undo_stack.undoText() == "Move 1 picture to cup"
    assert path not in shown.view.paths()
    shown.show_class("cup")
    assert path in shown.view.paths()
    to = next(action.menu() for action in shown.menu_for([path]).actions() if action.menu())
    next(action for action in to.actions() if action.text() == "mug").trigger()
    assert studio.project.experiment.data.moved_files == {}, "at home it is not moved"


def test_pictures_dropped_beside_the_classes_stay(leaking_page: ImagesPage, studio: Studio) -> None:
    view = leaking_page._board.columns[0].view
    view.dropEvent(Dragged(view.viewport().rect().bottomRight(), leaking_page._pictures.view))
    assert studio.undo_stack.count() == 0


def test_places_of_one_problem_are_rows_that_lead_to_their_pictures(
    qtbot, studio: Studio, opened: Open, images: Path
) -> None:
    paths = [noise(images / name / "tiny.png", 90 + number, side=9) for number, name in enumerate(("cup", "pot"))]
    opened()
    page = ImagesPage(studio)
    qtbot.addWidget(page)
    page.show()
    choose(page, "tiny")
    top = page.health.tree.currentItem()
    assert [top.child(row).text(0) for row in range(top.childCount())] == ["tiny.png", "tiny.png"]

    page.health.tree.itemClicked.emit(top.child(1), 0)

    assert page._pictures.class_name == "pot"
    assert page._pictures.view.selected_paths() == (str(paths[1]),)
    page.shut_down()


def test_a_picture_of_one_colour_is_no_near_duplicate(opened: Open, images: Path) -> None:
    make_picture(images / "mug" / "flat.png", 100)
    make_picture(images / "pot" / "flat.png", 140)

    assert not [code for code in codes(opened()) if code.startswith("near")]


def test_many_cures_leave_room_for_what_they_are_about(qtbot) -> None:
    panel = CurePanel()
    qtbot.addWidget(panel)
    done: list[str] = []
    panel.cure_wanted.connect(lambda cure: done.append(cure.title))
    panel.show_cures([Cure(f"Way {number}", "", lambda: None) for number in range(7)])
    buttons = [each for each in panel.findChildren(QPushButton) if not each.isHidden()]
    assert [each.accessibleName() or each.text() for each in buttons] == ["Way 0", "Way 1", "Way 2", "More ways…"]
    actions = buttons[-1].menu().actions()
    assert [each.text() for each in actions] == ["Way 3", "Way 4", "Way 5", "Way 6"]
    actions[2].trigger()
    buttons[1].click()
    assert done == ["Way 5", "Way 1"]
    panel.show_cures([Cure(f"Way {number}", "", lambda: None) for number in range(4)])
    assert not any(each.menu() for each in panel.findChildren(QPushButton) if not each.isHidden())
