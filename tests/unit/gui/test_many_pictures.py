"""What keeps the window fluid with very many pictures: nothing waits, nothing is done twice, nothing unseen is made."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QPixmap, QUndoStack
from PySide6.QtWidgets import QApplication, QMenu
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.data_spec import Part
from metastudio.errors import Severity, problem
from metastudio.gui import commands
from metastudio.gui.documents import folder_scan
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.models import thumbnail_cache
from metastudio.gui.models.thumbnail_cache import ThumbnailCache
from metastudio.gui.models.thumbnail_model import PATH_ROLE
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets import split_board, thumbnail_view
from metastudio.gui.widgets.class_column import ClassColumn
from metastudio.gui.widgets.problem_tree import ProblemTree
from metastudio.gui.widgets.thumbnail_view import PictureView
from metastudio.images.image_index import ImageIndex
from metastudio.runs.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "project")
    folder = str(make_classes(tmp_path / "images", classes=6))
    made.draft = made.draft.model_copy(update={"data": made.draft.data.model_copy(update={"folders": (folder,)})})
    return made


def opened(project: Project) -> ProjectDocument:
    return ProjectDocument(project, QUndoStack())


def is_ready(document: ProjectDocument) -> bool:
    return bool(document.index.classes) and not document.is_busy


class HeldUp:
    """Stands in the way of every scan until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate, real = threading.Event(), folder_scan.scan
        monkeypatch.setattr(folder_scan, "scan", lambda *each, **named: (self.gate.wait(20), real(*each, **named))[1])


# opening again


