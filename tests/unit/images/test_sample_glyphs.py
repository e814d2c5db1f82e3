from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metastudio.catalog.data_spec import Layout, Preprocessing
from metastudio.images.image_folder import scan
from metastudio.images.image_store import ImageStore, open_store
from metastudio.images.sample_glyphs import SIDE_PX, make_sample_glyphs


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.png"))
    }


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glyphs")
    make_sample_glyphs(folder, alphabets=3, characters=6, drawers=8)
    return folder


@pytest.fixture(scope="module")
def store(glyphs: Path, tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    preprocessing = Preprocessing(image_size=28, colour="grey")
    return open_store(scan([glyphs]), preprocessing, cache=tmp_path_factory.mktemp("cache"))


def test_alphabets_hold_characters_and_characters_hold_drawings(glyphs: Path) -> None:
    index = scan([glyphs])

    assert index.layout is Layout.NESTED
    assert index.problems == ()
    assert len({each.group for each in index.classes}) == 3
    assert [len(each.files) for each in index.classes] == [8] * 18


def test_the_same_seed_gives_the_same_files_and_another_seed_others(glyphs: Path, tmp_path: Path) -> None:
    make_sample_glyphs(tmp_path / "same", alphabets=3, characters=6, drawers=8)
    make_sample_glyphs(tmp_path / "other", seed=1, alphabets=3, characters=6, drawers=8)

    assert content(tmp_path / "same") == content(glyphs)
    assert not set(content(tmp_path / "other").values()) & set(content(glyphs).values())


def test_drawings_are_small_grey_ink_on_white_with_soft_edges(glyphs: Path) -> None:
    for path in glyphs.rglob("*.png"):
        with Image.open(path) as picture:
            assert (picture.mode, picture.size) == ("L", (SIDE_PX, SIDE_PX))
            values = np.asarray(picture)
        ink = (values < 128).mean()
        assert 0.005 < ink < 0.35, path
        assert values.max() == 255
        assert ((values > 0) & (values < 255)).any(), path


def test_no_two_drawings_are_the_same(store: ImageStore) -> None:
    assert store.problems == ()


def test_a_character_is_more_like_itself_than_like_others_but_pixels_do_not_settle_it(store: ImageStore) -> None:
    names = [each.name for each in store.index.classes]
    flat = store.images.reshape(len(store.images), -1).astype(np.float32)
    random = np.random.default_rng(0)
    hits = []
    for _ in range(400):
        drawn = [store.rows(names[n]) for n in random.choice(len(names), 5, replace=False)]
        support, query = np.array([random.permutation(list(rows))[:2] for rows in drawn]).T
        distances = np.linalg.norm(flat[query][:, None] - flat[support][None], axis=2)
        hits.append((distances.argmin(1) == np.arange(5)).mean())

    assert 0.4 < np.mean(hits) < 0.75
