"""Normalised input: the same numbers in training, augmentation, adaptation and every export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.data_spec import DataSpec, Part, Preprocessing
from metastudio.engine.adaptation import adapt_to_target, trained_learner
from metastudio.engine.embedding import picture_features
from metastudio.engine.export.bundle import export_adapted, export_onnx
from metastudio.engine.preview import preview
from metastudio.engine.tasks.augmentation import Augmenter
from metastudio.engine.tasks.pixels import network_input, normalized, unnormalized
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.tasks.target_task import read_picture
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store
from metastudio.runs.questions import AskPreview
from metastudio.runs.run_folder import RunFolder
from tests.unit.engine.conftest import target_of
from tests.unit.engine.export.test_exports import run_without

GIVEN = Preprocessing(
    image_size=16, invert=True, normalization="given", mean=(0.2, 0.4, 0.6), standard_deviation=(0.1, 0.2, 0.3)
)
CHOICES = [GIVEN, Preprocessing(normalization="imagenet"), Preprocessing(normalization="symmetric", colour="grey")]


@pytest.mark.parametrize("preprocessing", CHOICES)
def test_the_network_gets_pixels_less_the_mean_divided_by_the_deviation(preprocessing: Preprocessing) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 5, preprocessing.channels), np.uint8)
    values = pixels / np.float32(255)
    values = 1 - values if preprocessing.invert else values
    mean, deviation = (np.array(each, np.float32) for each in preprocessing.moments or ())
    expected = ((values - mean) / deviation).transpose(0, 3, 1, 2)  # channels last until here
    seen = network_input(pixels, preprocessing)
    assert np.array_equal(seen.numpy(), expected)
    assert seen.is_contiguous(memory_format=torch.channels_last)
    lowest, highest = preprocessing.input_range
    assert lowest - 1e-6 <= seen.min() < seen.max() <= highest + 1e-6


@pytest.mark.parametrize("preprocessing", CHOICES)
def test_normalising_can_be_undone(preprocessing: Preprocessing) -> None:
    images = torch.rand(2, preprocessing.channels, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(
        unnormalized(normalized(images, preprocessing.moments), preprocessing.moments), images, atol=1e-6
    )


def test_without_normalisation_nothing_is_computed() -> None:
    images = torch.rand(2, 3, 4, 4)
    assert normalized(images, Preprocessing().moments) is images
    assert unnormalized(images, Preprocessing().moments) is images


def test_pictures_are_augmented_before_they_are_normalised(tiny_pictures: Path) -> None:
    index = scan([tiny_pictures])
    parts = split_classes(index, DataSpec().split) | dict.fromkeys(
        (each.name for each in index.classes), Part.META_TRAIN
    )
    augmentation = Augmentation(rotate=True, brightness=True, erase=True)
    plain = GIVEN.changed(normalization="none")
    changed = []
    for preprocessing in (plain, GIVEN):
        store = open_store(index, preprocessing)
        source = EpisodesByClass(store, parts, preprocessing, seed=0)
        batch = source.labelled_batch(0, 6)
        changed += Augmenter(augmentation, preprocessing, seed=0).changed([batch], [0])
    in_unit_range, seen = (each.query.images for each in changed)
    assert torch.allclose(seen, normalized(in_unit_range, GIVEN.moments), atol=1e-5)
    assert not torch.allclose(seen, batch.query.images, atol=0.1), "they were changed at all"


def test_one_store_of_decoded_pictures_serves_every_normalisation(tiny_pictures: Path, tmp_path: Path) -> None:
    index = scan([tiny_pictures])
    open_store(index, GIVEN, cache=tmp_path)
    before = sorted(tmp_path.iterdir())
    open_store(index, GIVEN.changed(normalization="imagenet"), cache=tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_classes_are_compared_by_raw_pixels_whatever_the_normalisation(tiny_pictures: Path) -> None:
    index = scan([tiny_pictures])
    features = [
        picture_features(open_store(index, each), each, None) for each in (GIVEN, GIVEN.changed(normalization="none"))
    ]
    assert torch.equal(*features)


def test_a_preview_shows_the_picture_and_says_the_numbers(tiny_pictures: Path) -> None:
    file = str(tiny_pictures / "red" / "0.png")
    seen = preview(AskPreview(file=file, preprocessing=GIVEN))
    plain = preview(AskPreview(file=file, preprocessing=GIVEN.changed(normalization="none")))
    assert seen.pictures == plain.pictures
    image = read_picture(file, GIVEN)
    assert (seen.least, seen.most) == (float(image.min()), float(image.max()))
    assert seen.least < 0
    assert seen.most > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "script", "missing"),
    [(export_adapted, "predict.py", "numpy"), (export_onnx, "predict_onnx.py", "torch")],
)
@pytest.mark.parametrize("normalization", ["given", "imagenet"])
def test_exports_normalise_as_training_did(
    make: Callable,
    script: str,
    missing: str,
    normalization: str,
    run_with: Callable[..., RunFolder],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "own" / "pictures"
    preprocessing = GIVEN if normalization == "given" else GIVEN.changed(normalization=normalization)
    run = run_with("maml", data=DataSpec(folders=(str(folder),), preprocessing=preprocessing))
    adapted = adapt_to_target(trained_learner(run), target_of(folder))
    done = make(adapted, tmp_path / "out")
    assert done.verification.largest_difference <= 1e-4
    picture = adapted.loaded.query_files[0]
    (answer,) = run_without(missing, done.path / script, picture)
    own = adapted.classifier.logits(read_picture(picture, preprocessing))[0]
    assert torch.allclose(torch.tensor(answer["logits"]), own, atol=1e-4)
    unlike = adapted.classifier.logits(read_picture(picture, preprocessing.changed(normalization="none")))[0]
    assert not torch.allclose(own, unlike, atol=1e-2), "another normalisation answers otherwise"
    assert "divided by 0." in (done.path / "README.md").read_text(encoding="utf-8")
