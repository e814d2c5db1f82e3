"""Meta-Curvature on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig


class MetaCurvatureConfig(SecondOrderConfig):
    """Settings of Meta-Curvature."""

    name: Literal["meta_curvature"] = "meta_curvature"


ENTRIES = (
    Entry(
        name="meta_curvature",
        title="Meta-Curvature",
        family=Family.GRADIENT,
        summary="MAML that learns how the directions of a step belong together, and turns each step accordingly.",
        paper=Paper("Park, Oliva", "Meta-Curvature", "NeurIPS", 2019, "arXiv:1902.03356"),
        config_type=MetaCurvatureConfig,
        runs="metastudio.engine.algorithms.meta_curvature:MetaCurvature",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
)
