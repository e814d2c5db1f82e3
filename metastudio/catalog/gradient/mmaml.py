"""MMAML on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig
from metastudio.catalog.settings import option


class MMAMLConfig(SecondOrderConfig):
    """Settings of MMAML."""

    name: Literal["mmaml"] = "mmaml"
    embedding_size: int = option(
        64,
        title="Task embedding",
        help="Length of the vector that sums up a task; longer ones tell more kinds of tasks apart.",
        unit="values",
        ge=1,
        le=4096,
    )


ENTRIES = (
    Entry(
        name="mmaml",
        title="MMAML",
        family=Family.GRADIENT,
        summary="Looks at a task first and turns the starting point towards its kind, then adapts as MAML does.",
        paper=Paper(
            "Vuorio, Sun, Hu, Lim",
            "Multimodal Model-Agnostic Meta-Learning via Task-Aware Modulation",
            "NeurIPS",
            2019,
            "arXiv:1910.13616",
        ),
        config_type=MMAMLConfig,
        runs="metastudio.engine.algorithms.mmaml:MMAML",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
)
