"""What the person wants of a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastudio.runs.control import Wanted, read_control, write_control
from tests.unit.runs.small_runs import make_run


@pytest.mark.parametrize("wanted", list(Wanted))
def test_a_wish_is_read_as_it_was_written(wanted: Wanted, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_control(run, wanted)
    assert read_control(run) is wanted


@pytest.mark.parametrize("content", [b"", b"stop", b"\xff\xfe", b"PAUSE"])
def test_what_says_nothing_known_means_go_on(content: bytes, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.control_path.write_bytes(content)
    assert read_control(run) is Wanted.RUN


def test_a_wish_may_end_like_lines_on_windows(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.control_path.write_bytes(b" pause\r\n")
    assert read_control(run) is Wanted.PAUSE


def test_a_missing_wish_means_go_on(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.control_path.unlink()
    assert read_control(run) is Wanted.RUN
