"""Episodes are pure functions of (seed, part, number); scores carry their interval."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.training.executor import OneByOne, SideBySide
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store
from metastudio.runs.statistics import mean_ci95
from tests.unit.engine.episodes import make_learner
from tests.unit.engine.small_runs import make_glyphs, small_experiment

SPEC = EpisodeSpec(n_way=3, n_shot=2, n_query=3)


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


@pytest.fixture
def source(glyphs: Path) -> EpisodesByClass:
    return make_source(glyphs)


def make_source(glyphs: Path, **options: object) -> EpisodesByClass:
    experiment = small_experiment(glyphs)
    index = scan([glyphs])
    preprocessing = experiment.data.preprocessing
    store = open_store(index, preprocessing)
    return EpisodesByClass(store, split_classes(index, experiment.data.split), preprocessing, **{"seed": 0, **options})


def test_an_episode_is_the_same_whenever_it_is_drawn_and_another_by_number_seed_or_part(
    source: EpisodesByClass, glyphs: Path
) -> None:
    one = source.episode(Part.META_TRAIN, 7, SPEC)
    source.episode(Part.META_TRAIN, 8, SPEC)
    again = make_source(glyphs).episode(Part.META_TRAIN, 7, SPEC)
    assert one.classes == again.classes
    assert torch.equal(one.support.images, again.support.images)
    assert torch.equal(one.query.images, again.query.images)
    others = [
        source.episode(Part.META_TRAIN, 8, SPEC),
        make_source(glyphs, seed=1).episode(Part.META_TRAIN, 7, SPEC),
        source.episode(Part.META_VAL, 7, SPEC),
    ]
    assert all(not torch.equal(one.support.images, other.support.images) for other in others)


def test_classes_of_the_parts_are_disjoint(source: EpisodesByClass) -> None:
    seen = {
        part: {name for number in range(30) for name in source.episode(part, number, SPEC).classes} for part in Part
    }
    assert not seen[Part.META_TRAIN] & seen[Part.META_VAL]
    assert not seen[Part.META_TRAIN] & seen[Part.META_TEST]
    assert not seen[Part.META_VAL] & seen[Part.META_TEST]


def test_support_and_query_never_share_an_image(source: EpisodesByClass) -> None:
    for number in range(10):
        episode = source.episode(Part.META_TRAIN, number, SPEC)
        support = {image.numpy().tobytes() for image in episode.support.images}
        assert not support & {image.numpy().tobytes() for image in episode.query.images}


def test_labels_are_permuted_between_episodes(source: EpisodesByClass) -> None:
    labels: dict[str, set[int]] = {}
    for number in range(60):
        for label, name in enumerate(source.episode(Part.META_TRAIN, number, SPEC).classes):
            labels.setdefault(name, set()).add(label)
    assert all(seen == {0, 1, 2} for seen in labels.values())


def test_a_turned_class_shows_the_pictures_of_its_class_turned(glyphs: Path) -> None:
    turned = make_source(glyphs, rotated_parts=frozenset({Part.META_TRAIN}))
    assert turned.class_count(Part.META_TRAIN) == 4 * make_source(glyphs).class_count(Part.META_TRAIN)
    spec = EpisodeSpec(n_way=8, n_shot=12 - 1, n_query=1)
    episode = turned.episode(Part.META_TRAIN, 0, spec)
    plain, degrees = next(
        (name.split(" ↻")[0], int(name.split(" ↻")[1][:-1])) for name in episode.classes if " ↻" in name
    )
    label = episode.classes.index(f"{plain} ↻{degrees}°")
    images = torch.cat([episode.support.images, episode.query.images])
    mine = images[torch.cat([episode.support.labels, episode.query.labels]) == label]
    back = {torch.rot90(image, -degrees // 90, (1, 2)).contiguous().numpy().tobytes() for image in mine}
    store, rows = turned.store, turned.store.rows(plain)
    stored = 1 - torch.from_numpy(store.images[rows.start : rows.stop].copy()).permute(0, 3, 1, 2).float() / 255
    assert back == {image.contiguous().numpy().tobytes() for image in stored}


def test_network_input_is_bright_ink_on_black_where_inverted(source: EpisodesByClass) -> None:
    images = source.episode(Part.META_TRAIN, 0, SPEC).support.images
    assert images.dtype == torch.float32
    assert source.preprocessing == Preprocessing(image_size=16, colour="grey", invert=True)
    assert 0 <= float(images.min()) < 0.1 < float(images.max()) <= 1
    assert float(images.mean()) < 0.5


def test_one_value_has_no_interval_and_many_have_that_of_the_normal() -> None:
    assert mean_ci95([0.5]) == (0.5, None)
    mean, ci95 = mean_ci95([0.0, 1.0, 0.0, 1.0])
    assert mean == 0.5
    assert ci95 == pytest.approx(1.96 * math.sqrt((1 / 3) / 4), rel=1e-3)


def test_the_same_episodes_are_scored_one_by_one_and_side_by_side(source: EpisodesByClass) -> None:
    learner = make_learner("maml").float()
    scores = []
    for executor in (OneByOne(), SideBySide(2)):
        with executor:
            scores.append(evaluate(learner, source, Part.META_TEST, SPEC, episodes=12, executor=executor))
    assert scores[0] == scores[1]
    assert scores[0].episodes == 12
    assert not scores[0].is_transductive
    assert scores[0].ci95 is not None


def test_before_adaptation_is_what_no_inner_step_answers(source: EpisodesByClass) -> None:
    learner = make_learner("maml").float()
    with OneByOne() as executor:
        adapted = evaluate(learner, source, Part.META_TEST, SPEC, episodes=8, executor=executor)
        learner.config = learner.config.model_copy(update={"test_inner_steps": 0})
        unadapted = evaluate(learner, source, Part.META_TEST, SPEC, episodes=8, executor=executor)
    assert unadapted.accuracy == adapted.accuracy_before
