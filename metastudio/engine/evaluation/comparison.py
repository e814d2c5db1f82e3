"""Two runs on the very same meta-test episodes; what single episodes say is kept, and asking again costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.engine.adaptation import chosen_checkpoint
from metastudio.engine.devices import resolve_device
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.learner import load_learner
from metastudio.engine.tasks.frozen_pictures import require_same_pictures
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import chosen_executor, executor_named
from metastudio.errors import DataError
from metastudio.images.image_store import open_store
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.episode_scores import (
    EpisodeScores,
    PairedDifference,
    episodes_id,
    kept_scores,
    paired_difference,
    write_scores,
)
from metastudio.runs.run_folder import FrozenData, RunFolder

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class FrozenEpisodes:
    """The meta-test episodes of a run: its pictures, its split, its seed and its shape of an episode."""

    data: FrozenData
    seed: int
    spec: EpisodeSpec

    @cached_property
    def name(self) -> str:
        """What scores on them are kept under."""
        index, parts = self.data
        return episodes_id(index, parts, part=Part.META_TEST, seed=self.seed, spec=self.spec)

    def pictures(self) -> frozenset[str]:
        """Return the hashes of all pictures that may appear in them."""
        return _pictures(self.data, Part.META_TEST)


def compare(
    first: RunFolder,
    second: RunFolder,
    *,
    episodes: int,
    statistics: Statistics = "support",
    on_progress: OnProgress = lambda done, total: None,  # noqa: ARG005
    should_stop: Callable[[], bool] = lambda: False,
) -> PairedDifference:
    """Return how the best checkpoints of two runs differ on the meta-test episodes of the first.

    Args:
        first: Its episodes are asked.
        second: Is asked the same ones, with pictures prepared as it was trained with them.
        episodes: How many; what is kept of as many is not computed again.
        statistics: Where normalisation takes mean and variance from.
        on_progress: Called with (episodes done, episodes altogether), both runs together.
        should_stop: Asked after every episode.

    Raises:
        Cancelled: if `should_stop` says so; the scores of a run that was through are kept.
        ConfigurationError: if one of them cannot tell so many classes apart.
        DataError: if one of them has learned from pictures of these episodes, or pictures are gone.
        IntegrityError: if there is no whole checkpoint.
    """
    experiment = first.experiment()
    frozen = FrozenEpisodes(first.data(), experiment.seed, experiment.episodes.for_test())
    _refuse_what_was_learned_from(second, frozen)
    scores = [
        _scores(
            run,
            frozen,
            episodes,
            statistics,
            on_progress=lambda done, before=number * episodes: on_progress(before + done, 2 * episodes),  # type: ignore[misc]
            should_stop=should_stop,
        )
        for number, run in enumerate((first, second))
    ]
    return paired_difference(*scores)


def _scores(
    run: RunFolder,
    frozen: FrozenEpisodes,
    episodes: int,
    statistics: Statistics,
    *,
    on_progress: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> EpisodeScores:
    """Return what a run answers to episodes 0 … `episodes` - 1: as it is kept, or else found out and kept."""
    checkpoint = chosen_checkpoint(run)
    iteration = iteration_of(checkpoint)
    kept = kept_scores(run, iteration=iteration, statistics=statistics, only=frozen.name, at_least=episodes)
    if kept:
        on_progress(episodes)
        return kept[0].model_copy(update={"accuracies": kept[0].accuracies[:episodes]})
    experiment = run.experiment()
    device, _ = resolve_device(experiment.device)
    index, parts = frozen.data
    store = open_store(index, experiment.data.preprocessing, should_stop=should_stop)
    require_same_pictures(index, store)
    learner = load_learner(run, checkpoint).to(device)
    source = EpisodesByClass(store, parts, experiment.data.preprocessing, seed=frozen.seed)
    with executor_named(*chosen_executor(device, episodes)) as executor:
        score = evaluate(
            learner,
            source,
            Part.META_TEST,
            frozen.spec,
            episodes=episodes,
            statistics=statistics,
            executor=executor,
            device=device,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    found = EpisodeScores(
        episodes_id=frozen.name,
        iteration=iteration,
        statistics=statistics,
        n_way=frozen.spec.n_way,
        n_shot=frozen.spec.n_shot,
        n_query=frozen.spec.n_query,
        accuracies=score.accuracies,
    )
    write_scores(run, found)
    return found


def _refuse_what_was_learned_from(run: RunFolder, frozen: FrozenEpisodes) -> None:
    data = run.data()
    known = (_pictures(data, Part.META_TRAIN) | _pictures(data, Part.META_VAL)) & frozen.pictures()
    if known:
        raise DataError(
            "'{name}' has learned from {count} of the pictures in these episodes: a comparison would flatter it.",
            name=run.notes().name or run.name,
            count=len(known),
            where=str(run.path),
            todo="Compare runs of the same split, or name the other run first.",
        )


def _pictures(data: FrozenData, part: Part) -> frozenset[str]:
    index, parts = data
    files = (each for cls in index.classes if parts.get(cls.name) is part for each in cls.files)
    return frozenset(each.sha256 for each in files if each.sha256)
