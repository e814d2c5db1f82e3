"""The numbers are those of a plain loop; order and blocks play no role; classes that are the same come first."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from metastudio.engine import class_distances as module
from metastudio.engine.class_distances import ClassDistances, class_distances


def made(sizes: tuple[int, ...] = (6, 4, 5, 9), *, width: int = 7, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return features (n, D) of classes around centres of their own, far from zero, and labels (n,)."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    centres = torch.randn(len(sizes), width, generator=random)
    return 100 + centres[labels] + torch.randn(len(labels), width, generator=random), labels


def reference(features: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
    """Return confusion and separation as the text says it, picture by picture."""
    count = int(labels.max()) + 1
    of = [features[labels == label] for label in range(count)]
    centres = [each.mean(axis=0) for each in of]
    confusion, separation = np.full((count, count), np.nan), np.full((count, count), np.nan)
    for i in range(count):
        for j in range(count):
            if i == j:
                continue
            shares = []
            for own, other in ((i, j), (j, i)):
                if len(of[own]) < 2:
                    continue
                nearer = 0
                for row, picture in enumerate(of[own]):
                    others = np.delete(of[own], row, axis=0).mean(axis=0)
                    nearer += np.linalg.norm(picture - centres[other]) < np.linalg.norm(picture - others)
                shares.append(nearer / len(of[own]))
            if shares:
                confusion[i, j] = np.mean(shares)
            variances = {each: of[each].var(axis=0, ddof=1).sum() for each in (i, j) if len(of[each]) > 1}
            chance = sum(value / len(of[each]) for each, value in variances.items())
            if variances:
                apart = max(0, ((centres[i] - centres[j]) ** 2).sum() - chance)
                separation[i, j] = np.sqrt(apart / np.mean(list(variances.values())))
    return confusion, separation


@pytest.mark.parametrize("sizes", [(6, 4, 5, 9), (2, 2), (1, 5, 3), (1, 1, 4)])
def test_the_numbers_are_those_of_a_plain_loop(sizes: tuple[int, ...]) -> None:
    features, labels = made(sizes)
    found = class_distances(features, labels)
    confusion, separation = reference(features.double().numpy(), labels.numpy())
    np.testing.assert_allclose(found.confusion.numpy(), confusion, atol=1e-6)
    np.testing.assert_allclose(found.separation.numpy(), separation, atol=2e-3)
    assert np.isnan(confusion).sum() > len(sizes) if sizes == (1, 1, 4) else True


def test_blocks_and_order_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = made((40, 30, 50, 20, 25))
    whole = class_distances(features, labels)
    monkeypatch.setattr(module, "_BLOCK_PICTURES", 7)
    told: list[tuple[int, int]] = []
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    mixed = class_distances(features[order], labels[order], on_progress=lambda *done: told.append(done))
    _assert_same(whole, mixed)
    assert told[-1] == (165, 165)
    assert len(told) == 24


def _assert_same(one: ClassDistances, other: ClassDistances) -> None:
    for name in ("confusion", "separation", "places"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), equal_nan=True, atol=1e-3, rtol=1e-3)


def test_classes_made_identical_are_the_most_confusable() -> None:
    features, labels = made((8, 8, 8, 8))
    features[labels == 3] = features[labels == 1]
    found = class_distances(features, labels)
    assert found.confusion[1, 3] == found.confusion.nan_to_num(-1).max()
    assert found.separation[1, 3] == 0
    assert found.confusion[1, 3] >= 0.5


def test_a_class_cannot_be_told_from_another_of_the_same_kind_but_from_a_far_one() -> None:
    random = torch.Generator().manual_seed(2)
    features = torch.randn(600, 4, generator=random)
    labels = torch.arange(3).repeat_interleave(200)
    features[labels == 2] += 20
    found = class_distances(features, labels)
    assert float(found.confusion[0, 1]) == pytest.approx(0.5, abs=0.08)
    assert float(found.separation[0, 1]) < 0.15
    assert float(found.confusion[0, 2]) == 0
    assert float(found.separation[0, 2]) == pytest.approx(20, rel=0.05)  # 20 * 2 apart, spread 2


def test_few_pictures_do_not_make_classes_look_farther_apart() -> None:
    random = torch.Generator().manual_seed(3)
    found = []
    for pictures in (4, 64):
        features = torch.randn(200 * pictures, 16, generator=random)
        distances = class_distances(features, torch.arange(200).repeat_interleave(pictures))
        found.append(float(distances.separation.square().nanmean()))
    assert found[0] < 0.2, "without taking off chance it is the mean of 2 / 4"


def test_pictures_that_are_all_the_same_are_a_tie() -> None:
    found = class_distances(torch.ones(5, 3), torch.tensor([0, 0, 1, 1, 1]))
    assert float(found.confusion[0, 1]) == 0.5
    assert float(found.separation[0, 1]) == 0
    assert torch.equal(found.places, torch.zeros(2, 2))


def test_the_map_shows_the_plane_of_largest_differences() -> None:
    centres = torch.tensor([[9.0, 0, 0], [-9, 0, 0], [0, 4, 0], [0, -4, 0], [0, 0, 0.1]])
    found = class_distances(centres.repeat_interleave(3, dim=0), torch.arange(5).repeat_interleave(3))
    apart = torch.cdist(found.places, found.places)
    torch.testing.assert_close(apart, torch.cdist(centres[:, :2], centres[:, :2]), atol=0.05, rtol=0)
    assert found.shown_share > 0.999


def test_work_ends_where_a_listener_raises() -> None:
    class EnoughError(Exception):
        pass

    def listen(done: int, total: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        class_distances(*made(), on_progress=listen)
