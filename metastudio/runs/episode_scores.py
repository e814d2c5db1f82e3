"""The accuracy of a run on every single one of some frozen episodes, kept with it, and two runs compared by them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.images.image_folder import ImageIndex
from metastudio.runs.atomic import resources, write_atomically
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.statistics import mean_ci95

_FOLDER = "episodes"


class EpisodeScores(BaseModel):
    """Accuracies in [0, 1] on episodes 0, 1, … of a frozen set, in their order.

    `episodes_id` names the set: the same for every run that was asked the same questions.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    episodes_id: str
    iteration: int
    statistics: str
    n_way: int
    n_shot: int
    n_query: int
    accuracies: tuple[float, ...]


@dataclass(frozen=True)
class PairedDifference:
    """Two runs on the same episodes; `ci95` are half widths, None where one episode tells nothing of the spread.

    The interval of the difference is that of the differences of single episodes: how hard an episode is counts for
    neither run.
    """

    episodes: int
    statistics: str
    first_accuracy: float
    first_ci95: float | None
    second_accuracy: float
    second_ci95: float | None
    difference: float
    ci95: float | None

    @property
    def is_tie(self) -> bool:
        """Whether the interval includes zero."""
        return self.ci95 is None or abs(self.difference) <= self.ci95


def episodes_id(index: ImageIndex, parts: Mapping[str, Part], *, part: Part, seed: int, spec: EpisodeSpec) -> str:
    """Return the name of the frozen episodes that a part of some data gives with this seed and shape."""
    classes = [
        (each.name, [file.sha256 or file.path for file in each.files])
        for each in index.classes
        if parts.get(each.name) is part
    ]
    said: list[Any] = [classes, part.value, seed, spec.n_way, spec.n_shot, spec.n_query]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()[:16]


def paired_difference(first: EpisodeScores, second: EpisodeScores) -> PairedDifference:
    """Compare two runs on the episodes that both were asked, first less second.

    Raises:
        ValueError: if they were asked other episodes, or with other statistics.
    """
    if (first.episodes_id, first.statistics) != (second.episodes_id, second.statistics):
        raise ValueError("these are not the same episodes")
    count = min(len(first.accuracies), len(second.accuracies))
    ones, others = first.accuracies[:count], second.accuracies[:count]
    difference, ci95 = mean_ci95([one - other for one, other in zip(ones, others, strict=True)])
    return PairedDifference(count, first.statistics, *mean_ci95(ones), *mean_ci95(others), difference, ci95)


def write_scores(run: RunFolder, scores: EpisodeScores) -> None:
    """Keep scores with a run, instead of shorter ones on the same episodes.

    Raises:
        ResourceError: if they cannot be written.
    """
    folder = run.evaluations_folder / _FOLDER
    with resources(folder):
        folder.mkdir(parents=True, exist_ok=True)
    name = f"{scores.episodes_id}-{scores.iteration}-{scores.statistics}.json"
    write_atomically(folder / name, scores.model_dump_json() + "\n")


def kept_scores(
    run: RunFolder, *, iteration: int, statistics: str, only: str = "", at_least: int = 2
) -> tuple[EpisodeScores, ...]:
    """Return what is kept of a checkpoint of a run; files that are damaged are left out.

    Args:
        run: Whose scores they are.
        iteration: Of the checkpoint.
        statistics: Where normalisation took mean and variance from.
        only: The name of the only set that is wanted, or nothing for any.
        at_least: Fewer episodes are not enough.
    """
    found = []
    for path in sorted((run.evaluations_folder / _FOLDER).glob(f"{only or '*'}-{iteration}-{statistics}.json")):
        try:
            scores = EpisodeScores.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if len(scores.accuracies) >= at_least:
            found.append(scores)
    return tuple(found)


def kept_pair(first: RunFolder, second: RunFolder, statistics: str = "support") -> PairedDifference | None:
    """Return how the best checkpoints of two runs compare by what is kept, None where they share no episodes."""
    ones, others = (_of_best(each, statistics) for each in (first, second))
    shared = [(one, other) for one in ones for other in others if one.episodes_id == other.episodes_id]
    pairs = [paired_difference(one, other) for one, other in shared]
    return max(pairs, key=lambda each: each.episodes, default=None)


def _of_best(run: RunFolder, statistics: str) -> Sequence[EpisodeScores]:
    checkpoint = run.best() or run.last()
    if checkpoint is None:
        return ()
    return kept_scores(run, iteration=iteration_of(checkpoint), statistics=statistics)
