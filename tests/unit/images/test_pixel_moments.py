"""Mean and deviation of pixels, against numpy over the pictures themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metastudio.catalog.data_spec import Preprocessing
from metastudio.errors import DataError
from metastudio.images.image_folder import scan
from metastudio.images.pixel_moments import pixel_moments
from metastudio.images.problems import Cancelled

SIDE = 12


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, count in {"many": 30, "few": 2}.items():
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = random.integers(0, 256 // (1 + number % 3), (SIDE, SIDE, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number:02}.png")
    return tmp_path


def of_all(folder: Path) -> np.ndarray:
    files = sorted(folder.rglob("*.png"))
    return np.stack([np.asarray(Image.open(file)) for file in files]).astype(np.float64) / 255


@pytest.mark.parametrize("invert", [False, True])
def test_mean_and_deviation_are_those_of_all_pixels(pictures: Path, invert: bool) -> None:
    pixels = 1 - of_all(pictures) if invert else of_all(pictures)
    mean, deviation = pixel_moments(scan([pictures]).classes, Preprocessing(image_size=SIDE, invert=invert))
    assert mean == pytest.approx(pixels.mean((0, 1, 2)), abs=1e-4)
    assert deviation == pytest.approx(pixels.std((0, 1, 2)), abs=1e-4)


def test_grey_has_one_number(pictures: Path) -> None:
    mean, deviation = pixel_moments(scan([pictures]).classes, Preprocessing(image_size=SIDE, colour="grey"))
    assert len(mean) == len(deviation) == 1


def test_small_classes_count_where_not_all_pictures_are_taken(pictures: Path) -> None:
    for file in (pictures / "few").iterdir():
        Image.new("RGB", (SIDE, SIDE), "white").save(file)
    for file in (pictures / "many").iterdir():
        Image.new("RGB", (SIDE, SIDE), "black").save(file)
    told: list[tuple[int, int]] = []
    mean, _ = pixel_moments(
        scan([pictures]).classes, Preprocessing(image_size=SIDE), most=8, on_progress=lambda *each: told.append(each)
    )
    assert told[-1] == (8, 8)
    assert mean == (0.125, 0.125, 0.125), "one of eight, where one of sixteen is white"


def test_unreadable_pictures_are_left_out(pictures: Path) -> None:
    before = pixel_moments(scan([pictures]).classes, Preprocessing(image_size=SIDE))
    (pictures / "few" / "bad.png").write_bytes(b"no picture")
    assert pixel_moments(scan([pictures]).classes, Preprocessing(image_size=SIDE)) == before


def test_without_pictures_or_differences_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="No picture to learn from can be read"):
        pixel_moments(scan([tmp_path]).classes, Preprocessing())
    Image.new("RGB", (SIDE, SIDE), "red").save(tmp_path / "one" / "red.png")
    with pytest.raises(DataError, match="alike"):
        pixel_moments(scan([tmp_path]).classes, Preprocessing())


def test_it_stops_when_asked(pictures: Path) -> None:
    with pytest.raises(Cancelled):
        pixel_moments(scan([pictures]).classes, Preprocessing(), should_stop=lambda: True)
