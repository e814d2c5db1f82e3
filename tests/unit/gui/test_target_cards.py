"""Target tasks from elsewhere: classes of the library, and task cards that are saved, shared and dropped back in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from unit.gui.drops import drag_over, drop_on, files_mime
from unit.gui.page_studio import make_picture

from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.gui import commands
from metastudio.gui.dialogs.library_dialog import LibraryDialog
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.tasks_page import TasksPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.toast import Toast
from metastudio.runs.task_card import open_card, save_card


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> TasksPage:
    made = TasksPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    yield made
    made.shut_down()


def files_of(document: ProjectDocument, name: str) -> tuple[str, ...]:
    return tuple(file.path for file in document.index.by_name(name).files)


# the library


def choose(page: TasksPage, *rows: int, shots: int = 2, queries: int = 1) -> LibraryDialog:
    page.targets.list.library_button.click()
    dialog = page.targets.findChild(LibraryDialog)
    dialog.shots.setValue(shots)
    dialog.queries.setValue(queries)
    for row in rows:
        dialog.list.item(row).setSelected(True)
    return dialog


def test_classes_of_the_library_become_a_task_in_one_step(
    page: TasksPage, studio: Studio, document: ProjectDocument
) -> None:
    dialog = choose(page, 0, 3)
    assert dialog.text.text() == "2 classes: 2 in support, 1 as queries of each."
    dialog.accept()
    (task,) = document.targets
    files = files_of(document, "class00")
    assert task.classes[0] == TargetClass(name="class00", support=files[:2], query=files[2:3])
    assert [each.name for each in task.classes] == ["class00", "class03"]
    assert page.targets.open_task_name == "My task"
    assert studio.undo_stack.count() == 1
    studio.undo_stack.undo()
    assert document.targets == ()


def test_at_random_takes_others_and_search_hides_without_forgetting(page: TasksPage, document: ProjectDocument) -> None:
    dialog = choose(page, 0, shots=1, queries=3)
    dialog.search.setText("CLASS07")
    assert dialog.list.isRowHidden(0)
    assert not dialog.list.isRowHidden(7)
    dialog.list.item(7).setSelected(True)
    dialog.random.setChecked(True)
    drawn = {dialog.classes()[1].support for _ in range(30)}
    assert len(drawn) > 1
    assert all(set(each.support + each.query) == set(files_of(document, each.name)) for each in dialog.classes())
    assert [each.name for each in dialog.classes()] == ["class00", "class07"]
    dialog.reject()
    assert document.targets == ()


def test_the_dialog_says_what_is_too_small_and_takes_nothing_of_nothing(page: TasksPage) -> None:
    dialog = choose(page, shots=3, queries=3)
    assert not dialog.take_button.isEnabled()
    assert dialog.take_button.toolTip() == "Choose a class first."
    dialog.list.item(0).setSelected(True)
    assert "1 class has fewer pictures: support comes first." in dialog.text.text()
    assert dialog.take_button.isEnabled()
    dialog.reject()


def test_in_the_editor_library_classes_join_the_task_and_known_pictures_stay_out(
    page: TasksPage, studio: Studio, document: ProjectDocument
) -> None:
    files = files_of(document, "class00")
    begun = TargetTask(name="Mine", classes=(TargetClass(name="class00", support=files[:1]),))
    commands.set_targets(document, targets=[begun], title="New")
    page.targets.open_task(0)
    page.targets.editor.library_button.click()
    dialog = page.targets.findChild(LibraryDialog)
    dialog.shots.setValue(2)
    dialog.queries.setValue(0)
    dialog.list.item(0).setSelected(True)
    dialog.accept()
    assert document.targets[0].classes[1] == TargetClass(name="class00 1", support=files[1:2])
    assert "1 picture is in this task already" in str(page.targets.editor.strip.problems()[-1])
    studio.undo_stack.undo()
    assert document.targets == (begun,)


# task cards


@pytest.fixture
def task(document: ProjectDocument, tmp_path: Path) -> TargetTask:
    """A task of two library classes, and one of a picture that nobody else has."""
    own = make_picture(tmp_path / "elsewhere" / "own.png", 251)
    classes = (
        TargetClass(name="a", support=files_of(document, "class00")[:2]),
        TargetClass(name="b", support=files_of(document, "class01")[:1], query=(str(own),)),
    )
    return TargetTask(name="Shared", classes=classes, unlabelled=files_of(document, "class02")[:1])


def test_a_card_is_saved_and_never_among_the_pictures(
    qtbot, page: TasksPage, document: ProjectDocument, toasts: list[Toast], task: TargetTask, tmp_path: Path
) -> None:
    page.targets.desk.save(task, tmp_path / "cards" / "x")
    qtbot.waitUntil(lambda: bool(toasts))
    assert (toasts[-1].severity, "could not be written" in toasts[-1].text) == ("error", True)
    (tmp_path / "cards").mkdir()
    page.targets.desk.save(task, tmp_path / "cards" / "x")
    qtbot.waitUntil(lambda: toasts[-1].severity == "good")
    assert "x.taskcard" in toasts[-1].text
    assert open_card(tmp_path / "cards" / "x.taskcard").card.name == "Shared"
    folder = Path(document.experiment.data.folders[0])
    page.targets.desk.save(task, folder / "class00" / "y.taskcard")
    assert "not saved among the pictures" in toasts[-1].text
    assert not (folder / "class00" / "y.taskcard").exists()


def test_a_dropped_card_finds_its_pictures_by_what_they_are(
    qtbot, page: TasksPage, studio: Studio, document: ProjectDocument, task: TargetTask, tmp_path: Path
) -> None:
    card = tmp_path / "shared" / "oaks.taskcard"
    card.parent.mkdir()
    save_card(task, card)
    own = task.classes[1].query[0]
    moved = card.parent / "beside" / "another name.png"
    moved.parent.mkdir()
    shutil.move(own, moved)
    targets = page.targets
    assert drag_over(targets, files_mime([card]))
    assert targets.list.hint.text() == "1 task card → its task"
    drop_on(targets, files_mime([card]))
    qtbot.waitUntil(lambda: len(document.targets) == 1)
    classes = (task.classes[0], task.classes[1].model_copy(update={"query": (str(moved),)}))
    assert document.targets[0] == task.model_copy(update={"classes": classes})
    assert targets.open_task_name == "Shared"
    assert targets.editor.missing.isHidden()
    assert studio.undo_stack.count() == 1
    studio.undo_stack.undo()
    assert document.targets == ()


def test_what_is_not_found_is_listed_greyed_and_can_be_looked_for(
    qtbot,
    page: TasksPage,
    studio: Studio,
    document: ProjectDocument,
    toasts: list[Toast],
    task: TargetTask,
    tmp_path: Path,
) -> None:
    card = tmp_path / "shared" / "oaks.taskcard"
    card.parent.mkdir()
    save_card(task, card)
    hidden = tmp_path / "far" / "away" / "own.png"
    hidden.parent.mkdir(parents=True)
    shutil.move(task.classes[1].query[0], hidden)
    targets = page.targets
    targets.desk.open(card)
    qtbot.waitUntil(lambda: len(document.targets) == 1)
    missing = targets.editor.missing
    assert document.targets[0].classes[1].query == ()
    assert missing.isVisible()
    assert missing.list.count() == 1
    assert missing.list.item(0).toolTip().startswith("b\nown.png")
    greyed = missing.list.item(0).icon().pixmap(44, 44).toImage()
    assert greyed.pixelColor(22, 22).alpha() < 160
    targets.rename_task(0, "Renamed")
    assert missing.isVisible()
    targets._on_desk_found({})
    assert "None of the missing pictures" in toasts[-1].text
    targets.desk.look_in(tmp_path / "far", targets._remainder().wanted())
    qtbot.waitUntil(lambda: bool(document.targets[0].classes[1].query))
    assert document.targets[0].classes[1].query == (str(hidden),)
    assert missing.isHidden()
    assert studio.undo_stack.undoText() == "Add 1 found picture"


def test_missing_pictures_can_be_done_without(
    qtbot, page: TasksPage, document: ProjectDocument, task: TargetTask, tmp_path: Path
) -> None:
    card = tmp_path / "shared" / "oaks.taskcard"
    card.parent.mkdir()
    save_card(task, card)
    Path(task.classes[1].query[0]).unlink()
    page.targets.desk.open(card)
    qtbot.waitUntil(page.targets.editor.missing.isVisible)
    page.targets.editor.missing.dismissed.emit()
    assert page.targets.editor.missing.isHidden()


def test_a_card_that_is_none_is_refused_in_words_and_changes_nothing(
    qtbot, page: TasksPage, document: ProjectDocument, tmp_path: Path
) -> None:
    card = tmp_path / "bad.taskcard"
    card.write_bytes(b"PK\x03\x04 not really")
    drop_on(page.targets, files_mime([card]))
    qtbot.waitUntil(lambda: "not a task card" in page.targets.list.hint.text())
    assert document.targets == ()


def test_a_card_dropped_while_a_task_is_open_becomes_another_task(
    qtbot, page: TasksPage, document: ProjectDocument, task: TargetTask, tmp_path: Path
) -> None:
    card = tmp_path / "cards" / "oaks.taskcard"
    card.parent.mkdir()
    save_card(task, card)
    commands.set_targets(document, targets=[task], title="New")
    page.targets.open_task(0)
    assert not drag_over(page.targets, files_mime([task.unlabelled[0]])), "pictures go into the bins"
    drop_on(page.targets, files_mime([card]))
    qtbot.waitUntil(lambda: len(document.targets) == 2)
    assert document.targets[1].name == "Shared 2"
    assert document.targets[1].classes == task.classes


def test_unlabelled_pictures_are_stored_in_the_project(
    page: TasksPage, studio: Studio, document: ProjectDocument, task: TargetTask
) -> None:
    commands.set_targets(document, targets=[task], title="New")
    page.targets.open_task(0)
    shelf = page.targets.bins._unlabelled.shelf
    assert shelf.paths() == task.unlabelled
    shelf.select_path(task.unlabelled[0])
    page.targets.bins.remove_pictures(-1, task.unlabelled, role="unlabelled")
    assert document.targets[0].unlabelled == ()
    studio.undo_stack.undo()
    assert document.targets[0].unlabelled == task.unlabelled
    assert shelf.paths() == task.unlabelled
    assert shelf.accessibleName() == "Pictures to classify"
    assert shelf.model().index(0).data(Qt.ItemDataRole.AccessibleTextRole).endswith(".png")
