"""Opening: a sample whose drawing was cut short is begun anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastudio.gui.opening import sample_draft
from metastudio.images import sample_glyphs


def test_drawing_that_was_cut_short_is_not_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(folder: Path) -> None:
        (folder / "half").mkdir(parents=True)
        raise KeyboardInterrupt

    def whole(folder: Path) -> None:
        (folder / "whole").mkdir(parents=True)

    monkeypatch.setattr(sample_glyphs, "make_sample_glyphs", cut_short)
    with pytest.raises(KeyboardInterrupt):
        sample_draft(tmp_path)
    assert not (tmp_path / "images").exists()
    monkeypatch.setattr(sample_glyphs, "make_sample_glyphs", whole)
    sample_draft(tmp_path)
    assert [each.name for each in (tmp_path / "images").iterdir()] == ["whole"]
    assert not (tmp_path / "images.part").exists()
