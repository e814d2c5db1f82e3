"""The menu of methods that learn to compare."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Capabilities, Entry, Family, Paper
from metastudio.catalog.settings import Settings


class PrototypicalConfig(Settings):
    """Prototypical Networks have no settings of their own: the distance is the squared Euclidean one of the paper."""

    name: Literal["prototypical"] = "prototypical"


ENTRIES = (
    Entry(
        name="prototypical",
        title="Prototypical Networks",
        family=Family.METRIC,
        summary="Learns to see, averages the pictures of each class, and answers with the nearest average.",
        paper=Paper(
            "Snell, Swersky, Zemel", "Prototypical Networks for Few-shot Learning", "NeurIPS", 2017, "arXiv:1703.05175"
        ),
        config_type=PrototypicalConfig,
        runs="metastudio.engine.algorithms.prototypical:Prototypical",
        capabilities=Capabilities(any_n_way=True, min_train_classes=5),
    ),
)
