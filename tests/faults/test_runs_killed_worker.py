"""A worker that is killed whenever it likes leaves a run that goes on, and ends where an undisturbed one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kills import Kill, kills, make_glyphs

KILLS = 20
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # some thirty workers start, on a machine that may be busy


def test_d1_workers_killed_at_random_moments_end_with_the_same_weights(tmp_path: Path) -> None:
    told = list(kills(make_glyphs(tmp_path / "glyphs"), tmp_path / "runs", KILLS))
    hits = [each for each in told if isinstance(each, Kill) and each.lived_s]
    assert len(hits) == KILLS
    assert len({each.checkpoint for each in hits}) > 3, "hit at several places"
    assert "the weights of the undisturbed run" in str(told[-1])
