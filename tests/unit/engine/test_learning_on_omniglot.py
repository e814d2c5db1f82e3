"""On real characters a short training already beats its start, and plain pixels, by far."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metastudio.catalog.data_spec import Part
from metastudio.catalog.validation import parse_experiment
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import SideBySide
from metastudio.engine.training.trainer import Trainer
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.image_store import ImageStore, open_store
from metastudio.runs.statistics import mean_ci95

EPISODES = 150


@pytest.fixture(scope="module")
def store(omniglot: Path, tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    experiment = parse_experiment({"data": {"preprocessing": {"colour": "grey", "invert": True}}})
    return open_store(scan([omniglot]), experiment.data.preprocessing, cache=tmp_path_factory.mktemp("store"))


def pixel_score(source: EpisodesByClass, spec: object) -> float:
    scores = []
    for number in range(EPISODES):
        episode = source.episode(Part.META_TEST, number, spec)
        distances = torch.cdist(episode.query.images.flatten(1), episode.support.images.flatten(1))
        answers = episode.support.labels[distances.argmin(1)]
        scores.append(float((answers == episode.query.labels).double().mean()))
    return mean_ci95(scores)[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "training", "backbone"),
    [
        ("prototypical", {"iterations": 150, "meta_batch_size": 2, "outer_lr": 0.003}, {"filters": 32}),
        (
            "maml",
            {"iterations": 120, "meta_batch_size": 8, "outer_lr": 0.003},
            {"filters": 32, "downsampling": "stride"},
        ),
    ],
)
def test_a_short_training_beats_its_start_and_plain_pixels(
    name: str, training: dict[str, object], backbone: dict[str, object], store: ImageStore, test_data: Path
) -> None:
    lists = {
        f"meta_{part}": str(test_data / "splits" / "omniglot" / f"{part}.json") for part in ("train", "val", "test")
    }
    experiment = parse_experiment(
        {
            "data": {
                "preprocessing": {"colour": "grey", "invert": True},
                "split": {"kind": "lists", **lists},
                "rotations_as_classes": True,
            },
            "episodes": {"n_way": 5, "n_shot": 1, "n_query": 5},
            "algorithm": {"name": name},
            "backbone": backbone,
            "training": {**training, "schedule": "cosine", "validate_every": 10_000, "validation_episodes": 2},
        }
    )
    parts = split_classes(store.index, experiment.data.split)
    counts = [sum(part is wanted for part in parts.values()) for wanted in Part]
    assert counts == [1028, 172, 423]  # the published split
    source = EpisodesByClass(
        store, parts, experiment.data.preprocessing, seed=0, rotated_parts=frozenset({Part.META_TRAIN})
    )
    learner = build_learner(experiment, train_classes=counts[0])
    spec = experiment.episodes.for_test()
    with SideBySide(2) as executor:
        start = evaluate(learner, source, Part.META_TEST, spec, episodes=EPISODES, executor=executor)
        for _ in Trainer(experiment, learner, source, executor=executor, save=lambda *_: Path()).run():
            pass
        end = evaluate(learner, source, Part.META_TEST, spec, episodes=EPISODES, executor=executor)
    pixels = pixel_score(source, spec)
    assert end.ci95 is not None
    assert start.ci95 is not None
    assert end.accuracy - end.ci95 > start.accuracy + start.ci95 + 0.05
    assert end.accuracy - end.ci95 > pixels + 0.1
    if learner.has_inner_loop:
        assert abs(end.accuracy_before - 0.2) < 0.05  # labels are permuted: nothing is known before adaptation
