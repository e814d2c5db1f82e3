"""The pure widgets of Learn and Try it: method cards, device picker, probability bars."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from metastudio.catalog.menu import ALGORITHMS
from metastudio.gui.widgets.device_picker import DevicePicker, in_bytes
from metastudio.gui.widgets.method_card import MethodCard, needs_of, paper_line, search_text
from metastudio.gui.widgets.probability_bars import ProbabilityBars, bars_height, in_percent
from metastudio.runs.questions import Device

CPU = Device(name="cpu", title="Processor", free_bytes=7_400_000_000)
GPU = Device(name="cuda", title="Card", free_bytes=139_000_000_000, is_recommended=True)


@pytest.mark.parametrize("entry", ALGORITHMS.values(), ids=lambda entry: entry.name)
def test_a_card_says_what_a_method_is_where_it_comes_from_and_what_it_needs(qtbot, entry) -> None:
    card = MethodCard(entry)
    qtbot.addWidget(card)
    assert card.accessibleName() == entry.title
    assert entry.summary in card.accessibleDescription()
    assert str(entry.paper.year) in paper_line(entry)
    assert str(entry.capabilities.min_train_classes) in needs_of(entry)


def test_a_card_that_does_not_fit_is_grey_and_says_why(qtbot) -> None:
    card = MethodCard(ALGORITHMS["maml"])
    qtbot.addWidget(card)
    card.set_unfit("There are only 6 classes.")
    assert not card.isEnabled()
    assert card.toolTip() == "There are only 6 classes."
    assert "only 6" in card.accessibleDescription()
    card.set_unfit("")
    assert card.isEnabled()


def test_a_card_is_chosen_with_the_keyboard(qtbot) -> None:
    card = MethodCard(ALGORITHMS["reptile"])
    qtbot.addWidget(card)
    qtbot.keyClick(card, Qt.Key.Key_Space)
    assert card.isChecked()


@pytest.mark.parametrize(
    ("words", "name"), [("snell", "prototypical"), ("closer look", "classifier"), ("2018", "reptile")]
)
def test_methods_are_found_by_author_title_and_year(words: str, name: str) -> None:
    assert [each.name for each in ALGORITHMS.values() if words in search_text(each)] == [name]


def test_the_processor_can_be_chosen_before_anyone_answers(qtbot) -> None:
    picker = DevicePicker()
    qtbot.addWidget(picker)
    assert picker.names == ("auto", "cpu")


def test_found_devices_are_listed_and_the_choice_stays(qtbot) -> None:
    picker = DevicePicker()
    qtbot.addWidget(picker)
    picker.set_device("cpu")
    with qtbot.assertNotEmitted(picker.device_picked):
        picker.set_devices([CPU, GPU])
    assert picker.names == ("auto", "cpu", "cuda")
    assert picker.device() == "cpu"
    button = next(each for each in picker._group.buttons() if each.property("device") == "cuda")
    assert "recommended" in button.accessibleName()
    assert "139.0 GB" in button.accessibleName()
    with qtbot.waitSignal(picker.device_picked) as caught:
        button.click()
    assert caught.args == ["cuda"]


def test_all_cards_at_once_are_grey_with_the_reason_where_there_are_too_few(qtbot) -> None:
    picker = DevicePicker()
    qtbot.addWidget(picker)
    too_few = Device(name="cuda*2", title="All cards", free_bytes=0, is_usable=False, note="There is one.")
    picker.set_devices([CPU, too_few])
    button = next(each for each in picker._group.buttons() if each.property("device") == "cuda*2")
    assert not button.isEnabled()
    assert "There is one." in button.accessibleName()
    picker.set_devices([CPU, too_few.model_copy(update={"is_usable": True, "note": ""})])
    button = next(each for each in picker._group.buttons() if each.property("device") == "cuda*2")
    with qtbot.waitSignal(picker.device_picked) as caught:
        button.click()
    assert caught.args == ["cuda*2"]


def test_a_processor_shared_by_processes_is_no_missing_device(qtbot) -> None:
    picker = DevicePicker()
    qtbot.addWidget(picker)
    picker.set_device("cpu*3")
    assert "3 processes share" in picker._group.checkedButton().accessibleName()


def test_a_chosen_device_that_is_gone_is_shown_as_missing(qtbot) -> None:
    picker = DevicePicker()
    qtbot.addWidget(picker)
    picker.set_device("cuda:1")
    picker.set_devices([CPU])
    assert picker.names == ("auto", "cpu", "cuda:1")
    assert "not found" in picker._group.checkedButton().accessibleName()


def test_when_nobody_answers_the_reason_is_shown_and_the_processor_stays(qtbot) -> None:
    picker = DevicePicker()
    qtbot.addWidget(picker)
    picker.set_failed("The engine did not start.")
    assert "cpu" in picker.names
    assert "The engine did not start." in picker._state.text()


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (412_000_000, "412 MB"), (7_400_000_000, "7.4 GB")])
def test_sizes_are_written_as_people_read_them(size: int, text: str) -> None:
    assert in_bytes(size) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "> 99 %"), (0.914, "91 %"), (0.004, "< 1 %"), (0.0, "< 1 %"), (0.99, "99 %")]
)
def test_no_answer_is_ever_shown_as_certain(value: float, text: str) -> None:
    assert in_percent(value) == text


def test_bars_keep_their_height_and_order_from_one_answer_to_the_next(qtbot) -> None:
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.set_answer(["oak", "beech"], [0.9, 0.1])
    first = bars.sizeHint()
    bars.set_answer(["oak", "beech"], [0.2, 0.8])
    assert bars.sizeHint() == first
    assert first.height() == bars_height(2)
    assert bars.accessibleName() == "oak 20 %, beech 80 %"
    assert not bars.grab().isNull()
