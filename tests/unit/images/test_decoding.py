from __future__ import annotations

import ast
import errno
import io
import os
import struct
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from metastudio.catalog.data_spec import Preprocessing
from metastudio.images import decoding, preprocessing
from metastudio.images.decoding import decode, decode_file, thumbnail
from metastudio.images.problems import UnreadableImage
from tests.unit.images.pictures import png_header

GREY = Preprocessing(image_size=8, colour="grey")
COLOUR = Preprocessing(image_size=8)


def saved(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def reason(path: Path) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decode(path, COLOUR)
    assert caught.value.problem.where == str(path)
    return str(caught.value.problem.message)


def pixel(path: Path, preprocessing: Preprocessing = COLOUR) -> list[int]:
    values = decode(path, preprocessing)
    assert values.shape == (8, 8, preprocessing.channels)
    assert values.dtype == np.uint8
    assert (values == values[0, 0]).all()
    return [int(value) for value in values[0, 0]]


# Colours and depths


@pytest.mark.parametrize(
    ("inks", "rgb"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_cmyk_jpeg_has_the_right_colours(tmp_path: Path, inks: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("CMYK", (16, 16), inks), quality=100)

    assert pixel(path) == pytest.approx(rgb, abs=2)


def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    for level in (0, 1, 100, 254, 255):
        path = saved(tmp_path / "a.png", Image.fromarray(np.full((8, 8), 257 * level, np.uint16)))
        assert pixel(path, GREY) == [level]


def test_float_tiff_goes_from_its_darkest_to_its_brightest(tmp_path: Path) -> None:
    values = np.linspace(-3.0, 5.0, 64, dtype=np.float32).reshape(8, 8)
    path = saved(tmp_path / "a.tif", Image.fromarray(values))

    expected = np.rint((values + 3) / 8 * 255).astype(np.uint8)
    assert np.abs(decode(path, GREY)[..., 0].astype(int) - expected).max() <= 1
    assert decode(path, GREY).min() == 0
    assert decode(path, GREY).max() == 255


def test_a_constant_float_tiff_is_black(tmp_path: Path) -> None:
    assert pixel(saved(tmp_path / "a.tif", Image.fromarray(np.full((8, 8), 7.0, np.float32))), GREY) == [0]


def test_a_float_tiff_with_infinite_values_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(np.full((8, 8), np.inf, np.float32)))

    assert reason(path) == "holds values that are not numbers"


@pytest.mark.parametrize(
    ("mode", "colour", "rgb"),
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (0, 255), (0, 0, 0)),
        ("1", 0, (0, 0, 0)),
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
    ],
)
def test_transparent_pictures_lie_on_white(tmp_path: Path, mode: str, colour: Any, rgb: tuple[int, ...]) -> None:
    assert pixel(saved(tmp_path / "a.png", Image.new(mode, (8, 8), colour))) == list(rgb)


@pytest.mark.parametrize(("index", "rgb"), [(0, (255, 255, 255)), (1, (10, 20, 30))])
def test_a_palette_with_a_transparent_colour_lies_on_white(tmp_path: Path, index: int, rgb: tuple[int, ...]) -> None:
    picture = Image.new("P", (8, 8), index)
    picture.putpalette([200, 0, 0, 10, 20, 30])

    assert pixel(saved(tmp_path / "a.png", picture, transparency=0)) == list(rgb)


def test_a_colour_key_of_an_rgb_png_lies_on_white(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 8), (1, 2, 3)), transparency=(1, 2, 3))

    assert pixel(path) == [255, 255, 255]


def test_grey_of_a_colour_picture_is_its_brightness(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 8), (255, 0, 0)))

    assert pixel(path, GREY) == [76]


# Orientation


def upright_corner() -> Image.Image:
    """White with a black top left quarter and a grey top right one: no turn or flip of it is itself."""
    values = np.full((8, 8), 255, np.uint8)
    values[:4, :4] = 0
    values[:4, 4:] = 128
    return Image.fromarray(values)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path: Path, orientation: int, suffix: str) -> None:
    undo = {6: 8, 8: 6}.get(orientation, orientation)
    turn = preprocessing._TURNS.get(undo)
    stored = upright_corner() if turn is None else upright_corner().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"a.{suffix}", stored, exif=exif)

    assert (decode(path, GREY)[..., 0] == np.asarray(upright_corner())).all()
    assert (thumbnail(path, 8)[..., 0] == np.asarray(upright_corner())).all()


def test_broken_exif_is_as_none_and_warns_nobody(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", upright_corner(), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x10garbage", quality=100)

    assert np.abs(decode(path, GREY)[..., 0].astype(int) - np.asarray(upright_corner())).max() < 8


