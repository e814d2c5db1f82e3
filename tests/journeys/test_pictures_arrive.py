"""Pictures arrive in the real window in every way that there is, each as one step, and all of it is taken back."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from journeys.person import click, dragged, drop_files, open_page
from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice, QMimeData, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot
from unit.gui.drops import files_mime, text_mime, url_mime

from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.main_window import MainWindow
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.images.sample_glyphs import make_sample_glyphs

pytestmark = pytest.mark.timeout(300)
SOON_MS = 60_000
CTRL = Qt.KeyboardModifier.ControlModifier
Photograph = Callable[[str], None]


@pytest.fixture
def page(window: MainWindow) -> ImagesPage:
    window.resize(1280, 800)
    return open_page(window, "images")


@pytest.fixture
def document(window: MainWindow) -> ProjectDocument:
    return window.studio.project


@pytest.fixture
def photograph(window: MainWindow, qtbot: QtBot) -> Photograph:
    """Keep a picture of the window where METASTUDIO_PHOTOGRAPHS names a folder, for somebody to look at."""
    folder = os.environ.get("METASTUDIO_PHOTOGRAPHS")

    def take(name: str) -> None:
        for mode in ("dark", "light") if folder else ():
            window.studio.appearance.set_mode(mode)
            qtbot.wait(400)
            window.grab().save(str(Path(folder) / f"{name} {mode}.png"))

    return take


def settle(page: ImagesPage, document: ProjectDocument, qtbot: QtBot, classes: int) -> None:
    qtbot.waitUntil(
        lambda: len(document.index.classes) == classes and not document.is_busy and not page._incoming.is_busy,
        timeout=SOON_MS,
    )


def hint_of(page: ImagesPage) -> str:
    """Return what the window says will happen, without the marks that keep names apart."""
    assert page._drop_hint.isVisible()
    return page._drop_hint.text().replace("\u2068", "").replace("\u2069", "")


def words_in_sight(window: MainWindow) -> list[str]:
    return [each.text() for each in window.findChildren(QLabel) if each.isVisible()]


def green(side: int = 40) -> QImage:
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(QColor(20, 160, 60))
    return image


def raw_mime() -> QMimeData:
    """A picture as bytes and no file, as some programs hand it over."""
    buffer, mime = QBuffer(), QMimeData()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    green(48).save(buffer, "PNG")
    mime.setData("image/png", buffer.data())
    return mime


def browser_mime() -> QMimeData:
    """A picture dragged out of a browser: its address, and its pixels."""
    mime = url_mime("https://example.org/leaf.png")
    mime.setImageData(green())
    return mime


def test_every_kind_of_drop_is_announced_taken_as_one_step_and_taken_back(
    window: MainWindow,
    page: ImagesPage,
    document: ProjectDocument,
    qtbot: QtBot,
    tmp_path: Path,
    photograph: Photograph,
) -> None:
    stack, place = window.studio.undo_stack, page._stack
    make_sample_glyphs(tmp_path / "alphabets", seed=3, alphabets=3, characters=4, drawers=6)
    photograph("1 nothing yet")

    # a folder of folders of folders: seen before it is taken
    with dragged(place.currentWidget(), files_mime([tmp_path / "alphabets"])):
        assert hint_of(page) == "1 folder → its classes"
        photograph("2 a folder above the window")
    assert not page._drop_hint.isVisible()
    qtbot.waitUntil(page._incoming.depth_panel.isVisible, timeout=SOON_MS)
    photograph("3 what is a class")
    click(page._incoming.depth_panel.take_button)
    settle(page, document, qtbot, 12)
    photograph("4 classes")

    # an archive
    make_sample_glyphs(tmp_path / "more", seed=4, alphabets=1, characters=2, drawers=5)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        for each in sorted((tmp_path / "more").rglob("*.png")):
            archive.write(each, f"{each.parent.name}/{each.name}")
    with dragged(page._board, files_mime([tmp_path / "more.zip"])):
        assert hint_of(page) == "1 archive → unpacked into the project"
    settle(page, document, qtbot, 14)

    # a list, with a row that is wrong
    for number in range(3):
        (tmp_path / "listed").mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), (60 * number, 90, 200)).save(tmp_path / "listed" / f"{number}.png")
    (tmp_path / "listed" / "labels.csv").write_text("file,class\n0.png,blue\n1.png,blue\n2.png,violet\n7.png,blue\n")
    with dragged(page._board, files_mime([tmp_path / "listed" / "labels.csv"])):
        assert hint_of(page) == "1 list → the classes in its rows"
    settle(page, document, qtbot, 16)
    qtbot.waitUntil(lambda: any("labels.csv:5" in each.where for each in page.health.tree.problems()), timeout=SOON_MS)

    # single pictures, pixels from a browser, bytes, the clipboard
    loose = [tmp_path / "garden" / f"{number}.png" for number in range(2)]
    for number, each in enumerate(loose):
        each.parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), (200, 80 * number, 20)).save(each)
    with dragged(page._board, files_mime(loose)):
        assert hint_of(page) == "2 pictures → new class garden"
    settle(page, document, qtbot, 17)
    page._pictures.show_class("garden")
    QApplication.processEvents()
    for mime, count in ((browser_mime(), 3), (raw_mime(), 4)):
        with dragged(page._pictures.view.viewport(), mime):
            assert hint_of(page) == "1 picture → garden"
        qtbot.waitUntil(
            lambda count=count: len(document.index.by_name("garden").files) == count and not page._incoming.is_busy,
            timeout=SOON_MS,
        )
    settle(page, document, qtbot, 17)
    QGuiApplication.clipboard().setImage(QImage(24, 24, QImage.Format.Format_RGB32))
    window.activateWindow()
    page._pictures.view.setFocus()
    qtbot.waitUntil(page._pictures.view.hasFocus, timeout=SOON_MS)
    QTest.keyClick(page._pictures.view, Qt.Key.Key_V, CTRL)
    qtbot.waitUntil(lambda: len(document.index.by_name("garden").files) == 5, timeout=SOON_MS)
    settle(page, document, qtbot, 17)
    photograph("5 pictures of a class")

    # an address alone is refused by name, and nothing is fetched; words are no pictures
    steps = stack.count()
    assert steps == 7, "each of them is one step"
    with dragged(page._board, url_mime("https://example.org/cat.png")):
        assert hint_of(page) == "Nothing is fetched from the network"
        photograph("6 an address above the window")
    qtbot.waitUntil(lambda: any("example.org/cat.png" in each for each in words_in_sight(window)), timeout=SOON_MS)
    photograph("7 refused")
    with pytest.raises(AssertionError, match="takes this"), dragged(page._board, text_mime("words")):
        pass
    assert stack.count() == steps

    # all of it back, while another page is in front, and forth again
    open_page(window, "tasks")
    for _ in range(steps):
        stack.undo()
    assert not document.index.classes
    assert not document.experiment.data.folders
    for _ in range(steps):
        stack.redo()
    settle(page, document, qtbot, 17)
    assert all(each.is_file() for each in loose), "no file of the person's was touched"
    open_page(window, "images")
    photograph("8 there again")


def test_a_problem_leads_to_its_pictures_and_is_cured_by_a_click(
    window: MainWindow,
    page: ImagesPage,
    document: ProjectDocument,
    qtbot: QtBot,
    tmp_path: Path,
    photograph: Photograph,
) -> None:
    make_sample_glyphs(tmp_path / "set", seed=5, alphabets=1, characters=6, drawers=6)
    (alphabet,) = (tmp_path / "set").iterdir()
    folders = sorted(alphabet.iterdir())
    copied = sorted(folders[0].iterdir())[0]
    for each in folders:  # some of them lie in one part of the split, some on its two sides
        (each / "the same.png").write_bytes(copied.read_bytes())
    (folders[0] / "broken.png").write_bytes(copied.read_bytes()[:60])
    before = {each: each.stat().st_mtime_ns for each in alphabet.rglob("*.png")}
    drop_files(page._stack.currentWidget(), [alphabet])
    settle(page, document, qtbot, 6)

    qtbot.waitUntil(lambda: {"duplicate-across-parts", "unreadable"} <= codes(page), timeout=SOON_MS)
    for code in ("duplicate-across-parts", "unreadable"):
        choose_problem(page, code)
        qtbot.waitUntil(lambda: bool(cures(page)), timeout=SOON_MS)
        photograph(f"9 {code}")
        click(cures(page)[0])
        qtbot.waitUntil(lambda code=code: code not in codes(page), timeout=SOON_MS)
    assert page.health.left_out.isVisible(), "and there is a way back"
    assert window.studio.undo_stack.count() == 3
    assert {each: each.stat().st_mtime_ns for each in alphabet.rglob("*.png")} == before
    photograph("10 cured")


def codes(page: ImagesPage) -> set[str]:
    return {each.code for each in page.health.tree.problems()}


def choose_problem(page: ImagesPage, code: str) -> None:
    """Click the first row of a kind."""
    tree = page.health.tree
    for row in range(tree.topLevelItemCount()):
        item = tree.topLevelItem(row)
        tree.scrollToItem(item)
        QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(item).center())
        if any(each.code == code for each in tree.chosen()):
            return
    raise AssertionError(f"{code} is not listed")


def cures(page: ImagesPage) -> list[QPushButton]:
    return [each for each in page.health.cures.findChildren(QPushButton) if each.isVisible()]
