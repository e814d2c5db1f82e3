"""A graphics processor that fails takes its process along and nothing else, as far as a CPU can show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.runs.events import DEVICE_FAILED
from metastudio.runs.run_state import State
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, weights_of, work_until


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


@pytest.mark.expects_log("graphics processor failed")
def test_d7_a_device_that_fails_pauses_the_run_which_ends_later_with_the_same_weights(
    glyphs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = small_run(tmp_path / "one", small_experiment(glyphs))
    work_until(undisturbed)
    run = small_run(tmp_path / "two", small_experiment(glyphs))
    real, asked = MetaLearner.outer_step, []

    def failing(*arguments: Any) -> Any:
        asked.append(1)
        if len(asked) == 4:
            raise torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with ...")
        return real(*arguments)

    monkeypatch.setattr(MetaLearner, "outer_step", failing)
    failed = work_until(run)[-1]
    assert (failed.kind, failed.code, failed.exit_code, failed.is_pause) == ("failed", DEVICE_FAILED, 5, True)
    assert failed.why == "CUDA error: device-side assert triggered"
    assert run.state().state is State.PAUSED
    events = work_until(run)
    assert events[-1].outcome == "finished"
    assert weights_of(run) == weights_of(undisturbed)
    notices = [each.text for each in events if each.kind == "notice" and each.code == "device-failed"]
    assert len(notices) == 1
    assert "device-side assert" in notices[0]
    assert "iteration 3" in notices[0]
    assert run.state().failure is None
