"""The experiment as a TOML file: written complete with help as comments, read with the line of every error."""

from __future__ import annotations

from metastudio.catalog.experiment import ExperimentConfig


def to_toml(experiment: ExperimentConfig) -> str:
    """Return the whole experiment, defaults written out, help as comments."""
    raise NotImplementedError


def from_toml(text: str, *, where: str = "") -> ExperimentConfig:
    """Return the experiment of a file's text.

    Raises:
        ConfigurationError: with every problem and its line.
    """
    raise NotImplementedError
