"""CAVIA on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig
from metastudio.catalog.settings import option


class CAVIAConfig(SecondOrderConfig):
    """Settings of CAVIA."""

    name: Literal["cavia"] = "cavia"
    inner_lr: float = option(
        100.0,
        title="Inner learning rate",
        help="How far an inner step moves the context values; they need far more than weights, or they say nothing.",
        gt=0,
        le=1000,
    )
    inner_steps: int = option(
        2,
        title="Inner steps in training",
        help="Gradient steps on the support images; more adapt further, and take time and memory in proportion.",
        unit="steps",
        ge=0,
        le=1000,
    )
    context_size: int = option(
        100,
        title="Context values",
        help="Numbers that a new task may change; more can say more about a task.",
        unit="values",
        ge=1,
        le=10_000,
    )
    context_block: int = option(
        3,
        title="Context enters at block",
        help="Which block's feature maps the context scales and shifts; a later one sees more of the whole picture and "
        "leaves fewer layers to make use of it.",
        ge=1,
        le=4,
        advanced=True,
    )


ENTRIES = (
    Entry(
        name="cavia",
        title="CAVIA",
        family=Family.GRADIENT,
        summary="Keeps the network as it is and adapts only a few context values that steer it.",
        paper=Paper(
            "Zintgraf, Shiarlis, Kurin, Hofmann, Whiteson",
            "Fast Context Adaptation via Meta-Learning",
            "ICML",
            2019,
            "arXiv:1810.03642",
        ),
        config_type=CAVIAConfig,
        runs="metastudio.engine.algorithms.cavia:CAVIA",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
)
