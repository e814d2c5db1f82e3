"""Try it: pictures dropped into classes are adapted to at once, queries are answered, corrections join the support."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from unit.gui.page_studio import make_picture, make_run

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.catalog.metric import PrototypicalConfig
from metastudio.gui import commands
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.documents.try_out import NONE_OF_THESE
from metastudio.gui.models.query_list_model import QUERY_ROLE
from metastudio.gui.pages.try_it_page import TryItPage
from metastudio.gui.studio import Studio
from metastudio.runs.statistics import wilson95


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> Iterator[TryItPage]:
    make_run(document)
    made = TryItPage(studio)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    made.on_shown()
    qtbot.waitUntil(lambda: made.try_out.run is not None)
    yield made
    made.shut_down()


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, list[str]]:
    names = ("oak", "beech", "maple")
    shades = {name: 40 * number for number, name in enumerate(names)}
    return {
        name: [str(make_picture(tmp_path / "own" / f"{name}{i}.png", shades[name] + i)) for i in range(4)]
        for name in names
    }


def _classes(pictures: dict[str, list[str]], *names: str) -> tuple[TargetClass, ...]:
    return tuple(TargetClass(name=name, support=tuple(pictures[name][:2])) for name in names)


def _drop(view, paths: list[str]) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    place, button, keys = QPointF(20, 20), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(20, 20), Qt.DropAction.CopyAction, mime, button, keys)
    QApplication.sendEvent(view.viewport(), enter)
    assert enter.isAccepted()
    QApplication.sendEvent(view.viewport(), QDropEvent(place, Qt.DropAction.CopyAction, mime, button, keys))


@pytest.fixture
def adapted(page: TryItPage, pictures, qtbot) -> TryItPage:
    page.try_out.set_classes(_classes(pictures, "oak", "beech"), "Drop")
    qtbot.waitUntil(lambda: page.try_out.adapted is not None)
    return page


def _asked(page: TryItPage, qtbot, paths: list[str]) -> None:
    page.try_out.add_queries(paths)
    qtbot.waitUntil(lambda: all(page.try_out.answer(path) is not None for path in paths))


def test_without_a_run_the_page_says_what_belongs_there(qtbot, studio: Studio, document: ProjectDocument) -> None:
    page = TryItPage(studio)
    qtbot.addWidget(page)
    page.show()
    page.on_shown()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.empty)
    page.shut_down()


def test_pictures_of_two_classes_are_adapted_to_without_another_click(adapted: TryItPage) -> None:
    assert adapted.try_out.adapted.classes == ("oak", "beech")
    assert len(adapted.inner_steps.plot.curve("loss").x) == 6
    assert len(adapted.inner_steps.plot.curve("accuracy").x) == 6
    assert "drawings" in adapted.note.text()
    assert not adapted.reason.text()


@pytest.mark.parametrize(("names", "words"), [((), "Drop some pictures"), (("oak",), "one more class")])
def test_too_few_classes_are_said_as_a_sentence(page: TryItPage, pictures, names, words) -> None:
    page.try_out.set_classes(_classes(pictures, *names), "Drop") if names else page.try_out.adapt()
    assert words in page.reason.text()
    assert page.try_out.adapted is None


def test_more_classes_than_the_head_has_are_refused_naming_methods_that_take_any_number(
    page: TryItPage, tmp_path: Path
) -> None:
    many = tuple(TargetClass(name=f"c{i}", support=(str(make_picture(tmp_path / f"c{i}.png", i)),)) for i in range(6))
    page.try_out.set_classes(many, "Drop")
    assert "5 classes" in page.reason.text()
    assert "Prototypical Networks" in page.reason.text()


def test_a_method_that_takes_any_number_is_asked_all_the_same(
    qtbot,
    studio: Studio,
    document: ProjectDocument,
    tmp_path: Path,
) -> None:
    make_run(document, algorithm=PrototypicalConfig())
    page = TryItPage(studio)
    qtbot.addWidget(page)
    page.on_shown()
    qtbot.waitUntil(lambda: page.try_out.run is not None)
    many = tuple(TargetClass(name=f"c{i}", support=(str(make_picture(tmp_path / f"c{i}.png", i)),)) for i in range(6))
    page.try_out.set_classes(many, "Drop")
    assert not page.try_out.prevents()
    assert page.inner_steps.plot.isHidden()
    qtbot.waitUntil(lambda: "5 classes apart, not 6" in page.reason.text())  # the scripted process knows no better
    assert not page.again_button.isHidden()
    page.shut_down()


def test_dropped_queries_are_answered_in_the_order_of_the_bins(adapted: TryItPage, pictures, qtbot) -> None:
    _drop(adapted.queries.view, [pictures["beech"][3], pictures["oak"][3]])
    qtbot.waitUntil(lambda: adapted.queries.model.rowCount() == 2)
    qtbot.waitUntil(lambda: adapted.try_out.answer(pictures["oak"][3]) == "oak")
    first, second = (adapted.queries.model.index(row, 0).data(QUERY_ROLE) for row in range(2))
    assert (first.answer, second.answer) == ("beech", "oak")
    assert first.names == second.names == ("oak", "beech")
    assert first.probabilities[0] == pytest.approx(0.1)


def test_the_queries_are_asked_again_when_the_support_changes_and_keep_their_places(
    adapted: TryItPage, pictures, qtbot
) -> None:
    _asked(adapted, qtbot, [pictures["maple"][3], pictures["oak"][3]])
    assert adapted.try_out.probabilities(pictures["maple"][3]) == pytest.approx((0.5, 0.5))
    adapted.try_out.set_classes(_classes(pictures, "oak", "beech", "maple"), "Drop")
    qtbot.waitUntil(lambda: adapted.try_out.answer(pictures["maple"][3]) == "maple")
    assert adapted.queries.model.query(0).path == pictures["maple"][3]


def test_an_answer_below_the_threshold_is_none_of_these(adapted: TryItPage, pictures, qtbot) -> None:
    _asked(adapted, qtbot, [pictures["maple"][3], pictures["oak"][3]])
    adapted.queries.threshold.setValue(60)
    assert adapted.queries.model.query(0).answer == NONE_OF_THESE
    assert adapted.queries.model.query(1).answer == "oak"
    assert "none of these" in str(adapted.queries.model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole))


def test_enter_accepts_and_goes_on_to_the_next(adapted: TryItPage, pictures, qtbot) -> None:
    _asked(adapted, qtbot, [pictures["oak"][2], pictures["oak"][3]])
    adapted.queries.view.setCurrentIndex(adapted.queries.model.index(0, 0))
    qtbot.keyClick(adapted.queries.view, Qt.Key.Key_Return)
    assert adapted.queries.model.query(0).was_right is True
    assert adapted.queries.view.currentIndex().row() == 1
    assert "1 of 1 right: 100 % (21 to 100 %)" in adapted.queries.score.text()


def test_a_number_key_corrects_and_the_picture_joins_the_support_as_one_undo_step(
    adapted: TryItPage, tmp_path: Path, qtbot
) -> None:
    odd = str(make_picture(tmp_path / "own" / "oakish.png", 200))
    _asked(adapted, qtbot, [odd])
    adapted.queries.view.setCurrentIndex(adapted.queries.model.index(0, 0))
    before = adapted.studio.undo_stack.index()
    qtbot.keyClick(adapted.queries.view, Qt.Key.Key_2)
    assert odd in adapted.try_out.state.classes[1].support
    assert odd in adapted.bins.classes()[1].support
    assert adapted.queries.model.query(0).was_right is False
    assert adapted.try_out.score() == (0, 1)
    assert adapted.studio.undo_stack.index() == before + 1
    qtbot.waitUntil(lambda: not adapted.try_out.busy and not adapted.try_out._timer.isActive())
    assert adapted.try_out.score() == (0, 1)
    adapted.studio.undo_stack.undo()
    assert odd not in adapted.bins.classes()[1].support
    assert adapted.try_out.score() == (0, 0)


def test_correcting_to_what_was_answered_is_accepting(adapted: TryItPage, pictures, qtbot) -> None:
    _asked(adapted, qtbot, [pictures["oak"][3]])
    adapted.queries.view.setCurrentIndex(adapted.queries.model.index(0, 0))
    qtbot.keyClick(adapted.queries.view, Qt.Key.Key_1)
    assert adapted.try_out.score() == (1, 1)
    assert pictures["oak"][3] not in adapted.try_out.state.classes[0].support


def test_zero_says_none_of_these_and_adds_to_no_class(adapted: TryItPage, pictures, qtbot) -> None:
    _asked(adapted, qtbot, [pictures["maple"][3]])
    adapted.queries.view.setCurrentIndex(adapted.queries.model.index(0, 0))
    qtbot.keyClick(adapted.queries.view, Qt.Key.Key_0)
    assert adapted.try_out.truth(pictures["maple"][3]) == NONE_OF_THESE
    assert adapted.try_out.score() == (0, 1)
    assert all(pictures["maple"][3] not in each.support for each in adapted.try_out.state.classes)


def test_a_support_picture_is_no_query(adapted: TryItPage, pictures) -> None:
    adapted.try_out.add_queries([pictures["oak"][0]])
    assert adapted.queries.model.rowCount() == 0


def test_an_unreadable_query_says_why_and_others_are_answered(adapted: TryItPage, pictures, tmp_path, qtbot) -> None:
    bad = str(make_picture(tmp_path / "own" / "unreadable.png"))
    adapted.try_out.add_queries([bad, pictures["oak"][3]])
    qtbot.waitUntil(lambda: adapted.try_out.answer(pictures["oak"][3]) == "oak")
    assert adapted.queries.model.query(0).problem == "The picture is cut off."
    assert not adapted.grab().isNull()


def test_the_slider_adapts_again_with_that_many_steps(adapted: TryItPage, qtbot) -> None:
    assert adapted.inner_steps.steps.value() == adapted.try_out.default_steps
    adapted.inner_steps.steps.setValue(8)
    qtbot.waitUntil(lambda: adapted.try_out.adapted.inner_steps == 8)
    assert len(adapted.inner_steps.plot.curve("loss").x) == 9
    assert "8 (trained with 1)" in adapted.inner_steps.steps_text.text()


def test_only_the_newest_of_quick_changes_counts(adapted: TryItPage, pictures, qtbot) -> None:
    for names in (("oak", "maple"), ("beech", "maple"), ("oak", "beech", "maple")):
        adapted.try_out.set_classes(_classes(pictures, *names), "Drop")
    qtbot.waitUntil(lambda: adapted.try_out.adapted.classes == ("oak", "beech", "maple"))


def test_adapting_can_be_cancelled_and_asked_again(adapted: TryItPage, pictures, qtbot) -> None:
    adapted.try_out.adapt()
    assert adapted.try_out.busy
    assert not adapted.cancel_button.isHidden()
    adapted.cancel_button.click()
    assert not adapted.try_out.busy
    assert "Cancelled" in adapted.reason.text()
    adapted.again_button.click()
    qtbot.waitUntil(lambda: not adapted.reason.text() and not adapted.try_out.busy)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be held there")
def test_a_process_that_dies_is_said_and_the_next_try_works(adapted: TryItPage, qtbot) -> None:
    process = adapted.studio.session._process
    process.send_signal(signal.SIGSTOP)  # else it may have answered before it dies
    adapted.try_out.adapt()
    process.kill()
    qtbot.waitUntil(lambda: "lost" in adapted.reason.text(), timeout=20_000)
    adapted.again_button.click()
    qtbot.waitUntil(lambda: not adapted.reason.text() and not adapted.try_out.busy, timeout=20_000)


def test_a_saved_task_is_taken_with_its_known_queries(page: TryItPage, document, pictures, qtbot) -> None:
    oak, beech = (
        each.model_copy(update={"query": (pictures[each.name][2],)}) for each in _classes(pictures, "oak", "beech")
    )
    task = TargetTask(name="trees", classes=(oak, beech), unlabelled=(pictures["maple"][0],))
    commands.set_targets(document, targets=[task], title="Add")
    page.studio.select_target("trees")
    qtbot.waitUntil(lambda: page.try_out.score() == (2, 2))
    assert page.queries.model.rowCount() == 3
    assert page.try_out.target("again") == task.model_copy(update={"name": "again"})


def test_unseen_classes_are_drawn_from_the_runs_own_meta_test_classes(page: TryItPage, document, qtbot) -> None:
    kept_back = {name for name, part in document.parts.items() if part is Part.META_TEST}
    page.draw_button.click()
    qtbot.waitUntil(lambda: bool(page.try_out.class_names) or not page.draw_button.isEnabled())
    qtbot.waitUntil(lambda: bool(page.try_out.class_names))
    assert set(page.try_out.class_names) <= kept_back
    queries, support = set(page.try_out.state.queries), page.try_out._support()
    assert queries
    assert not queries & support


def test_what_was_tried_is_saved_as_a_target_task(adapted: TryItPage, document, pictures, qtbot) -> None:
    _asked(adapted, qtbot, [pictures["oak"][3], pictures["maple"][3]])
    adapted.try_out.accept(pictures["oak"][3])
    adapted.save_as("my trees")
    saved = document.targets[0]
    assert saved.name == "my trees"
    assert saved.classes[0].query == (pictures["oak"][3],)
    assert saved.unlabelled == (pictures["maple"][3],)
    adapted.studio.undo_stack.undo()
    assert not document.targets


def test_controls_that_cannot_be_used_say_why(page: TryItPage) -> None:
    for button in (
        page.task_button,
        page.save_button,
        page.queries.right_button,
        page.queries.correct_button,
        page.queries.none_button,
    ):
        assert not button.isEnabled()
        assert button.toolTip()


@given(st.integers(1, 400), st.data())
def test_the_wilson95_holds_the_share_and_stays_within_bounds(total: int, data) -> None:
    right = data.draw(st.integers(0, total))
    low, high = wilson95(right, total)
    assert 0 <= low <= right / total <= high <= 1
    assert wilson95(total - right, total) == pytest.approx((1 - high, 1 - low))


def test_the_wilson95_is_the_one_of_the_textbook() -> None:
    assert wilson95(12, 15) == pytest.approx((0.548, 0.930), abs=0.001)
    assert wilson95(0, 0) == (0.0, 1.0)
