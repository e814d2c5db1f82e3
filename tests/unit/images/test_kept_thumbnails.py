"""Thumbnails on the disk: large pictures are decoded once, and nothing that happens to the file does harm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metastudio.images import kept_thumbnails as module
from metastudio.images.kept_thumbnails import KeptThumbnails
from metastudio.images.problems import UnreadableImage


@pytest.fixture
def large(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > module.WORTH_KEEPING_BYTES
    return tmp_path / "large.png"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    real: Callable = module.thumbnail
    monkeypatch.setattr(module, "thumbnail", lambda path, side: (calls.append(path), real(path, side))[1])
    return calls


def test_a_large_picture_is_decoded_once(tmp_path: Path, large: Path, decoded: list[str]) -> None:
    first = KeptThumbnails(tmp_path / "cache")
    shown = first.thumbnail(str(large), 64)
    first.close()
    again = KeptThumbnails(tmp_path / "cache")
    assert again.thumbnail(str(large), 64).shape == shown.shape == (48, 64, 3)
    assert decoded == [str(large)]
    again.thumbnail(str(large), 32)
    assert len(decoded) == 2, "another size is another thumbnail"
    again.close()


def test_a_changed_picture_is_decoded_again(tmp_path: Path, large: Path, decoded: list[str]) -> None:
    kept = KeptThumbnails(tmp_path / "cache")
    kept.thumbnail(str(large), 64)
    os.utime(large, ns=(1, 1))
    kept.thumbnail(str(large), 64)
    assert len(decoded) == 2
    kept.close()


def test_of_a_small_picture_nothing_is_kept(tmp_path: Path, decoded: list[str]) -> None:
    Image.new("RGB", (40, 40), "red").save(tmp_path / "small.png")
    kept = KeptThumbnails(tmp_path / "cache")
    kept.thumbnail(str(tmp_path / "small.png"), 32)
    assert not (tmp_path / "cache").exists()


def test_a_bad_picture_says_why(tmp_path: Path) -> None:
    kept = KeptThumbnails(tmp_path / "cache")
    with pytest.raises(UnreadableImage, match="no longer there"):
        kept.thumbnail(str(tmp_path / "gone.png"), 32)
    (tmp_path / "bad.png").write_bytes(bytes(module.WORTH_KEEPING_BYTES + 1))
    with pytest.raises(UnreadableImage):
        kept.thumbnail(str(tmp_path / "bad.png"), 32)
    kept.close()


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, large: Path, decoded: list[str], content: bytes) -> None:
    (tmp_path / "thumbnails.sqlite").write_bytes(content)
    kept = KeptThumbnails(tmp_path)
    kept.thumbnail(str(large), 64)
    kept.thumbnail(str(large), 64)
    kept.thumbnail(str(large), 64)
    assert 1 <= len(decoded) <= 2
    kept.close()


def test_where_no_file_can_be_written_pictures_are_decoded(tmp_path: Path, large: Path, decoded: list[str]) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    kept = KeptThumbnails(tmp_path / "cache")
    for _ in range(2):
        assert kept.thumbnail(str(large), 64).shape == (48, 64, 3)
    assert len(decoded) == 2


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, large: Path, decoded: list[str], monkeypatch) -> None:
    monkeypatch.setattr(module, "_PRUNE_EVERY", 1)
    kept = KeptThumbnails(tmp_path / "cache", most_bytes=6_000)
    for side in (64, 65, 66, 67, 68):
        kept.thumbnail(str(large), side)
    before = len(decoded)
    kept.thumbnail(str(large), 68)
    assert len(decoded) == before
    kept.thumbnail(str(large), 64)
    assert len(decoded) == before + 1
    kept.close()
