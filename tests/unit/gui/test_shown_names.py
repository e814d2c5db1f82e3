"""Names as they are shown: classes of one short name are told apart by the part of their paths that differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QFontMetrics
from unit.gui.page_studio import make_classes

from metastudio.gui import theme
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.models.class_model import ClassRow, rows_of
from metastudio.gui.models.shown_name import groups_told_apart
from metastudio.gui.pages.tasks_page import TasksPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.class_column import ClassColumn, _RowDelegate
from metastudio.gui.widgets.labels import elided_class_name
from metastudio.images.image_folder import scan
from metastudio.runs.project import Project


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["oak", "beech"], ["", ""]),
        (["trees/oak", "trees/beech"], ["trees", "trees"]),
        (["all/A/c1", "all/B/c1", "all/B/c2"], ["A", "B", "B"]),
        (["A/ink/c1", "B/ink/c1"], ["A", "B"]),
        (["A/x/ink/c1", "A/y/z/ink/c1"], ["x", "y/z"]),
        (["c1", "A/c1"], ["", "A"]),
        (["A/\udcff/c1", "A/b/c1"], ["\\udcff", "b"]),
    ],
)
def test_the_group_is_what_differs(names: list[str], groups: list[str]) -> None:
    assert groups_told_apart(names) == dict(zip(names, groups, strict=True))


def test_rows_of_classes_that_are_called_alike_differ(tmp_path: Path) -> None:
    for alphabet in ("Ahom", "Oriya"):
        make_classes(tmp_path / alphabet, classes=2, pictures=1)
    classes = scan([tmp_path]).classes
    rows = rows_of(classes, counts={})
    assert [(row.shown_group, row.short_name) for row in rows] == [
        ("Ahom", "class00"),
        ("Ahom", "class01"),
        ("Oriya", "class00"),
        ("Oriya", "class01"),
    ]


@pytest.mark.usefixtures("qapp")
def test_in_a_narrow_row_the_group_stays_as_long_as_it_can(qtbot) -> None:
    column = ClassColumn(None, "not used", "")
    qtbot.addWidget(column)
    delegate: _RowDelegate = column.view.itemDelegate()
    metrics = QFontMetrics(theme.font(theme.CAPTION_PX, is_tabular=True))
    row = ClassRow("Malayalam/character01", 20, (), shown_group="Malayalam")
    wide, middle, narrow = (delegate._details(row, metrics, width) for width in (400, 85, 60))
    assert wide == "Malayalam · 20 images"
    assert middle == "Malayalam · 20"
    assert narrow.endswith(" · 20")
    assert "…" in narrow


def test_an_episode_tells_them_apart_too(qtbot, studio: Studio, tmp_path: Path) -> None:
    for alphabet in ("Ahom", "Oriya"):
        make_classes(tmp_path / "images" / alphabet, classes=5)
    project = Project.create(tmp_path / "project", name="Two alphabets")
    document = ProjectDocument(project, studio.undo_stack)
    studio.open_project(document)
    document.add_folders([str(tmp_path / "images")])
    qtbot.waitUntil(lambda: len(document.index.classes) == 10 and not document.is_busy)
    for name, value in {"n_way": 6, "n_query": 3}.items():
        document.set_option(f"episodes.{name}", value)
    page = TasksPage(studio)
    qtbot.addWidget(page)
    rows = page.episode.view.rows()
    assert len({(row.group, row.title) for row in rows}) == len(rows) == 6
    assert {row.group for row in rows} == {"Ahom", "Oriya"}
    assert f"{rows[0].group}/{rows[0].title}" in page.episode.view.accessibleDescription()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("all/Ahom/character01", "…/Ahom/character01"),
        ("of/all/the/Ahom/character01", "…/Ahom/character01"),
        ("all/A_very_long_alphabet/character01", "A_very…/character01"),
        ("A_very_long_alphabet/character01", "A_very…/character01"),
        ("Ahom/character01", "Ahom/character01"),
    ],
)
def test_of_a_name_that_is_too_long_what_tells_it_apart_stays(qtbot, name: str, shown: str) -> None:
    metrics = QFontMetrics(theme.font())
    width = metrics.horizontalAdvance("…/Ahom/character01")
    found = elided_class_name(name, metrics, width)
    assert metrics.horizontalAdvance(found) <= width
    group, mark, _ = found.partition("…/")
    assert found.endswith("/character01")
    if "very" in name:  # how much of it there is room for is the font's affair
        assert mark
        assert "A_very_long_alphabet".startswith(group)
        assert len(group) > 1
    else:
        assert found == shown
