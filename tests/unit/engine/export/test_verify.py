"""Verification compares strictly, and runs exports where nothing of ours can help them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metastudio.engine.export.verify import clean_process, compare
from metastudio.errors import ExportError

WANTED = torch.tensor([[1.0, 2.0, 0.0], [3.0, 1.0, 0.5]])


def test_small_differences_pass_and_are_measured() -> None:
    assert compare(WANTED + 3e-5, WANTED, where="x") == pytest.approx(3e-5, rel=0.05)


@pytest.mark.parametrize(
    ("actual", "why"),
    [
        (WANTED + 2e-4, "differ by up to 0.0002"),
        (WANTED * float("nan"), "differ by up to nan"),
        (WANTED * float("inf"), "differ by up to"),
        (WANTED[:1], "a table of"),
        (WANTED[:, :2], "a table of"),
    ],
)
def test_other_logits_fail(actual: torch.Tensor, why: str) -> None:
    with pytest.raises(ExportError, match=why):
        compare(actual, WANTED, where="x")


def test_large_logits_may_differ_no_more_than_small_ones() -> None:
    large = torch.tensor([[1200.0, 3.0]])
    with pytest.raises(ExportError, match=r"differ by up to 0\.000244; at most 0\.0001 is allowed"):
        compare(large + torch.tensor([[2.5e-4, 0]]), large, where="x")


def test_another_answer_fails_though_the_difference_is_small() -> None:
    torn = torch.tensor([[1.0, 1.0 + 1.5e-4]])
    with pytest.raises(ExportError, match="1 of 1 pictures get another answer"):
        compare(torn + torch.tensor([[9e-5, -9e-5]]), torn, where="x")


def test_either_answer_is_the_same_where_the_model_itself_is_torn() -> None:
    torn = torch.tensor([[1.0, 1.0 + 5e-5]])
    assert compare(torn + torch.tensor([[9e-5, 0]]), torn, where="x") > 0


def test_a_script_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="ZeroDivisionError"):
        clean_process(["-c", "1/0"], where=tmp_path)


def test_a_clean_process_sees_neither_its_folder_nor_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "ours"
    for folder in (ours, tmp_path):
        folder.mkdir(exist_ok=True)
        (folder / "only_here.py").write_text("", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(ours))
    with pytest.raises(ExportError, match="No module named 'only_here'"):
        clean_process(["-c", "import only_here"], where=tmp_path)
