"""Augmentation: a function of seed and episode, in training alone, each change as it says."""

from __future__ import annotations

import colorsys
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, gaussian_filter
from torch import Tensor

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.engine.adaptation import adapt_to_target, trained_learner
from metastudio.engine.evaluation.evaluator import evaluate
from metastudio.engine.export.bundle import export_adapted
from metastudio.engine.learner import build_learner
from metastudio.engine.preview import preview
from metastudio.engine.tasks.augmentation import Augmenter, change
from metastudio.engine.tasks.colour_changes import hued
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.tasks.picture_changes import Motion, blurred, gaussians, moved
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
from tests.unit.engine.conftest import target_of
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until

COLOUR = Preprocessing(image_size=24, colour="colour")
ALL_ON = Augmentation(**dict.fromkeys(STRENGTHS, True))
CHANGES = pytest.mark.parametrize("name", STRENGTHS)


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_glyphs(tmp_path_factory.mktemp("glyphs"))


def pictures(count: int = 16, channels: int = 3, side: int = 24) -> Tensor:
    """Return images (B, C, H, W), a bright disc on darker ground, channels last in memory as the engine has them."""
    random = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    disc = ((x - side / 3) ** 2 + (y - side / 2) ** 2 < (side / 4) ** 2).float()
    tint = 0.2 + 0.4 * torch.rand(count, 1, 1, channels, generator=random)
    return (tint * (0.5 + disc[None, :, :, None])).permute(0, 3, 1, 2)


def changed(name: str, images: Tensor, *, preprocessing: Preprocessing = COLOUR, **options: object) -> Tensor:
    augmenter = Augmenter(ALL_ON.alone(name).model_copy(update=options), preprocessing, seed=1)
    return change(images, augmenter.draws(0, len(images)))


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


# what a change does


@CHANGES
@pytest.mark.parametrize("channels", [1, 3])
def test_a_change_keeps_shape_layout_and_range_and_changes_something(name: str, channels: int) -> None:
    images = pictures(channels=channels)
    preprocessing = COLOUR if channels == 3 else COLOUR.model_copy(update={"colour": "grey"})
    before = images.clone()
    after = changed(name, images, preprocessing=preprocessing)
    assert (after.shape, after.stride(), after.dtype) == (images.shape, images.stride(), images.dtype)
    assert float(after.min()) >= 0
    assert float(after.max()) <= 1
    assert torch.equal(images, before), "what is given stays as it is"
    does_nothing = channels == 1 and name in {"saturation", "hue"}
    assert torch.equal(after, images) == does_nothing


@CHANGES
def test_extremes_of_strength_and_of_pictures_stay_in_range(name: str) -> None:
    field = STRENGTHS[name]
    random = torch.Generator().manual_seed(0)
    images = torch.rand(64, 8, 8, 3, generator=random).round().permute(0, 3, 1, 2)  # 8 px, the smallest there is
    preprocessing = Preprocessing(image_size=8)
    metadata = Augmentation.model_fields[field].metadata if field else ()
    bounds = [getattr(each, bound) for each in metadata for bound in ("ge", "le") if hasattr(each, bound)]
    for strength in bounds or [0]:
        options = {field: strength} if field else {}
        after = changed(name, images, preprocessing=preprocessing, **options)
        assert torch.isfinite(after).all()
        assert 0 <= float(after.min()) <= float(after.max()) <= 1


