"""How much computing a task is, and how much this machine could do: what shows how close to the limit training runs."""

from __future__ import annotations

import time
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.tasks.episode import Episode
from metastudio.engine.training.task_gradient import task_gradient

_MAPS, _CHANNELS, _SIDE = 16, 64, 42
_REPEATS = 5


class _Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up operations as torch counts them.

    `FlopCounterMode` does too, but its hooks on modules keep every graph alive to the end: with recomputed inner steps
    eight of them took eight times the memory.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        rule = flop_registry.get(func.overloadpacket)
        if rule is not None:
            self.flops += rule(*args, **(kwargs or {}), out_val=out)
        return out


def task_flops(learner: MetaLearner, episode: Episode) -> float:
    """Return the floating-point operations of one task's gradient, convolutions and matrix products counted.

    Computes the task once, on this thread; the learner and the random numbers stay as they are.
    """
    with torch.random.fork_rng(), _Counted() as counted:
        task_gradient(learner.task_loss, episode, dict(learner.named_parameters()))
    return float(counted.flops)


def convolution_flops(device: torch.device, threads: int) -> float:
    """Return how many operations a second this machine does in a 3x3 convolution of 64 channels: the best of five.

    Args:
        device: Where.
        threads: How many threads of the processor take part.
    """
    maps = torch.ones(_MAPS, _CHANNELS, _SIDE, _SIDE, device=device)
    kernel = torch.ones(_CHANNELS, _CHANNELS, 3, 3, device=device)
    work = 2.0 * maps.numel() * _CHANNELS * 3 * 3
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            taken = [_seconds(maps, kernel) for _ in range(1 + _REPEATS)]
    finally:
        torch.set_num_threads(before)
    return work / min(taken[1:])


def _seconds(maps: torch.Tensor, kernel: torch.Tensor) -> float:
    _wait_for(maps.device)
    began = time.perf_counter()
    F.conv2d(maps, kernel, padding=1)
    _wait_for(maps.device)
    return time.perf_counter() - began


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
