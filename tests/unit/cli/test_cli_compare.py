"""`metastudio compare`: what differs, and who is ahead on the same episodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metastudio.catalog.validation import parse_experiment
from metastudio.engine.evaluation import comparison
from metastudio.runs.episode_scores import PairedDifference
from metastudio.runs.run_folder import RunFolder
from tests.unit.runs.small_runs import make_run

FOUND = PairedDifference(600, "support", 0.62, 0.01, 0.60, 0.01, 0.02, 0.005)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    made = make_run(tmp_path), make_run(tmp_path, parse_experiment({"seed": 3}))
    for run, name in zip(made, ("the one", "the other"), strict=True):
        run.write_notes(run.notes().model_copy(update={"name": name}))
    return made


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "the one is ahead of the other by 2.0 ± 0.5 points on the same 600 meta-test episodes"),
        ({"difference": -0.02}, "the other is ahead of the one by 2.0 ± 0.5 points"),
        ({"ci95": 0.03}, "A tie: +2.0 ± 3.0 points on the same 600 meta-test episodes"),
        ({"ci95": None, "episodes": 1}, "A tie: +2.0 ± n/a points"),
    ],
)
def test_who_is_ahead_is_said_with_the_interval(
    pair: tuple[RunFolder, RunFolder], metastudio: Callable[..., object], monkeypatch, changes, sentence: str
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(comparison, "compare", lambda *_, **__: replace(FOUND, **changes))
    said = metastudio("compare", *(each.path for each in pair))
    assert said.code == 0, said.err
    assert sentence in said.out
    assert "the one: 62.0 % ± 1.0" in said.out
    assert [each.split() for each in said.out.splitlines() if each.startswith("seed")] == [["seed", "0", "3"]]


def test_programs_get_the_numbers(pair: tuple[RunFolder, RunFolder], metastudio, monkeypatch) -> None:
    monkeypatch.setattr(comparison, "compare", lambda *_, **__: FOUND)
    options, found = metastudio("compare", *(each.path for each in pair), "--json").lines
    assert options == {"kind": "differences", "options": {"seed": ["0", "3"]}}
    assert (found["kind"], found["is_tie"], found["difference"], found["ci95"]) == ("compared", False, 0.02, 0.005)


def test_a_folder_that_is_no_run_is_said(pair: tuple[RunFolder, RunFolder], metastudio, tmp_path: Path) -> None:
    said = metastudio("compare", pair[0].path, tmp_path / "nothing")
    assert said.code == 2
    assert "There is no run here" in said.err
