"""Runs on a few generated glyphs that wait for a worker; made without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.validation import parse_experiment
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.sample_glyphs import make_sample_glyphs
from metastudio.runs.run_folder import RunFolder, create_run


def make_glyphs(folder: Path) -> Path:
    """Make 18 classes of 12 images."""
    make_sample_glyphs(folder, alphabets=3, characters=6, drawers=12)
    return folder


def tiny_experiment(images: Path, *, iterations: int = 6, **changes: Any) -> ExperimentConfig:
    """Return an experiment that trains in a second; `changes` replace whole sections."""
    values: dict[str, Any] = {
        "name": "tiny",
        "device": "cpu",
        "data": {
            "folders": [str(images)],
            "preprocessing": {"image_size": 16, "colour": "grey", "invert": True},
            "split": {"kind": "random", "meta_train": 0.5, "meta_val": 0.25, "meta_test": 0.25},
        },
        "episodes": {"n_way": 3, "n_shot": 1, "n_query": 2},
        "backbone": {"filters": 4},
        "training": {
            "iterations": iterations,
            "meta_batch_size": 2,
            "validate_every": max(2, iterations // 3),
            "validation_episodes": 4,
            "checkpoint_every": 5,
        },
    }
    return parse_experiment(values | changes)


def waiting_run(folder: Path, experiment: ExperimentConfig) -> RunFolder:
    """Make a run that waits."""
    index = scan(experiment.data.folders)
    return create_run(experiment, index, split_classes(index, experiment.data.split), runs_folder=folder)
