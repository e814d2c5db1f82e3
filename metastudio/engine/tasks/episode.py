"""The few-shot task, and the letters that every shape in the engine is written in.

| letter | meaning |
|---|---|
| E | episodes in a meta-batch |
| N | ways: classes of an episode |
| K | shots: support images a class |
| Q | queries: query images a class |
| S | support images of an episode, N*K where shots are equal |
| M | query images of an episode, N*Q where they are equal |
| C H W | channels, height and width of an image |
| D | feature width |
| B | any batch of images |

S and M are nominal: shots may be unequal, so code goes by labels and never reshapes by K.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelledImages:
    """Images (B, C, H, W) and their labels (B,), int64 in 0 … N-1."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return int(self.images.shape[0])

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> LabelledImages:
        """Return the same images and labels on `device`; `dtype` is that of the images."""
        return LabelledImages(self.images.to(device=device, dtype=dtype), self.labels.to(device=device))


@dataclass(frozen=True)
class Episode:
    """One few-shot task.

    Attributes:
        support: S labelled images to adapt with.
        query: M labelled images to be judged by.
        classes: Global identity of the N classes, in label order.
        source: The data set, domain or client it comes from.
        descriptor: (d,) what is known of the task beforehand, if anything.
        changes: What its pictures have yet to go through: `prepared` returns the episode after it.
    """

    support: LabelledImages
    query: LabelledImages
    classes: tuple[str, ...]
    source: str = ""
    descriptor: Tensor | None = None
    changes: Callable[[Episode], Episode] | None = None

    @property
    def n_way(self) -> int:
        """N."""
        return len(self.classes)

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Episode:
        """Return the same episode on `device`."""
        descriptor = None if self.descriptor is None else self.descriptor.to(device=device, dtype=dtype)
        support, query = self.support.to(device, dtype), self.query.to(device, dtype)
        return replace(self, support=support, query=query, descriptor=descriptor)

    def prepared(self) -> Episode:
        """Return the episode as a learner is to see it."""
        return self if self.changes is None else self.changes(self)
