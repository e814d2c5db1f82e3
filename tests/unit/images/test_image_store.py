from __future__ import annotations

import errno
import os
import shutil
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from metastudio.catalog.data_spec import Preprocessing
from metastudio.errors import DataError, ResourceError
from metastudio.images import decode_pool, image_store
from metastudio.images.decoding import decode
from metastudio.images.image_folder import ImageIndex, scan
from metastudio.images.image_store import ImageStore, open_store
from metastudio.images.problems import Cancelled
from tests.unit.images.pictures import make_pictures

GREY = Preprocessing(image_size=8, colour="grey")


def codes(store: ImageStore) -> list[str]:
    return [each.code for each in store.problems]


def assert_holds_its_files(store: ImageStore, preprocessing: Preprocessing = GREY) -> None:
    row = 0
    for each in store.index.classes:
        assert store.rows(each.name) == range(row, row + len(each.files))
        for file in each.files:
            assert (store.images[row] == decode(file.path, preprocessing)).all(), file.path
            row += 1
    assert store.images.shape[0] == row


def snapshot(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(p), p.lstat().st_size, p.lstat().st_mtime_ns) for p in (folder, *folder.rglob("*")))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return make_pictures(tmp_path / "pictures", {"mug": 3, "cup": 2, "pot": 4})


