"""Class means: what methods that compare, and heads that start from comparing, both build on."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def prototypes_of(features: Tensor, labels: Tensor, n_way: int) -> Tensor:
    """Return the class means (N, D) of features (S, D); equation (1) of Prototypical Networks, arXiv:1703.05175."""
    membership = F.one_hot(labels, n_way).to(features.dtype).T  # (N, S)
    return membership @ features / membership.sum(dim=1, keepdim=True)
