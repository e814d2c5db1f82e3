"""From a configuration or a run to a learner: the one place where the menu's names become the engine's classes."""

from __future__ import annotations

import importlib
from typing import cast

import torch
from torch import nn

from metastudio.catalog.entry import Entry, find
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.engine.algorithms.base import MetaLearner


def _class_of(entry: Entry) -> type[nn.Module]:
    module, _, name = entry.runs.partition(":")
    return cast(type[nn.Module], getattr(importlib.import_module(module), name))


def build_learner(experiment: ExperimentConfig, *, train_classes: int) -> MetaLearner:
    """Return a learner with fresh weights, drawn from the experiment's seed.

    Args:
        experiment: Says which algorithm and backbone.
        train_classes: Number of meta-train classes, which decides the head of methods that name them all.

    Raises:
        ConfigurationError: if algorithm or backbone are unknown, or do not fit the images.
    """
    algorithm = find(ALGORITHMS, experiment.algorithm.name, "algorithm")
    backbone = find(BACKBONES, experiment.backbone.name, "backbone")
    preprocessing = experiment.data.preprocessing
    n_way = experiment.episodes.for_training().n_way if algorithm.capabilities.is_episodic else train_classes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        network = _class_of(backbone)(
            experiment.backbone, channels=preprocessing.channels, image_size=preprocessing.image_size
        )
        learner = _class_of(algorithm)(
            experiment.algorithm, network, n_way=n_way, statistics=experiment.backbone.normalization
        )
    return cast(MetaLearner, learner)
