"""From pictures of classes to how hard the classes are to tell apart: read, embedded, compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import torch

from metastudio import paths
from metastudio.catalog.data_spec import Layout, Part, Preprocessing
from metastudio.engine.adaptation import TrainedLearner
from metastudio.engine.class_distances import class_distances
from metastudio.engine.embedding import picture_features
from metastudio.errors import DataError, NumericError, Problem, Severity
from metastudio.images.file_list import ImageFile
from metastudio.images.image_index import ImageClass, ImageIndex
from metastudio.images.image_store import open_store
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.class_map import MOST_CLASSES, packed
from metastudio.runs.questions import ClassDistancesAnswer, ClassPictures

OnPhase = Callable[[str], Callable[[int, int], None]]
"""Gets what is being done; returns a listener to how much of it is done and to do, which may end it by raising."""

_MOST_PROBLEMS = 20


def class_map(
    classes: Sequence[ClassPictures], preprocessing: Preprocessing, trained: TrainedLearner | None, *, on_phase: OnPhase
) -> ClassDistancesAnswer:
    """Return what classes are to each other, on the CPU.

    The order of the classes plays no role: they are answered in the order of their names.

    Args:
        classes: Some pictures of each; no two of the same name.
        preprocessing: How raw pictures are brought to their size, where there is no learner.
        trained: Whose features are compared, with the preprocessing it was trained with; None compares pixels.
        on_phase: Told what is being done.

    Raises:
        DataError: if fewer than two classes have a readable picture, or there are too many of them.
        NumericError: if the learner has no number for a picture.
    """
    if trained is not None:
        preprocessing = trained.experiment.data.preprocessing
    if len(classes) > MOST_CLASSES:
        raise DataError(
            "A map of {count} classes is too large; it can hold {most}.",
            count=len(classes),
            most=MOST_CLASSES,
            todo="Compare one part of the split, or fewer folders.",
        )
    index = _index_of(classes)
    if len(index.classes) < 2:
        raise _too_few(len(index.classes))
    reading = on_phase("reading pictures")
    reading(0, index.file_count)
    stores = paths.cache_folder() / "stores"
    store = open_store(index, preprocessing, cache=paths.cache_folder() / "maps", also_from=stores, on_progress=reading)
    found = store.index.classes
    if len(found) < 2:
        raise _too_few(len(found), _left_out(store.problems))
    learner = None if trained is None else trained.learner
    features = picture_features(store, preprocessing, learner, on_progress=on_phase("looking at pictures"))
    if not features.isfinite().all():
        raise NumericError(
            "The model has no numbers for some of these pictures: its weights ran away in training.",
            todo="Take another run, or raw pixels.",
        )
    labels = torch.arange(len(found)).repeat_interleave(torch.tensor([len(each.files) for each in found]))
    distances = class_distances(features, labels, on_progress=on_phase("comparing classes"))
    return ClassDistancesAnswer(
        names=tuple(each.name for each in found),
        pictures=tuple(len(each.files) for each in found),
        places=tuple((x, y) for x, y in distances.places.tolist()),
        shown_share=distances.shown_share,
        confusion=packed(distances.confusion.numpy()),
        separation=packed(distances.separation.clamp_max(1e4).numpy()),
        iteration=None if trained is None else iteration_of(trained.checkpoint),
        trained_on=_trained_on(trained, {each.name for each in found}),
        problems=tuple(map(str, _left_out(store.problems))),
    )


def _left_out(problems: Sequence[Problem]) -> list[Problem]:
    """Return the first of those that say of a picture or a class that it is left out."""
    found = [each for each in problems if each.severity is not Severity.NOTE and "duplicate" not in each.code]
    return found[:_MOST_PROBLEMS]


def _too_few(count: int, problems: Sequence[Problem] = ()) -> DataError:
    return DataError(
        "Two classes with pictures that can be read are needed to compare, and there are {count}.",
        count=count,
        problems=problems,
        todo="Add a class.",
    )


def _index_of(classes: Sequence[ClassPictures]) -> ImageIndex:
    found = sorted((each for each in classes if each.files), key=lambda each: each.name)
    return ImageIndex(
        (), Layout.CLASS_FOLDERS, tuple(ImageClass(each.name, tuple(map(_file_at, each.files))) for each in found)
    )


def _file_at(path: str) -> ImageFile:
    """Return what a store knows a file by; one that is not there is found to be missing when it is read."""
    try:
        about = os.stat(path)  # noqa: PTH116 - any string is a path here
    except (OSError, ValueError):
        return ImageFile(path, 0, 0)
    return ImageFile(path, about.st_size, about.st_mtime_ns)


def _trained_on(trained: TrainedLearner | None, names: set[str]) -> int:
    if trained is None:
        return 0
    return sum(part is Part.META_TRAIN and name in names for name, part in trained.data.parts.items())
