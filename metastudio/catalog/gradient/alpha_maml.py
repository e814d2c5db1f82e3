"""Alpha-MAML on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig, learned_rate_steps
from metastudio.catalog.settings import option


class AlphaMAMLConfig(SecondOrderConfig):
    """Settings of Alpha-MAML."""

    name: Literal["alpha_maml"] = "alpha_maml"
    test_inner_steps: int = learned_rate_steps()
    inner_hyper_lr: float = option(
        0.1,
        title="Step of the inner rate",
        help="How far the inner learning rate moves down the slope of the query loss; higher adjusts it faster and "
        "less steadily, 0 keeps it.",
        ge=0,
        le=100,
        advanced=True,
    )
    outer_hyper_lr: float = option(
        0.1,
        title="Step of the outer rate",
        help="How far the outer learning rate grows where a step goes on as the last one went, and shrinks where it "
        "turns back; 0 keeps it.",
        ge=0,
        le=100,
        advanced=True,
    )


ENTRIES = (
    Entry(
        name="alpha_maml",
        title="Alpha-MAML",
        family=Family.GRADIENT,
        summary="MAML that adjusts both of its learning rates by itself while it trains.",
        paper=Paper(
            "Behl, Baydin, Torr",
            "Alpha MAML: Adaptive Model-Agnostic Meta-Learning",
            "ICML AutoML Workshop",
            2019,
            "arXiv:1905.07435",
        ),
        config_type=AlphaMAMLConfig,
        runs="metastudio.engine.algorithms.alpha_maml:AlphaMAML",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
)
