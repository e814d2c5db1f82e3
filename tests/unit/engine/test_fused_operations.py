"""The compiled operations of a block give the numbers of torch's own, and their first and second derivatives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from metastudio.engine.backbones import convolution
from metastudio.engine.backbones.convolution import Convolution
from metastudio.engine.backbones.fused_norm import normalized
from metastudio.engine.backbones.kernel_gradients import KernelGradients

Operation = Callable[..., Tensor]


def derivatives(operation: Operation, *inputs: Tensor) -> list[Tensor]:
    """Return value, first and second derivatives of something that depends on every output in its own way."""
    out = operation(*inputs)
    random = torch.Generator().manual_seed(3)
    weight = torch.randn(out.shape, generator=random, dtype=out.dtype)
    first = torch.autograd.grad((weight * out * out.sin()).sum(), inputs, create_graph=True)
    second = torch.autograd.grad(sum((each * each.cos()).sum() for each in first), inputs)
    return [each.detach() for each in (out, *first, *second)]


def assert_the_same(one: Operation, other: Operation, *inputs: Tensor) -> None:
    for ours, theirs in zip(derivatives(one, *inputs), derivatives(other, *inputs), strict=True):
        assert float((ours - theirs).abs().max()) <= 1e-10 * max(1.0, float(theirs.abs().max()))


def values(*shape: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("pool", [1, 2])
@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("count", [2, 4])
def test_normalising_bending_and_pooling_in_one_has_the_derivatives_of_the_three(
    pool: int, slope: float, count: int
) -> None:
    def plain(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        variance, mean = torch.var_mean(maps[:count], dim=(0, 2, 3), correction=0)
        scale = weight * torch.rsqrt(variance + 1e-5)
        bent = F.leaky_relu((maps - mean[:, None, None]) * scale[:, None, None] + bias[:, None, None], slope)
        return F.max_pool2d(bent, pool)

    def fused(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return normalized(maps, weight, bias, count=count, eps=1e-5, slope=slope, pool=pool)[0]

    assert_the_same(fused, plain, values(4, 8, 7, 6, seed=0), values(8, seed=1), values(8, seed=2))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(6, 5), (11, 9), (2, 3)])
def test_a_convolution_has_the_derivatives_of_torchs(stride: int, channels: int, size: tuple[int, int]) -> None:
    layer = Convolution(channels, 4, stride=stride).double()

    def ours(maps: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, (maps,))

    def plain(maps: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(maps, weight, stride=stride, padding=1)

    assert_the_same(ours, plain, values(3, channels, *size, seed=0), values(4, channels, 3, 3, seed=1))


def test_a_map_far_from_zero_keeps_its_small_variance() -> None:
    maps = (1000 + 1e-2 * values(3, 2, 4, 4, seed=0)).float()
    _, mean, variance = normalized(maps, torch.ones(2), torch.zeros(2), count=3, eps=1e-5, slope=0.0, pool=1)
    expected_variance, expected_mean = torch.var_mean(maps.double(), dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(mean.double(), expected_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(variance.double(), expected_variance, rtol=1e-3, atol=0)


def test_gradients_of_kernels_are_computed_once_where_a_step_is_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Convolution(3, 4).double()
    gamma, beta = values(4, seed=1), values(4, seed=2)
    maps = values(2, 3, 9, 9, seed=0)
    computed = []
    real = convolution._to_weight

    def counted(*arguments: object) -> Tensor:
        computed.append(arguments)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(convolution, "_to_weight", counted)

    def step(*, creates_graph: bool) -> tuple[Tensor, ...]:
        out, _, _ = normalized(layer(maps), gamma, beta, count=2, eps=1e-5, slope=0.1, pool=2)
        return torch.autograd.grad((out * out.sin()).sum(), [layer.weight, gamma, beta], create_graph=creates_graph)

    def derivative_of(gradients: tuple[Tensor, ...]) -> Tensor:
        [found] = torch.autograd.grad(sum((each * each.cos()).sum() for each in gradients), [maps])  # type: ignore[arg-type]
        return found

    expected = step(creates_graph=True)
    of_expected = derivative_of(expected)
    computed.clear()
    kernels = KernelGradients()
    with kernels.in_use():
        first = step(creates_graph=False)
    assert len(computed) == 1
    with kernels.in_use():
        second = step(creates_graph=True)
    assert len(computed) == 1  # found, not computed again
    of_second = derivative_of(second)
    assert len(computed) > 1  # a derivative of its own, not the step's
    for one, other, wanted in zip(first, second, expected, strict=True):
        assert torch.equal(one, wanted)
        assert torch.equal(other, wanted)
    assert torch.equal(of_second, of_expected)
