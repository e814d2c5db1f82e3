"""A backbone with a linear head, called with whatever weights it is given."""

from __future__ import annotations

import copy
import threading
import weakref
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from metastudio.engine.backbones.normalization import Moments

Weights = dict[str, Tensor]
"""Parameters by name: the initial ones, or fast weights."""

HEAD = "head."
"""What the names of the head's parameters begin with."""


class Backbone(Protocol):
    """A network that turns images (B, C, H, W) into features (B, D)."""

    feature_width: int

    def __call__(self, images: Tensor, moments: Moments) -> Tensor:
        """Return features (B, D)."""


class Network(nn.Module):
    """Backbone and linear head: images (B, C, H, W) to logits (B, N)."""

    def __init__(self, backbone: nn.Module, n_way: int) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.feature_width
        assert isinstance(width, int)  # noqa: S101
        self.head = nn.Linear(width, n_way)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self._frozen: tuple[str, ...] = ()

    def freeze_backbone(self) -> None:
        """Make buffers of the backbone's parameters: saved, and part of `weights`, as before, but learned no more."""
        self._frozen = tuple(f"backbone.{name}" for name, _ in self.backbone.named_parameters())
        for name in self._frozen:
            path, _, last = name.rpartition(".")
            layer = self.get_submodule(path)
            value = layer.get_parameter(last).detach()
            delattr(layer, last)
            layer.register_buffer(last, value)

    @property
    def n_way(self) -> int:
        """N of the head."""
        return self.head.out_features

    def weights(self, n_way: int | None = None) -> Weights:
        """Return the parameters themselves, the head cut to its first `n_way` outputs where that is given."""
        weights: Weights = dict(self.named_parameters()) | {name: self.get_buffer(name) for name in self._frozen}
        if n_way is not None and n_way != self.n_way:
            weights |= {name: value[:n_way] for name, value in weights.items() if name.startswith(HEAD)}
        return weights

    def forward(self, images: Tensor, moments: Moments, *, only_features: bool = False) -> Tensor:
        """Return logits (B, N), or the features (B, D) that the head would see."""
        features: Tensor = self.backbone(images, moments)
        return features if only_features else self.head(features)

    def with_weights(self, weights: Weights, images: Tensor, moments: Moments) -> Tensor:
        """Return the logits (B, N) that these weights give; the network itself is read and never written."""
        logits: Tensor = functional_call(_shell_of(self), weights, (images, moments))
        return logits

    def features_with(self, weights: Weights, images: Tensor, moments: Moments) -> Tensor:
        """Return the features (B, D) that these weights give."""
        features: Tensor = functional_call(_shell_of(self), weights, (images, moments), {"only_features": True})
        return features


_shells = threading.local()


def _shell_of(network: Network) -> Network:
    """Return this thread's copy of the network, to be called with weights put in.

    `functional_call` swaps the parameters of the module while it runs, so two threads must not share one. Running
    statistics never come from a shell: whoever predicts with them has frozen them before.
    """
    if threading.current_thread() is threading.main_thread():
        return network
    copies: weakref.WeakKeyDictionary[Network, Network] | None = getattr(_shells, "copies", None)
    if copies is None:
        copies = _shells.copies = weakref.WeakKeyDictionary()
    if network not in copies:
        copies[network] = copy.deepcopy(network)
    return copies[network]


def copied(weights: Weights) -> Weights:
    """Return independent copies, cut from their history."""
    return {name: torch.clone(value.detach()) for name, value in weights.items()}
