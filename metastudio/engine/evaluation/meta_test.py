"""Spending a run's meta-test classes on a number, and keeping it with the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from metastudio.catalog.backbones import Statistics
from metastudio.catalog.data_spec import Part
from metastudio.engine.adaptation import chosen_checkpoint
from metastudio.engine.devices import resolve_device
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.learner import load_learner
from metastudio.engine.tasks.frozen_pictures import require_same_pictures
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import chosen_executor, executor_named
from metastudio.engine.training.ranks import Ranks
from metastudio.engine.training.shared_tasks import SharedTasks
from metastudio.images.image_store import ImageStore, open_store
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.episode_scores import EpisodeScores, episodes_id, write_scores
from metastudio.runs.events import Evaluated
from metastudio.runs.run_folder import RunFolder


def evaluate_on_meta_test(
    run: RunFolder,
    *,
    episodes: int,
    statistics: Sequence[Statistics],
    iteration: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
    should_stop: Callable[[], bool] = lambda: False,
    ranks: Ranks | None = None,
) -> Iterator[Evaluated]:
    """Yield the score of the best checkpoint with each kind of statistics; each is also written to `evaluations/`.

    The accuracy on every single episode is kept there too: by it runs can be compared.

    Args:
        run: Has a checkpoint.
        episodes: How many are drawn; the same ones for every run with this data, split and seed.
        statistics: Where normalisation takes its statistics from.
        iteration: Of the checkpoint, where another than the best is wanted.
        on_progress: Called with (episodes done, episodes altogether).
        should_stop: Asked after every episode.
        ranks: The processes that share the episodes and all do this; the first of them writes.

    Raises:
        Cancelled: if `should_stop` says so; what was yielded is kept, nothing of the rest.
        DataError: if meta-test is too small for an episode, or pictures are gone or have changed since the run.
        IntegrityError: if there is no whole checkpoint.
    """
    ranks = ranks or Ranks()
    checkpoint = ranks.first(lambda: chosen_checkpoint(run, iteration))
    experiment = run.experiment()
    device, _ = ranks.together(lambda: resolve_device(experiment.device, place=ranks.local_rank, of=ranks.local_count))
    learner = ranks.first(lambda: load_learner(run, checkpoint)).to(device)
    index, parts = run.data()

    def opened() -> ImageStore:
        stop = should_stop if ranks.count == 1 else lambda: False  # which asks them all
        store = open_store(index, experiment.data.preprocessing, should_stop=stop)
        require_same_pictures(index, store)
        return store

    store = ranks.together(opened)
    source = EpisodesByClass(store, parts, experiment.data.preprocessing, seed=experiment.seed)
    spec = experiment.episodes.for_test()
    own = executor_named(*chosen_executor(device, -(-episodes // ranks.count), processes=ranks.local_count))
    with SharedTasks(own, ranks) if ranks.count > 1 else own as executor:
        for number, kind in enumerate(statistics):
            score = evaluate(
                learner,
                source,
                Part.META_TEST,
                spec,
                episodes=episodes,
                statistics=kind,
                executor=executor,
                device=device,
                on_progress=lambda done, before=number * episodes: on_progress(  # type: ignore[misc]
                    before + done, episodes * len(statistics)
                ),
                should_stop=should_stop,
            )
            evaluated = Evaluated(
                iteration=iteration_of(checkpoint),
                statistics=kind,
                is_transductive=score.is_transductive,
                accuracy=score.accuracy,
                ci95=score.ci95,
                accuracy_before=score.accuracy_before,
                ci95_before=score.ci95_before,
                episodes=score.episodes,
                n_way=spec.n_way,
                n_shot=spec.n_shot,
                n_query=spec.n_query,
            )
            scores = EpisodeScores(
                episodes_id=episodes_id(index, parts, part=Part.META_TEST, seed=experiment.seed, spec=spec),
                iteration=iteration_of(checkpoint),
                statistics=kind,
                n_way=spec.n_way,
                n_shot=spec.n_shot,
                n_query=spec.n_query,
                accuracies=score.accuracies,
            )

            def write(evaluated: Evaluated = evaluated, scores: EpisodeScores = scores) -> None:
                run.write_evaluation(evaluated)
                write_scores(run, scores)

            ranks.first(write)
            yield evaluated