@pytest.fixture
def decoded_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are decoded from now on."""
    paths: list[str] = []
    real = decode_pool.decode_file

    def noted(path: str, preprocessing: Preprocessing) -> Any:
        paths.append(path)
        return real(path, preprocessing)

    monkeypatch.setattr(decode_pool, "decode_file", noted)
    return paths


def test_a_store_holds_every_picture_at_the_rows_of_its_class(pictures: Path, cache: Path) -> None:
    store = open_store(scan([pictures]), GREY, cache=cache)

    assert store.images.shape == (9, 8, 8, 1)
    assert store.images.dtype == np.uint8
    assert not store.images.flags.writeable
    assert_holds_its_files(store)
    assert all(len(file.sha256) == 64 for each in store.index.classes for file in each.files)
    assert store.problems == ()


def test_colour_pictures_have_three_channels(tmp_path: Path, cache: Path) -> None:
    colour = Preprocessing(image_size=8)
    make_pictures(tmp_path / "pictures", {"mug": 1, "cup": 1})
    Image.new("RGB", (9, 9), (10, 200, 30)).save(tmp_path / "pictures/mug/c.png")

    store = open_store(scan([tmp_path / "pictures"]), colour, cache=cache)

    assert store.images.shape == (3, 8, 8, 3)
    assert_holds_its_files(store, colour)


def test_a_store_is_opened_again_without_reading_a_picture(
    pictures: Path, cache: Path, decoded_files: list[str]
) -> None:
    index = scan([pictures])
    first = open_store(index, GREY, cache=cache)
    assert len(decoded_files) == 9
    decoded_files.clear()

    for again in (
        open_store(index, GREY, cache=cache),
        open_store(first.index, GREY, cache=cache),
        open_store(ImageIndex.from_json(first.index.to_json()), GREY, cache=cache),
        open_store(index, GREY.model_copy(update={"invert": True}), cache=cache),
    ):
        assert (again.images == first.images).all()
        assert again.index.classes == first.index.classes
        assert again.fingerprint == first.fingerprint
    assert decoded_files == []


@pytest.mark.parametrize("other", [{"image_size": 9}, {"colour": "colour"}, {"fit": "pad"}])
def test_another_preprocessing_is_another_store(
    pictures: Path, cache: Path, decoded_files: list[str], other: dict[str, Any]
) -> None:
    index = scan([pictures])
    open_store(index, GREY, cache=cache)
    preprocessing = GREY.model_copy(update=other)

    assert_holds_its_files(open_store(index, preprocessing, cache=cache), preprocessing)
    assert len(decoded_files) == 18


def test_only_new_files_are_decoded_when_a_folder_grows_or_shrinks(
    pictures: Path, cache: Path, decoded_files: list[str]
) -> None:
    open_store(scan([pictures]), GREY, cache=cache)
    decoded_files.clear()
    Image.new("L", (9, 9), 251).save(pictures / "cup/new.png")

    assert_holds_its_files(open_store(scan([pictures]), GREY, cache=cache))
    assert decoded_files == [str(pictures / "cup/new.png")]

    shutil.rmtree(pictures / "mug")
    assert_holds_its_files(open_store(scan([pictures]), GREY, cache=cache))
    assert decoded_files == [str(pictures / "cup/new.png")]


def test_what_is_odd_about_files_taken_over_is_still_said(tmp_path: Path, cache: Path) -> None:
    pictures = make_pictures(tmp_path / "pictures", {"mug": 1, "cup": 1}, side=5)
    Image.new("L", (60, 20), 9).save(pictures / "mug/long.png")
    before = {
        each.code: (each.where, *each.others) for each in open_store(scan([pictures]), GREY, cache=cache).problems
    }
    assert before == {
        "tiny": (str(pictures / "cup/0.png"), str(pictures / "mug/0.png")),
        "odd-aspect": (str(pictures / "mug/long.png"),),
    }
    Image.new("L", (9, 9), 251).save(pictures / "cup/new.png")

    larger = open_store(scan([pictures]), GREY, cache=cache)

    assert {each.code: (each.where, *each.others) for each in larger.problems} == before


def test_unreadable_files_are_listed_and_left_out(pictures: Path, cache: Path) -> None:
    (pictures / "cup/0.png").write_bytes(b"")
    (pictures / "mug/1.png").write_bytes(b"<html>gone</html>")
    index = scan([pictures])

    store = open_store(index, GREY, cache=cache)

    assert sorted((Path(each.where).name, str(each.message)) for each in store.problems) == [
        ("0.png", "0 bytes"),
        ("1.png", "not an image (looks like HTML)"),
    ]
    assert store.index.file_count == index.file_count - 2
    assert_holds_its_files(store)
    again = open_store(index, GREY, cache=cache)
    assert again.problems == store.problems
    assert_holds_its_files(again)


def test_a_class_without_readable_pictures_is_left_out_and_listed(pictures: Path, cache: Path) -> None:
    for path in (pictures / "mug").iterdir():
        path.write_bytes(b"")

    store = open_store(scan([pictures]), GREY, cache=cache)

    assert [each.name for each in store.index.classes] == ["cup", "pot"]
    assert codes(store).count("class-unreadable") == 1
    assert_holds_its_files(store)
    with pytest.raises(DataError, match="no class 'mug'"):
        store.rows("mug")


def test_nothing_readable_at_all_is_an_error_with_the_reasons(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "mug").mkdir()
    (tmp_path / "mug/a.png").write_bytes(b"")

    with pytest.raises(DataError, match="The picture cannot be read") as caught:
        open_store(scan([tmp_path / "mug"]), GREY, cache=cache)
    assert [str(each.message) for each in caught.value.problems] == ["0 bytes"]
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("suffix", ["json", "pixels"])
@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "remove"])
def test_a_damaged_cache_is_made_again(pictures: Path, cache: Path, suffix: str, damage: str) -> None:
    index = scan([pictures])
    before = np.array(open_store(index, GREY, cache=cache).images)
    (path,) = cache.glob(f"*.{suffix}")
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "truncate":
        path.write_bytes(content[:-7])
    elif damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")

    for _ in range(2):
        store = open_store(index, GREY, cache=cache)
        assert (store.images == before).all()
        assert_holds_its_files(store)


def test_a_file_that_is_not_the_imported_one_is_left_out(pictures: Path, cache: Path, tmp_path: Path) -> None:
    frozen = open_store(scan([pictures]), GREY, cache=cache).index
    path = pictures / "cup/1.png"
    about = path.stat()
    Image.new("L", (12, 12), 252).save(path)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))

    elsewhere = open_store(frozen, GREY, cache=tmp_path / "other cache")

    assert [(each.code, each.where) for each in elsewhere.problems] == [("changed-since-import", str(path))]
    assert elsewhere.index.file_count == 8
    assert_holds_its_files(elsewhere)


def test_a_file_changed_between_scan_and_read_is_taken_as_it_is(pictures: Path, cache: Path) -> None:
    index = scan([pictures])
    Image.new("L", (40, 40), 253).save(pictures / "cup/1.png")
    (pictures / "mug/0.png").unlink()

    store = open_store(index, GREY, cache=cache)

    assert codes(store) == ["file-gone"]
    assert store.index.by_name("cup").files[1].size_bytes == (pictures / "cup/1.png").stat().st_size
    assert_holds_its_files(store)


def test_a_folder_that_has_gone_is_an_error_not_an_empty_store(pictures: Path, cache: Path) -> None:
    index = scan([pictures])
    shutil.rmtree(pictures)

    with pytest.raises(DataError, match=r"folder is gone.*Reconnect"):
        open_store(index, GREY, cache=cache)
    assert list(cache.iterdir()) == []


def test_a_file_that_may_be_read_again_is_tried_again(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, decoded_files: list[str]
) -> None:
    index = scan([pictures])
    locked = str(pictures / "cup/1.png")
    real = os.open

    def refuse(path: str, *args: Any) -> int:
        if path == locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *args)

    with monkeypatch.context() as patch:
        patch.setattr("metastudio.images.decoding.os.open", refuse)
        assert codes(open_store(index, GREY, cache=cache)) == ["not-allowed"]
    decoded_files.clear()

    store = open_store(index, GREY, cache=cache)

    assert store.problems == ()
    assert decoded_files == [locked]
    assert_holds_its_files(store)


def test_a_disk_that_does_not_answer_is_an_error_and_nothing_is_kept(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def fail(path: str, *args: Any) -> int:
        if path.startswith(str(pictures)):
            raise OSError(errno.EIO, "Input/output error")
        return real(path, *args)

    monkeypatch.setattr("metastudio.images.decoding.os.open", fail)
    monkeypatch.setattr("metastudio.images.decoding._WAITS_S", ())

    with pytest.raises(ResourceError, match="did not answer"):
        open_store(scan([pictures]), GREY, cache=cache)
    assert list(cache.iterdir()) == []


def test_what_a_killed_import_left_is_swept_after_an_hour(pictures: Path, cache: Path) -> None:
    cache.mkdir()
    for name, age_s in (("old", 4000), ("new", 10)):
        path = cache / f".writing-{name}.pixels"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age_s,) * 2)

    open_store(scan([pictures]), GREY, cache=cache)

    assert [path.name for path in cache.glob(".writing-*")] == [".writing-new.pixels"]


def test_nothing_is_written_where_the_pictures_lie(pictures: Path, cache: Path) -> None:
    (pictures / "cup/0.png").write_bytes(b"")
    before = snapshot(pictures)

    open_store(scan([pictures]), GREY, cache=cache)

    assert snapshot(pictures) == before


def test_without_a_folder_named_the_cache_is_the_programs_own(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METASTUDIO_CACHE", str(tmp_path / "own"))

    open_store(scan([pictures]), GREY)

    assert len(list((tmp_path / "own/stores").iterdir())) == 2


def test_a_stopped_import_leaves_nothing_behind(pictures: Path, cache: Path) -> None:
    with pytest.raises(Cancelled):
        open_store(scan([pictures]), GREY, cache=cache, should_stop=lambda: True)

    assert list(cache.iterdir()) == []


def test_progress_ends_with_all_files(pictures: Path, cache: Path) -> None:
    told: list[tuple[int, int]] = []

    open_store(scan([pictures]), GREY, cache=cache, on_progress=lambda *numbers: told.append(numbers))

    assert told[0] == (0, 9)
    assert told[-1] == (9, 9)


def test_a_full_disk_is_said_before_anything_is_decoded(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, decoded_files: list[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(image_store.shutil, "disk_usage", lambda _: usage(1, 1, 0))

    with pytest.raises(ResourceError, match="Free 1 MB"):
        open_store(scan([pictures]), GREY, cache=cache)
    assert decoded_files == []


def test_a_cache_that_cannot_be_written_is_said(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(ResourceError, match="METASTUDIO_CACHE"):
        open_store(scan([pictures]), GREY, cache=tmp_path / "file")


def test_old_stores_are_removed_when_there_is_too_much(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_store, "_KEPT_BYTES", 6000)
    for size in (8, 9, 10, 11):
        preprocessing = Preprocessing(image_size=size, colour="grey")
        store = open_store(scan([pictures]), preprocessing, cache=cache)
        assert_holds_its_files(store, preprocessing)

    assert sum(path.stat().st_size for path in cache.iterdir()) <= 6000


def test_the_fingerprint_is_of_content_and_classes_not_of_places(pictures: Path, cache: Path, tmp_path: Path) -> None:
    first = open_store(scan([pictures]), GREY, cache=cache)
    shutil.copytree(pictures, tmp_path / "copy")
    copied = open_store(scan([tmp_path / "copy"]), GREY, cache=cache)
    (tmp_path / "copy/mug/0.png").rename(tmp_path / "copy/cup/9.png")
    moved = open_store(scan([tmp_path / "copy"]), GREY, cache=cache)

    assert copied.fingerprint == first.fingerprint
    assert moved.fingerprint != first.fingerprint


def test_processes_give_the_same_store_as_one(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pictures / "cup/0.png").write_bytes(b"")
    index = scan([pictures])
    alone = open_store(index, GREY, cache=tmp_path / "alone")
    monkeypatch.setattr(decode_pool, "_POOL_PAYS_FILES", 0)
    monkeypatch.setattr(decode_pool, "_CHUNK_FILES", 2)
    monkeypatch.setattr(decode_pool, "_cores", lambda: 2)

    together = open_store(index, GREY, cache=tmp_path / "together")

    assert (together.images == alone.images).all()
    assert together.index == alone.index
    assert together.problems == alone.problems


_real_decode_chunk = decode_pool._decode_chunk


def dying_decode_chunk(chunk: Any) -> Any:
    """Decode, but die as a crashing decoder does when a file says so. Runs in the processes of the pool."""
    for each in chunk.wanted:
        if Path(each.file.path).read_bytes() == b"crash":
            os._exit(9)
    return _real_decode_chunk(chunk)


def test_a_decoder_that_crashes_costs_only_its_file(
    pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pictures / "pot/2.png").write_bytes(b"crash")
    monkeypatch.setattr(decode_pool, "_POOL_PAYS_FILES", 0)
    monkeypatch.setattr(decode_pool, "_CHUNK_FILES", 3)
    monkeypatch.setattr(decode_pool, "_cores", lambda: 2)
    monkeypatch.setattr(decode_pool, "_decode_chunk", dying_decode_chunk)

    store = open_store(scan([pictures]), GREY, cache=cache)

    assert [(each.where, str(each.message)) for each in store.problems] == [
        (str(pictures / "pot/2.png"), "damaged (its decoder crashed)")
    ]
    assert_holds_its_files(store)


def test_an_import_in_processes_can_be_stopped(pictures: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "_POOL_PAYS_FILES", 0)
    monkeypatch.setattr(decode_pool, "_CHUNK_FILES", 2)
    monkeypatch.setattr(decode_pool, "_cores", lambda: 2)

    with pytest.raises(Cancelled):
        open_store(scan([pictures]), GREY, cache=cache, should_stop=lambda: True)
    assert list(cache.iterdir()) == []
