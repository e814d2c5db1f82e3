"""Rounds of drawing steps: requests come together, none is lost, rounds keep apart, and a fault ends only its round."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import pytest
from PySide6.QtCore import QTimer

from metastudio.gui.widgets.drawing_rounds import DrawingRounds
from metastudio.gui.widgets.redraw_limit import DrawingBudget


class Drawn:
    """Counts what is drawn."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.steps = 0
        self.fails = False
        self.in_between: dict[int, Callable[[], object]] = {}
        self.budget = DrawingBudget(share=0.5, burst_s=10)
        self.others = 0
        self.rounds = DrawingRounds(lambda: [self._round(), self._other()], self.budget)

    def _round(self) -> Generator[None]:
        self.begun.append(time.monotonic())
        for _ in range(3):
            self.steps += 1
            self.in_between.get(self.steps, lambda: None)()
            if self.fails:
                raise ValueError
            yield

    def _other(self) -> Generator[None]:
        self.others += 1
        yield


@pytest.fixture
def drawn(qapp) -> Drawn:
    return Drawn()


def test_many_requests_make_one_round_and_one_in_between_makes_another(drawn: Drawn, qtbot) -> None:
    for _ in range(5):
        drawn.rounds.request()
    assert not drawn.rounds.is_idle
    drawn.in_between[2] = drawn.rounds.request
    qtbot.waitUntil(lambda: drawn.rounds.is_idle)
    assert (len(drawn.begun), drawn.steps) == (2, 6)


def test_rounds_keep_apart_and_wait_for_their_budget(drawn: Drawn, qtbot) -> None:
    drawn.rounds.apart_ms = 60
    for _ in range(2):
        drawn.rounds.request()
        qtbot.waitUntil(lambda: drawn.rounds.is_idle)
    assert drawn.begun[1] - drawn.begun[0] >= 0.055
    drawn.budget.charge(10.1)
    drawn.rounds.request()
    qtbot.waitUntil(lambda: drawn.rounds.is_idle)
    assert drawn.begun[2] - drawn.begun[1] >= 0.12


def test_a_round_that_is_broken_off_leaves_nothing_behind(drawn: Drawn, qtbot) -> None:
    drawn.rounds.request()
    drawn.in_between[1] = lambda: QTimer.singleShot(0, drawn.rounds.cancel)
    qtbot.waitUntil(lambda: drawn.rounds.is_idle)
    qtbot.wait(30)
    assert drawn.rounds.is_idle
    assert (broken_off := drawn.steps) < 3
    drawn.rounds.request()
    qtbot.waitUntil(lambda: drawn.rounds.is_idle)
    assert drawn.steps == broken_off + 3


def test_a_step_that_fails_is_told_and_neither_the_others_nor_what_was_asked_for_meanwhile_is_lost(
    drawn: Drawn, qtbot
) -> None:
    drawn.fails = True
    drawn.in_between[1] = drawn.rounds.request
    with qtbot.capture_exceptions() as told:
        drawn.rounds.request()
        qtbot.waitUntil(lambda: drawn.rounds.is_idle)
    assert [kind for kind, *_ in told] == [ValueError, ValueError]
    assert (drawn.steps, drawn.others) == (2, 2)
    drawn.fails = False
    drawn.rounds.request()
    qtbot.waitUntil(lambda: drawn.rounds.is_idle)
    assert drawn.steps == 5