def test_the_second_opening_shows_the_classes_before_it_looks_at_the_folders(
    qtbot, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(project)
    qtbot.waitUntil(lambda: is_ready(first))
    first.close()
    held = HeldUp(monkeypatch)
    again = opened(project)
    shown: list[ImageIndex] = []
    again.index_changed.connect(lambda: shown.append(again.index))
    qtbot.waitUntil(lambda: bool(shown))
    assert again.is_busy
    assert again.index == first.index
    commands.move_classes(again, names=["class01"], part=Part.META_TEST)
    held.gate.set()
    qtbot.waitUntil(lambda: is_ready(again))
    assert again.parts["class01"] is Part.META_TEST
    assert len(shown) == 1, "where nothing has changed nothing is shown anew"
    again.close()


def test_what_changed_since_the_last_opening_is_shown_after_the_look(
    qtbot, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(project)
    qtbot.waitUntil(lambda: is_ready(first))
    first.close()
    make_picture(tmp_path / "images" / "class99" / "new.png", 7)
    held = HeldUp(monkeypatch)
    again = opened(project)
    qtbot.waitUntil(lambda: len(again.index.classes) == 6)
    held.gate.set()
    qtbot.waitUntil(lambda: len(again.index.classes) == 7 and not again.is_busy)
    again.close()


def test_pictures_are_seen_while_the_scan_goes_on(
    qtbot, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, real = threading.Event(), folder_scan.keep_index
    monkeypatch.setattr(folder_scan, "keep_index", lambda *each: (gate.wait(20), real(*each)))
    studio.open_project(ProjectDocument(Project.create(tmp_path / "empty"), studio.undo_stack))
    page = ImagesPage(studio)
    qtbot.addWidget(page)
    page.show()
    studio.project.add_folders([str(make_classes(tmp_path / "images", classes=5))])
    qtbot.waitUntil(lambda: bool(page._pictures.view.paths()))
    assert not studio.project.index.classes
    assert page._pictures.heading.text() == "Found so far"
    assert page._pictures.view.paths()[0].endswith("class00/0.png")
    gate.set()
    qtbot.waitUntil(lambda: is_ready(studio.project))
    assert page._pictures.heading.text() == "class00"
    page.shut_down()


# cancelling


def test_cancelling_does_not_wait_for_the_work_to_end(qtbot, project: Project) -> None:
    document = opened(project)
    qtbot.waitUntil(lambda: is_ready(document))
    gate = threading.Event()
    document._begin("check", lambda _tell, _stop: gate.wait(20), lambda _result: None)
    task = document._task
    document.cancel_work()
    assert not document.is_busy
    assert task.isRunning(), "it had no chance to end yet"
    gate.set()
    qtbot.waitUntil(lambda: not document.findChildren(BackgroundTask))
    document.close()


def test_a_document_closes_only_when_what_was_cancelled_has_ended(qtbot, project: Project) -> None:
    document = opened(project)
    qtbot.waitUntil(lambda: is_ready(document))
    ended = threading.Event()

    def work(_tell: object, stop) -> None:
        while not stop():
            pass
        threading.Event().wait(0.2)
        ended.set()

    document._begin("check", work, lambda _result: None)
    document.cancel_work()
    document.close()
    assert ended.is_set()


# the board and the list of problems


def test_classes_are_listed_once_for_one_change(
    qtbot, studio: Studio, document: ProjectDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ImagesPage(studio)
    qtbot.addWidget(page)
    page.show()
    calls: list[object] = []
    real = split_board.rows_of
    monkeypatch.setattr(split_board, "rows_of", lambda *each, **named: (calls.append(1), real(*each, **named))[1])
    commands.move_classes(document, names=[document.used.classes[0].name], part=Part.META_TEST)
    assert len(calls) == 1
    page._board.show_classes()
    assert len(calls) == 1, "nothing has changed since"
    page._board.search.setText("class1")
    assert len(calls) == 2
    page.shut_down()


def test_many_classes_are_selected_in_one_go(qtbot, studio: Studio, document: ProjectDocument) -> None:
    page = ImagesPage(studio)
    qtbot.addWidget(page)
    page.show()
    column: ClassColumn = page._board.columns[0]
    changes: list[object] = []
    column.view.selectionModel().selectionChanged.connect(lambda *_: changes.append(1))
    names = tuple(row.name for row in column.view.rows_model.rows())
    wanted = (*names[:4], *names[6:])
    column.select(wanted)
    assert column.view.selected_names() == wanted
    assert len(changes) <= 2
    page.shut_down()


def test_rows_of_a_large_kind_of_problems_are_made_when_it_is_opened(qtbot) -> None:
    many = [
        problem("unreadable", "truncated", where=f"/pictures/{number}.png", severity=Severity.WARNING)
        for number in range(5000)
    ]
    tree = ProblemTree()
    qtbot.addWidget(tree)
    tree.show()
    tree.set_problems(many)
    top = tree.topLevelItem(0)
    assert top.childCount() == 0
    assert top.text(0) == "5,000 unreadable"
    top.setExpanded(True)
    assert top.childCount() == 2001
    assert top.child(2000).text(0) == "and 3,000 more"
    assert "3.png" in top.child(3).toolTip(0)
    top.setExpanded(False)
    top.setExpanded(True)
    assert top.childCount() == 2001, "they are made once"
    tree.set_problems(many[:4000])
    assert tree.topLevelItem(0).childCount() == 2001, "what was open stays open"


# thumbnails


def test_a_problem_alone_is_not_said_twice_when_it_is_clicked(qtbot) -> None:
    tree = ProblemTree()
    qtbot.addWidget(tree)
    tree.set_problems([problem("unreadable", "0 bytes", where="/images/a.png")])
    top = tree.topLevelItem(0)

    tree.itemClicked.emit(top, 0)

    assert top.childCount() == 0


def test_a_thumbnail_is_painted_once_for_many_repaints(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[QPixmap] = []
    real = thumbnail_view._paint_rounded
    monkeypatch.setattr(thumbnail_view, "_paint_rounded", lambda *each: (painted.append(each[2]), real(*each)))
    cache = ThumbnailCache()
    view = PictureView(thumbnails=cache)
    qtbot.addWidget(view)
    view.set_paths([str(make_picture(tmp_path / f"{number}.png", number)) for number in range(3)])
    view.show()
    qtbot.waitUntil(lambda: len(painted) == 3)
    for _ in range(4):
        view.grab()
    assert len(painted) == 3
    cache.close()


def test_a_thumbnail_that_arrives_repaints_only_where_it_is_seen(qtbot, tmp_path: Path) -> None:
    cache = ThumbnailCache()
    view = PictureView(thumbnails=cache)
    qtbot.addWidget(view)
    view.resize(250, 200)
    paths = [str(make_picture(tmp_path / f"{number}.png", number % 256)) for number in range(300)]
    view.set_paths(paths)
    view.show()
    bar = view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum() // 2 + 11)
    qtbot.waitUntil(lambda: not cache._wanted)
    QApplication.processEvents()
    seen = [
        path
        for row, path in enumerate(paths)
        if view.visualRect(view.model().index(row)).intersects(view.viewport().rect())
    ]
    assert 3 < len(seen) < 30
    painted: list[str] = []
    delegate = view.itemDelegate()
    real = delegate.paint
    delegate.paint = lambda painter, option, index: (
        painted.append(index.data(PATH_ROLE)),
        real(painter, option, index),
    )
    cache.loaded.emit(frozenset([paths[0], paths[-1]]))
    QApplication.processEvents()
    assert not painted
    for path in (seen[0], seen[-1]):
        cache.loaded.emit(frozenset([path]))
        QApplication.processEvents()
        assert path in painted
    cache.close()


def test_thumbnails_in_memory_are_bounded_and_counted(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnail_cache, "MOST_BYTES", 5 * 28 * 28 * 4)
    cache = ThumbnailCache()
    paths = [str(make_picture(tmp_path / f"{number}.png", number)) for number in range(12)]
    for path in paths:
        cache.get(path, 32)
    qtbot.waitUntil(lambda: not cache._wanted)
    assert cache.size_bytes == 5 * 28 * 28 * 4
    assert len(cache._kept) == 5
    cache.forget()
    assert cache.size_bytes == 0
    cache.close()


def test_the_menu_says_what_pictures_take_and_empties_the_cache(
    qtbot, studio: Studio, document: ProjectDocument, toasts: list
) -> None:
    from metastudio import paths

    qtbot.waitUntil(lambda: not document.is_busy)
    page = ImagesPage(studio)
    qtbot.addWidget(page)
    page.show()
    menu: QMenu = page._more_menu
    menu.popup(page.mapToGlobal(QPoint(0, 0)))
    texts = {action.text(): action for action in menu.actions()}
    memory = next(text for text in texts if "of memory" in text)
    assert "of at most 168 MB" in memory
    assert any("on the disk" in text for text in texts)
    assert list((paths.cache_folder() / "stores").iterdir())
    texts["Empty the cache"].trigger()
    menu.hide()
    qtbot.waitUntil(lambda: any("cache is empty" in toast.text for toast in toasts))
    assert not (paths.cache_folder() / "stores").exists()
    page.shut_down()
