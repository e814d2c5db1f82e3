"""From a configuration or a run to a learner: the one place where the menu's names become the engine's classes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn

from metastudio.catalog.entry import Entry, find
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.training.checkpoint import load_checkpoint
from metastudio.errors import IntegrityError, Message
from metastudio.runs.checkpoint_files import iteration_of, newest_whole_checkpoint
from metastudio.runs.initial_weights import named_start
from metastudio.runs.preflight import train_class_count
from metastudio.runs.run_folder import RunFolder

_BACKBONE = "backbone."


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
    made = cast(MetaLearner, learner)
    made.planned_iterations = experiment.training.iterations
    return made


def load_learner(run: RunFolder, which: Literal["best", "last"] | Path = "best") -> MetaLearner:
    """Return the learner of a run's checkpoint, on the CPU, after comparing its hashes.

    `best` is the last one where the run was never validated.

    Raises:
        IntegrityError: if there is no checkpoint, or it was altered; it names the one before, or another
            that is whole, where there is one.
    """
    path = which if isinstance(which, Path) else (run.best() if which == "best" else None) or run.last()
    if path is None:
        raise IntegrityError(
            "This run has no checkpoint yet.", where=str(run.path), todo="Train it until its first checkpoint."
        )
    experiment = run.experiment()
    learner = build_learner(experiment, train_classes=train_class_count(experiment, *run.data()))
    try:
        load_checkpoint(path, learner)
    except IntegrityError as error:
        other = newest_whole_checkpoint(run, before=path)[0] or newest_whole_checkpoint(run)[0]
        if other is not None:
            error.other_iteration = iteration_of(other)
            todo = "The one of iteration {iteration} is whole; on the command line: --checkpoint {iteration}."
            error.todo = Message(todo, {"iteration": error.other_iteration})
        raise
    return learner.eval()


def take_initial_weights(learner: MetaLearner, experiment: ExperimentConfig) -> None:
    """Start from the run, or the checkpoint of one, that the experiment names, if it names one.

    Of a run it is the backbone of the best checkpoint, of a named checkpoint everything, where the same method with
    layers of the same shapes learned it, and else its backbone.

    Raises:
        IntegrityError: if the checkpoint is missing or broken, or its backbone has other shapes.
    """
    if not experiment.initial_weights:
        return
    folder, checkpoint = named_start(experiment.initial_weights)
    run = RunFolder(folder)
    theirs = load_learner(run, checkpoint or "best").state_dict()
    own = learner.state_dict()
    if (
        checkpoint is not None
        and run.experiment().algorithm.name == experiment.algorithm.name
        and {name: value.shape for name, value in theirs.items()} == {name: value.shape for name, value in own.items()}
    ):
        learner.load_state_dict(theirs)
        return
    found = _backbone_of(theirs)
    wanted = _backbone_of(own)
    if {name: value.shape for name, value in found.items()} != {name: value.shape for name, value in wanted.items()}:
        raise IntegrityError(
            "The backbone of '{run}' has other layers than this experiment's.",
            run=run.name,
            where="initial_weights",
            todo="Take the same backbone, filters, downsampling and colour in both.",
        )
    prefix = next(name for name in own if _BACKBONE in name).partition(_BACKBONE)[0] + _BACKBONE
    learner.load_state_dict(own | {prefix + name: value for name, value in found.items()})


def _backbone_of(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.partition(_BACKBONE)[2]: value for name, value in state.items() if _BACKBONE in name}
