"""Images: drops, the split by drag and by key, what is wrong leads to its pictures, everything can be undone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QListView,
    QSlider,
    QSpinBox,
    QWidget,
)
from unit.gui.drops import drag_over, drop_on, files_mime, text_mime, url_mime
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.data_spec import ListedSplit, Part, Preprocessing, RandomSplit
from metastudio.gui.dialogs.split_dialog import SplitDialog
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.models.class_model import ClassOrder
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import ThumbnailCache
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.toast import Toast
from metastudio.images import pixel_moments
from metastudio.runs.project import Project


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> ImagesPage:
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    yield made
    made.shut_down()


@pytest.fixture
def empty_page(qtbot, studio: Studio, tmp_path: Path) -> ImagesPage:
    studio.open_project(ProjectDocument(Project.create(tmp_path / "empty", name="Empty"), studio.undo_stack))
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.shut_down()


def column(page: ImagesPage, part: Part | None):
    return next(each for each in page._board.columns if each.part is part)


def names(page: ImagesPage, part: Part | None) -> list[str]:
    return [row.name for row in column(page, part).view.rows_model.rows()]


def test_an_empty_page_says_what_belongs_there_and_why_it_cannot_split(empty_page: ImagesPage) -> None:
    assert empty_page._stack.currentIndex() == 0
    assert not empty_page._split_button.isEnabled()
    assert "Add folders" in empty_page._split_button.toolTip()


def test_dropped_folders_become_classes_and_undo_takes_them_back(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    folder = make_classes(tmp_path / "images", classes=3)
    assert drop_on(empty_page, files_mime(sorted(folder.iterdir())))
    assert not studio.project.is_busy, "a drop returns at once"
    qtbot.waitUntil(lambda: len(studio.project.index.classes) == 3 and not studio.project.is_busy)
    assert sum(len(names(empty_page, part)) for part in Part) == 3
    assert empty_page._stack.currentIndex() == 1
    studio.undo_stack.undo()
    assert empty_page._stack.currentIndex() == 0
    studio.undo_stack.redo()
    assert sum(len(names(empty_page, part)) for part in Part) == 3


def test_the_hint_says_what_a_drop_will_do(page: ImagesPage, tmp_path: Path) -> None:
    folder = make_classes(tmp_path / "more", classes=3)
    drag_over(page, files_mime(sorted(folder.iterdir())))
    assert page._drop_hint.isVisible()
    assert page._drop_hint.text() == "3 folders → 3 new classes"
    for alphabet in ("Ahom", "Oriya"):
        make_classes(tmp_path / "nested" / alphabet, classes=2)
    drag_over(page, files_mime(sorted((tmp_path / "nested").iterdir())))
    assert page._drop_hint.text() == "2 folders → the classes in them"
    drag_over(page, files_mime([tmp_path / "nested"]))
    assert page._drop_hint.text() == "1 folder → its classes"


def test_what_cannot_be_taken_is_refused_by_name(qtbot, page: ImagesPage, toasts: list[Toast], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert not drag_over(page, text_mime("hello"))
    drop_on(page, url_mime("https://example.org/cat.png"))
    drop_on(page, files_mime([tmp_path / "notes.txt", tmp_path / "gone.zip"]))
    qtbot.waitUntil(lambda: len(toasts) == 2)
    assert "https://example.org/cat.png" in toasts[0].text
    assert "notes.txt" in toasts[1].text
    assert "gone.zip" in toasts[1].text


def test_sample_images_are_one_click(qtbot, empty_page: ImagesPage, studio: Studio) -> None:
    empty_page._sample_button.click()
    qtbot.waitUntil(lambda: bool(studio.project.index.classes) and not studio.project.is_busy, timeout=60_000)
    assert len(studio.project.index.classes) >= 20
    assert Path(studio.project.experiment.data.folders[0]).parent == studio.project.folder


def test_classes_are_moved_by_key_and_the_move_is_one_step(page: ImagesPage, studio: Studio) -> None:
    moved = tuple(names(page, Part.META_TRAIN)[:3])
    column(page, Part.META_TRAIN).select(moved)
    assert column(page, Part.META_TRAIN).view.selected_names() == moved
    menu = page._board.move_menu(moved, Part.META_TRAIN)
    assert [action.text()[1] for action in menu.actions()] == ["1", "2", "3", "0"]
    assert not menu.actions()[0].isEnabled(), "they are there already"
    menu.actions()[2].trigger()
    assert set(moved) <= set(names(page, Part.META_TEST))
    assert column(page, Part.META_TEST).view.selected_names() == moved
    assert studio.undo_stack.undoText() == "Move 3 classes"
    studio.undo_stack.undo()
    assert names(page, Part.META_TRAIN)[:3] == list(moved)


def test_the_key_m_offers_the_parts(qtbot, page: ImagesPage) -> None:
    view = column(page, Part.META_TRAIN).view
    column(page, Part.META_TRAIN).select((names(page, Part.META_TRAIN)[0],))
    QTest.keyClick(view, Qt.Key.Key_M)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, QWidget)
    name = names(page, Part.META_TRAIN)[0]
    QTest.keyClick(popup, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: name in names(page, Part.META_VAL))


def test_delete_excludes_a_class_and_it_stays_to_be_seen(page: ImagesPage, studio: Studio) -> None:
    name = names(page, Part.META_VAL)[0]
    assert not column(page, None).isVisible()
    column(page, Part.META_VAL).select((name,))
    QTest.keyClick(column(page, Part.META_VAL).view, Qt.Key.Key_Delete)
    assert names(page, None) == [name]
    assert column(page, None).isVisible()
    studio.undo_stack.undo()
    assert name in names(page, Part.META_VAL)


def test_arrows_go_from_column_to_column(page: ImagesPage) -> None:
    page.activateWindow()
    column(page, Part.META_TRAIN).view.setFocus()
    QTest.keyClick(column(page, Part.META_TRAIN).view, Qt.Key.Key_Right)
    assert column(page, Part.META_VAL).view.selected_names() == (names(page, Part.META_VAL)[0],)


def test_search_and_order_change_what_the_columns_list(page: ImagesPage, document: ProjectDocument) -> None:
    page._board.search.setText("CLASS01")
    assert [name for part in Part for name in names(page, part)] == ["class01"]
    page._board.search.clear()
    page._board.order.setCurrentIndex(page._board.order.findData(ClassOrder.FEWEST))
    page._pictures.view.removal_wanted.emit((document.index.by_name("class19").files[0].path,))
    part = document.parts["class19"]
    assert names(page, part)[0] == "class19"


def test_a_problem_leads_to_its_pictures(qtbot, page: ImagesPage, studio: Studio, tmp_path: Path) -> None:
    folder = make_classes(tmp_path / "more", classes=2)
    broken = folder / "class01" / "broken.png"
    broken.write_bytes(b"")
    studio.project.add_folders([str(folder)])
    qtbot.waitUntil(lambda: any(each.where == str(broken) for each in page.health.tree.problems()))
    problem = next(each for each in page.health.tree.problems() if each.where == str(broken))
    page.health.tree.problem_activated.emit(problem)
    assert page._pictures.heading.full_text() == "class01"
    assert page._pictures.view.selected_paths() == (str(broken),)


def test_pictures_are_excluded_by_key_and_taken_in_again(page: ImagesPage, studio: Studio) -> None:
    path = page._pictures.view.paths()[0]
    page._pictures.view.select_path(path)
    QTest.keyClick(page._pictures.view, Qt.Key.Key_Delete)
    assert studio.project.experiment.data.excluded_files == (path,)
    assert "1 excluded" in page._pictures.about.full_text()
    exclude, include, *_ = page._pictures.menu_for([path]).actions()
    assert not exclude.isEnabled()
    include.trigger()
    assert studio.project.experiment.data.excluded_files == ()


def test_preprocessing_is_edited_and_undone_in_place(qtbot, page: ImagesPage, studio: Studio) -> None:
    panel = page.seen.preprocessing
    qtbot.waitUntil(lambda: panel._after.pixels is not None)
    assert panel._after.pixels.width() == 28
    panel._size.setValue(16)
    panel._invert.setChecked(True)
    assert studio.project.experiment.data.preprocessing.image_size == 16
    qtbot.waitUntil(lambda: panel._after.pixels.width() == 16)
    studio.undo_stack.undo()
    assert panel._size.value() == 28
    assert not panel._invert.isChecked()
    panel._rotations.setChecked(True)
    assert studio.project.experiment.data.rotations_as_classes


def test_the_split_dialog_shows_what_it_gives_and_all_that_is_wrong(
    qtbot, document: ProjectDocument, tmp_path: Path
) -> None:
    dialog = SplitDialog(document.used, document.experiment.data.split, document.parts)
    qtbot.addWidget(dialog)
    assert dialog._result.text().split() == ["●", "13", "◐", "3", "○", "4"]
    assert not dialog._choices.button(2).isEnabled(), "the folders say nothing"
    dialog._train.setValue(50)
    dialog._val.setValue(25)
    assert dialog.split() == RandomSplit(meta_train=0.5, meta_val=0.25, meta_test=0.25)
    dialog._choices.button(1).setChecked(True)
    assert not dialog._take.isEnabled()
    names_file = tmp_path / "train.txt"
    names_file.write_text("class00\nclas01\nnothing\n")
    dialog._lists[0].setText(str(names_file))
    assert len(dialog._problems.problems()) == 2
    assert not dialog._take.isEnabled()
    names_file.write_text("class00\nclass01\n")
    dialog._lists[0].setText(str(names_file) + " ")
    assert dialog._take.isEnabled()
    assert dialog.split() == ListedSplit(meta_train=str(names_file))


def test_a_split_that_is_taken_is_one_step(page: ImagesPage, studio: Studio) -> None:
    page.choose_split()
    dialog = page.findChild(SplitDialog)
    dialog._seed.setValue(11)
    dialog.accept()
    assert studio.project.experiment.data.split == RandomSplit(seed=11)
    studio.undo_stack.undo()
    assert studio.project.experiment.data.split == RandomSplit()


def test_the_more_menu_removes_folders_and_locates_missing_ones(
    qtbot, page: ImagesPage, studio: Studio, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "elsewhere"))
    page._more_menu.aboutToShow.emit()
    locate = next(action for action in page._more_menu.actions() if action.text().startswith("Locate"))
    locate.trigger()
    qtbot.waitUntil(lambda: studio.project.experiment.data.folders == (str(tmp_path / "elsewhere"),))
    qtbot.waitUntil(lambda: not studio.project.is_busy)
    page._more_menu.aboutToShow.emit()
    assert not any(action.text().startswith("Locate") for action in page._more_menu.actions())
    next(action for action in page._more_menu.actions() if action.text().startswith("Remove")).trigger()
    qtbot.waitUntil(lambda: studio.project.experiment.data.folders == ())
    assert page._stack.currentIndex() == 0


def test_another_project_takes_the_page_over(qtbot, page: ImagesPage, studio: Studio, tmp_path: Path) -> None:
    studio.open_project(ProjectDocument(Project.create(tmp_path / "other", name="Other"), studio.undo_stack))
    assert page._stack.currentIndex() == 0
    assert page._subtitle.full_text() == "Other"


def test_unreadable_files_have_a_thumbnail_that_says_why(qtbot, tmp_path: Path) -> None:
    cache = ThumbnailCache()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    good = make_picture(tmp_path / "good.png")
    for path in (broken, good):
        assert cache.get(str(path), 32) is None
    qtbot.waitUntil(lambda: all(cache.get(str(path), 32) for path in (broken, good)))
    assert "0 bytes" in str(cache.get(str(broken), 32).problem)
    assert not cache.get(str(good), 32).pixmap.isNull()
    cache.close()


def test_names_of_any_bytes_can_be_shown() -> None:
    assert printable("a\udcffb\n") == "a\\udcffb\\n"
    assert printable("שלום 🍁") == "שלום 🍁"


def test_what_can_be_pressed_has_a_name_to_be_read_aloud(page: ImagesPage) -> None:
    for kind in (QAbstractButton, QComboBox, QLineEdit, QListView, QSlider, QSpinBox):
        for widget in page.findChildren(kind):
            if widget.isVisible() and widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
                text = widget.text() if isinstance(widget, QAbstractButton) else ""
                assert widget.accessibleName() or text or widget.objectName().startswith("qt_"), widget


def test_normalisation_is_chosen_measured_and_undone(qtbot, page: ImagesPage, studio: Studio) -> None:
    panel = page.seen.preprocessing
    qtbot.waitUntil(lambda: panel._after.pixels is not None)

    def choose(word: str) -> None:
        panel._normalization.setCurrentIndex(panel._normalization.findData(word))
        panel._normalization.activated.emit(panel._normalization.currentIndex())

    choose("symmetric")
    assert studio.project.experiment.data.preprocessing.normalization == "symmetric"
    qtbot.waitUntil(lambda: "numbers from −1 to 1; of this picture " in panel.about.full_text())
    panel._invert.setChecked(True)
    choose("given")
    assert panel.about.full_text() == "Measuring the pictures to learn from…"
    qtbot.waitUntil(lambda: studio.project.experiment.data.preprocessing.normalization == "given")
    measured = studio.project.experiment.data.preprocessing
    mean, deviation = measured.moments
    assert len(mean) == len(deviation) == 3
    assert f"Mean {mean[0]:g}, " in panel._normalization.toolTip()
    panel._invert.setChecked(False)
    assert studio.project.experiment.data.preprocessing.mean == tuple(round(1 - each, 6) for each in mean)
    panel._colour.setCurrentIndex(panel._colour.findData("grey"))
    assert len(studio.project.experiment.data.preprocessing.mean) == 1
    while studio.undo_stack.canUndo():
        studio.undo_stack.undo()
    assert studio.project.experiment.data.preprocessing.normalization == "none"
    assert panel._normalization.currentData() == "none"


def test_what_cannot_be_measured_is_said_and_changes_nothing(qtbot, page: ImagesPage, studio: Studio) -> None:
    panel = page.seen.preprocessing
    for each in studio.project.used.classes:
        for file in each.files:
            Path(file.path).write_bytes(b"no picture any more")
    panel._normalization.setCurrentIndex(panel._normalization.findData("given"))
    panel._normalization.activated.emit(panel._normalization.currentIndex())
    shown: list[Exception] = []
    studio.messages.show_error = shown.append
    qtbot.waitUntil(lambda: panel._normalization.currentData() == "none")
    assert studio.project.experiment.data.preprocessing.normalization == "none"
    [error] = shown
    assert "No picture to learn from can be read" in str(error)


@pytest.fixture
def slow_measuring(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Measuring ends, or looks whether it should, only when this is set."""
    may_end = threading.Event()
    measure = pixel_moments.pixel_moments

    def slow(*arguments: object, **options: object) -> object:
        may_end.wait(20)
        return measure(*arguments, **options)

    monkeypatch.setattr(pixel_moments, "pixel_moments", slow)
    yield may_end
    may_end.set()


