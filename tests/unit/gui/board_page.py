"""A board of five alphabets, and what tests ask of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from unit.gui.page_studio import make_picture

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.class_column import ClassColumn
from metastudio.gui.widgets.split_board import SplitBoard
from metastudio.runs.project import Project

TRAIN, VAL, TEST = Part


@pytest.fixture
def page(qtbot, studio: Studio, tmp_path: Path) -> Iterator[ImagesPage]:
    """Five alphabets of six characters each, all of one shade but one pixel apart, so that none is a copy."""
    for place, alphabet in enumerate(("Greek", "Latin", "Ogham", "Runes", "Tifinagh")):
        for number in range(6):
            for picture in range(2):
                path = tmp_path / "set" / alphabet / f"character{number:02}" / f"{picture}.png"
                make_picture(path, shade=8 * (6 * place + number) + picture)
    draft = ExperimentConfig()
    data = draft.data.model_copy(update={"folders": (str(tmp_path / "set"),)})
    project = Project.create(tmp_path / "project", name="Test", draft=draft.model_copy(update={"data": data}))
    studio.open_project(ProjectDocument(project, studio.undo_stack))
    qtbot.waitUntil(lambda: bool(studio.project.index.classes) and not studio.project.is_busy)
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    made.activateWindow()
    qtbot.waitExposed(made)
    yield made
    made.shut_down()


@pytest.fixture
def board(page: ImagesPage) -> SplitBoard:
    return page._board


def column(board: SplitBoard, part: Part | None) -> ClassColumn:
    return next(each for each in board.columns if each.part is part)


def names(board: SplitBoard, part: Part | None) -> list[str]:
    return [name for row in column(board, part).view.rows_model.rows() for name in row.names]


def selected(board: SplitBoard) -> dict[Part | None, tuple[str, ...]]:
    return {each.part: own for each in board.columns if (own := each.view.selected_names())}


def click(board: SplitBoard, part: Part, row: int, keys: Qt.KeyboardModifier) -> None:
    view = column(board, part).view
    place = view.visualRect(view.model().index(row, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, keys, place)
