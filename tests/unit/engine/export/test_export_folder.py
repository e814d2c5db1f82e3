"""An export's folder is there whole or not at all, and never takes the place of something else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from metastudio.engine.export.folder import ExportExistsError, check_place, verify_sums, write_export
from metastudio.engine.export.verify import Verification
from metastudio.errors import ConfigurationError, ExportError, IntegrityError, ResourceError
from metastudio.runs.atomic import FileLayer, file_layer

FILES = {"model.bin": b"weights", "labels.json": b"{}"}
SAME = Verification(2e-7, (1, 2, 7), 8)


def write(path: Path, files: dict[str, bytes] = FILES) -> None:
    write_export(path, files, lambda _: SAME)


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()} if folder.exists() else {}


def test_an_export_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    done = write_export(tmp_path / "out", FILES, lambda _: SAME)
    assert done.files == ("SHA256SUMS", "labels.json", "model.bin", "verification.json")
    assert done.size_bytes == sum(map(len, contents(tmp_path / "out").values()))
    verify_sums(tmp_path / "out")


def test_what_fails_its_verification_leaves_nothing(tmp_path: Path) -> None:
    def fail(aside: Path) -> Verification:
        assert contents(aside).keys() >= FILES.keys()
        raise ExportError("it answers something else")

    with pytest.raises(ExportError):
        write_export(tmp_path / "out", FILES, fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "content"), [("model.bin", b"weighty"), ("model.bin", b""), ("more.txt", b"x")])
def test_an_altered_cut_or_added_file_is_found(name: str, content: bytes, tmp_path: Path) -> None:
    write(tmp_path / "out")
    (tmp_path / "out" / name).write_bytes(content)
    with pytest.raises(IntegrityError, match=name):
        verify_sums(tmp_path / "out")


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    write(tmp_path / "out")
    (tmp_path / "out" / "model.bin").unlink()
    with pytest.raises(IntegrityError, match=r"model\.bin"):
        verify_sums(tmp_path / "out")


def test_an_older_export_is_replaced_only_when_that_is_allowed(tmp_path: Path) -> None:
    write(tmp_path / "out", {"old.bin": b"old"})
    with pytest.raises(ExportExistsError):
        check_place(tmp_path / "out", data_folders=(), overwrite=False)
    write(check_place(tmp_path / "out", data_folders=(), overwrite=True))
    assert "old.bin" not in contents(tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_holds_something_else_is_never_replaced(overwrite: bool, tmp_path: Path) -> None:
    write(tmp_path / "out")
    (tmp_path / "out" / "thesis.txt").write_text("three years of work")
    with pytest.raises(ConfigurationError, match="not replaced"):
        check_place(tmp_path / "out", data_folders=(), overwrite=overwrite)
    (tmp_path / "file").write_text("a file")
    with pytest.raises((ConfigurationError, NotADirectoryError), match="not replaced"):
        check_place(tmp_path / "file", data_folders=(), overwrite=overwrite)


def test_an_export_is_never_written_into_a_folder_of_images(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (tmp_path / "link").symlink_to(images)
    for place in (images, images / "red" / "out", tmp_path / "link" / "out"):
        with pytest.raises(ConfigurationError, match="folder of images"):
            check_place(place, data_folders=[str(images)], overwrite=True)
    assert check_place(tmp_path / "images-out", data_folders=[str(images)], overwrite=False)


class _FailingLayer(FileLayer):
    """Fails at the n-th operation with the given error; `count` says how many there were."""

    def __init__(self, fails_at: int, number: int) -> None:
        self.count = 0
        self._fails_at, self._errno = fails_at, number

    def _operate(self) -> None:
        self.count += 1
        if self.count == self._fails_at:
            raise OSError(self._errno, os.strerror(self._errno))

    def write(self, descriptor: int, content: bytes) -> None:
        self._operate()
        super().write(descriptor, content)

    def fsync(self, descriptor: int) -> None:
        self._operate()
        super().fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        self._operate()
        super().replace(source, target)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fails_at_any_operation_leaves_the_older_export_whole(number: int, tmp_path: Path) -> None:
    path = tmp_path / "out"
    write(path, {"old.bin": b"old"})
    before = contents(path)
    with file_layer(_FailingLayer(0, number)) as _:
        counted = _FailingLayer(0, number)
    with file_layer(counted):
        write(tmp_path / "elsewhere")
    assert counted.count > 8
    for fails_at in range(1, counted.count + 1):
        with file_layer(_FailingLayer(fails_at, number)), pytest.raises(ResourceError):
            write(path)
        assert contents(path) == before
        assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "out"]
