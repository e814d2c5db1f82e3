"""MAML++ on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig
from metastudio.catalog.settings import option


class MAMLPlusPlusConfig(SecondOrderConfig):
    """Settings of MAML++: each of its parts can be switched off."""

    name: Literal["mamlpp"] = "mamlpp"
    inner_lr: float = option(
        0.1,
        title="Inner learning rate",
        help="Where the learned rates of all layers and steps begin; higher moves further from the first task on.",
        gt=0,
        le=100,
    )
    inner_steps: int = option(
        5,
        title="Inner steps in training",
        help="Gradient steps on the support images; each has rates of its own, and takes time and memory.",
        unit="steps",
        ge=1,
        le=100,
    )
    test_inner_steps: int = option(
        5,
        title="Inner steps at test",
        help="Gradient steps on a new task; those beyond training use the last step's rates.",
        unit="steps",
        ge=0,
        le=10000,
    )
    learned_rates: bool = option(
        True,
        title="Learned rates for layers and steps",
        help="Learns how far each layer moves in each step; off, one fixed rate serves all.",
    )
    multi_step_share: float = option(
        0.1,
        title="Multi-step loss until",
        help="Share of training in which the query loss after every step counts, ever more the last one; 0 for never.",
        ge=0,
        le=1,
    )
    first_order_share: float = option(
        0.0,
        title="First order until",
        help="Share of training that leaves out the second derivative and is quicker for it; higher loses exactness.",
        ge=0,
        le=1,
    )
    per_step_norm: bool = option(
        True,
        title="Normalisation for each step",
        help="Learns scale and shift of the normalisation for each step, which the inner loop then leaves alone.",
    )


ENTRIES = (
    Entry(
        name="mamlpp",
        title="MAML++",
        family=Family.GRADIENT,
        summary="MAML made steadier: learned rates for each layer and step, and a loss that looks at every step.",
        paper=Paper("Antoniou, Edwards, Storkey", "How to train your MAML", "ICLR", 2019, "arXiv:1810.09502"),
        config_type=MAMLPlusPlusConfig,
        runs="metastudio.engine.algorithms.maml_plus_plus:MAMLPlusPlus",
        capabilities=Capabilities(has_inner_loop=True, is_second_order=True, min_train_classes=10),
    ),
)
