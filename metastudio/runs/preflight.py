"""What prevents a run from starting, or will disappoint: the same sentences in window, command line and worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.errors import Problem

if TYPE_CHECKING:
    from metastudio.images.image_folder import ImageIndex


def preflight(experiment: ExperimentConfig, index: ImageIndex, parts: Mapping[str, Part]) -> tuple[Problem, ...]:
    """Return everything that is wrong, errors first; `where` is a dotted option name, a class or a file.

    Args:
        experiment: What shall be trained.
        index: The images, unselected or already without what the experiment excludes.
        parts: The part of each class; classes without one are not used.
    """
    return ()