def test_warning_filters_are_as_before_after_many_threads(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", upright_corner(), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x10garbage")
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [decode(path, GREY) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(warnings.filters) == before


# Several frames, endings, size


def test_the_first_frame_of_an_animation_is_taken_and_noted(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), level) for level in (10, 200)]
    for name in ("a.gif", "a.webp", "a.png", "a.tif"):
        options = {"lossless": True} if name == "a.webp" else {}
        path = saved(tmp_path / name, frames[0], save_all=True, append_images=frames[1:], **options)
        decoded = decode_file(str(path), GREY)
        assert decoded.oddities == ("first frame",), name
        assert (decoded.pixels == 10).all(), name


def test_the_content_decides_and_a_wrong_ending_is_noted(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    upright_corner().save(buffer, "PNG")
    path = tmp_path / "a.jpg"
    path.write_bytes(buffer.getvalue())

    decoded = decode_file(str(path), GREY)

    assert decoded.oddities == ("wrong extension",)
    assert (decoded.pixels[..., 0] == np.asarray(upright_corner())).all()


def test_a_picture_smaller_than_the_square_is_enlarged_and_noted(tmp_path: Path) -> None:
    decoded = decode_file(str(saved(tmp_path / "a.png", Image.new("L", (1, 1), 9))), GREY)

    assert decoded.oddities == ("tiny",)
    assert (decoded.pixels == 9).all()


def test_a_picture_three_times_as_long_as_wide_is_noted(tmp_path: Path) -> None:
    for size, odd in (((60, 20), True), ((20, 60), True), ((59, 20), False)):
        decoded = decode_file(str(saved(tmp_path / "a.png", Image.new("L", size, 9))), GREY)
        assert ("odd aspect" in decoded.oddities) == odd, size


def test_crop_keeps_the_middle_pad_adds_white_and_stretch_distorts(tmp_path: Path) -> None:
    values = np.repeat(np.array([10, 60, 60, 110], np.uint8)[None].repeat(16, 0), 8, axis=1)  # (16, 32): four columns
    path = saved(tmp_path / "a.png", Image.fromarray(values))

    def decoded(fit: Any) -> list[list[int]]:
        return decode(path, Preprocessing(image_size=8, colour="grey", fit=fit))[..., 0].astype(int).tolist()

    assert [row[2:6] for row in decoded("crop")] == [[60] * 4] * 8
    assert np.abs(np.array(decoded("crop")) - 60).max() <= 4
    assert decoded("pad")[:2] == [[255] * 8] * 2
    assert decoded("pad")[6:] == [[255] * 8] * 2
    assert decoded("pad")[3][0] == pytest.approx(10, abs=4)
    assert decoded("stretch")[0][0] == pytest.approx(10, abs=4)
    assert decoded("stretch")[7][7] == pytest.approx(110, abs=4)


def test_an_unknown_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="'crop', 'pad' or 'stretch'"):
        preprocessing.fit_to_square(Image.new("L", (4, 4)), 8, "grey", "squeeze")


def test_a_big_jpeg_is_decoded_small_and_looks_the_same(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 2048, dtype=np.uint8)[None].repeat(1536, 0)
    path = saved(tmp_path / "a.jpg", Image.fromarray(ramp), quality=95)

    small = preprocessing.open_picture(path, needed_px=28)
    whole = preprocessing.open_picture(path)

    assert whole.size == (2048, 1536)
    assert 2 * 28 <= min(small.size) < 400
    difference = [
        np.asarray(preprocessing.fit_to_square(each, 28, "grey", "crop")).astype(int) for each in (small, whole)
    ]
    assert np.abs(difference[0] - difference[1]).max() <= 3


def test_a_thumbnail_keeps_the_shape_of_the_picture(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (200, 50), (1, 2, 3)))

    assert thumbnail(path, 40).shape == (10, 40, 3)
    assert (thumbnail(path, 40) == (1, 2, 3)).all()


# Limits, decided before anything is decoded


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((60_000, 60_000), "image too large (60000×60000)"),
        ((12_000, 10_000), "image too large (12000×10000)"),
        ((65_000_000, 1), "image too large (65000000×1)"),
        ((32_768, 1000), "image too large (32768×1000)"),
        ((30_000, 10), "image too long and thin (30000×10)"),
    ],
)
def test_what_is_too_large_is_refused_by_its_header(tmp_path: Path, size: tuple[int, int], said: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_header(*size))
    limit = Image.MAX_IMAGE_PIXELS

    assert reason(path) == said
    assert limit == Image.MAX_IMAGE_PIXELS


def test_a_picture_just_within_the_limits_is_not_refused_for_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_header(10_000, 9_999))

    assert "too large" not in reason(path)


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 10)

    assert reason(saved(tmp_path / "a.png", upright_corner())).startswith("file too large")