def test_flip_gives_each_picture_or_its_mirror_image() -> None:
    images = pictures(40)
    after = changed("flip", images)
    mirrored = [torch.equal(after[i], torch.flip(images[i], (2,))) for i in range(40)]
    kept = [torch.equal(after[i], images[i]) for i in range(40)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 8 < sum(mirrored) < 32


def test_what_is_mirrored_and_moved_is_so_in_one_sampling() -> None:
    images = pictures(40)
    both = Augmentation(flip=True, shift=True)
    draws = Augmenter(both, COLOUR, seed=1).draws(0, 40)
    assert set(draws) == {"move"}
    is_mirrored = Augmenter(both.alone("flip"), COLOUR, seed=1).draws(0, 40)["flip"]
    shifts = Augmenter(both.alone("shift"), COLOUR, seed=1).draws(0, 40)
    assert 8 < is_mirrored.sum() < 32
    before = torch.where(torch.from_numpy(is_mirrored)[:, None, None, None], images.flip(3), images)
    assert torch.allclose(change(images, draws), change(before, shifts), atol=1e-5)


def middle(images: Tensor) -> Tensor:
    """Return (B, 2) where the brightness above the ground lies, x and y from the middle, in pixels."""
    grey = images.mean(1)
    weight = (grey - grey.amin((1, 2), keepdim=True)) ** 2
    places = torch.arange(images.shape[-1]) - (images.shape[-1] - 1) / 2
    total = weight.sum((1, 2))
    return torch.stack([(weight * places).sum((1, 2)), (weight * places[:, None]).sum((1, 2))], 1) / total[:, None]


def test_shift_moves_by_at_most_its_share_of_the_side_and_fills_with_the_edge() -> None:
    images = pictures(60)
    after = changed("shift", images, shift_percent=10)
    moved = middle(after) - middle(images)
    assert float(moved.abs().max()) <= 2.4 + 0.1
    assert float(moved.abs().amax(0).min()) > 1
    assert torch.allclose(after.amin((2, 3)), images.amin((2, 3)), atol=1e-5), "no margin of another colour"


def test_rotate_turns_about_the_middle_by_at_most_its_degrees() -> None:
    images = pictures(60)
    before, after = middle(images), middle(changed("rotate", images, rotate_degrees=30))
    assert torch.allclose(before.norm(dim=1), after.norm(dim=1), atol=0.2)
    turned = torch.rad2deg(torch.atan2(after[:, 1], after[:, 0]) - torch.atan2(before[:, 1], before[:, 0]))
    turned = (turned + 180) % 360 - 180
    assert 20 < float(turned.max()) < 32
    assert -32 < float(turned.min()) < -20


def bright_area(images: Tensor) -> Tensor:
    ground = images.amin((1, 2, 3), keepdim=True)
    return ((images - ground).mean(1) > (images - ground).amax((1, 2, 3), keepdim=True)[:, 0] / 2).sum((1, 2)).float()


def test_scale_makes_things_larger_and_smaller_and_cutting_out_only_larger() -> None:
    images = pictures(60)
    scaled = bright_area(changed("scale", images, scale_percent=20)) / bright_area(images)
    assert 0.58 < float(scaled.min()) < 0.75
    assert 1.3 < float(scaled.max()) < 1.5
    cut = bright_area(changed("crop", images, crop_percent=20)) / bright_area(images)
    assert float(cut.min()) > 0.9
    assert 1.3 < float(cut.max()) < 1.65


def test_colour_changes_do_what_they_say() -> None:
    images = pictures(40)
    brighter = (changed("brightness", images) - images).mean((1, 2, 3))
    assert -0.2 <= float(brighter.min()) < -0.1
    assert 0.1 < float(brighter.max()) <= 0.2
    flat = changed("contrast", images).std((2, 3)) / images.std((2, 3))
    assert 0.79 < float(flat.min()) < 0.9
    assert 1.1 < float(flat.max()) < 1.21
    spread = changed("saturation", images).std(1).mean((1, 2)) / images.std(1).mean((1, 2))
    assert 0.69 < float(spread.min()) < 0.8
    assert 1.15 < float(spread.max()) < 1.31
    hued = changed("hue", images, hue_percent=50)
    assert torch.allclose(hued.amax(1), images.amax(1), atol=1e-5), "the value of the colour stays"
    assert float((hued - images).abs().mean()) > 0.02


def test_hue_turns_the_colour_wheel_as_the_standard_library_does() -> None:
    colours = torch.rand(200, 3, generator=torch.Generator().manual_seed(0))
    colours[:3] = torch.tensor([[0.4, 0.4, 0.4], [0.0, 0.0, 0.0], [1.0, 0.5, 0.5]])  # grey, black, two alike
    turns = torch.linspace(-0.5, 0.5, 200)
    expected = []
    for colour, turn in zip(colours.tolist(), turns.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        expected.append(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))
    turned = hued(colours[:, :, None, None], turns[:, None, None, None])[:, :, 0, 0]
    assert torch.allclose(turned, torch.tensor(expected), atol=1e-5)


def motion(**values: float) -> Motion:
    still = Motion.none(1)
    return still._replace(**{name: np.full_like(getattr(still, name), value) for name, value in values.items()})


def test_moving_samples_where_scipy_does() -> None:
    """An independent reference: the matrix from outgoing to incoming pixels, bilinear, its edge continued."""
    images = pictures(1)
    how = motion(angle=20.0, scale=1.2, shift=2.0, larger=1.3, aside=-1.5)
    out = moved(images, how.matrices(24))
    angle, size = np.deg2rad(20.0), 1.2 * 1.3
    to_old = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / size  # of (down, right)
    middle = np.full(2, (24 - 1) / 2)
    offset = middle - to_old @ (middle + 2.0 * 1.3 - 1.5)
    for channel in range(3):
        old = images[0, channel].double().numpy()
        expected = affine_transform(old, to_old, offset, order=1, mode="nearest")
        assert np.abs(out[0, channel].numpy() - expected).max() < 1e-4


def test_blurring_smooths_as_scipy_does() -> None:
    images = pictures(2)
    out = blurred(images, gaussians(np.array([0.5, 1.5], np.float32), 2.0))
    for place, sigma in enumerate((0.5, 1.5)):
        for channel in range(3):
            old = images[place, channel].double().numpy()
            expected = gaussian_filter(old, sigma, mode="mirror", radius=5)
            assert np.abs(out[place, channel].numpy() - expected).max() < 1e-5


def test_erase_fills_one_rectangle_of_about_half_of_the_pictures_with_their_mean() -> None:
    images = pictures(60)
    after = changed("erase", images, erase_percent=30)
    erased = (after != images).any(1)  # (B, H, W)
    share = erased.float().mean((1, 2))
    assert 15 < int((share > 0).sum()) < 45
    assert float(share.max()) <= 0.31
    for one, image, mask in zip(after, images, erased, strict=True):
        assert torch.allclose(one[:, mask], image.mean((1, 2))[:, None].expand(-1, int(mask.sum())), atol=1e-6)


def test_blur_makes_pictures_less_sharp() -> None:
    images = pictures(20)

    def edges(pixels: Tensor) -> Tensor:
        return pixels.diff(dim=3).abs().amax((1, 2, 3))

    softer = edges(changed("blur", images, blur_percent=8)) / edges(images)
    assert float(softer.max()) <= 1 + 1e-5
    assert float(softer.min()) < 0.5


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
