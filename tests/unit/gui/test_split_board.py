"""The split board by hand: dragged by the mouse, selected with shift and ctrl, searched, moved by groups, undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from unit.gui.board_page import TEST, TRAIN, VAL, board, click, column, names, page, selected
from unit.gui.drags import drag_row
from unit.gui.drops import files_mime
from unit.gui.page_studio import make_picture

from metastudio.catalog.data_spec import Layout, ManualSplit, Part, RandomSplit
from metastudio.gui import commands
from metastudio.gui.dialogs.split_dialog import SplitDialog
from metastudio.gui.documents.folder_scan import Sources
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.models.class_model import ClassRow
from metastudio.gui.models.group_rows import group_rows
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.split_board import SplitBoard
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex
from metastudio.images.split_guard import divided_groups
from metastudio.runs.project import Project

__all__ = ["board", "page"]


def menu_shown(qtbot) -> QMenu:
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, QMenu)
    return popup


# by the mouse


def test_classes_chosen_with_shift_and_ctrl_are_dragged_to_another_part_in_one_step(
    board: SplitBoard, studio: Studio
) -> None:
    before = names(board, TRAIN)
    click(board, TRAIN, 1, Qt.KeyboardModifier.NoModifier)
    click(board, TRAIN, 3, Qt.KeyboardModifier.ShiftModifier)
    click(board, TRAIN, 6, Qt.KeyboardModifier.ControlModifier)
    click(board, TRAIN, 2, Qt.KeyboardModifier.ControlModifier)
    chosen = (before[1], before[3], before[6])
    assert selected(board) == {TRAIN: chosen}

    drag_row(column(board, TRAIN).view, 3, column(board, TEST).view.viewport(), QPoint(40, 60))

    assert set(chosen) <= set(names(board, TEST))
    assert names(board, TRAIN) == [each for each in before if each not in chosen]
    assert selected(board) == {TEST: chosen}, "what was moved stays chosen, and nothing else"
    assert studio.undo_stack.count() == 1
    assert studio.undo_stack.undoText() == "Move 3 classes"
    studio.undo_stack.undo()
    assert names(board, TRAIN) == before
    studio.undo_stack.redo()
    assert set(chosen) <= set(names(board, TEST))


def test_a_drag_that_ends_where_it_began_or_nowhere_changes_nothing(
    page: ImagesPage, board: SplitBoard, studio: Studio
) -> None:
    view = column(board, TRAIN).view
    click(board, TRAIN, 0, Qt.KeyboardModifier.NoModifier)
    drag_row(view, 0, view.viewport(), QPoint(40, 160))
    assert not drag_row(view, 0, page, QPoint(300, 10))

    assert studio.undo_stack.count() == 0


def test_pictures_are_dragged_onto_a_class_but_not_onto_a_group(
    page: ImagesPage, board: SplitBoard, studio: Studio
) -> None:
    page._pictures.show_class(names(board, TRAIN)[0])
    target = column(board, TRAIN).view
    place = target.visualRect(target.model().index(1, 0)).center()
    other = names(board, TRAIN)[1]
    drag_row(page._pictures.view, 0, target.viewport(), place)
    assert list(studio.project.experiment.data.moved_files.values()) == [other]

    board.tools.grouping.setCurrentIndex(1)
    drag_row(page._pictures.view, 0, target.viewport(), place)
    assert studio.undo_stack.count() == 1


def test_a_group_is_dragged_as_a_whole(board: SplitBoard, studio: Studio) -> None:
    commands.gather_groups(studio.project, groups=["Greek"])
    home = studio.project.parts["Greek/character00"]
    to = VAL if home is not VAL else TEST
    board.tools.grouping.setCurrentIndex(1)
    view = column(board, home).view
    row = next(place for place, each in enumerate(view.rows_model.rows()) if each.short_name == "Greek")

    drag_row(view, row, column(board, to).view.viewport(), QPoint(40, 60))

    assert {part for name, part in studio.project.parts.items() if name.startswith("Greek/")} == {to}
    assert studio.undo_stack.undoText() == "Move 6 classes"


# selection


@pytest.mark.parametrize("shows_groups", [False, True])
def test_select_leaves_nothing_selected_in_another_column(
    board: SplitBoard, shows_groups: bool, studio: Studio
) -> None:
    board.tools.grouping.setCurrentIndex(int(shows_groups))
    first, other = names(board, TRAIN)[0], names(board, TEST)[0]
    board.select(first)
    board.select(other)
    board.select(first)  # it is still the current one of its column
    assert list(selected(board)) == [TRAIN]
    assert first in selected(board)[TRAIN]
    board.select(other)
    assert list(selected(board)) == [TEST]


def test_select_finds_what_a_search_hides_and_passes_over_what_is_not_there(board: SplitBoard) -> None:
    board.search.setText("Greek")
    assert board.select("Runes/character03") == "Runes/character03"
    assert board.search.text() == ""
    assert list(selected(board).values()) == [("Runes/character03",)]
    assert board.select("Klingon") == ""


def test_ctrl_a_selects_all_that_a_column_lists(board: SplitBoard) -> None:
    view = column(board, TRAIN).view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert selected(board) == {TRAIN: tuple(names(board, TRAIN))}


# what was found


def test_all_that_was_found_is_moved_from_every_column_as_one_step(qtbot, board: SplitBoard, studio: Studio) -> None:
    before = studio.project.parts
    assert not board.tools.found_button.isVisible()
    board.search.setText("greek")
    assert board.tools.found_button.text() == "Move the 6 found…"
    QTest.keyClick(board.search, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    menu = menu_shown(qtbot)
    assert all(action.isEnabled() for action in menu.actions()), "they lie in several parts"
    QTest.keyClick(menu, Qt.Key.Key_3)

    greek = {f"Greek/character{number:02}" for number in range(6)}
    assert greek == {name for name, part in studio.project.parts.items() if name in greek and part is TEST}
    assert {name: part for name, part in studio.project.parts.items() if name not in greek} == {
        name: part for name, part in before.items() if name not in greek
    }
    assert studio.undo_stack.undoText() == "Move 6 classes"
    studio.undo_stack.undo()
    assert studio.project.parts == before

    board.search.setText("nothing like it")
    assert not board.tools.found_button.isVisible()


# groups


def test_groups_are_rows_that_say_how_much_of_them_lies_here(board: SplitBoard) -> None:
    board.tools.grouping.setCurrentIndex(1)
    rows = [(each.part, row) for each in board.columns for row in each.view.rows_model.rows()]
    by_group: dict[str, int] = {}
    for _, row in rows:
        by_group[row.short_name] = by_group.get(row.short_name, 0) + len(row.members)
        assert row.of == 6
        assert row.count == 2 * len(row.members)
    assert by_group == dict.fromkeys(("Greek", "Latin", "Ogham", "Runes", "Tifinagh"), 6)
    assert column(board, TRAIN)._counts[0] == f"{len(names(board, TRAIN))} classes", "classes are counted, not rows"

    board.search.setText("RUNE")
    assert {row.short_name for each in board.columns for row in each.view.rows_model.rows()} == {"Runes"}
    board.search.setText("character")
    assert not any(each.view.rows_model.rows() for each in board.columns), "the names of groups are searched"


def test_the_menu_of_a_class_brings_the_rest_of_its_group_to_it(qtbot, board: SplitBoard, studio: Studio) -> None:
    part, group = next(
        (part, "Greek") for part in Part if any(each.startswith("Greek/") for each in names(board, part))
    )
    view = column(board, part).view
    row = next(place for place, each in enumerate(names(board, part)) if each.startswith(f"{group}/"))
    click(board, part, row, Qt.KeyboardModifier.NoModifier)
    view.customContextMenuRequested.emit(QPoint(5, 5))
    menu = menu_shown(qtbot)
    next(action for action in menu.actions() if action.text() == "Bring all of Greek here").trigger()
    menu.close()
    assert {own for name, own in studio.project.parts.items() if name.startswith("Greek/")} == {part}
    assert studio.undo_stack.count() == 1


def test_a_group_shows_the_pictures_of_its_first_class_and_can_be_excluded(
    page: ImagesPage, board: SplitBoard, studio: Studio
) -> None:
    commands.gather_groups(studio.project, groups=["Ogham"])
    home = studio.project.parts["Ogham/character00"]
    board.tools.grouping.setCurrentIndex(1)
    board.select("Ogham")
    assert page._pictures.class_name == "Ogham/character00"
    QTest.keyClick(column(board, home).view, Qt.Key.Key_Delete)
    assert len(studio.project.experiment.data.excluded_classes) == 6
    assert [row.short_name for row in column(board, None).view.rows_model.rows()] == ["Ogham"]
    studio.undo_stack.undo()
    assert not studio.project.experiment.data.excluded_classes


def test_groups_of_one_short_name_are_told_apart_and_loose_classes_stay_classes() -> None:
    rows = [ClassRow(name, 1, (f"/{name}.png",)) for name in ("a/birds/owl", "b/birds/owl", "b/birds/tit", "mug")]

    made = group_rows(rows, {"a/birds": 1, "b/birds": 2})

    assert [(row.short_name, row.shown_group, row.names) for row in made] == [
        ("birds", "a", ("a/birds/owl",)),
        ("birds", "b", ("b/birds/owl", "b/birds/tit")),
        ("mug", "", ("mug",)),
    ]


def test_classes_without_folders_around_them_offer_no_groups(qtbot, studio: Studio, document: ProjectDocument) -> None:
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.show()
    assert not made._board.tools.grouping.isVisible()
    dialog = SplitDialog(document.used, document.experiment.data.split, document.parts)
    qtbot.addWidget(dialog)
    assert not dialog._whole.isEnabled()
    assert "no groups" in dialog._whole.toolTip()
    made.shut_down()


# the split, and who watches it


def test_a_split_is_dealt_in_whole_groups_where_that_is_wanted(qtbot, page: ImagesPage, studio: Studio) -> None:
    page.choose_split()
    dialog = page.findChild(SplitDialog)
    assert "of 5 lie in several parts" in dialog._groups.text()
    dialog._whole.setChecked(True)
    assert dialog._groups.text() == "Every group of classes lies in one part."
    dialog._seed.setValue(4)
    dialog.accept()

    assert studio.project.experiment.data.split == RandomSplit(seed=4, whole_groups=True)
    assert divided_groups(studio.project.parts) == {}
    assert set(studio.project.parts.values()) == set(Part)
    page.choose_split()
    again = [each for each in page.findChildren(SplitDialog) if each is not dialog][-1]
    assert again._whole.isChecked()
    again.reject()


def test_divided_groups_are_a_note_that_leads_to_their_classes_and_is_cured_in_one_step(
    page: ImagesPage, board: SplitBoard, studio: Studio
) -> None:
    (note,) = [each for each in page.health.tree.problems() if each.code == "group-across-parts"]
    assert page.health._heading.text().endswith(" · 1 note")
    assert note.where == next(iter(divided_groups(studio.project.parts)))
    page.health.problem_activated.emit(note)
    group = divided_groups(studio.project.parts)[note.where]
    (found,) = selected(board).items()
    assert len(found[1]) == min(group.values())
    assert {each.rpartition("/")[0] for each in found[1]} == {note.where}
    assert page._pictures.class_name == found[1][0]

    tree = page.health.tree
    top = next(each for each in tree._top_items() if "several parts" in each.text(0))
    tree.setCurrentItem(top)
    titles = [each.title for each in page.health.cures.cures()]
    assert titles == [f"Bring {1 + len(note.others)} groups together", "Deal whole groups anew"]
    before = studio.project.parts
    page.health.apply_cure(page.health.cures.cures()[0])
    assert divided_groups(studio.project.parts) == {}
    assert isinstance(studio.project.experiment.data.split, ManualSplit)
    assert not any(each.code == "group-across-parts" for each in tree.problems())
    studio.undo_stack.undo()
    assert studio.project.parts == before

    tree.setCurrentItem(next(each for each in tree._top_items() if "several parts" in each.text(0)))
    page.health.apply_cure(page.health.cures.cures()[1])
    assert studio.project.experiment.data.split == RandomSplit(whole_groups=True)


def test_one_of_the_divided_groups_is_brought_to_where_most_of_it_is(page: ImagesPage, studio: Studio) -> None:
    tree = page.health.tree
    top = next(each for each in tree._top_items() if "several parts" in each.text(0))
    row = top.child(0)
    group = row.text(0)
    home = max(divided_groups(studio.project.parts)[group].items(), key=lambda each: each[1])[0]
    tree.setCurrentItem(row)

    (cure,) = page.health.cures.cures()
    assert cure.title.replace("\u2068", "").replace("\u2069", "") == f"Move all of {group} to {home.label}"
    page.health.apply_cure(cure)
    assert {part for name, part in studio.project.parts.items() if name.startswith(f"{group}/")} == {home}
    assert studio.undo_stack.undoText() == f"Keep {group} whole"


def test_two_classes_of_one_content_on_both_sides_of_the_split_are_led_to_and_cured(
    qtbot, page: ImagesPage, board: SplitBoard, studio: Studio, tmp_path: Path
) -> None:
    for picture in range(2):
        copy = make_picture(tmp_path / "more" / "copy" / f"{picture}.png", shade=0)
        copy.write_bytes((tmp_path / "set" / "Greek" / "character00" / f"{picture}.png").read_bytes())
    studio.project.add_folders([str(tmp_path / "more")])
    qtbot.waitUntil(lambda: len(studio.project.index.classes) == 31 and not studio.project.is_busy)
    commands.move_classes(studio.project, names=["Greek/character00"], part=TRAIN)
    commands.move_classes(studio.project, names=["copy"], part=TEST)

    (found,) = [each for each in page.health.tree.problems() if each.code == "duplicate-class-across-parts"]
    assert "2 of 2 pictures" in str(found.message)
    page.health.problem_activated.emit(found)
    assert list(selected(board).values()) == [("Greek/character00",)]
    top = next(each for each in page.health.tree._top_items() if "show the same" in each.text(0))
    page.health.tree.setCurrentItem(top)
    assert {each.class_name for each in page.health.cures.pictures()} == {"Greek/character00", "copy"}
    cure = next(each for each in page.health.cures.cures() if "Merge" in each.title)
    before = studio.undo_stack.index()
    page.health.apply_cure(cure)
    assert studio.undo_stack.index() == before + 1
    assert not any("across-parts" in each.code for each in page.health.tree.problems() if "dup" in each.code)
    studio.undo_stack.undo()
    assert found in page.health.tree.problems()


def test_undo_and_redo_work_while_other_pages_are_in_front(page: ImagesPage, board: SplitBoard, studio: Studio) -> None:
    moved = tuple(names(board, TRAIN)[:4])
    board.move_classes(moved, VAL)
    board.tools.grouping.setCurrentIndex(1)
    page.on_hidden()
    page.hide()
    studio.undo_stack.undo()
    studio.undo_stack.redo()
    studio.undo_stack.undo()
    page.show()
    page.on_shown()
    assert set(moved) <= set(names(board, TRAIN))
    board.tools.grouping.setCurrentIndex(0)
    assert names(board, TRAIN)[:4] == list(moved)


def test_a_joined_class_is_not_warned_of(qtbot, page: ImagesPage, studio: Studio, tmp_path: Path) -> None:
    loose = [make_picture(tmp_path / "photos" / f"{number}.png", 250 + number) for number in range(2)]
    page._incoming.take(files_mime(loose), into="Latin/character03")
    qtbot.waitUntil(lambda: len(studio.project.index.by_name("Latin/character03").files) == 4)
    qtbot.waitUntil(lambda: not studio.project.is_busy)
    assert any(each.code == "class-in-two-folders" for each in studio.project.index.problems), "the scan cannot know"
    assert not any(each.code == "class-in-two-folders" for each in studio.project.problems())

    for name in ("Latin/character03", "Latin/character04"):
        make_picture(tmp_path / "again" / name / "9.png", 99)
    studio.project.add_folders([str(tmp_path / "again")])
    qtbot.waitUntil(lambda: len(studio.project.experiment.data.folders) == 3 and not studio.project.is_busy)
    (said,) = [each for each in studio.project.problems() if each.code == "class-in-two-folders"]
    assert str(said.message).startswith("1 class has the same name")


def test_ten_thousand_classes_are_searched_grouped_moved_and_undone(
    qtbot, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.open_project(ProjectDocument(Project.create(tmp_path / "large", name="Large"), studio.undo_stack))
    document = studio.project
    classes = tuple(
        ImageClass(
            f"group{number // 100:03}/class{number:05}",
            tuple(ImageFile(f"/nowhere/{number:05}/{picture}.png", 1, 1) for picture in range(3)),
            group=f"group{number // 100:03}",
        )
        for number in range(10_000)
    )
    index = ImageIndex(("/nowhere",), Layout.NESTED, classes)
    sources = Sources(("/nowhere",))
    monkeypatch.setattr(document, "_check_pictures", lambda: None)
    monkeypatch.setitem(document._scanned, sources, index)
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    board = made._board
    commands.set_sources(document, sources=sources, index=index, title="Add nowhere")

    assert sum(len(names(board, part)) for part in Part) == 10_000
    board.search.setText("group042")
    assert sum(len(names(board, part)) for part in Part) == 100
    board.search.clear()
    board.tools.grouping.setCurrentIndex(1)
    assert {row.short_name for row in column(board, TRAIN).view.rows_model.rows()} == {
        f"group{number:03}" for number in range(100)
    }
    before = document.parts
    column(board, TRAIN).view.selectAll()
    board.move_classes(column(board, TRAIN).view.selected_names(), VAL)
    assert names(board, TRAIN) == []
    assert len(names(board, VAL)) == sum(part is not TEST for part in before.values())
    studio.undo_stack.undo()
    assert document.parts == before
    commands.gather_groups(document, groups=list(divided_groups(before)))
    assert divided_groups(document.parts) == {}
    made.shut_down()
