"""From stored bytes to what the network sees: the one place of the engine that scales and inverts."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metastudio.catalog.data_spec import Preprocessing


def network_input(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> Tensor:
    """Return float32 images (B, C, H, W) in [0, 1] of stored pixels (B, H, W, C); in memory, channels stay last."""
    images = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).to(torch.float32) / 255
    return 1 - images if preprocessing.invert else images
