"""Lines A and B of the list of faults, as far as finding and decoding go: whole imports, bad files beside good ones."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from metastudio.catalog.data_spec import Layout, Preprocessing
from metastudio.images.decoding import decode, thumbnail
from metastudio.images.folder_layout import found_classes, index_of
from metastudio.images.folder_walk import Held
from metastudio.images.image_folder import scan
from metastudio.images.image_index import ImageFile, ImageIndex
from metastudio.images.image_store import open_store
from metastudio.images.near_duplicates import near_duplicates
from metastudio.images.problems import UnreadableImage
from tests.unit.images.pictures import make_pictures, png_header

GREY = Preprocessing(image_size=28, colour="grey")


def _encoded(kind: str, **options: Any) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


def _cut(kind: str, **options: Any) -> bytes:
    content = _encoded(kind, **options)
    return content[: len(content) // 2]


def _flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "A1 nothing in it": ("a.png", lambda: b"", "0 bytes"),
    "A2 one byte": ("a.jpg", lambda: b"\xff", "not an image"),
    "A2 garbage": ("a.png", lambda: bytes(range(128, 256)), "not an image"),
    "A3 a page of a failed download": ("a.jpg", lambda: b"<!doctype html><p>404", "not an image (looks like HTML)"),
    "A4 JPEG cut off": ("a.jpg", lambda: _cut("JPEG"), "truncated"),
    "A4 PNG cut off": ("a.png", lambda: _cut("PNG"), "truncated"),
    "A4 WebP cut off": ("a.webp", lambda: _cut("WEBP", lossless=True), "damaged"),
    "A4 TIFF cut off": ("a.tif", lambda: _cut("TIFF"), "truncated"),
    "A5 header cut off": ("a.png", lambda: _encoded("PNG")[:20], "truncated"),
    "A6 bit flipped in IDAT": ("a.png", lambda: _flipped(_encoded("PNG"), 6000), "damaged"),
    "A6 bit flipped in IHDR": ("a.png", lambda: _flipped(_encoded("PNG"), 20), "damaged"),
    "A8 bomb": ("a.png", lambda: png_header(60_000, 60_000), "image too large (60000×60000)"),
    "A9 bomb that Pillow only warns of": ("a.png", lambda: png_header(12_000, 10_000), "image too large (12000×10000)"),
    "A10 a strip": ("a.png", lambda: png_header(1, 65_000_000), "image too large (1×65000000)"),
    "A22 EPS": ("a.eps", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage", "EPS is not supported"),
    "A22 PDF": ("a.pdf", lambda: b"%PDF-1.4\n", "PDF is not supported"),
    "A22 WMF": ("a.wmf", lambda: b"\xd7\xcd\xc6\x9a" + bytes(30), "WMF is not supported"),
    "A23 SVG": ("a.svg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawings are not supported"),
    "A24 HEIC": ("a.heic", lambda: b"\0\0\0\x18ftypheic" + bytes(20), "HEIC is not supported in this build"),
    "A24 JPEG XL": ("a.jxl", lambda: b"\xff\x0a" + bytes(20), "JPEG XL is not supported in this build"),
    "A24 RAW": ("a.nef", lambda: bytes(40), "NEF is not supported"),
}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return make_pictures(tmp_path / "pictures", {"mug": 3, "cup": 3})


@pytest.mark.parametrize("line", BAD)
def test_one_bad_file_is_listed_with_its_reason_and_the_others_go_on(good: Path, tmp_path: Path, line: str) -> None:
    name, content, reason = BAD[line]
    bad = good / "mug" / name
    bad.write_bytes(content())

    store = open_store(scan([good]), GREY, cache=tmp_path / "cache")

    assert store.images.shape[0] == 6
    (problem,) = (each for each in store.problems if each.where == str(bad))
    assert str(problem.message).startswith(reason)
    with pytest.raises(UnreadableImage):
        thumbnail(bad, 64)


def test_a7_a_bit_flipped_in_a_jpeg_is_found_by_its_hash(good: Path, tmp_path: Path) -> None:
    path = good / "mug/photo.jpg"
    path.write_bytes(_encoded("JPEG"))
    frozen = open_store(scan([good]), GREY, cache=tmp_path / "cache").index
    path.write_bytes(_flipped(path.read_bytes(), 2500))
    decode(path, GREY)  # which is why the hash is needed

    store = open_store(frozen, GREY, cache=tmp_path / "elsewhere")

    assert [(each.code, each.where) for each in store.problems if each.where == str(path)] == [
        ("changed-since-import", str(path))
    ]
    assert store.images.shape[0] == 6


@pytest.mark.parametrize("profile", [b"no profile", bytes(200_000)])
def test_a25_colour_profiles_are_ignored_so_that_training_and_exports_see_the_same(
    tmp_path: Path, profile: bytes
) -> None:
    picture = Image.new("RGB", (28, 28), (10, 200, 30))
    picture.save(tmp_path / "plain.png")
    picture.save(tmp_path / "wide.png", icc_profile=profile)

    assert (decode(tmp_path / "wide.png", GREY) == decode(tmp_path / "plain.png", GREY)).all()


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
@pytest.mark.timeout(30)
def test_a26_a27_what_is_no_plain_file_is_never_opened(good: Path, tmp_path: Path) -> None:
    os.mkfifo(good / "mug/pipe.jpg")
    (good / "mug/folder.jpg").mkdir()

    index = scan([good])

    assert [each.code for each in index.problems] == ["not-a-file", "folder-like-picture"]
    assert open_store(index, GREY, cache=tmp_path / "cache").images.shape[0] == 6


def test_a33_a34_the_same_picture_twice_is_reported_with_both_paths(tmp_path: Path) -> None:
    root = make_pictures(tmp_path / "pictures", {"train/mug": 2, "train/pot": 2, "test/cup": 2})
    shutil.copy(root / "train/mug/0.png", root / "train/pot/copy.png")
    shutil.copy(root / "train/mug/1.png", root / "test/cup/copy.png")

    store = open_store(scan([root]), GREY, cache=tmp_path / "cache")

    found = {
        each.code: (each.where, each.message.fields["other"]) for each in store.problems if "duplicate" in each.code
    }
    assert {code: set(paths) for code, paths in found.items()} == {
        "duplicate-across-classes": {str(root / "train/mug/0.png"), str(root / "train/pot/copy.png")},
        "duplicate-across-parts": {str(root / "train/mug/1.png"), str(root / "test/cup/copy.png")},
    }


def test_b13_ten_thousand_classes_of_two_hundred_thousand_files_become_an_index_and_json() -> None:
    files = tuple(ImageFile(f"/d/{number}.png", 1, 1) for number in range(20))
    held = [Held((f"{number // 100:02}", f"{number % 100:02}"), files) for number in range(10_000)]

    index = index_of(("/d",), found_classes([("/d", held)], Layout.AUTO, [], {}), Layout.AUTO, [])

    assert (len(index.classes), index.file_count) == (10_000, 200_000)
    assert ImageIndex.from_json(json.loads(json.dumps(index.to_json()))) == index


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_b25_a_read_only_folder_works(good: Path, tmp_path: Path) -> None:
    folders = [good, *(each for each in good.rglob("*") if each.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert open_store(scan([good]), GREY, cache=tmp_path / "cache").images.shape[0] == 6
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_all_nasty_files_beside_good_ones_are_read_or_listed_with_a_reason(
    nasty: Path, good: Path, tmp_path: Path
) -> None:
    index = scan([good, nasty])
    assert index.file_count == 6 + 1706

    store = open_store(index, GREY, cache=tmp_path / "cache")

    paths = {file.path for each in index.classes for file in each.files}
    read = {file.path for each in store.index.classes for file in each.files}
    left_out = [each for each in store.problems if each.code in ("unreadable", "refused")]
    assert {each.where for each in left_out} == paths - read
    assert len(left_out) + len(read) == 6 + 1706
    assert all(len(str(each.message)) > 5 for each in left_out)
    assert 400 < len(read) < 500
    assert store.images.shape == (len(read), 28, 28, 1)
    alike = near_duplicates(store)
    assert alike, "the same drawing is there in many formats"
    assert {path for group in alike for path in group} <= read
    for name in ("mug", "cup"):
        assert len(store.rows(name)) == 3


def test_the_thumbnail_of_a_nasty_file_is_a_picture_or_a_reason(nasty: Path) -> None:
    shown, reasons = 0, list[str]()
    for path in sorted(nasty.rglob("*.*")):
        if not path.is_file() or path.name.startswith("LICENSE"):
            continue
        try:
            picture = thumbnail(path, 32)
        except UnreadableImage as error:
            reasons.append(str(error.problem.message))
            continue
        shown += 1
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        assert 1 <= max(picture.shape[:2]) <= 32

    assert 400 < shown < 500
    assert shown + len(reasons) == 1706
    assert all(len(each) > 5 for each in reasons)


PEAK = """
import sys
from pathlib import Path
from metastudio.catalog.data_spec import Preprocessing
from metastudio.images.decoding import decode, thumbnail

def highest_mb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(each for each in lines if each.startswith("VmHWM:")).split()[1]) / 1000

small, large = sys.argv[1:]
decode(small, Preprocessing(image_size=84)), thumbnail(small, 96)
before = highest_mb()
decoded = decode(large, Preprocessing(image_size=84)), thumbnail(large, 96)
assert decoded[0].shape == (84, 84, 3)
print(highest_mb() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the highest memory is not told here")
@pytest.mark.parametrize("size", [(8000, 6000), (20_000, 4_999)], ids=["A11 8k wide", "A12 panorama of 100 megapixels"])
def test_a_large_jpeg_is_decoded_small(tmp_path: Path, size: tuple[int, int]) -> None:
    """It has 144 and 300 MB of pixels; an eighth of its sides is decoded, and its bytes are held."""
    Image.new("RGB", (64, 64)).save(tmp_path / "small.jpg")
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    picture.save(tmp_path / "large.jpg", quality=60)

    paths = [str(tmp_path / "small.jpg"), str(tmp_path / "large.jpg")]
    told = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, check=True, text=True).stdout

    assert float(told) < 40
