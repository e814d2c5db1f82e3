"""Episodes of coming iterations: in order, never too many, and a fault is told when its iteration comes."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training.episodes_ahead import EpisodesAhead
from metastudio.errors import DataError


class Draw:
    """Remembers what was drawn, and on which thread; iteration `broken` cannot be."""

    def __init__(self, values: int = 10, broken: int = 0) -> None:
        self.values = values
        self.broken = broken
        self.done: list[tuple[int, str]] = []

    def __call__(self, iteration: int) -> list[Episode]:
        if iteration == self.broken:
            raise DataError("Gone.")
        self.done.append((iteration, threading.current_thread().name))
        images = LabelledImages(torch.zeros(self.values, 1, 1, 1), torch.zeros(self.values, dtype=torch.int64))
        return [Episode(images, LabelledImages(images.images[:0], images.labels[:0]), (str(iteration),))]


def wait_for(draw: Draw, count: int) -> None:
    end = time.monotonic() + 10
    while len(draw.done) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_iterations_come_in_order_each_drawn_once_and_all_but_the_first_beside() -> None:
    draw = Draw()
    with EpisodesAhead(draw, lambda: 30) as ahead:
        assert [ahead.of(iteration)[0].classes for iteration in range(1, 31)] == [(str(n),) for n in range(1, 31)]
    assert [iteration for iteration, _ in draw.done] == list(range(1, 31)), "and none beyond the last"
    names = [name for _, name in draw.done]
    assert names[0] == threading.current_thread().name
    assert all(name.startswith("episodes") for name in names[1:])


def test_some_are_drawn_in_a_row_and_more_when_one_is_left() -> None:
    draw = Draw()
    with EpisodesAhead(draw, lambda: 100) as ahead:
        ahead.of(1)
        wait_for(draw, 9)  # 1, and eight ahead
        for iteration in range(2, 8):
            ahead.of(iteration)
        time.sleep(0.05)
        assert len(draw.done) == 9
        ahead.of(8)
        wait_for(draw, 17)


def test_of_large_pictures_only_the_next_iteration_is_drawn_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metastudio.engine.training.episodes_ahead._MOST_VALUES", 35)
    large, small = Draw(values=100), Draw(values=10)
    for draw, beside in ((large, 1), (small, 2)):  # of 35 numbers: three iterations of ten, one of which may be left
        with EpisodesAhead(draw, lambda: 100) as ahead:
            ahead.of(1)
            wait_for(draw, 1 + beside)
            time.sleep(0.05)
            assert len(draw.done) == 1 + beside


def test_who_goes_on_elsewhere_gets_what_was_asked_for() -> None:
    draw = Draw()
    with EpisodesAhead(draw, lambda: 100) as ahead:
        ahead.of(1)
        assert ahead.of(50)[0].classes == ("50",)
        assert ahead.of(51)[0].classes == ("51",)


def test_a_fault_is_told_when_its_iteration_comes() -> None:
    draw = Draw(broken=3)
    with EpisodesAhead(draw, lambda: 100) as ahead:
        ahead.of(1)
        ahead.of(2)
        wait_for(draw, 8)
        with pytest.raises(DataError, match="Gone"):
            ahead.of(3)


def test_leaving_drops_what_waits_and_ends_the_thread() -> None:
    gate, begun = threading.Event(), []

    def slow(iteration: int) -> list[Episode]:
        begun.append(iteration)
        if iteration > 1:
            assert gate.wait(10)
        return Draw()(iteration)

    with EpisodesAhead(slow, lambda: 100) as ahead:
        ahead.of(1)
        while 2 not in begun:
            time.sleep(0.001)
        threading.Timer(0.1, gate.set).start()
    assert begun == [1, 2]
    assert not [each for each in threading.enumerate() if each.name.startswith("episodes")]
