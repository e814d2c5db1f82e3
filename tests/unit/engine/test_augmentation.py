"""Augmentation: a function of seed and episode, in training alone."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.engine.adaptation import adapt_to_target, trained_learner
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.export.bundle import export_adapted
from metastudio.engine.learner import build_learner
from metastudio.engine.preview import preview
from metastudio.engine.tasks.augmentation import Augmenter, change
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.tasks.sources.by_class import EpisodesByClass
from metastudio.engine.tasks.target_task import read_picture
from metastudio.engine.training.executor import OneByOne, SideBySide
from metastudio.engine.training.trainer import Trainer
from metastudio.errors import DataError
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store
from metastudio.runs.preflight import train_spec
from metastudio.runs.questions import AskPreview, unpacked_pixels
from metastudio.runs.run_folder import RunFolder
from tests.unit.engine.augmented_pictures import ALL_ON, COLOUR, pictures
from tests.unit.engine.conftest import target_of
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


def source_of(glyphs: Path) -> EpisodesByClass:
    experiment = small_experiment(glyphs)
    index = scan([glyphs])
    preprocessing = experiment.data.preprocessing
    parts = split_classes(index, experiment.data.split)
    return EpisodesByClass(open_store(index, preprocessing), parts, preprocessing, seed=0)


def trainer_of(glyphs: Path, **changes: object) -> Trainer:
    experiment = small_experiment(glyphs, **changes)
    source = source_of(glyphs)
    learner = build_learner(experiment, train_classes=source.class_count(Part.META_TRAIN))
    return Trainer(experiment, learner, source, executor=OneByOne(), save=lambda *_: Path())


def same(one: Episode, other: Episode) -> bool:
    return all(
        torch.equal(getattr(one, role).images, getattr(other, role).images)
        and torch.equal(getattr(one, role).labels, getattr(other, role).labels)
        and getattr(one, role).images.stride() == getattr(other, role).images.stride()
        for role in ("support", "query")
    )


# what it depends on


@pytest.mark.parametrize("colour", ["grey", "colour"])
def test_a_picture_becomes_the_same_whatever_it_is_changed_with_and_all_of_them_with_any_threads(
    colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocessing = COLOUR.model_copy(update={"colour": colour})
    images, augmenter = pictures(40, preprocessing.channels), Augmenter(ALL_ON, preprocessing, seed=1)
    draws = augmenter.draws(5, 40)
    together = change(images, draws)
    with monkeypatch.context() as patched:
        for size in (1, 3, 39):
            patched.setattr("metastudio.engine.tasks.augmentation._MOST_VALUES", size * images[0].numel())
            assert torch.equal(change(images, draws), together)
    before = torch.get_num_threads()
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        again = change(images, draws)
        torch.set_num_threads(before)
        assert torch.equal(again, together)


def test_a_change_is_drawn_the_same_whatever_else_is_on_and_anew_for_each_seed_and_number() -> None:
    alone, all_of_them = Augmenter(ALL_ON.alone("hue"), COLOUR, seed=1), Augmenter(ALL_ON, COLOUR, seed=1)
    drawn = alone.draws(7, 4)["hue"]
    assert set(alone.draws(7, 4)) == {"hue"}
    assert np.array_equal(drawn, all_of_them.draws(7, 4)["hue"])
    assert not np.array_equal(drawn, alone.draws(8, 4)["hue"])
    assert not np.array_equal(drawn, Augmenter(ALL_ON, COLOUR, seed=2).draws(7, 4)["hue"])
    assert not np.allclose(drawn / 5, all_of_them.draws(7, 4)["brightness"] / 20)
    assert len(set(drawn.flatten().tolist())) == 4, "each picture has a draw of its own"
    turned, all_that_moves = (ALL_ON.model_copy(update=dict.fromkeys(each, False)) for each in (["shift"], []))
    shifts = [Augmenter(each, COLOUR, seed=1).draws(7, 4)["move"][:, :, :2] for each in (turned, all_that_moves)]
    assert np.array_equal(*shifts), "a shift leaves turn and size as they were"


def test_what_is_changed_later_is_changed_as_at_once_even_in_another_process(glyphs: Path) -> None:
    source, experiment = source_of(glyphs), small_experiment(glyphs)
    episode = source.episode(Part.META_TRAIN, 6, train_spec(experiment))
    augmenter = Augmenter(ALL_ON, source.preprocessing, seed=3)
    (later,) = augmenter.later([episode], [6])
    assert same(later, episode)
    assert same(later.prepared(), augmenter.changed([episode], [6])[0])
    assert same(replace(episode, changes=pickle.loads(pickle.dumps(later.changes))).prepared(), later.prepared())  # noqa: S301
    assert later.prepared().classes == episode.classes
    assert later.prepared().changes is None, "changed once is enough"
    assert not same(later.prepared(), augmenter.changed([episode], [7])[0])
    assert not same(later.prepared(), episode)
    another = source.episode(Part.META_TRAIN, 7, train_spec(experiment))
    together = augmenter.changed([episode, another], [6, 7])
    alone = [*augmenter.changed([episode], [6]), *augmenter.changed([another], [7])]
    assert all(map(same, together, alone)), "what is drawn for one has nothing to do with the others"


@pytest.mark.parametrize(
    ("which", "roles"), [("all", {"support", "query"}), ("support", {"support"}), ("query", {"query"})]
)
def test_only_the_chosen_pictures_of_a_task_are_changed(which: str, roles: set[str], glyphs: Path) -> None:
    source, experiment = source_of(glyphs), small_experiment(glyphs)
    episode = source.episode(Part.META_TRAIN, 0, train_spec(experiment))
    augmentation = ALL_ON.model_copy(update={"pictures": which})
    after = Augmenter(augmentation, source.preprocessing, seed=0).changed([episode], [0])[0]
    moved = {
        role
        for role in ("support", "query")
        if not torch.equal(getattr(after, role).images, getattr(episode, role).images)
    }
    assert moved == roles


# in training alone


def test_off_gives_the_very_episodes_of_the_source(glyphs: Path) -> None:
    trainer, source = trainer_of(glyphs), source_of(glyphs)
    drawn = trainer._drawn(3)
    spec = train_spec(trainer.experiment)
    assert all(
        same(one, source.episode(Part.META_TRAIN, number, spec)) for number, one in zip(range(6, 9), drawn, strict=True)
    )


def test_training_is_changed_and_validation_and_meta_test_are_not(glyphs: Path, monkeypatch) -> None:
    on = {"augmentation": ALL_ON.model_dump()}
    trainer, plain = trainer_of(glyphs, **on), trainer_of(glyphs)
    assert not any(same(one.prepared(), other) for one, other in zip(trainer._drawn(1), plain._drawn(1), strict=True))
    assert not any(each.changes for each in plain._drawn(1))
    seen: set[int] = set()
    real = Augmenter.later

    def counted(self: Augmenter, episodes: list[Episode], numbers: range) -> list[Episode]:
        seen.update(numbers)
        return real(self, episodes, numbers)

    monkeypatch.setattr(Augmenter, "later", counted)
    validated = [event for event in trainer.run() if event.kind == "validated"]
    assert len(validated) == 2
    assert seen == set(range(18)), "three tasks in each of six outer steps, none of a validation"
    with OneByOne() as executor:
        scores = [
            evaluate(trainer.learner, source, part, plain.experiment.episodes.for_test(), episodes=4, executor=executor)
            for part in (Part.META_VAL, Part.META_TEST)
            for source in (trainer.source, plain.source)
        ]
    assert scores[0] == scores[1]
    assert scores[2] == scores[3]


def test_a_task_that_cannot_be_drawn_ends_its_own_iteration_and_not_the_one_before(glyphs: Path, monkeypatch) -> None:
    trainer, real = trainer_of(glyphs), EpisodesByClass.episodes

    def episodes(source: EpisodesByClass, part: Part, numbers: range, spec: EpisodeSpec) -> list[Episode]:
        if part is Part.META_TRAIN and numbers[0] >= 3:
            raise DataError("Gone.")
        return real(source, part, numbers, spec)

    monkeypatch.setattr(EpisodesByClass, "episodes", episodes)
    steps = (event.iteration for event in trainer.run() if event.kind == "outer_step")
    assert next(steps) == 1
    with pytest.raises(DataError, match="Gone"):
        next(steps)


def test_batches_of_a_plain_classifier_are_changed_whatever_pictures_were_chosen(glyphs: Path) -> None:
    on = ALL_ON.model_copy(update={"pictures": "support"}).model_dump()
    classifier = {"algorithm": {"name": "classifier"}}
    after, before = trainer_of(glyphs, **classifier, augmentation=on), trainer_of(glyphs, **classifier)
    for one, other in zip(after._drawn(1), before._drawn(1), strict=True):
        assert not torch.equal(one.prepared().query.images, other.query.images)
        assert torch.equal(one.prepared().query.labels, other.query.labels)


@pytest.mark.parametrize("method", ["maml", "classifier"])
def test_a_stopped_and_resumed_run_is_bit_exact_with_augmentation(method: str, glyphs: Path, tmp_path: Path) -> None:
    experiment = small_experiment(glyphs, algorithm={"name": method}, augmentation=ALL_ON.model_dump())
    undisturbed, stopped = small_run(tmp_path / "one", experiment), small_run(tmp_path / "two", experiment)
    assert work_until(undisturbed)[-1].outcome == "finished"
    work_until(stopped, lambda event: event.kind == "outer_step" and event.iteration == 2)
    assert work_until(stopped)[-1].outcome == "finished"
    weights = [(run.last() / "weights.safetensors").read_bytes() for run in (undisturbed, stopped)]
    assert weights[0] == weights[1]
    plain = small_run(tmp_path / "three", small_experiment(glyphs, algorithm={"name": method}))
    work_until(plain)
    assert (plain.last() / "weights.safetensors").read_bytes() != weights[0]


def test_threads_and_processes_train_on_the_same_augmented_pictures(glyphs: Path) -> None:
    weights = []
    for make in (OneByOne, lambda: SideBySide(2), lambda: SideBySide(2, processes_after_s=0)):
        trainer = trainer_of(glyphs, augmentation=ALL_ON.model_dump())
        with make() as trainer.executor:
            processes = 0
            for event in trainer.run():
                if event.kind == "outer_step":
                    processes = max(processes, len(trainer.executor.pids))
        weights.append(torch.cat([each.detach().flatten() for each in trainer.learner.parameters()]))
    assert processes == 2
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[1], weights[2])


def test_adaptation_and_exports_know_nothing_of_it(
    run_with: Callable[..., RunFolder], tiny_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_with("maml", augmentation=ALL_ON.model_dump())
    assert run.experiment().augmentation == ALL_ON
    monkeypatch.setattr("metastudio.engine.tasks.augmentation.change", None)  # whoever calls it fails
    pictures = Path(run.experiment().data.folders[0])
    adapted = [adapt_to_target(trained_learner(each), target_of(pictures)) for each in (run, tiny_run)]
    images = adapted[0].loaded.support.images
    assert torch.equal(images, adapted[1].loaded.support.images)
    assert torch.equal(adapted[0].classifier.logits(images), adapted[1].classifier.logits(images))
    export_adapted(adapted[0], tmp_path / "export")
    texts = [file.read_bytes() for file in (tmp_path / "export").rglob("*") if file.is_file()]
    assert texts
    assert not any(b"augmentation" in text for text in texts)


# what a person sees of it


def test_a_preview_is_what_adaptation_reads_and_what_training_draws(glyphs: Path) -> None:
    file = str(next(glyphs.rglob("*.png")))
    preprocessing = Preprocessing(image_size=16, colour="grey", invert=True)
    seen = preview(AskPreview(file=file, preprocessing=preprocessing, augmentation=ALL_ON, draws=3, first=4))
    image = read_picture(file, preprocessing)
    assert (seen.side, seen.channels, len(seen.pictures)) == (16, 1, 4)
    assert (seen.least, seen.most) == (float(image.min()), float(image.max()))
    assert unpacked_pixels(seen.pictures[0]) == bytes((image[0, 0] * 255).round().byte().flatten().tolist())
    augmenter = Augmenter(ALL_ON, preprocessing, seed=0)
    drawn = change(image, augmenter.draws(5, 1))
    assert unpacked_pixels(seen.pictures[2]) == bytes((drawn[0, 0] * 255).round().byte().flatten().tolist())
    again = preview(AskPreview(file=file, preprocessing=preprocessing, augmentation=ALL_ON, draws=2, first=5))
    assert again.pictures[1:] == seen.pictures[2:], "a number is always the same draw"


def test_a_preview_of_colours_crops_and_pads_as_the_choice_says(tmp_path: Path) -> None:
    from PIL import Image

    wide = Image.new("RGB", (40, 20), (200, 30, 30))
    wide.paste((30, 30, 200), (30, 0, 40, 20))
    file = str(tmp_path / "wide.png")
    wide.save(file)

    def corner(**choice: object) -> bytes:
        seen = preview(AskPreview(file=file, preprocessing=Preprocessing(image_size=20, **choice)))
        return unpacked_pixels(seen.pictures[0])[-seen.channels :]

    assert corner(fit="crop") == bytes((200, 30, 30))
    assert corner(fit="pad") == bytes((255, 255, 255))
    assert corner(fit="stretch") == bytes((30, 30, 200))
    assert corner(fit="pad", invert=True) == bytes((0, 0, 0))
    assert len(corner(colour="grey")) == 1