def choose_normalisation(page: ImagesPage, word: str) -> None:
    combo = page.seen.preprocessing._normalization
    combo.setCurrentIndex(combo.findData(word))
    combo.activated.emit(combo.currentIndex())


@pytest.mark.parametrize("word", ["none", "imagenet"])
def test_who_chooses_otherwise_while_pictures_are_measured_gets_what_they_chose(
    qtbot, page: ImagesPage, studio: Studio, slow_measuring: threading.Event, word: str
) -> None:
    choose_normalisation(page, "given")
    assert page.seen.preprocessing.about.full_text() == "Measuring the pictures to learn from…"
    choose_normalisation(page, word)
    slow_measuring.set()
    qtbot.wait(300)
    assert studio.project.experiment.data.preprocessing.normalization == word
    assert page.seen.preprocessing._normalization.currentData() == word


def test_undo_while_pictures_are_measured_ends_it_and_can_be_redone(
    qtbot, page: ImagesPage, studio: Studio, slow_measuring: threading.Event
) -> None:
    page.seen.preprocessing._size.setValue(32)
    choose_normalisation(page, "given")
    studio.undo_stack.undo()
    slow_measuring.set()
    qtbot.wait(300)
    assert studio.project.experiment.data.preprocessing == Preprocessing()
    assert studio.undo_stack.canRedo()
    assert page.seen.preprocessing._normalization.currentData() == "none"


