"""Hypernetwork initialisation on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig
from metastudio.catalog.settings import option


class HypernetworkConfig(SecondOrderConfig):
    """Settings of hypernetwork initialisation."""

    name: Literal["hypernetwork"] = "hypernetwork"
    hidden_width: int = option(
        128,
        title="Hidden width",
        help="Values between what is read and the head that is written; more can say finer things and learn slower.",
        unit="values",
        ge=1,
        le=4096,
    )


ENTRIES = (
    Entry(
        name="hypernetwork",
        title="Hypernetwork initialisation",
        family=Family.GRADIENT,
        summary="A second network looks at a task's pictures and writes the last layer that adaptation begins with.",
        paper=Paper("Munkhdalai, Yu", "Meta Networks", "ICML", 2017, "arXiv:1703.00837"),
        config_type=HypernetworkConfig,
        runs="metastudio.engine.algorithms.hypernetwork:Hypernetwork",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, any_n_way=True, min_train_classes=10),
    ),
)
