"""LEO on the menu."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig
from metastudio.catalog.settings import option


class LEOConfig(SecondOrderConfig):
    """Settings of LEO."""

    name: Literal["leo"] = "leo"
    inner_lr: float = option(
        1.0,
        title="Inner learning rate at first",
        help="How far an inner step moves a class's code before training has learned a better rate; too high and "
        "adaptation jumps.",
        gt=0,
        le=100,
    )
    inner_steps: int = option(
        5,
        title="Inner steps in training",
        help="Gradient steps on the support images; more adapt further, and cost little, since the body stays.",
        unit="steps",
        ge=0,
        le=1000,
    )
    test_inner_steps: int = option(
        5,
        title="Inner steps at test",
        help="Gradient steps on a new task; more than in training usually helps a little.",
        unit="steps",
        ge=0,
        le=10000,
    )
    code_steps: int = option(
        5,
        title="Of these in the codes",
        help="So many steps move the codes, and those after them the decoded weights themselves; more stay longer "
        "where training has been.",
        unit="steps",
        ge=0,
        le=10000,
    )
    code_size: int = option(
        64,
        title="Code size",
        help="Values that stand for a class; fewer bind the weights more tightly to what training has seen.",
        unit="values",
        ge=1,
        le=4096,
    )
    fine_tuning_lr: float = option(
        0.1,
        title="Fine-tuning rate at first",
        help="How far a step after those in the codes moves the decoded weights; too high and adaptation jumps. It is "
        "learned where training takes such steps.",
        gt=0,
        le=100,
        advanced=True,
    )
    is_frozen: bool = option(
        False,
        title="Freeze the body",
        help="Keeps the body as the run named under 'Start from run' left it, as in the paper; else it is learned too.",
        advanced=True,
    )
    draws_codes: bool = option(
        False,
        title="Draw codes in training",
        help="Draws codes and weights around what the networks say, which keeps them from relying on exact values.",
        advanced=True,
    )
    divergence_weight: float = option(
        0.0,
        title="Weight of the divergence",
        help="How much codes are drawn towards a normal distribution; too much and they say nothing of their class.",
        ge=0,
        le=1e6,
        advanced=True,
    )
    encoder_weight: float = option(
        0.0,
        title="Weight of the encoder's distance",
        help="How much the encoder is drawn to where the inner steps ended; more leaves less for them to do.",
        ge=0,
        le=1e6,
        advanced=True,
    )
    orthogonality_weight: float = option(
        0.0,
        title="Weight of orthogonality",
        help="How much the values of a code are kept from doing the same to the weights; more spreads them out.",
        ge=0,
        le=1e6,
        advanced=True,
    )


ENTRIES = (
    Entry(
        name="leo",
        title="LEO",
        family=Family.GRADIENT,
        summary="Sums up each class in a short code and adapts the codes, from which the last layer is decoded.",
        paper=Paper(
            "Rusu, Rao, Sygnowski, Vinyals, Pascanu, Osindero, Hadsell",
            "Meta-Learning with Latent Embedding Optimization",
            "ICLR",
            2019,
            "arXiv:1807.05960",
        ),
        config_type=LEOConfig,
        runs="metastudio.engine.algorithms.leo:LEO",
        capabilities=Capabilities(
            has_inner_loop=True, is_second_order=True, adapts_little=True, any_n_way=True, min_train_classes=10
        ),
    ),
)
