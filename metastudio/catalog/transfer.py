"""The menu of methods that pretrain plainly and fit a head on top."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.settings import Settings, option


class ClassifierConfig(Settings):
    """Settings of the plain classifier."""

    name: Literal["classifier"] = "classifier"
    batch_size: int = option(
        128,
        title="Batch size",
        help="Labelled images in one training step; larger batches are steadier and slower.",
        unit="images",
        ge=2,
        le=4096,
    )
    head: Literal["linear", "nearest_centroid"] = option(
        "linear",
        title="Head for new tasks",
        help="How a new task is answered: a linear layer fitted to the support features, or the nearest class average.",
    )
    inner_lr: float = option(
        0.1,
        title="Learning rate of the new head",
        help="How far one step moves the linear head of a new task; without effect for the nearest centroid.",
        gt=0,
        le=100,
    )
    inner_steps: int = option(
        100,
        title="Steps of the new head",
        help="Gradient steps that fit the linear head to the support images; without effect for the nearest centroid.",
        unit="steps",
        ge=0,
        le=10000,
    )


ENTRIES = (
    Entry(
        name="classifier",
        title="Plain classifier",
        family=Family.TRANSFER,
        summary="Learns to name all training classes, then fits a small head to the new ones: the honest baseline.",
        paper=Paper(
            "Chen, Liu, Kira, Wang, Huang",
            "A Closer Look at Few-shot Classification",
            "ICLR",
            2019,
            "arXiv:1904.04232",
        ),
        config_type=ClassifierConfig,
        runs="metastudio.engine.algorithms.classifier:PlainClassifier",
        capabilities=Capabilities(has_inner_loop=True, any_n_way=True, is_episodic=False, min_train_classes=2),
    ),
)
