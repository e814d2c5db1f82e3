"""ProtoMAML and UNICORN-MAML on the menu: heads that depend on no order of the classes."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.gradient.config import SecondOrderConfig, new_task_steps, training_steps
from metastudio.catalog.settings import option


class ProtoMAMLConfig(SecondOrderConfig):
    """Settings of ProtoMAML."""

    name: Literal["proto_maml"] = "proto_maml"
    inner_lr: float = option(
        0.1,
        title="Inner learning rate",
        help="How far an inner step moves the weights; too high and adaptation jumps, too low and it stands still.",
        gt=0,
        le=100,
    )
    steepness: float = option(
        10.0,
        title="Steepness at first",
        help="What the mean squared difference from a class average is multiplied by, before training has learned a "
        "better number; too steep and one picture a class leaves nothing for the steps to improve.",
        gt=0,
        le=1e6,
        advanced=True,
    )


class UnicornMAMLConfig(SecondOrderConfig):
    """Settings of UNICORN-MAML."""

    name: Literal["unicorn_maml"] = "unicorn_maml"
    inner_steps: int = training_steps(
        5,
        "Gradient steps on the support images; the first moves only the last layer, and more take time and memory "
        "in proportion.",
    )
    test_inner_steps: int = new_task_steps(10)


_CAPABILITIES = Capabilities(has_inner_loop=True, is_second_order=True, any_n_way=True, min_train_classes=10)

ENTRIES = (
    Entry(
        name="proto_maml",
        title="ProtoMAML",
        family=Family.GRADIENT,
        summary="Starts a task from the class averages of its pictures and improves on them by a few steps.",
        paper=Paper(
            "Triantafillou et al.",
            "Meta-Dataset: A Dataset of Datasets for Learning to Learn from Few Examples",
            "ICLR",
            2020,
            "arXiv:1903.03096",
        ),
        config_type=ProtoMAMLConfig,
        runs="metastudio.engine.algorithms.proto_maml:ProtoMAML",
        capabilities=_CAPABILITIES,
    ),
    Entry(
        name="unicorn_maml",
        title="UNICORN-MAML",
        family=Family.GRADIENT,
        summary="MAML with one shared beginning for every class, so that their order and number do not matter.",
        paper=Paper(
            "Ye, Chao", "How to Train Your MAML to Excel in Few-Shot Classification", "ICLR", 2022, "arXiv:2106.16245"
        ),
        config_type=UnicornMAMLConfig,
        runs="metastudio.engine.algorithms.proto_maml:UnicornMAML",
        capabilities=_CAPABILITIES,
    ),
)
