"""A function in a process of its own: what it tells, returns and raises arrives; it ends when nobody waits for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metastudio.catalog.data_spec import Preprocessing
from metastudio.errors import DataError, ResourceError
from metastudio.images import picture_check
from metastudio.images.image_folder import scan
from metastudio.images.own_process import in_own_process
from metastudio.images.picture_check import Checked, check, check_here
from metastudio.images.problems import Cancelled


def doubles(number: int, *, tell: Callable[..., None], should_stop: Callable[[], bool]) -> tuple[int, int]:
    tell("half way", number)
    assert not should_stop()
    return 2 * number, os.getpid()


def refuses(*, tell: Callable[..., None], should_stop: Callable[[], bool]) -> None:
    raise DataError("There is no class '{name}'.", name="mug", todo="Drop one.")


def waits(flag: str, *, tell: Callable[..., None], should_stop: Callable[[], bool]) -> None:
    tell("began")
    while not should_stop():
        time.sleep(0.01)
    Path(flag).write_text("stopped")
    raise Cancelled


def dies(*, tell: Callable[..., None], should_stop: Callable[[], bool]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_is_told_and_returned_arrives_from_another_process() -> None:
    told: list[tuple[object, ...]] = []
    doubled, process = in_own_process(doubles, 21, tell=lambda *each: told.append(each), should_stop=lambda: False)
    assert doubled == 42
    assert told == [("half way", 21)]
    assert process != os.getpid()


def test_an_error_is_raised_here_with_all_it_says() -> None:
    with pytest.raises(DataError) as caught:
        in_own_process(refuses, tell=lambda *_: None, should_stop=lambda: False)
    assert str(caught.value) == "There is no class 'mug'. Drop one."


def test_it_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    began: list[object] = []
    with pytest.raises(Cancelled):
        in_own_process(waits, str(tmp_path / "flag"), tell=lambda *_: began.append(1), should_stop=lambda: bool(began))
    assert (tmp_path / "flag").read_text() == "stopped"


def test_a_process_that_is_killed_is_an_error_with_a_way_on() -> None:
    with pytest.raises(ResourceError, match="without a word"):
        in_own_process(dies, tell=lambda *_: None, should_stop=lambda: False)


def test_pictures_are_checked_elsewhere_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    for name in ("cup", "mug"):
        for number in range(3):
            path = tmp_path / "images" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (40, 40), dtype=np.uint8)).save(path)
    (tmp_path / "images" / "cup" / "copy.png").write_bytes((tmp_path / "images" / "mug" / "1.png").read_bytes())
    (tmp_path / "images" / "cup" / "bad.png").write_bytes(b"no picture")
    index = scan([tmp_path / "images"])
    told: list[object] = []
    here = check_here(index, Preprocessing(), tell=lambda *each: told.append(each), should_stop=lambda: False)
    monkeypatch.setattr(picture_check, "_PROCESS_PAYS_FILES", 0)
    elsewhere = check(index, Preprocessing(), tell=lambda *each: None, should_stop=lambda: False)
    assert elsewhere == here
    assert [each.code for each in here.problems] == ["unreadable"]
    assert sorted(len(each.files) for each in here.twins.classes) == [1, 1]
    first = next(each[0] for each in told if isinstance(each[0], Checked))
    assert first.look_alikes is None, "what is known is told before those that look alike are searched"
