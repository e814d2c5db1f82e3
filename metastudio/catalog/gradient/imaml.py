"""iMAML on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import GradientConfig
from metastudio.catalog.settings import option


class IMAMLConfig(GradientConfig):
    """Settings of iMAML."""

    name: Literal["imaml"] = "imaml"
    inner_lr: float = option(
        0.1,
        title="Inner learning rate",
        help="How far an inner step moves the weights; too high and adaptation jumps, too low and it stands still.",
        gt=0,
        le=100,
    )
    inner_steps: int = option(
        16,
        title="Inner steps in training",
        help="Gradient steps on the support images; more come nearer to the solution, at no cost in memory.",
        unit="steps",
        ge=0,
        le=1000,
    )
    test_inner_steps: int = option(
        16,
        title="Inner steps at test",
        help="Gradient steps on a new task.",
        unit="steps",
        ge=0,
        le=10000,
    )
    proximal: float = option(
        2.0,
        title="Pull towards the start",
        help="How strongly an adapted model is held near the shared start (λ); higher adapts less and is steadier.",
        gt=0,
        le=1e6,
    )
    cg_steps: int = option(
        5,
        title="Conjugate-gradient steps",
        help="Steps that solve for the outer gradient; more are more exact and take longer.",
        unit="steps",
        ge=0,
        le=1000,
    )
    cg_damping: float = option(
        1.0,
        title="Damping",
        help="Added to the diagonal of what is solved; higher is steadier where the loss is not convex, less exact.",
        ge=0,
        le=1e6,
        advanced=True,
    )


ENTRIES = (
    Entry(
        name="imaml",
        title="iMAML",
        family=Family.GRADIENT,
        summary="MAML that looks only at where adapting ends, not at the way: as many steps as wanted, no more memory.",
        paper=Paper(
            "Rajeswaran, Finn, Kakade, Levine",
            "Meta-Learning with Implicit Gradients",
            "NeurIPS",
            2019,
            "arXiv:1909.04630",
        ),
        config_type=IMAMLConfig,
        runs="metastudio.engine.algorithms.imaml:IMAML",
        capabilities=Capabilities(has_inner_loop=True, min_train_classes=10),
    ),
)
