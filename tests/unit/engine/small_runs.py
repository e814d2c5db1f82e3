"""Runs on a few generated glyphs that train in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metastudio.catalog.experiment import ExperimentConfig, TargetClass, TargetTask
from metastudio.catalog.validation import parse_experiment
from metastudio.engine.training.worker import work
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.sample_glyphs import make_sample_glyphs
from metastudio.runs.events import Event
from metastudio.runs.run_folder import RunFolder, create_run


def make_glyphs(folder: Path) -> Path:
    """Make 18 classes of 12 images."""
    make_sample_glyphs(folder, alphabets=3, characters=6, drawers=12)
    return folder


def small_experiment(images: Path, **changes: Any) -> ExperimentConfig:
    """Return an experiment of six iterations; `changes` replace whole sections."""
    values: dict[str, Any] = {
        "data": {
            "folders": [str(images)],
            "preprocessing": {"image_size": 16, "colour": "grey", "invert": True},
            "split": {"kind": "random", "meta_train": 0.5, "meta_val": 0.25, "meta_test": 0.25},
        },
        "device": "cpu",
        "episodes": {"n_way": 3, "n_shot": 1, "n_query": 2},
        "backbone": {"filters": 4},
        "training": {
            "iterations": 6,
            "meta_batch_size": 3,
            "validate_every": 3,
            "validation_episodes": 4,
            "checkpoint_every": 2,
            "keep_checkpoints": 10,
        },
    }
    return parse_experiment(values | changes)


def small_run(folder: Path, experiment: ExperimentConfig) -> RunFolder:
    """Make a run that waits."""
    index = scan(experiment.data.folders)
    return create_run(experiment, index, split_classes(index, experiment.data.split), runs_folder=folder)


def work_until(run: RunFolder, stop: Callable[[Event], bool] = lambda _: False) -> list[Event]:
    """Work on a run; ask for a pause after the first event that `stop` says yes to. Return all events."""
    seen: list[Event] = []
    for event in work(run, stop_requested=lambda: any(map(stop, seen))):
        seen.append(event)
    return seen


def weights_of(run: RunFolder) -> dict[str, bytes]:
    """Return the files of weights and optimiser in the last checkpoint."""
    folder = run.last()
    assert folder is not None
    return {name: (folder / name).read_bytes() for name in ("weights.safetensors", "optimizer.safetensors")}


def at_iteration(iteration: int) -> Any:
    """Return whether an event is the step of this iteration."""
    return lambda event: event.kind == "outer_step" and event.iteration == iteration


def target_of(folder: Path) -> TargetTask:
    """Return a target task of two classes with two pictures each."""
    classes = sorted(each for each in folder.glob("*/*") if each.is_dir())[:2]
    return TargetTask(
        name="two",
        classes=tuple(
            TargetClass(name=each.name, support=tuple(map(str, sorted(each.glob("*.png"))[:2]))) for each in classes
        ),
    )


def with_training(experiment: ExperimentConfig, **changes: object) -> ExperimentConfig:
    """Return an experiment whose training has other settings."""
    return experiment.model_copy(update={"training": experiment.training.model_copy(update=changes)})
