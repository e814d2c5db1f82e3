"""A line of the menu: what can be chosen, what it needs, and which class of the engine it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from metastudio.catalog.settings import Settings
from metastudio.errors import ConfigurationError, did_you_mean


class Family(StrEnum):
    """The shelves of the menu."""

    GRADIENT = "gradient"
    METRIC = "metric"
    TRANSFER = "transfer"
    CONVOLUTIONAL = "convolutional"


FAMILY_TITLES: dict[Family, str] = {
    Family.GRADIENT: "Learning to initialise",
    Family.METRIC: "Learning to compare",
    Family.TRANSFER: "Transfer",
    Family.CONVOLUTIONAL: "Convolutional networks",
}


@dataclass(frozen=True)
class Paper:
    """Where a method comes from."""

    authors: str
    title: str
    venue: str
    year: int
    identifier: str


@dataclass(frozen=True)
class Capabilities:
    """What a method can do, so that what does not fit can be greyed out with its reason.

    Attributes:
        has_inner_loop: Adapts by steps, so that inner curves exist.
        is_second_order: Differentiates through those steps.
        adapts_little: Its steps leave the body alone, which looks at the support pictures once: many steps cost little.
        any_n_way: A new task may have more classes than training had.
        is_episodic: Trained on episodes; otherwise on plain labelled batches.
        min_train_classes: Fewest meta-train classes it makes sense with.
        keeps_backbone: Learns nothing of the backbone, so that it makes sense only from a run that has.
    """

    has_inner_loop: bool = False
    is_second_order: bool = False
    adapts_little: bool = False
    any_n_way: bool = False
    is_episodic: bool = True
    min_train_classes: int = 2
    keeps_backbone: bool = False


@dataclass(frozen=True)
class Entry:
    """One thing that can be chosen.

    `summary` is one plain sentence for someone who never heard of it; `runs` names the engine's class as
    ``"package.module:Class"``, imported only by the engine.
    """

    name: str
    title: str
    family: Family
    summary: str
    paper: Paper
    config_type: type[Settings]
    runs: str
    capabilities: Capabilities = Capabilities()


def find(shelf: Mapping[str, Entry], name: str, kind: str) -> Entry:
    """Return the entry called `name`.

    Raises:
        ConfigurationError: if there is none; it names the closest.
    """
    if name not in shelf:
        raise ConfigurationError(
            "There is no {kind} called '{name}'.{hint}",
            kind=kind,
            name=name,
            hint=did_you_mean(name, shelf),
            todo="Known: {known}.",
            known=", ".join(sorted(shelf)),
        )
    return shelf[name]