def test_a_huge_text_chunk_is_refused(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("a", "x" * 80_000_000, zip=True)

    assert reason(saved(tmp_path / "a.png", upright_corner(), pnginfo=text)).startswith("damaged")


# What is no picture


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 bytes"),
        (b"\x00", "not an image"),
        (b"\x8f\x01\x02\x99garbage", "not an image"),
        (b"<!DOCTYPE html><html><body>404", "not an image (looks like HTML)"),
        (b"\xef\xbb\xbf\n<HTML lang=en>", "not an image (looks like HTML)"),
        (b"just some words\n", "not an image (looks like text)"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawings are not supported"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "EPS is not supported"),
        (b"%PDF-1.7\n", "PDF is not supported"),
        (b"\xd7\xcd\xc6\x9a" + bytes(40), "WMF is not supported"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC is not supported in this build"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL is not supported in this build"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "camera RAW is not supported in this build"),
        (b"8BPS\0\1" + bytes(20), "Photoshop files are not supported"),
        (b"PK\x03\x04" + bytes(30), "not an image (looks like an archive)"),
        (b"\x89PNG\r\n\x1a\n\0\0", "damaged (its beginning is broken or cut off)"),
    ],
)
def test_what_is_no_picture_is_told_apart(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)

    assert reason(path) == said


def test_a_kind_that_nobody_recognises_is_named_by_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "a.nef"
    path.write_bytes(b"\x8f\x01\x02\x99")

    assert reason(path) == "NEF is not supported"


def test_no_other_program_is_ever_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *args, **_: started.append(args))
    (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")

    assert reason(tmp_path / "a.eps") == "EPS is not supported"
    assert started == []
    assert not {"EPS", "PDF", "WMF"} & set(preprocessing.known_formats())


@pytest.mark.parametrize(
    ("name", "options"), [("a.jpg", {}), ("a.png", {}), ("a.webp", {"lossless": True}), ("a.tif", {})]
)
def test_a_truncated_picture_is_left_out(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path / name, Image.fromarray(noise), **options)
    content = path.read_bytes()
    for share in (0.9, 0.5, 0.1):
        path.write_bytes(content[: int(len(content) * share)])
        assert reason(path).startswith(("truncated", "damaged")), share


def test_a_flipped_bit_in_a_png_is_noticed(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = saved(tmp_path / "a.png", Image.fromarray(noise))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)

    assert reason(path).startswith(("truncated", "damaged"))


@pytest.mark.parametrize(
    "thrown",
    [
        OSError("x"), ValueError("x"), NotImplementedError("x"), SyntaxError("x"), TypeError("x"), IndexError("x"),
        KeyError("x"), struct.error("x"), EOFError("x"), MemoryError("x"), RuntimeError("x"), OverflowError("x"),
        ZeroDivisionError("x"), AttributeError("x"), RecursionError("x"), Image.DecompressionBombError("x"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_pillow_throws_becomes_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thrown: Exception
) -> None:
    path = saved(tmp_path / "a.png", upright_corner())

    def throw(*_: object, **__: object) -> None:
        raise thrown

    monkeypatch.setattr(preprocessing, "open_picture", throw)

    assert reason(path)


# What is no plain file


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
@pytest.mark.timeout(20)
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")

    assert reason(tmp_path / "a.jpg") == "is not a plain file (a pipe, socket or device)"


def test_a_folder_a_missing_file_and_a_strange_name_have_reasons(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").mkdir()

    assert reason(tmp_path / "a.jpg") == "is a folder"
    assert reason(tmp_path / "b.jpg") == "is no longer there"
    assert reason(tmp_path / "c\0.jpg") == "its name cannot be opened"


def test_a_file_that_may_not_be_read_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", upright_corner())

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("metastudio.images.decoding.os.open", refuse)

    assert reason(path) == "may not be read (permission denied)"


def test_a_silent_disk_is_asked_again_before_giving_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", upright_corner())
    waits: list[float] = []
    failures = 3
    real = os.open

    def sometimes(*args: Any, **options: Any) -> int:
        if len(waits) < failures:
            raise OSError(errno.EIO, "Input/output error")
        return real(*args, **options)

    monkeypatch.setattr("metastudio.images.decoding.os.open", sometimes)
    monkeypatch.setattr("metastudio.images.decoding.time.sleep", waits.append)

    assert decode(path, GREY).shape == (8, 8, 1)
    assert waits == [0.1, 0.4, 1.6]

    waits.clear()
    failures = 4
    assert reason(path) == "the disk did not answer (Input/output error)"


# What exports rely on


def test_the_rules_that_exports_carry_need_pillow_and_nothing_else() -> None:
    tree = ast.parse(Path(preprocessing.__file__).read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported - set(sys.stdlib_module_names) == {"PIL"}


def test_decoding_gives_what_the_exported_rules_give(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    path = saved(tmp_path / "a.png", Image.fromarray(noise))

    assert (decode(path, COLOUR) == np.asarray(preprocessing.prepare(path, 8, "colour", "crop"))).all()
    assert (decode(path, GREY)[..., 0] == np.asarray(preprocessing.prepare(path, 8, "grey", "crop"))).all()
