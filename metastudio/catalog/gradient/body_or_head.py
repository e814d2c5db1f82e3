"""ANIL and BOIL on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig, new_task_steps, training_steps


class ANILConfig(SecondOrderConfig):
    """Settings of ANIL."""

    name: Literal["anil"] = "anil"
    inner_steps: int = training_steps(
        5, "Gradient steps of the head on the support images; more adapt further, and cost little."
    )
    test_inner_steps: int = new_task_steps(
        10, "Gradient steps of the head on a new task; more than in training usually helps a little."
    )


class BOILConfig(SecondOrderConfig):
    """Settings of BOIL."""

    name: Literal["boil"] = "boil"


ENTRIES = (
    Entry(
        name="anil",
        title="ANIL",
        family=Family.GRADIENT,
        summary="Adapts only the last layer to a task and shares all below it: nearly as good as MAML, and faster.",
        paper=Paper(
            "Raghu, Raghu, Bengio, Vinyals",
            "Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML",
            "ICLR",
            2020,
            "arXiv:1909.09157",
        ),
        config_type=ANILConfig,
        runs="metastudio.engine.algorithms.body_or_head:ANIL",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, adapts_little=True, min_train_classes=10),
    ),
    Entry(
        name="boil",
        title="BOIL",
        family=Family.GRADIENT,
        summary="Adapts all but the last layer to a task: the features change, and the answers keep their places.",
        paper=Paper(
            "Oh, Yoo, Kim, Yun",
            "BOIL: Towards Representation Change for Few-shot Learning",
            "ICLR",
            2021,
            "arXiv:2008.08882",
        ),
        config_type=BOILConfig,
        runs="metastudio.engine.algorithms.body_or_head:BOIL",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
)
