"""Class bins: what is dropped becomes support, the rest is refused with a word, keys do what the mouse does."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QColor, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from unit.gui.drops import drag_over, drop_on, files_mime, text_mime, url_mime
from unit.gui.page_studio import make_classes, make_picture

from metastudio.catalog.experiment import TargetClass
from metastudio.errors import Problem
from metastudio.gui import theme
from metastudio.gui.models.bin_contents import Bin
from metastudio.gui.widgets.class_bin import QUERY, SUPPORT, ClassBins
from metastudio.gui.widgets.drop_files import MOST_PICTURES, dropped_files
from metastudio.gui.widgets.hash_beside import HashBeside
from metastudio.gui.widgets.one_class_bin import _BRIGHT, luminance
from metastudio.gui.widgets.picture_shelf import PictureShelf


@pytest.fixture
def bins(qtbot) -> ClassBins:
    made = ClassBins(with_queries=True)
    qtbot.addWidget(made)
    made.resize(600, 600)
    made.show()
    return made


@pytest.fixture
def problems(bins: ClassBins) -> list[Problem]:
    found: list[Problem] = []
    bins.problems_found.connect(found.extend)
    return found


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    return [str(make_picture(tmp_path / f"{shade}.png", shade)) for shade in (10, 60, 110, 160)]


def shelf(bins: ClassBins, number: int, role: str = SUPPORT):
    return bins._bins[number].shelves[(SUPPORT, QUERY).index(role)]


def test_each_dropped_folder_becomes_a_class_as_one_change(qtbot, bins: ClassBins, tmp_path: Path) -> None:
    folder = make_classes(tmp_path / "images", classes=3)
    titles: list[str] = []
    bins.bins_changed.connect(titles.append)
    assert drop_on(bins._new, files_mime(sorted(folder.iterdir())))
    assert bins.classes() == (), "a drop returns at once"
    qtbot.waitUntil(lambda: len(bins.classes()) == 3)
    assert [each.name for each in bins.classes()] == ["class00", "class01", "class02"]
    assert [len(each.support) for each in bins.classes()] == [4, 4, 4]
    assert titles == ["Add 3 classes"]


def test_loose_pictures_become_one_class(qtbot, bins: ClassBins, pictures: list[str]) -> None:
    drop_on(bins._new, files_mime(pictures))
    qtbot.waitUntil(lambda: len(bins.classes()) == 1)
    assert bins.classes()[0].support == tuple(pictures)


def test_the_hint_says_what_a_drop_will_do(bins: ClassBins, tmp_path: Path) -> None:
    folder = make_classes(tmp_path / "images", classes=3)
    drag_over(bins._new, files_mime(sorted(folder.iterdir())))
    assert bins._new._text.text() == "3 folders → 3 new classes"


def test_one_is_said_as_one(qtbot, bins: ClassBins, pictures: list[str]) -> None:
    titles: list[str] = []
    bins.bins_changed.connect(titles.append)
    drag_over(bins._new, files_mime(pictures[:1]))
    assert bins._new._text.text() == "1 picture → 1 new class"
    bins.add_class("mug")
    drag_over(shelf(bins, 0), files_mime(pictures[:1]))
    assert shelf(bins, 0)._drag_hint == "1 picture → mug"
    drop_on(shelf(bins, 0), files_mime(pictures[:1]))
    drop_on(shelf(bins, 0, QUERY), files_mime(pictures[1:2]))
    qtbot.waitUntil(lambda: bool(bins.classes()[0].query))
    assert titles[1:] == ["Add 1 picture to mug"] * 2
    assert bins._bins[0]._count.text() == "1 picture · 1 query"


def test_pictures_drop_into_support_and_query(qtbot, bins: ClassBins, pictures: list[str]) -> None:
    bins.add_class("mug")
    drop_on(shelf(bins, 0), files_mime(pictures[:3]))
    drop_on(shelf(bins, 0, QUERY), files_mime(pictures[3:]))
    qtbot.waitUntil(lambda: bool(bins.classes()[0].query))
    assert bins.classes() == (TargetClass(name="mug", support=tuple(pictures[:3]), query=(pictures[3],)),)


def test_the_same_picture_twice_is_refused_with_a_word(
    bins: ClassBins, problems: list[Problem], pictures: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(pictures[0]).read_bytes())
    bins.add_class("mug", pictures[:2])
    bins.add_class("cup")
    bins.add_pictures(1, [pictures[1], str(copy), pictures[2]])
    assert bins.classes()[1].support == (pictures[2],)
    assert [each.code for each in problems] == ["picture-twice", "picture-twice"]
    assert "mug" in str(problems[0])


def test_a_support_picture_is_no_query_of_its_own_class(
    bins: ClassBins, problems: list[Problem], pictures: list[str]
) -> None:
    bins.add_class("mug", pictures[:1])
    bins.add_pictures(0, pictures[:2], role=QUERY)
    assert bins.classes()[0].query == (pictures[1],)
    assert len(problems) == 1


def test_web_addresses_are_refused_by_name_and_text_is_ignored(qtbot, bins: ClassBins, problems: list[Problem]) -> None:
    bins.add_class("mug")
    assert not drop_on(shelf(bins, 0), text_mime("hello"))
    assert not drop_on(bins._new, text_mime("hello"))
    drop_on(shelf(bins, 0), url_mime("https://example.org/cat.png", "file://server/share/dog.png"))
    qtbot.waitUntil(lambda: len(problems) == 2)
    assert "https://example.org/cat.png" in str(problems[0])
    assert "another computer" in str(problems[1])
    assert bins.classes()[0].support == ()


def test_other_files_are_refused_by_name_and_pictures_beside_them_taken(
    qtbot, bins: ClassBins, problems: list[Problem], pictures: list[str], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    bins.add_class("mug")
    drop_on(shelf(bins, 0), files_mime([tmp_path / "notes.txt", pictures[0], tmp_path / "gone.txt"]))
    qtbot.waitUntil(lambda: len(problems) == 2)
    assert "'notes.txt' is not a picture" in str(problems[0])
    assert "'gone.txt' is not there" in str(problems[1])
    assert bins.classes()[0].support == (pictures[0],)


def test_pixels_without_a_file_are_kept_in_the_project(
    qtbot, bins: ClassBins, problems: list[Problem], tmp_path: Path
) -> None:
    image = QImage(6, 6, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    mime = QMimeData()
    mime.setImageData(image)
    bins.add_class("mug")
    drop_on(shelf(bins, 0), mime)
    qtbot.waitUntil(lambda: bool(problems))
    assert problems[0].code == "no-file"
    bins.image_folder = tmp_path / "dropped"
    drop_on(shelf(bins, 0), mime)
    qtbot.waitUntil(lambda: bool(bins.classes()[0].support))
    (kept,) = bins.classes()[0].support
    assert Path(kept).parent == tmp_path / "dropped"
    assert QImage(kept).pixelColor(3, 3) == QColor("red")


def test_five_thousand_files_are_the_most_of_one_drop(tmp_path: Path) -> None:
    found = dropped_files(files_mime([tmp_path / f"{number}.png" for number in range(MOST_PICTURES + 7)]))
    assert len(found.pictures) == MOST_PICTURES
    assert "5007 pictures" in str(found.problems[0])


def test_names_with_any_letters_survive(qtbot, bins: ClassBins, tmp_path: Path) -> None:
    folder = tmp_path / "שלום #1 100%🍁"
    picture = make_picture(folder / "a#b%20c.png")
    drop_on(bins._new, files_mime([folder]))
    qtbot.waitUntil(lambda: bool(bins.classes()))
    assert bins.classes() == (TargetClass(name=folder.name, support=(str(picture),)),)


def test_delete_and_number_keys_remove_and_move_pictures(bins: ClassBins, pictures: list[str]) -> None:
    bins.add_class("mug", pictures[:3])
    bins.add_class("cup", pictures[3:])
    view = shelf(bins, 0)
    view.select_path(pictures[0])
    QTest.keyClick(view, Qt.Key.Key_2)
    assert bins.classes()[1].support == (pictures[3], pictures[0])
    view.select_path(pictures[1])
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert bins.classes()[0].support == (pictures[2],)


def test_dragging_between_bins_moves(bins: ClassBins, pictures: list[str]) -> None:
    bins.add_class("mug", pictures[:2])
    bins.add_class("cup")
    bins.move_pictures(pictures[:1], source=(0, SUPPORT), target=(1, QUERY))
    assert bins.classes()[0].support == (pictures[1],)
    assert bins.classes()[1].query == (pictures[0],)


def test_a_taken_or_empty_name_is_refused_and_the_old_one_stays(bins: ClassBins, problems: list[Problem]) -> None:
    bins.add_class("mug")
    bins.add_class("cup")
    field = bins._bins[1].name
    field.setText("mug")
    field.editingFinished.emit()
    assert field.text() == "cup"
    field.setText("  ")
    field.editingFinished.emit()
    assert [each.name for each in bins.classes()] == ["mug", "cup"]
    assert len(problems) == 2
    field.setText("tea cup")
    field.editingFinished.emit()
    assert bins.classes()[1].name == "tea cup"


def test_setting_classes_tells_nobody(qtbot, bins: ClassBins, pictures: list[str]) -> None:
    with qtbot.assertNotEmitted(bins.bins_changed):
        bins.set_classes((TargetClass(name="mug", support=tuple(pictures)), TargetClass(name="cup")))
        bins.set_classes((TargetClass(name="cup"),))
    assert [each.name for each in bins.classes()] == ["cup"]


def test_everything_in_a_bin_has_a_name_to_be_read_aloud(bins: ClassBins, pictures: list[str]) -> None:
    bins.add_class("mug", pictures)
    made = bins._bins[0]
    for widget in (made, made.name, made.add_button, made.remove_button, *made.shelves):
        assert widget.accessibleName()
    assert made.shelves[0].model().index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "10.png"


# between bins

PLAIN = Qt.KeyboardModifier.NoModifier


class DropFrom(QDropEvent):
    """A drop of what was dragged out of a shelf; Qt alone can say where a drag began."""

    def __init__(self, source: PictureShelf) -> None:
        super().__init__(QPointF(5, 5), Qt.DropAction.MoveAction, QMimeData(), Qt.MouseButton.LeftButton, PLAIN)
        self._source = source

    def source(self) -> PictureShelf:
        return self._source


def drag(source: PictureShelf, target: PictureShelf, path: str) -> None:
    source.select_path(path)
    target.dropEvent(DropFrom(source))


def test_pictures_are_dragged_between_support_queries_and_the_unlabelled(bins: ClassBins, pictures: list[str]) -> None:
    titles: list[str] = []
    bins.add_class("mug", pictures[:3])
    bins.add_class("cup", pictures[3:])
    bins.bins_changed.connect(titles.append)
    drag(shelf(bins, 0), shelf(bins, 0, QUERY), pictures[0])
    drag(shelf(bins, 0), shelf(bins, 1, QUERY), pictures[1])
    drag(shelf(bins, 0), bins._unlabelled.shelf, pictures[2])
    assert [(each.support, each.query) for each in bins.classes()] == [
        ((), (pictures[0],)),
        ((pictures[3],), (pictures[1],)),
    ]
    assert bins.contents().unlabelled == (pictures[2],)
    drag(bins._unlabelled.shelf, shelf(bins, 0), pictures[2])
    assert bins.classes()[0].support == (pictures[2],)
    drag(shelf(bins, 0), shelf(bins, 0), pictures[2])
    assert titles == [
        "Move 1 picture to mug",
        "Move 1 picture to cup",
        "Move 1 picture to the pictures to classify",
        "Move 1 picture to mug",
    ]


def texts_of(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.text()]


def test_the_menu_moves_anywhere_its_own_class_first(bins: ClassBins, pictures: list[str]) -> None:
    bins.add_class("mug & co", pictures[:1])
    bins.add_class("cup", pictures[1:3])
    view = shelf(bins, 1)
    view.select_path(pictures[2])
    menu = bins.menu_for(view)
    assert texts_of(menu) == [
        "Move to the queries of cup",
        "Move to mug && co",
        "Move to the queries of mug && co",
        "Move to the pictures to classify",
        "Move to a new class",
        "Remove\tDel",
    ]
    menu.actions()[2].trigger()
    assert bins.classes()[0].query == (pictures[2],)
    view.select_path(pictures[1])
    bins.menu_for(view).actions()[4].trigger()
    assert [(each.name, each.support) for each in bins.classes()][2] == ("class 1", (pictures[1],))
    view.clearSelection()
    assert not any(action.isEnabled() for action in bins.menu_for(view).actions() if action.text())


def test_unlabelled_pictures_are_dropped_and_are_no_class_s_twice(
    qtbot, bins: ClassBins, problems: list[Problem], pictures: list[str]
) -> None:
    drop_on(bins._unlabelled.shelf, files_mime(pictures[:2]))
    qtbot.waitUntil(lambda: bins.contents().unlabelled == tuple(pictures[:2]))
    bins.add_class("mug", pictures[:1])
    assert bins.classes()[0].support == ()
    assert "the pictures to classify" in str(problems[0])
    view = bins._unlabelled.shelf
    view.select_path(pictures[1])
    QTest.keyClick(view, Qt.Key.Key_1)
    assert bins.classes()[0].query == (pictures[1],)


def test_without_queries_there_is_no_place_for_the_unlabelled(qtbot) -> None:
    plain = ClassBins()
    qtbot.addWidget(plain)
    plain.show()
    assert not plain._unlabelled.isVisible()
    plain.add_class("mug")
    assert texts_of(plain.menu_for(plain._bins[0].support)) == ["Move to a new class", "Remove\tDel"]


def test_large_pictures_are_compared_beside_the_window(
    qtbot, bins: ClassBins, problems: list[Problem], pictures: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(pictures[0]).read_bytes())
    bins.hashing = HashBeside(bins, at_once_bytes=0)
    bins.hashing.busy_changed.connect(bins._new.set_busy)
    said: list[str] = []
    bins.hashing.busy_changed.connect(lambda _busy: said.append(bins._new._text.text()))
    bins.add_class("mug", pictures[:1])
    bins.add_class("cup")
    drop_on(shelf(bins, 1), files_mime([copy]))
    drop_on(bins._new, files_mime([copy]))
    qtbot.waitUntil(lambda: len(problems) == 2)
    assert "Comparing" in said[0]  # it may be over before anybody asks the window again
    assert {each.code for each in problems} == {"picture-twice"}
    assert [each.support for each in bins.classes()] == [(pictures[0],), ()]
    assert "Comparing" not in bins._new._text.text()


def test_a_class_that_went_while_pictures_were_compared_gets_none(
    qtbot, bins: ClassBins, problems: list[Problem], pictures: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(pictures[0]).read_bytes())
    bins.hashing = HashBeside(bins, at_once_bytes=0)
    bins.add_class("mug", pictures[:1])
    bins.add_class("cup")
    bins._take(Bin(1, SUPPORT), dropped_files(files_mime([copy])))
    bins.set_classes((bins.classes()[0], TargetClass(name="another")))
    qtbot.waitUntil(lambda: bool(problems))
    assert problems[0].code == "class-gone"
    assert bins.classes()[1].support == ()


def test_closing_ends_the_comparison(qtbot, bins: ClassBins, pictures: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(pictures[0]).read_bytes())
    bins.hashing = HashBeside(bins, at_once_bytes=0)
    bins.add_class("mug", pictures[:1])
    bins._take(Bin(0, SUPPORT), dropped_files(files_mime([copy])))
    bins.shut_down()
    qtbot.wait(50)
    assert bins.classes()[0].support == (pictures[0],)


def test_numbers_are_read_upon_every_colour() -> None:
    for number in range(8):
        colour = theme.series_colour(number)
        light = luminance(colour)
        contrast = (light + 0.05) / 0.05 if light > _BRIGHT else 1.05 / (light + 0.05)
        assert contrast >= 4.5, colour.name()
