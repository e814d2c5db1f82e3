"""What each change of a picture does: as it says, within its bounds, and as independent references do it."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, gaussian_filter
from torch import Tensor

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.tasks.augmentation import Augmenter, change
from metastudio.engine.tasks.colour_changes import hued
from metastudio.engine.tasks.picture_changes import Motion, blurred, gaussians, moved
from tests.unit.engine.augmented_pictures import COLOUR, changed, pictures

CHANGES = pytest.mark.parametrize("name", STRENGTHS)


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
