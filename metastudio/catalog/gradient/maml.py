"""MAML and first-order MAML on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import GradientConfig, SecondOrderConfig

_FINN = Paper(
    "Finn, Abbeel, Levine",
    "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
    "ICML",
    2017,
    "arXiv:1703.03400",
)


class MAMLConfig(SecondOrderConfig):
    """Settings of MAML."""

    name: Literal["maml"] = "maml"


class FOMAMLConfig(GradientConfig):
    """Settings of first-order MAML."""

    name: Literal["fomaml"] = "fomaml"


ENTRIES = (
    Entry(
        name="maml",
        title="MAML",
        family=Family.GRADIENT,
        summary="Learns a starting point from which a few small steps on a handful of pictures are enough.",
        paper=_FINN,
        config_type=MAMLConfig,
        runs="metastudio.engine.algorithms.maml:MAML",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
    Entry(
        name="fomaml",
        title="First-order MAML",
        family=Family.GRADIENT,
        summary="MAML without the second derivative: nearly as good on easy tasks, and lighter on memory.",
        paper=_FINN,
        config_type=FOMAMLConfig,
        runs="metastudio.engine.algorithms.maml:FOMAML",
        capabilities=Capabilities(has_inner_loop=True, min_train_classes=10),
    ),
)
