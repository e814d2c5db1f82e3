"""Runs without real pictures: an index that names files nobody opens."""

from __future__ import annotations

from pathlib import Path

from metastudio.catalog.data_spec import Layout, Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.validation import parse_experiment
from metastudio.images.image_folder import ImageClass, ImageFile, ImageIndex
from metastudio.runs.run_folder import RunFolder, create_run


def index_of(sizes: dict[str, int]) -> ImageIndex:
    """An index of classes with that many pictures each."""
    classes = tuple(
        ImageClass(name, tuple(ImageFile(f"/pictures/{name}/{number}.png", 10, 1) for number in range(size)))
        for name, size in sizes.items()
    )
    return ImageIndex(folders=("/pictures",), layout=Layout.CLASS_FOLDERS, classes=classes)


def thirty_classes() -> tuple[ImageIndex, dict[str, Part]]:
    """Twenty classes to learn from, five to validate, five to test; twenty pictures each."""
    index = index_of({f"class{number:02d}": 20 for number in range(30)})
    parts = [Part.META_TRAIN] * 20 + [Part.META_VAL] * 5 + [Part.META_TEST] * 5
    return index, {each.name: part for each, part in zip(index.classes, parts, strict=True)}


def make_run(folder: Path, experiment: ExperimentConfig | None = None) -> RunFolder:
    """A run that waits."""
    index, parts = thirty_classes()
    return create_run(experiment or parse_experiment({}), index, parts, runs_folder=folder)
