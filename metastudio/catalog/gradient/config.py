"""What every method with an inner loop of gradient steps can set."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.settings import Settings, option


class GradientConfig(Settings):
    """What every method with an inner loop of plain gradient steps can set."""

    inner_lr: float = option(
        0.4,
        title="Inner learning rate",
        help="How far an inner step moves the weights; too high and adaptation jumps, too low and it stands still.",
        gt=0,
        le=100,
    )
    inner_steps: int = option(
        1,
        title="Inner steps in training",
        help="Gradient steps on the support images; more adapt further, and take time and memory in proportion.",
        unit="steps",
        ge=0,
        le=1000,
    )
    test_inner_steps: int = option(
        3,
        title="Inner steps at test",
        help="Gradient steps on a new task; more than in training usually helps a little.",
        unit="steps",
        ge=0,
        le=10000,
    )


class SecondOrderConfig(GradientConfig):
    """What those can set whose outer gradient goes through the inner steps."""

    inner_graph: Literal["auto", "store", "recompute"] = option(
        "auto",
        title="Inner graph",
        help="What the outer gradient needs of the inner steps: stored, its memory grows with every step; recomputed, "
        "memory stays flat and a step takes a fifth longer; 'auto' recomputes from six steps on.",
        advanced=True,
    )
