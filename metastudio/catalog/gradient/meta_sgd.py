"""Meta-SGD on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig, learned_rate_steps
from metastudio.catalog.settings import option


class MetaSGDConfig(SecondOrderConfig):
    """Settings of Meta-SGD."""

    name: Literal["meta_sgd"] = "meta_sgd"
    test_inner_steps: int = learned_rate_steps()
    random_rates: bool = option(
        False,
        title="Random first rates",
        help="Draws each weight's first rate between a twentieth and the whole of the inner learning rate, as in the "
        "paper; off, all begin at the inner learning rate and the first step is MAML's.",
        advanced=True,
    )


ENTRIES = (
    Entry(
        name="meta_sgd",
        title="Meta-SGD",
        family=Family.GRADIENT,
        summary="MAML that also learns how far, and in which direction, each single weight moves in a step.",
        paper=Paper(
            "Li, Zhou, Chen, Li",
            "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning",
            "arXiv",
            2017,
            "arXiv:1707.09835",
        ),
        config_type=MetaSGDConfig,
        runs="metastudio.engine.algorithms.meta_sgd:MetaSGD",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
)
