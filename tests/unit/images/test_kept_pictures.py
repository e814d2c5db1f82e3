"""Pictures that a project keeps itself: copied into a folder that shows them as the class they shall be of."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from metastudio.errors import DataError, ResourceError
from metastudio.images import kept_pictures
from metastudio.images.image_folder import scan
from metastudio.images.kept_pictures import copy_into, free_folder, unpack_into
from metastudio.images.problems import Cancelled

QUIET = {"on_progress": lambda *_: None, "should_stop": lambda: False}


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "photos" / f"{number}.png" for number in range(3)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]))
    return [str(each) for each in paths]


@pytest.mark.parametrize("name", ["oak", "Latin/character01", "with space", "caf\u00e9", "CON?"])
def test_the_copy_shows_the_class_that_was_asked_for(tmp_path: Path, pictures: list[str], name: str) -> None:
    parent = tmp_path / "project" / "images"

    for number in range(2):
        folder, problems = copy_into(parent, name, pictures, **QUIET)
        (found,) = scan([folder]).classes
        assert found.name == name
        assert [Path(each.path).read_bytes() for each in found.files] == [b"\0", b"\1", b"\2"]
        assert problems == ()
        assert len(list(parent.iterdir())) == number + 1


def test_a_class_of_one_word_lies_directly_in_its_folder(tmp_path: Path, pictures: list[str]) -> None:
    folder, _ = copy_into(tmp_path / "images", "oak", pictures, **QUIET)

    assert folder == tmp_path / "images" / "oak"
    assert (folder / "0.png").exists()


def test_pictures_of_one_name_are_kept_apart_in_any_case(tmp_path: Path) -> None:
    paths = [tmp_path / each for each in ("a/1.png", "b/1.png", "c/1.PNG")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(path.parent.name.encode())

    folder, _ = copy_into(tmp_path / "images", "oak", [str(each) for each in paths], **QUIET)

    assert {each.name: each.read_bytes() for each in folder.iterdir()} == {
        "1.png": b"a",
        "1 2.png": b"b",
        "1 3.PNG": b"c",
    }


def test_what_cannot_be_copied_is_named_and_the_others_go_on(tmp_path: Path, pictures: list[str]) -> None:
    odd = [str(tmp_path / "gone.png"), str(tmp_path)]
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.png")
        odd.append(str(tmp_path / "pipe.png"))

    folder, problems = copy_into(tmp_path / "images", "oak", [*odd, *pictures], **QUIET)

    assert len(list(folder.iterdir())) == 3
    assert [each.where for each in problems] == odd


def test_nothing_to_copy_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="None of these pictures"):
        copy_into(tmp_path / "images", "oak", [str(tmp_path / "gone.png")], **QUIET)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["..", "../up", "/abs", "", ".hidden", "a\nb", "C:x"])
def test_a_class_that_can_be_no_folder_is_refused(tmp_path: Path, pictures: list[str], name: str) -> None:
    with pytest.raises(DataError, match="No folder can be called"):
        copy_into(tmp_path / "images", name, pictures, **QUIET)
    assert not (tmp_path / "images").exists()


def test_stopping_or_a_full_disk_leaves_nothing(
    tmp_path: Path, pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    asked: list[int] = []

    def stop() -> bool:
        asked.append(0)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        copy_into(tmp_path / "images", "oak", pictures, on_progress=lambda *_: None, should_stop=stop)

    def fail(path: Path) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_pictures, "new_file", fail)
    with pytest.raises(ResourceError, match="No space left"):
        copy_into(tmp_path / "images", "oak", pictures, **QUIET)
    assert list((tmp_path / "images").iterdir()) == []


def test_an_archive_gets_a_folder_called_like_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "My leaves.zip", "w") as made:
        made.writestr("oak/1.png", "x")

    folders = [unpack_into(tmp_path / "images", str(tmp_path / "My leaves.zip"), **QUIET)[0] for _ in range(2)]

    assert [each.name for each in folders] == ["My leaves", "My leaves 2"]
    assert (folders[1] / "oak" / "1.png").exists()


@pytest.mark.parametrize(
    ("name", "expected"), [("a/b\\c:d", "a_b_c_d"), (" . ", "pictures"), ("x" * 200, "x" * 80), ("a\nb", "a_b")]
)
def test_a_folder_is_called_as_every_system_allows(tmp_path: Path, name: str, expected: str) -> None:
    assert free_folder(tmp_path, name).name == expected
