"""Pictures are found again by their content, with as little reading as can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.images.pictures import make_pictures

from metastudio.images import picture_search
from metastudio.images.fingerprints import sha256_of
from metastudio.images.picture_search import find_pictures, pictures_below
from metastudio.images.problems import Cancelled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_pictures(tmp_path / "images", {"a": 3, "a/deep": 1, "a/deep/deeper": 1})


def size_of(path: Path) -> int:
    return path.stat().st_size


def test_a_renamed_picture_is_found_by_what_it_is(folder: Path) -> None:
    here = folder / "a" / "1.png"
    sha256, size = sha256_of(here), size_of(here)
    moved = here.rename(folder / "a" / "another name.png")
    assert find_pictures({sha256: size}, pictures_below(folder, depth=5)) == {sha256: str(moved)}


def test_only_files_of_the_size_are_read_and_none_once_all_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = folder / "a" / "0.png"
    other = folder / "a" / "0 larger.png"
    other.write_bytes(wanted.read_bytes() + b"more")
    read: list[str] = []
    monkeypatch.setattr(picture_search, "sha256_of", lambda path: read.append(path) or sha256_of(path))
    found = find_pictures({sha256_of(wanted): size_of(wanted)}, pictures_below(folder, depth=5))
    assert found == {sha256_of(wanted): str(wanted)}
    assert str(other) not in read
    assert read[-1] == str(wanted)


def test_depth_links_and_other_files_are_respected(folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to(make_pictures(tmp_path / "elsewhere", {"b": 1}))
    (folder / "a" / "notes.txt").write_text("x")
    (folder / "a" / "._0.png").write_bytes(b"x")
    names = [Path(path).name for path, _ in pictures_below(folder, depth=1)]
    assert names == ["0.png", "1.png", "2.png"]
    assert len(list(pictures_below(folder, depth=3))) == 5
    assert list(pictures_below(tmp_path / "not there", depth=1)) == []


def test_a_huge_folder_is_looked_at_only_so_far(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_search, "MOST_LOOKED_AT", 3)
    assert len(list(pictures_below(folder / "a", depth=0))) == 3


def test_an_unreadable_candidate_is_passed_over_and_the_search_can_be_stopped(folder: Path) -> None:
    wanted = folder / "a" / "0.png"
    sha256, size = sha256_of(wanted), size_of(wanted)
    gone = (str(folder / "gone.png"), size)
    told: list[tuple[int, int]] = []
    found = find_pictures(
        {sha256: size, "0" * 64: size},
        [gone, (str(wanted), size)],
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert found == {sha256: str(wanted)}
    assert told == [(1, 2)]
    with pytest.raises(Cancelled):
        find_pictures({sha256: size}, [gone], should_stop=lambda: True)
