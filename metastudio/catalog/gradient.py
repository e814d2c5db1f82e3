"""The menu of methods that learn an initialisation and adapt it by gradient steps."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.settings import Settings, option

_FINN = Paper(
    "Finn, Abbeel, Levine",
    "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
    "ICML",
    2017,
    "arXiv:1703.03400",
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


class MAMLConfig(GradientConfig):
    """Settings of MAML."""

    name: Literal["maml"] = "maml"


class FOMAMLConfig(GradientConfig):
    """Settings of first-order MAML."""

    name: Literal["fomaml"] = "fomaml"


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
