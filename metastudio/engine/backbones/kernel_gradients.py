"""What an inner step that is taken twice need not compute twice: the gradients of its kernels.

A recomputed step runs once without a graph and once more, in the backward pass, with one. Its feature maps are too
large to keep; the gradients of its kernels are small, and a third of the convolutions go into them. Each convolution
asks for a `slot`, leaves its gradient there the first time and finds it the second. (Sums of normalisation were tried
too: so small that, allocated among the maps, they cut memory into pieces, a fifth more of it at 20 steps.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor


class Slot:
    """Where one convolution of a step keeps the gradient of its kernels; shut but while its step is taken.

    What comes later, as the derivative of the second time, has gradients of its own and must not find the step's.
    """

    def __init__(self, step: object) -> None:
        self._step = step
        self._kept: Tensor | None = None

    def kept(self, compute: Callable[[], Tensor]) -> Tensor:
        """Return the gradient, computed where it is not known."""
        current = _current.get()
        if current is None or current.step is not self._step:
            return compute()
        if self._kept is None:
            self._kept = compute()
        return self._kept.detach()  # a tensor of its own: what is returned becomes part of a graph


class KernelGradients:
    """Those of one step, a convolution a slot, in the order in which they run."""

    def __init__(self) -> None:
        self.step = object()
        self._slots: list[Slot] = []
        self._position = 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give the convolutions inside their slots, beginning with the first."""
        self._position = 0
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def next_slot(self) -> Slot:
        """Return the slot of the next convolution, a new one where the step is taken for the first time."""
        if self._position == len(self._slots):
            self._slots.append(Slot(self.step))
        self._position += 1
        return self._slots[self._position - 1]


_current: ContextVar[KernelGradients | None] = ContextVar("_current", default=None)
_NOWHERE = Slot(None)


def slot() -> Slot:
    """Return where the convolution that asks keeps its gradient; outside of a step that is taken twice, nowhere."""
    gradients = _current.get()
    return _NOWHERE if gradients is None else gradients.next_slot()
