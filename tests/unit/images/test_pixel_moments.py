"""Mean and deviation of pixels, against numpy over the pictures themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metastudio.catalog.data_spec import Preprocessing
from metastudio.errors import DataError
from metastudio.images.image_folder import scan
from metastudio.images.image_index import ImageClass, ImageFile
from metastudio.images.pixel_moments import _chosen, pixel_moments
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


@pytest.mark.parametrize(
    ("counts", "most", "least", "greatest"),
    [([200, 200], 100, 50, 50), ([120] * 20, 100, 5, 5), ([20] * 120, 100, 0, 1), ([500, 3], 100, 3, 97)],
)
def test_pictures_are_taken_as_evenly_from_the_classes_as_can_be(
    counts: list[int], most: int, least: int, greatest: int
) -> None:
    classes = [
        ImageClass(f"c{place}", tuple(ImageFile(f"{place}/{number}", 1, 1) for number in range(count)))
        for place, count in enumerate(counts)
    ]
    paths = _chosen(classes, most)
    assert len(paths) == len(set(paths)) == most
    taken = [sum(path.startswith(f"{place}/") for path in paths) for place in range(len(counts))]
    assert (min(taken), max(taken)) == (least, greatest)
    assert _chosen(classes, most) == paths, "the same ones each time"


def test_few_of_a_large_class_and_all_of_a_small_one_are_read(pictures: Path) -> None:
    for file in (pictures / "few").iterdir():
        Image.new("RGB", (SIDE, SIDE), "white").save(file)
    for file in (pictures / "many").iterdir():
        Image.new("RGB", (SIDE, SIDE), "black").save(file)
    told: list[tuple[int, int]] = []
    mean, _ = pixel_moments(
        scan([pictures]).classes, Preprocessing(image_size=SIDE), most=8, on_progress=lambda *each: told.append(each)
    )
    assert told[-1] == (8, 8)
    assert mean == (0.25, 0.25, 0.25), "two of eight, where two of 32 are white"


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
