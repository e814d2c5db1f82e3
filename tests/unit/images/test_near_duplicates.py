"""Near duplicates: the search misses no pair, different pictures are none, what makes a picture the same is found."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance

from metastudio.catalog.data_spec import Layout, Part, Preprocessing
from metastudio.errors import Severity
from metastudio.images import near_duplicates as module
from metastudio.images.duplicates import near_duplicate_problems
from metastudio.images.image_folder import scan
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex
from metastudio.images.image_store import open_store
from metastudio.images.near_duplicates import MOST_BITS, close_pairs, near_duplicates
from metastudio.images.problems import Cancelled

GREY = Preprocessing(image_size=28, colour="grey")


def noise(seed: int, side: int = 80) -> Image.Image:
    """A picture with large soft blobs, as photographs have."""
    rough = np.random.default_rng(seed).integers(30, 210, (6, 6, 3), np.uint8)
    return Image.fromarray(rough).resize((side, side), Image.Resampling.BICUBIC)


def found(root: Path) -> list[list[str]]:
    store = open_store(scan([root]), Preprocessing(image_size=28))
    return [["/".join(Path(path).parts[-2:]) for path in group] for group in near_duplicates(store)]


def all_close(hashes: np.ndarray, most_bits: int) -> set[tuple[int, int]]:
    pairs = itertools.combinations(range(len(hashes)), 2)
    return {pair for pair in pairs if (int(hashes[pair[0]]) ^ int(hashes[pair[1]])).bit_count() <= most_bits}


def of_search(hashes: np.ndarray, most_bits: int) -> list[tuple[int, int]]:
    return [tuple(sorted(pair)) for block in close_pairs(hashes, most_bits=most_bits) for pair in block.tolist()]


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6, unique=True),
    st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 63), max_size=8)), max_size=12),
    st.integers(0, MOST_BITS),
)
def test_the_search_gives_the_pairs_of_comparing_all_with_all_and_each_once(
    bases: list[int], changed: list[tuple[int, set[int]]], most_bits: int
) -> None:
    near = [bases[number % len(bases)] ^ sum(1 << bit for bit in bits) for number, bits in changed]
    hashes = np.array([*bases, *near], np.uint64)

    pairs = of_search(hashes, most_bits)

    assert len(pairs) == len(set(pairs))
    assert set(pairs) == all_close(hashes, most_bits)


def test_many_random_hashes_give_the_pairs_of_comparing_all_with_all() -> None:
    random = np.random.default_rng(3)
    hashes = random.integers(0, 2**63, 600, np.uint64)
    hashes[300:] = hashes[:300] ^ (np.uint64(1) << random.integers(0, 63, 300).astype(np.uint64))

    assert set(of_search(hashes, MOST_BITS)) == all_close(hashes, MOST_BITS)


def test_more_bits_than_the_search_can_promise_are_refused() -> None:
    with pytest.raises(ValueError, match="7 bits"):
        next(close_pairs(np.zeros(2, np.uint64), most_bits=7))


def test_a_picture_scaled_saved_again_or_brightened_is_found(tmp_path: Path) -> None:
    picture = noise(1)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    picture.save(tmp_path / "a" / "original.png")
    picture.resize((50, 50)).save(tmp_path / "a" / "smaller.png")
    picture.save(tmp_path / "b" / "again.jpg", quality=70)
    ImageEnhance.Brightness(picture).enhance(1.15).save(tmp_path / "b" / "brighter.png")
    for seed in range(2, 20):
        noise(seed).save(tmp_path / "b" / f"{seed}.png")

    assert found(tmp_path) == [["a/original.png", "a/smaller.png", "b/again.jpg", "b/brighter.png"]]


def test_pictures_of_one_colour_and_copies_are_no_near_duplicates(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for shade in range(0, 250, 10):
        Image.new("L", (28, 28), shade).save(tmp_path / "a" / f"{shade}.png")
    noise(1).save(tmp_path / "a" / "x.png")
    noise(1).save(tmp_path / "a" / "y.png")

    assert found(tmp_path) == []


def test_nearly_empty_drawings_with_one_hash_are_told_apart_by_their_pixels(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number in range(12):
        drawing = Image.new("L", (105, 105), 255)
        ImageDraw.Draw(drawing).line((52, 30 + 2 * number, 52, 34 + 2 * number), 0, 3)
        drawing.save(tmp_path / "a" / f"{number}.png")

    store = open_store(scan([tmp_path]), GREY)

    assert of_search(store.perceptual_hashes, MOST_BITS), "else nothing is tested"
    assert near_duplicates(store) == ()


def test_of_a_series_each_is_listed_once_behind_what_it_looks_like() -> None:
    pairs = np.array([[0, 1], [1, 2], [1, 3], [0, 3], [4, 9]])

    assert module._groups(pairs) == [[0, 1, 3], [1, 2], [4, 9]]


def test_hashes_are_kept_with_the_store_and_taken_over(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for folder in ("a", "b"):
        (tmp_path / "images" / folder).mkdir(parents=True)
        noise(len(folder)).save(tmp_path / "images" / folder / "1.png")
    made = open_store(scan([tmp_path / "images"]), GREY, cache=cache)
    again = open_store(scan([tmp_path / "images"]), GREY, cache=cache)
    noise(7).save(tmp_path / "images" / "a" / "0.png")

    larger = open_store(scan([tmp_path / "images"]), GREY, cache=cache)

    assert made.perceptual_hashes.all()
    assert (again.perceptual_hashes == made.perceptual_hashes).all()
    assert (larger.perceptual_hashes[1:] == made.perceptual_hashes).all()


def test_a_search_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for seed in range(3):
        noise(seed).save(tmp_path / "a" / f"{seed}.png")
    store = open_store(scan([tmp_path]), GREY)
    told: list[tuple[int, int]] = []

    near_duplicates(store, on_progress=lambda done, total: told.append((done, total)))

    assert told[0] == (0, 28)
    with pytest.raises(Cancelled):
        near_duplicates(store, should_stop=lambda: True)


def test_a_group_says_where_it_matters_most() -> None:
    files = {name: tuple(ImageFile(f"/{name}{n}", 1, 1) for n in "12") for name in ("mug", "cup")}
    index = ImageIndex(("/d",), Layout.CLASS_FOLDERS, tuple(ImageClass(name, files[name]) for name in files))
    parts = {"mug": Part.META_TRAIN, "cup": Part.META_TEST}
    groups = [("/mug1", "/mug2"), ("/mug1", "/cup1", "/gone")]

    within, across = near_duplicate_problems(groups, index, {})
    _, leak = near_duplicate_problems(groups, index, parts)

    assert (within.code, within.severity) == ("near-duplicate-in-class", Severity.NOTE)
    assert (across.code, across.where, across.others) == ("near-duplicate-across-classes", "/mug1", ("/cup1",))
    assert (leak.code, leak.severity) == ("near-duplicate-across-parts", Severity.WARNING)
    assert "meta-train and meta-test both have it" in str(leak)
    assert near_duplicate_problems([("/mug1", "/gone")], index) == ()


def test_omniglot_is_not_full_of_false_pairs(omniglot: Path) -> None:
    store = open_store(scan([omniglot / "images_evaluation"]), GREY)

    assert len(near_duplicates(store)) < 10
