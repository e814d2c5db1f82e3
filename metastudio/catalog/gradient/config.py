"""What every method with an inner loop of gradient steps can set."""

from __future__ import annotations

from typing import Any, Literal

from metastudio.catalog.settings import Settings, option


def training_steps(default: int, help: str) -> Any:
    """Return the option of inner steps in training."""
    return option(default, title="Inner steps in training", help=help, unit="steps", ge=0, le=1000)


def new_task_steps(default: int, help: str = "") -> Any:
    """Return the option of inner steps on a new task."""
    usual = "Gradient steps on a new task; more than in training usually helps a little."
    return option(default, title="Inner steps at test", help=help or usual, unit="steps", ge=0, le=10000)


def learned_rate_steps() -> Any:
    """Return the option of inner steps on a new task where the rates of the steps are learned."""
    return new_task_steps(
        1,
        "Gradient steps on a new task. The rates were learned for as many steps as in training: with more of them "
        "adaptation can overshoot.",
    )


class GradientConfig(Settings):
    """What every method with an inner loop of plain gradient steps can set."""

    inner_lr: float = option(
        0.4,
        title="Inner learning rate",
        help="How far an inner step moves the weights; too high and adaptation jumps, too low and it stands still.",
        gt=0,
        le=100,
    )
    inner_steps: int = training_steps(
        1, "Gradient steps on the support images; more adapt further, and take time and memory in proportion."
    )
    test_inner_steps: int = new_task_steps(3)


class SecondOrderConfig(GradientConfig):
    """What those can set whose outer gradient goes through the inner steps."""

    inner_graph: Literal["auto", "store", "recompute"] = option(
        "auto",
        title="Inner graph",
        help="What the outer gradient needs of the inner steps: stored, its memory grows with every step; recomputed, "
        "memory stays flat and a step takes about a fifth longer; 'auto' recomputes from six steps on.",
        advanced=True,
    )
