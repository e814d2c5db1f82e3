"""The project document: steps that can be undone, images that follow the draft, and saving by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QUndoStack
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.data_spec import FolderSplit, ManualSplit, Part, Preprocessing, RandomSplit
from metastudio.catalog.experiment import TargetTask
from metastudio.errors import ConfigurationError, ResourceError
from metastudio.gui import commands
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.runs import project as project_module
from metastudio.runs.project import Project


@pytest.fixture
def stack(qtbot) -> QUndoStack:
    return QUndoStack()


@pytest.fixture
def empty(qtbot, stack: QUndoStack, tmp_path: Path) -> ProjectDocument:
    made = ProjectDocument(Project.create(tmp_path / "project", name="Test"), stack)
    yield made
    made.close()


@pytest.fixture
def filled(qtbot, empty: ProjectDocument, tmp_path: Path) -> ProjectDocument:
    empty.add_folders([str(make_classes(tmp_path / "images", classes=10))])
    qtbot.waitUntil(lambda: bool(empty.index.classes) and not empty.is_busy)
    return empty


def test_folders_are_one_step_that_can_be_undone_and_redone(qtbot, filled: ProjectDocument, stack: QUndoStack) -> None:
    assert stack.undoText() == "Add images"
    assert len(filled.index.classes) == 10
    assert len(filled.parts) == 10
    stack.undo()
    assert not filled.index.classes
    assert not filled.experiment.data.folders
    stack.redo()
    assert len(filled.index.classes) == 10, "redo shows what was found, without another scan"


def test_folders_dropped_while_others_are_scanned_are_all_taken(qtbot, empty: ProjectDocument, tmp_path: Path) -> None:
    first, second = make_classes(tmp_path / "one", classes=3), make_classes(tmp_path / "two", classes=5)
    empty.add_folders([str(first)])
    empty.add_folders([str(second)])
    qtbot.waitUntil(lambda: bool(empty.index.classes) and not empty.is_busy)
    assert empty.experiment.data.folders == (str(first), str(second))


def test_a_change_before_the_first_scan_ended_does_not_lose_the_images(
    qtbot, tmp_path: Path, stack: QUndoStack
) -> None:
    folder = make_classes(tmp_path / "images", classes=4)
    project = Project.create(tmp_path / "project")
    project.draft = project.draft.model_copy(
        update={"data": project.draft.data.model_copy(update={"folders": (str(folder),)})}
    )
    document = ProjectDocument(project, stack)
    document.set_option("seed", 7)
    qtbot.waitUntil(lambda: bool(document.index.classes) and not document.is_busy)
    stack.undo()
    assert document.experiment.seed == 0
    assert len(document.index.classes) == 4
    document.close()


def test_ready_made_folders_split_themselves(qtbot, empty: ProjectDocument, tmp_path: Path) -> None:
    for part, names in {"train": ("a", "b"), "val": ("c",), "test": ("d",)}.items():
        for name in names:
            make_picture(tmp_path / "set" / part / name / "1.png")
    empty.add_folders([str(tmp_path / "set")])
    qtbot.waitUntil(lambda: bool(empty.index.classes) and not empty.is_busy)
    assert isinstance(empty.experiment.data.split, FolderSplit)
    assert empty.parts == {"a": Part.META_TRAIN, "b": Part.META_TRAIN, "c": Part.META_VAL, "d": Part.META_TEST}


def test_moving_classes_keeps_the_others_where_they_are(filled: ProjectDocument, stack: QUndoStack) -> None:
    before = dict(filled.parts)
    moved = [name for name, part in before.items() if part is Part.META_TRAIN][:3]
    commands.move_classes(filled, names=moved, part=Part.META_TEST)
    assert stack.undoText() == "Move 3 classes"
    assert filled.parts == before | dict.fromkeys(moved, Part.META_TEST)
    stack.undo()
    assert filled.parts == before
    assert isinstance(filled.experiment.data.split, RandomSplit)


def test_excluding_a_class_does_not_deal_the_others_again(filled: ProjectDocument, stack: QUndoStack) -> None:
    before = dict(filled.parts)
    commands.exclude_classes(filled, names=["class03"])
    assert filled.parts == {name: part for name, part in before.items() if name != "class03"}
    assert "class03" not in {each.name for each in filled.used.classes}
    commands.move_classes(filled, names=["class03"], part=Part.META_VAL)
    assert filled.parts["class03"] is Part.META_VAL
    stack.undo()
    stack.undo()
    assert filled.parts == before


def test_excluded_pictures_can_be_taken_in_again(filled: ProjectDocument, stack: QUndoStack) -> None:
    paths = [file.path for file in filled.index.by_name("class01").files[:2]]
    commands.exclude_files(filled, paths=paths)
    assert len(filled.used.by_name("class01").files) == 2
    commands.include_files(filled, paths=paths[:1])
    assert len(filled.used.by_name("class01").files) == 3
    stack.undo()
    stack.undo()
    assert len(filled.used.by_name("class01").files) == 4


def test_new_folders_join_meta_train_where_the_split_is_by_hand(qtbot, filled: ProjectDocument, tmp_path: Path) -> None:
    commands.move_classes(filled, names=["class00"], part=Part.META_TEST)
    make_picture(tmp_path / "more" / "newcomer" / "1.png")
    filled.add_folders([str(tmp_path / "more")])
    qtbot.waitUntil(lambda: "newcomer" in filled.parts and not filled.is_busy)
    assert filled.parts["newcomer"] is Part.META_TRAIN
    assert filled.parts["class00"] is Part.META_TEST
    filled.remove_folders([str(tmp_path / "more")])
    qtbot.waitUntil(lambda: "newcomer" not in filled.parts and not filled.is_busy)
    assert isinstance(filled.experiment.data.split, ManualSplit)
    assert len(filled.parts) == 10


def test_typing_into_an_option_is_one_step(empty: ProjectDocument, stack: QUndoStack) -> None:
    for value in (2, 20, 200):
        empty.set_option("training.iterations", value)
    assert empty.experiment.training.iterations == 200
    assert stack.count() == 1
    empty.set_option("training.meta_batch_size", 4)
    assert stack.count() == 2
    stack.undo()
    stack.undo()
    assert empty.experiment.training.iterations == 2000


def test_another_method_begins_with_its_own_defaults(empty: ProjectDocument) -> None:
    empty.set_option("algorithm.inner_steps", 9)
    empty.set_option("algorithm.name", "prototypical")
    assert empty.experiment.algorithm.name == "prototypical"


def test_a_wrong_option_is_refused_with_its_name_and_changes_nothing(empty: ProjectDocument, stack: QUndoStack) -> None:
    before = empty.experiment
    with pytest.raises(ConfigurationError) as caught:
        empty.set_option("training.iterations", 0)
    assert [each.where for each in caught.value.problems] == ["training.iterations"]
    assert empty.experiment is before
    assert stack.count() == 0


def test_what_does_not_change_is_no_step(empty: ProjectDocument, stack: QUndoStack) -> None:
    commands.set_preprocessing(empty, preprocessing=Preprocessing())
    empty.set_option("seed", 0)
    assert stack.count() == 0


def test_signals_say_what_changed(qtbot, filled: ProjectDocument) -> None:
    seen: list[frozenset[str]] = []
    filled.experiment_changed.connect(seen.append)
    with qtbot.assertNotEmitted(filled.split_changed), qtbot.assertNotEmitted(filled.targets_changed):
        commands.set_preprocessing(filled, preprocessing=Preprocessing(image_size=32))
    assert seen == [frozenset({"data", "data.preprocessing"})]
    with qtbot.waitSignal(filled.targets_changed):
        commands.set_targets(filled, targets=[TargetTask(name="mine")], title="New")
    with qtbot.waitSignal(filled.split_changed):
        commands.set_split(filled, split=RandomSplit(seed=5))


def test_every_change_is_on_the_disk_shortly_after(qtbot, filled: ProjectDocument) -> None:
    with qtbot.waitSignal(filled.saved):
        commands.set_targets(filled, targets=[TargetTask(name="mine")], title="New")
    assert Project.open(filled.folder).draft == filled.experiment


def test_closing_saves_what_is_not_saved_yet_and_reopening_shows_it(qtbot, filled: ProjectDocument) -> None:
    commands.move_classes(filled, names=["class00"], part=Part.META_TEST)
    filled.close()
    again = ProjectDocument(Project.open(filled.folder), QUndoStack())
    qtbot.waitUntil(lambda: bool(again.index.classes) and not again.is_busy)
    assert again.experiment == filled.experiment
    assert again.parts == filled.parts
    again.close()


def test_a_project_that_cannot_be_saved_says_so_and_goes_on(qtbot, filled: ProjectDocument, monkeypatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project_module, "write_atomically", full)
    with qtbot.waitSignal(filled.failed) as told:
        filled.set_option("seed", 3)
    assert "No space" in str(told.args[0])
    monkeypatch.undo()
    with qtbot.waitSignal(filled.saved):
        filled.set_option("seed", 4)


def test_closing_saves_what_an_earlier_save_failed_to_write(qtbot, filled: ProjectDocument, monkeypatch) -> None:
    qtbot.waitUntil(lambda: Project.open(filled.folder).draft == filled.experiment)

    def refuse(self: Project) -> None:
        raise ResourceError("The disk is full.")

    with monkeypatch.context() as broken, qtbot.waitSignal(filled.failed):
        broken.setattr(project_module.Project, "save", refuse)
        filled.set_option("seed", 41)
    assert Project.open(filled.folder).draft.seed != 41
    filled.close()
    assert Project.open(filled.folder).draft.seed == 41


def test_unreadable_and_doubled_pictures_become_problems(qtbot, empty: ProjectDocument, tmp_path: Path) -> None:
    folder = make_classes(tmp_path / "images", classes=3)
    (folder / "class00" / "broken.png").write_bytes(b"<html>no picture")
    (folder / "class01" / "twin.png").write_bytes((folder / "class01" / "0.png").read_bytes())
    empty.add_folders([str(folder)])
    qtbot.waitUntil(lambda: len(empty.image_problems()) >= 2)
    codes = {each.code: each.where for each in empty.image_problems()}
    assert codes["unreadable"].endswith("broken.png")
    assert codes["duplicate-in-class"].endswith("class01/0.png")
    commands.exclude_files(empty, paths=[str(folder / "class00" / "broken.png")])
    assert "unreadable" not in {each.code for each in empty.image_problems()}


def test_a_missing_folder_is_a_problem_and_no_crash(qtbot, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.draft = project.draft.model_copy(
        update={"data": project.draft.data.model_copy(update={"folders": (str(tmp_path / "gone"),)})}
    )
    document = ProjectDocument(project, QUndoStack())
    qtbot.waitUntil(lambda: bool(document.image_problems()))
    assert "folder-missing" in {each.code for each in document.problems()}
    document.close()


def test_a_folder_that_was_moved_is_located_and_keeps_its_split(
    qtbot, filled: ProjectDocument, stack: QUndoStack, tmp_path: Path
) -> None:
    commands.move_classes(filled, names=["class00"], part=Part.META_TEST)
    parts = dict(filled.parts)
    old, new = tmp_path / "images", tmp_path / "moved"
    old.rename(new)
    filled.scan_folders()
    qtbot.waitUntil(lambda: not filled.index.classes and not filled.is_busy)
    assert "folder-missing" in {each.code for each in filled.problems()}
    filled.locate_folder(str(old), str(new))
    qtbot.waitUntil(lambda: len(filled.index.classes) == 10 and not filled.is_busy)
    assert filled.parts == parts
    assert filled.experiment.data.folders == (str(new),)
    stack.undo()
    assert filled.experiment.data.folders == (str(old),)


def test_a_project_that_cannot_be_written_says_so_and_is_left_alone(qtbot, empty: ProjectDocument) -> None:
    empty.project.is_read_only = True
    before = empty.project.path.read_bytes()
    empty.set_option("seed", 5)
    assert "read-only" in {each.code for each in empty.problems()}
    empty.close()
    assert empty.project.path.read_bytes() == before


def test_a_scan_can_be_cancelled_and_leaves_everything_as_it_was(
    qtbot, filled: ProjectDocument, tmp_path: Path
) -> None:
    before = filled.experiment
    filled.add_folders([str(make_classes(tmp_path / "more", classes=40))])
    filled.cancel_work()
    assert not filled.is_busy
    assert filled.experiment == before
    assert len(filled.index.classes) == 10


def test_a_cancelled_task_tells_nothing_more(qtbot) -> None:
    task = BackgroundTask(lambda tell, stop: [tell(1), stop()])
    told: list[object] = []
    task.succeeded.connect(told.append)
    task.cancel()
    task.start()
    task.close()
    assert told == []


def test_what_cannot_be_read_is_not_counted_on_once_it_was_looked_at(
    qtbot, empty: ProjectDocument, stack: QUndoStack, tmp_path: Path
) -> None:
    folder = make_classes(tmp_path / "images", classes=10)
    broken = sorted((folder / "class00").iterdir())[:3]
    for each in broken:
        each.write_bytes(b"no picture")
    with qtbot.waitSignal(empty.readable_changed, timeout=20_000):
        empty.add_folders([str(folder)])
    sizes = {each.name: len(each.files) for each in empty.readable.classes}
    used = {each.name: len(each.files) for each in empty.used.classes}
    assert sizes == used | {"class00": used["class00"] - 3}
    commands.exclude_files(empty, paths=[str(each) for each in broken])
    assert {each.name: len(each.files) for each in empty.readable.classes} == sizes, "they are left out anyway"
    stack.undo()
    assert {each.name: len(each.files) for each in empty.readable.classes} == sizes
    stack.undo()
    assert not empty.readable.classes