def test_other_changes_while_pictures_are_measured_are_measured_too(
    qtbot, page: ImagesPage, studio: Studio, slow_measuring: threading.Event
) -> None:
    choose_normalisation(page, "given")
    page.seen.preprocessing._invert.setChecked(True)
    assert page.seen.preprocessing._normalization.currentData() == "given"
    assert page.seen.preprocessing.about.full_text() == "Measuring the pictures to learn from…"
    slow_measuring.set()
    qtbot.waitUntil(lambda: studio.project.experiment.data.preprocessing.normalization == "given")
    inverted = studio.project.experiment.data.preprocessing
    assert inverted.invert
    state = studio.project.state
    learnt = [each for each in state.used.classes if state.parts[each.name] is Part.META_TRAIN]
    assert inverted.moments == pixel_moments.pixel_moments(learnt, inverted.changed(normalization="none"))
    studio.undo_stack.undo()
    assert studio.project.experiment.data.preprocessing == Preprocessing(invert=True), "a step of its own"


def test_a_page_that_is_shut_down_waits_for_what_is_measured(
    qtbot, page: ImagesPage, slow_measuring: threading.Event
) -> None:
    choose_normalisation(page, "given")
    tasks = page.seen._measuring.findChildren(BackgroundTask)
    threading.Timer(0.3, slow_measuring.set).start()
    page.seen.shut_down()
    assert tasks
    assert all(each.isFinished() for each in tasks)


def test_another_class_is_shown_from_its_top_and_nothing_is_said_of_the_one_before(
    qtbot, page: ImagesPage, studio: Studio
) -> None:
    pictures = page._pictures
    first, second, *_ = [each.name for each in studio.project.used.classes]
    pictures.show_class(first)
    pictures.view.setCurrentIndex(pictures.view.model().index(1))
    assert pictures._about_picture.full_text()
    pictures.show_class(second)
    assert pictures._about_picture.full_text() == ""
    assert pictures.view.verticalScrollBar().value() == 0


def test_a_question_in_a_low_window_takes_the_place_of_what_can_wait(qtbot, page: ImagesPage) -> None:
    page.resize(900, 520)
    assert page.seen.isVisible()
    page._incoming.depth_panel.show()
    page._on_depth_offered(None)
    qtbot.waitUntil(lambda: not page.seen.isVisible())
    page.resize(900, 900)
    assert page.seen.isVisible()
    page.resize(900, 520)
    page._incoming.depth_panel.hide()
    page._on_depth_offered(None)
    qtbot.waitUntil(page.seen.isVisible)
