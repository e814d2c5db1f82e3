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
from metastudio.images.image_store import open_store
from metastudio.runs.checkpoint_files import iteration_of
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
) -> Iterator[Evaluated]:
    """Yield the score of the best checkpoint with each kind of statistics; each is also written to `evaluations/`.

    Args:
        run: Has a checkpoint.
        episodes: How many are drawn; the same ones for every run with this data, split and seed.
        statistics: Where normalisation takes its statistics from.
        iteration: Of the checkpoint, where another than the best is wanted.
        on_progress: Called with (episodes done, episodes altogether).
        should_stop: Asked after every episode.

    Raises:
        Cancelled: if `should_stop` says so; what was yielded is kept, nothing of the rest.
        DataError: if meta-test is too small for an episode, or pictures are gone or have changed since the run.
        IntegrityError: if there is no whole checkpoint.
    """
    checkpoint = chosen_checkpoint(run, iteration)
    experiment = run.experiment()
    device, _ = resolve_device(experiment.device)
    learner = load_learner(run, checkpoint).to(device)
    index, parts = run.data()
    store = open_store(index, experiment.data.preprocessing, should_stop=should_stop)
    require_same_pictures(index, store)
    source = EpisodesByClass(store, parts, experiment.data.preprocessing, seed=experiment.seed)
    spec = experiment.episodes.for_test()
    with executor_named(*chosen_executor(device, episodes)) as executor:
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
            run.write_evaluation(evaluated)
            yield evaluated
