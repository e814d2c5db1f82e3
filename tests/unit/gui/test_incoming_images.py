"""What comes into the Images page: archives, lists, loose pictures, pixels; said before, one step each, undone."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QPushButton
from unit.gui.drops import drag_over, drop_on, files_mime, url_mime
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.data_spec import FolderSplit, Layout, ListedSplit, Part, RandomSplit
from metastudio.gui.documents import image_intake
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.image_drop import drop_hint
from metastudio.gui.widgets.toast import Toast
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
    made.resize(1100, 700)
    made.show()
    yield made
    made.shut_down()


def zipped(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for each in sorted(folder.rglob("*.png")):
            made.write(each, each.relative_to(folder))
    return path


def shown(page: ImagesPage, mime: QMimeData) -> str:
    """Return what the hint says of a drag, without the marks that keep names apart."""
    drag_over(page, mime)
    return page._drop_hint.text().replace("\u2068", "").replace("\u2069", "")


def classes(studio: Studio) -> dict[str, int]:
    return {each.name: len(each.files) for each in studio.project.index.classes}


def settled(studio: Studio, page: ImagesPage) -> bool:
    return not studio.project.is_busy and not page._incoming.is_busy


def drop_over_class(page: ImagesPage, mime: QMimeData) -> str:
    """Drop on the pictures of the opened class, and return what the hint said there."""
    place = page._pictures.mapTo(page, page._pictures.rect().center())
    actions, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    page.dragEnterEvent(QDragEnterEvent(QPoint(500, 5), actions, mime, left, plain))
    before = page._drop_hint.text()
    page.dragMoveEvent(QDragMoveEvent(place, actions, mime, left, plain))
    hint = page._drop_hint.text()
    assert hint != before, "another place, another word"
    page.dropEvent(QDropEvent(QPointF(place), actions, mime, left, plain))
    return hint.replace("\u2068", "").replace("\u2069", "")


def png_bytes(shade: int = 90) -> bytes:
    image = QImage(24, 24, QImage.Format.Format_RGB32)
    image.fill(QColor(shade, 20, 20))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())


def test_a_dropped_zip_is_unpacked_into_the_project_as_one_step(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path, toasts: list[Toast]
) -> None:
    archive = zipped(tmp_path / "leaves.zip", make_classes(tmp_path / "leaves", classes=4))
    with zipfile.ZipFile(archive, "a") as made:
        made.writestr(".DS_Store", "x")
    assert shown(empty_page, files_mime([archive])) == "1 archive → unpacked into the project"

    assert drop_on(empty_page, files_mime([archive]))
    assert not studio.project.index.classes, "a drop returns at once"
    qtbot.waitUntil(lambda: len(classes(studio)) == 4 and settled(studio, empty_page))

    assert studio.project.experiment.data.folders == (str(studio.project.folder / "images" / "leaves"),)
    assert studio.undo_stack.count() == 1
    assert studio.undo_stack.undoText() == "Add leaves"
    assert "1 hidden file or" in toasts[0].text
    studio.undo_stack.undo()
    assert not studio.project.experiment.data.folders
    studio.undo_stack.redo()
    assert len(classes(studio)) == 4


def test_a_refused_archive_says_all_its_reasons_and_the_others_go_on(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path, toasts: list[Toast]
) -> None:
    good = zipped(tmp_path / "good.zip", make_classes(tmp_path / "leaves", classes=3))
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as made:
        made.writestr("../evil.png", "x")
        made.writestr("/evil.png", "x")

    drop_on(empty_page, files_mime([tmp_path / "evil.zip", good]))
    qtbot.waitUntil(lambda: len(classes(studio)) == 3 and settled(studio, empty_page))

    (refused,) = toasts
    assert refused.severity == "error"
    assert "evil.zip" in refused.text
    assert "'..'" in refused.text
    assert "Absolute" in refused.text
    assert refused.action_text == "Details"
    assert sorted(each.name for each in (studio.project.folder / "images").iterdir()) == ["good"]


def test_folders_and_archives_of_one_drop_are_one_step(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    archive = zipped(tmp_path / "more.zip", make_classes(tmp_path / "more", classes=2))
    folder = make_classes(tmp_path / "images", classes=4)

    drop_on(empty_page, files_mime([archive, folder]))
    qtbot.waitUntil(lambda: len(classes(studio)) == 4 and settled(studio, empty_page))

    assert classes(studio) == {"class00": 8, "class01": 8, "class02": 4, "class03": 4}
    assert studio.undo_stack.count() == 1


def test_unpacking_can_be_cancelled_and_leaves_nothing(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = image_intake.unpack_into

    def slow(*arguments, on_progress, should_stop):
        def wait_to_stop() -> bool:
            on_progress(7, 10)
            while not should_stop():
                time.sleep(0.005)
            return True

        return real(*arguments, on_progress=on_progress, should_stop=wait_to_stop)

    monkeypatch.setattr(image_intake, "unpack_into", slow)
    drop_on(empty_page, files_mime([zipped(tmp_path / "a.zip", make_classes(tmp_path / "leaves", classes=2))]))
    qtbot.waitUntil(empty_page._unpacking.isVisible)
    assert empty_page._unpacking._text.full_text() == "Unpacking… 7 of 10"
    empty_page._unpacking.cancel_wanted.emit()
    assert settled(studio, empty_page)
    assert not empty_page._unpacking.isVisible()
    assert empty_page._stack.currentIndex() == 0
    assert not (studio.project.folder / "images").exists()
    assert studio.undo_stack.count() == 0


def test_a_dropped_list_brings_its_classes_and_its_parts(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    for number in range(4):
        make_picture(tmp_path / "set" / f"{number}.png", 40 * number)
    made = tmp_path / "set" / "labels.csv"
    made.write_text("filename,label,split\n0.png,a,train\n1.png,b,train\n2.png,c,val\n3.png,d,test\n9.png,d,test\n")
    assert shown(empty_page, files_mime([made])) == "1 list → the classes in its rows"

    drop_on(empty_page, files_mime([made]))
    qtbot.waitUntil(lambda: len(classes(studio)) == 4 and settled(studio, empty_page))

    assert studio.project.index.layout is Layout.CSV_LIST
    assert studio.project.experiment.data.split == FolderSplit()
    assert studio.project.parts == {
        "a": Part.META_TRAIN,
        "b": Part.META_TRAIN,
        "c": Part.META_VAL,
        "d": Part.META_TEST,
    }
    assert any("labels.csv:6" in each.where for each in empty_page.health.tree.problems())
    studio.undo_stack.undo()
    assert not classes(studio)


def test_a_list_that_is_gone_is_asked_for(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_picture(tmp_path / "set" / "0.png")
    (tmp_path / "set" / "x.csv").write_text("file,class\n0.png,a\n")
    studio.project.add_folders([str(tmp_path / "set" / "x.csv")])
    qtbot.waitUntil(lambda: bool(classes(studio)) and settled(studio, empty_page))
    (tmp_path / "set").rename(tmp_path / "moved")
    found = str(tmp_path / "moved" / "x.csv")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (found, ""))

    empty_page._more_menu.aboutToShow.emit()
    next(action for action in empty_page._more_menu.actions() if action.text().startswith("Locate")).trigger()

    qtbot.waitUntil(lambda: studio.project.experiment.data.folders == (found,))
    qtbot.waitUntil(lambda: settled(studio, empty_page))


def test_lists_called_like_parts_become_the_split_as_one_step(
    qtbot, page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "train.txt").write_text("class00\nclass01\n")
    (tmp_path / "val.json").write_text('["class02"]')
    lists = [tmp_path / "train.txt", tmp_path / "val.json"]
    assert shown(page, files_mime(lists)) == "2 lists → the classes of meta-train, meta-val"

    drop_on(page, files_mime(lists))
    qtbot.waitUntil(lambda: isinstance(studio.project.experiment.data.split, ListedSplit))
    assert studio.project.parts == {
        "class00": Part.META_TRAIN,
        "class01": Part.META_TRAIN,
        "class02": Part.META_VAL,
    }
    assert studio.undo_stack.count() == 1

    (tmp_path / "test.txt").write_text("class05\n")
    drop_on(page, files_mime([tmp_path / "test.txt"]))
    qtbot.waitUntil(lambda: studio.project.parts.get("class05") is Part.META_TEST)
    assert studio.project.parts["class00"] is Part.META_TRAIN, "the other lists stay"
    studio.undo_stack.undo()
    studio.undo_stack.undo()
    assert studio.project.experiment.data.split == RandomSplit()


def test_lists_that_do_not_fit_change_nothing_and_say_why(
    qtbot, page: ImagesPage, studio: Studio, tmp_path: Path, toasts: list[Toast]
) -> None:
    (tmp_path / "train.txt").write_text("class00\nclas01\n")

    drop_on(page, files_mime([tmp_path / "train.txt"]))
    qtbot.waitUntil(lambda: bool(toasts))

    assert "clas01" in toasts[0].text
    assert studio.project.experiment.data.split == RandomSplit()
    assert studio.undo_stack.count() == 0


def test_lists_without_classes_are_told_to_wait(
    qtbot, empty_page: ImagesPage, tmp_path: Path, toasts: list[Toast]
) -> None:
    (tmp_path / "train.txt").write_text("class00\n")

    drop_on(empty_page, files_mime([tmp_path / "train.txt"]))
    qtbot.waitUntil(lambda: bool(toasts))

    assert "no classes yet" in toasts[0].text


def test_loose_pictures_become_a_class_called_like_their_folder(
    qtbot, page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    loose = [make_picture(tmp_path / "my photos" / f"{number}.png", 9 * number) for number in range(3)]
    assert shown(page, files_mime(loose)) == "3 pictures → new class my photos"

    drop_on(page, files_mime(loose))
    qtbot.waitUntil(lambda: "my photos" in classes(studio) and settled(studio, page))

    assert classes(studio)["my photos"] == 3
    copies = [Path(file.path) for file in studio.project.index.by_name("my photos").files]
    assert {each.parent for each in copies} == {studio.project.folder / "images" / "my photos"}
    assert studio.undo_stack.undoText() == "Add 3 pictures to my photos"
    assert shown(page, files_mime(loose[:1])) == "1 picture → my photos", "it is there now"
    studio.undo_stack.undo()
    assert "my photos" not in classes(studio)
    assert all(each.exists() for each in loose), "no file of the person's is touched"


def test_pictures_of_several_folders_become_several_classes(
    qtbot, page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    loose = [make_picture(tmp_path / name / "1.png", shade) for name, shade in (("oak", 1), ("elm", 2))]
    assert shown(page, files_mime(loose)) == "2 pictures → 2 classes"

    drop_on(page, files_mime(loose))
    qtbot.waitUntil(lambda: {"oak", "elm"} <= classes(studio).keys() and settled(studio, page))

    assert studio.undo_stack.count() == 1


def test_pictures_dropped_on_the_opened_class_join_it(qtbot, page: ImagesPage, studio: Studio, tmp_path: Path) -> None:
    page._pictures.show_class("class03")
    loose = [make_picture(tmp_path / "photos" / f"{number}.png", 7 * number) for number in range(2)]

    assert drop_over_class(page, files_mime(loose)) == "2 pictures → class03"
    qtbot.waitUntil(lambda: classes(studio)["class03"] == 6 and settled(studio, page))

    assert studio.undo_stack.undoText() == "Add 2 pictures to class03"
    studio.undo_stack.undo()
    assert classes(studio)["class03"] == 4


def test_pixels_from_a_browser_are_kept_in_the_project_and_its_address_is_not_fetched(
    qtbot, page: ImagesPage, studio: Studio, toasts: list[Toast]
) -> None:
    mime = url_mime("https://example.org/cat.png")
    image = QImage(30, 30, QImage.Format.Format_RGB32)
    image.fill(QColor(10, 200, 30))
    mime.setImageData(image)
    page._pictures.show_class("class01")

    assert drop_over_class(page, mime) == "1 picture → class01"
    qtbot.waitUntil(lambda: classes(studio)["class01"] == 5 and settled(studio, page))

    kept = [Path(each.path) for each in studio.project.index.by_name("class01").files]
    (own,) = [each for each in kept if each.is_relative_to(studio.project.folder)]
    assert Image.open(own).getpixel((3, 3))[:3] == (10, 200, 30)
    assert toasts == []


def test_raw_bytes_of_a_picture_are_taken_and_an_address_alone_is_refused(
    qtbot, page: ImagesPage, studio: Studio, toasts: list[Toast]
) -> None:
    mime = QMimeData()
    mime.setData("image/png", png_bytes())
    assert shown(page, mime) == "1 picture → new class pictures"
    drop_on(page, mime)
    qtbot.waitUntil(lambda: classes(studio).get("pictures") == 1 and settled(studio, page))

    assert shown(page, url_mime("https://example.org/cat.png")) == "Nothing is fetched from the network"
    drop_on(page, url_mime("https://example.org/cat.png", "data:image/png;base64,xyz"))
    qtbot.waitUntil(lambda: bool(toasts))
    assert "https://example.org/cat.png" in toasts[0].text
    assert "data:image/png" in toasts[0].text
    assert studio.undo_stack.count() == 1


def test_bytes_that_are_no_picture_are_dropped_without_harm(qtbot, page: ImagesPage, studio: Studio) -> None:
    mime = QMimeData()
    mime.setData("image/png", b"no picture")

    drop_on(page, mime)
    qtbot.wait(50)

    assert settled(studio, page)
    assert studio.undo_stack.count() == 0


def test_pictures_are_pasted_into_a_new_class_or_the_one_with_the_keyboard(
    qtbot, page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    page.activateWindow()
    clipboard = QGuiApplication.clipboard()
    clipboard.setMimeData(files_mime([make_picture(tmp_path / "photos" / "1.png", 3)]))
    page._board.columns[0].view.setFocus()
    QTest.keyClick(page._board.columns[0].view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: classes(studio).get("photos") == 1 and settled(studio, page))

    page._pictures.show_class("class02")
    page._pictures.view.setFocus()
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    image.fill(QColor(1, 2, 3))
    clipboard.setImage(image)
    QTest.keyClick(page._pictures.view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: classes(studio)["class02"] == 5 and settled(studio, page))

    clipboard.setText("words")
    page.paste()
    assert settled(studio, page)


def test_files_can_be_chosen_too(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(tmp_path / "leaves.zip", make_classes(tmp_path / "leaves", classes=2))
    asked: list[str] = []

    def choose(_owner, _title, _folder, kinds):
        asked.append(kinds)
        return [str(archive)], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileNames", choose)
    button = next(each for each in empty_page._stack.findChildren(QPushButton) if each.text() == "Add files…")
    button.click()
    qtbot.waitUntil(lambda: len(classes(studio)) == 2 and settled(studio, empty_page))
    assert "*.tar.gz" in asked[0]
    assert "*.csv" in asked[0]


def test_another_project_does_not_get_what_was_dropped_on_the_one_before(
    qtbot, empty_page: ImagesPage, studio: Studio, tmp_path: Path
) -> None:
    archive = zipped(tmp_path / "leaves.zip", make_classes(tmp_path / "leaves", classes=2))
    empty_page._incoming.take(files_mime([archive]))
    studio.open_project(ProjectDocument(Project.create(tmp_path / "other", name="Other"), studio.undo_stack))
    qtbot.wait(100)
    assert settled(studio, empty_page)
    assert not classes(studio)


def test_a_hint_on_thousands_of_files_takes_a_moment(qtbot, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(f"/nowhere/{number}.png") for number in range(5000)])

    assert "5,000 pictures" in drop_hint(mime)
