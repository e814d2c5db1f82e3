"""A task of classes that a run never learned from, drawn from its own snapshot of the images."""

from __future__ import annotations

from types import MappingProxyType

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass
from metastudio.errors import DataError
from metastudio.gui.documents.try_out import TryOutState
from metastudio.images.episode_draw import draw_episode
from metastudio.images.image_folder import select
from metastudio.runs.run_folder import RunFolder

_MOST_QUERIES = 3


def draw_unseen_task(run: RunFolder, number: int) -> TryOutState:
    """Return task `number` of the run's meta-test classes: its ways and shots, up to three queries a class.

    Raises:
        DataError: if there are too few meta-test classes, or images in them.
        IntegrityError: if the run cannot be read.
    """
    experiment, (index, parts) = run.experiment(), run.data()
    used = select(index, experiment.data)
    classes = [each for each in used.classes if parts.get(each.name) is Part.META_TEST]
    shape = experiment.episodes.for_test()
    if len(classes) < 2:
        raise DataError(
            "This run kept {count} classes back for meta-test, and a task needs two.",
            one="This run kept 1 class back for meta-test, and a task needs two.",
            count=len(classes),
            todo="Drop pictures of your own instead.",
        )
    drawn = draw_episode(
        [len(each.files) for each in classes],
        min(shape.n_way, len(classes)),
        shape.n_shot,
        min(shape.n_query, _MOST_QUERIES),
        seed=experiment.seed,
        part=Part.META_TEST,
        number=number,
    )
    chosen = [classes[position] for position in drawn.classes]
    support = [[each.files[i].path for i in rows] for each, rows in zip(chosen, drawn.support, strict=True)]
    known = {
        each.files[i].path: each.name for each, rows in zip(chosen, drawn.query, strict=True) for i in rows.tolist()
    }
    return TryOutState(
        classes=tuple(
            TargetClass(name=each.name, support=tuple(paths)) for each, paths in zip(chosen, support, strict=True)
        ),
        queries=tuple(sorted(known, key=_shuffled)),
        known=MappingProxyType(known),
    )


def _shuffled(path: str) -> str:
    """Return a key that mixes the classes, the same each time."""
    return path[::-1]
