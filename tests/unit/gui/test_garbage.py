"""Garbage goes in the window's thread, without looking through everything each time."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator

import pytest

from metastudio.gui import garbage
from metastudio.gui.garbage import RestWatch, collect_if_due


class _Loop:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def _thresholds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "_whole", 0)  # the next look is at everything
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def _collect_oldest(*, is_at_rest: bool = True) -> None:
    gc.set_threshold(1_000_000, 1_000_000, 0)
    gc.collect(1)  # counts one for the oldest generation
    collect_if_due(is_at_rest=is_at_rest)


@pytest.mark.usefixtures("_thresholds")
class TestTheOldestGeneration:
    def test_what_came_since_the_last_time_is_collected(self) -> None:
        _collect_oldest()
        seen = weakref.ref(_Loop())
        assert seen() is not None
        _collect_oldest()
        assert seen() is None

    @pytest.mark.parametrize(
        ("shares", "is_at_rest", "goes"),
        [
            ((0.15,), True, False),
            ((0.15, 0.15), True, True),
            ((0.5,), False, False),
            ((0.6, 0.6), False, True),
        ],
    )
    def test_what_was_old_by_then_goes_after_everything_has_grown(
        self, shares: tuple[float, ...], is_at_rest: bool, goes: bool
    ) -> None:
        loop = _Loop()
        seen = weakref.ref(loop)
        _collect_oldest()
        del loop
        whole, more = gc.get_freeze_count(), []
        for share in shares:
            more += [[] for _ in range(round(share * whole))]
            _collect_oldest(is_at_rest=is_at_rest)
        assert more
        assert (seen() is None) == goes

    def test_what_motion_put_off_is_done_at_rest(self) -> None:
        loop = _Loop()
        seen = weakref.ref(loop)
        _collect_oldest()
        del loop
        more = [[] for _ in range(gc.get_freeze_count() // 2)]
        _collect_oldest(is_at_rest=False)
        assert seen() is not None
        _collect_oldest()
        assert more
        assert seen() is None

    def test_nothing_is_due_below_the_thresholds(self) -> None:
        gc.set_threshold(1_000_000, 1_000_000, 1_000_000)
        seen = weakref.ref(_Loop())
        collect_if_due()
        assert seen() is not None
        gc.collect()


def test_a_thread_rests_when_it_computes_for_less_than_a_tenth_of_the_time() -> None:
    watch = RestWatch()
    time.sleep(0.2)
    assert watch.is_at_rest()
    end = time.thread_time() + 0.1
    while time.thread_time() < end:
        pass
    assert not watch.is_at_rest()
    time.sleep(0.2)
    assert watch.is_at_rest()
