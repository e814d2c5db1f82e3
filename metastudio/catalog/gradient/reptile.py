"""Reptile on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.settings import Settings, option


class ReptileConfig(Settings):
    """Settings of Reptile."""

    name: Literal["reptile"] = "reptile"
    inner_lr: float = option(
        1e-3,
        title="Inner learning rate",
        help="Step size of the inner Adam; higher follows each task further from the shared start.",
        gt=0,
        le=1,
    )
    inner_steps: int = option(
        5,
        title="Inner steps in training",
        help="Mini-batch steps on each task; more steps let the tasks pull the start further.",
        unit="steps",
        ge=1,
        le=1000,
    )
    inner_batch_size: int = option(
        10,
        title="Inner batch in training",
        help="Support images in one inner step; larger steps are steadier and slower.",
        unit="images",
        ge=1,
        le=1000,
    )
    train_n_shot: int = option(
        10,
        title="Shots in training",
        help="Support images of each class while training; Reptile learns from more shots than it is tested with.",
        unit="images",
        ge=1,
        le=1000,
    )
    test_inner_steps: int = option(
        50,
        title="Inner steps at test",
        help="Mini-batch steps on a new task; Reptile needs more of them than MAML.",
        unit="steps",
        ge=0,
        le=10000,
    )
    test_inner_batch_size: int = option(
        5,
        title="Inner batch at test",
        help="Support images in one inner step on a new task.",
        unit="images",
        ge=1,
        le=1000,
    )


ENTRIES = (
    Entry(
        name="reptile",
        title="Reptile",
        family=Family.GRADIENT,
        summary="Trains on one task after another and moves the starting point a little towards where each one ended.",
        paper=Paper(
            "Nichol, Achiam, Schulman", "On First-Order Meta-Learning Algorithms", "arXiv", 2018, "arXiv:1803.02999"
        ),
        config_type=ReptileConfig,
        runs="metastudio.engine.algorithms.reptile:Reptile",
        capabilities=Capabilities(has_inner_loop=True, min_train_classes=10),
    ),
)
