"""What a scan found is kept, and is only believed where it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastudio import paths
from metastudio.catalog.data_spec import Layout
from metastudio.images import kept_index as module
from metastudio.images.image_folder import scan
from metastudio.images.image_index import ImageIndex
from metastudio.images.kept_index import keep_index, kept_index


@pytest.fixture
def found(tmp_path: Path) -> ImageIndex:
    for name in ("train/a", "train/b", "test/c"):
        for number in range(3):
            path = tmp_path / "images" / name / f"bad\udcff {number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * (number + 1))
    (tmp_path / "images" / "notes.txt").write_text("passed over")
    return scan([tmp_path / "images"])


def only_file() -> Path:
    (file,) = (paths.cache_folder() / "indexes").iterdir()
    return file


def test_what_was_kept_is_what_was_found(found: ImageIndex) -> None:
    keep_index(found.folders, Layout.AUTO, found)
    assert kept_index(found.folders, Layout.AUTO) == found
    assert found.problems
    assert {each.part for each in found.classes} != {None}


def test_other_folders_or_layouts_have_nothing_kept(found: ImageIndex) -> None:
    keep_index(found.folders, Layout.AUTO, found)
    assert kept_index(found.folders, Layout.NESTED) is None
    assert kept_index((*found.folders, "/more"), Layout.AUTO) is None


@pytest.mark.parametrize("place", [0, 70, -3])
def test_one_altered_byte_and_nothing_is_believed(found: ImageIndex, place: int) -> None:
    keep_index(found.folders, Layout.AUTO, found)
    content = bytearray(only_file().read_bytes())
    content[place] ^= 1
    only_file().write_bytes(content)
    assert kept_index(found.folders, Layout.AUTO) is None


def test_a_cut_off_file_is_nothing(found: ImageIndex) -> None:
    keep_index(found.folders, Layout.AUTO, found)
    only_file().write_bytes(only_file().read_bytes()[:-40])
    assert kept_index(found.folders, Layout.AUTO) is None


def test_a_cache_that_cannot_be_written_is_no_error(found: ImageIndex) -> None:
    (paths.cache_folder() / "indexes").write_text("a file where the folder should be")
    keep_index(found.folders, Layout.AUTO, found)
    assert kept_index(found.folders, Layout.AUTO) is None


def test_only_the_newest_are_kept(found: ImageIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 3)
    for number in range(6):
        keep_index((f"/folder{number}",), Layout.AUTO, found)
    assert len(list((paths.cache_folder() / "indexes").iterdir())) == 3
    assert kept_index(("/folder5",), Layout.AUTO) == found
