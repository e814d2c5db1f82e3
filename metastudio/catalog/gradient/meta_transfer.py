"""Meta-Transfer Learning on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig
from metastudio.catalog.settings import option


class MetaTransferConfig(SecondOrderConfig):
    """Settings of Meta-Transfer Learning."""

    name: Literal["meta_transfer"] = "meta_transfer"
    inner_lr: float = option(
        0.1,
        title="Inner learning rate",
        help="How far an inner step moves the head; too high and adaptation jumps, too low and it stands still.",
        gt=0,
        le=100,
    )
    inner_steps: int = option(
        20,
        title="Inner steps in training",
        help="Gradient steps of the head on the support images; more fit it better, and cost little.",
        unit="steps",
        ge=0,
        le=1000,
    )
    test_inner_steps: int = option(
        50,
        title="Inner steps at test",
        help="Gradient steps of the head on a new task; more than in training usually helps a little.",
        unit="steps",
        ge=0,
        le=10000,
    )
    adds_hard_tasks: bool = option(
        False,
        title="Add hard tasks",
        help="Makes further tasks of the classes that were answered worst, one for every N tasks of a step; each task "
        "is then adapted to once more.",
    )


ENTRIES = (
    Entry(
        name="meta_transfer",
        title="Meta-Transfer Learning",
        family=Family.GRADIENT,
        summary="Keeps a trained network as it is and learns only to scale and shift its filters for few-shot tasks.",
        paper=Paper(
            "Sun, Liu, Chua, Schiele",
            "Meta-Transfer Learning for Few-Shot Learning",
            "CVPR",
            2019,
            "arXiv:1812.02391",
        ),
        config_type=MetaTransferConfig,
        runs="metastudio.engine.algorithms.meta_transfer:MetaTransfer",
        capabilities=Capabilities(
            has_inner_loop=True, is_second_order=True, adapts_little=True, min_train_classes=10, keeps_backbone=True
        ),
    ),
)
