"""A tiny trained run, for everything that begins where training ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from metastudio.catalog.data_spec import DataSpec, Part, Preprocessing
from metastudio.catalog.experiment import ExperimentConfig, TargetClass, TargetTask
from metastudio.engine.adaptation import AdaptedTask, adapt_to_target, trained_learner
from metastudio.engine.learner import build_learner
from metastudio.engine.training.checkpoint import Progress, checkpoint_files
from metastudio.images.image_folder import scan
from metastudio.runs.checkpoint_files import commit_checkpoint
from metastudio.runs.run_folder import RunFolder, create_run

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 200), "grey": (120, 120, 120)}


def draw_pictures(folder: Path, *, count: int = 4) -> None:
    """Write noisy pictures of one colour a class, of a shape that is no square."""
    random = np.random.default_rng(1)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            noise = random.integers(-35, 36, (30, 40, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def make_run(folder: Path, method: str, **changes: Any) -> RunFolder:
    """Make a run with one checkpoint of untrained weights, on the pictures in `folder / "pictures"`."""
    pictures = folder / "pictures"
    experiment = ExperimentConfig.model_validate(
        {
            "name": "tiny",
            "data": DataSpec(folders=(str(pictures),), preprocessing=Preprocessing(image_size=16, invert=True)),
            "algorithm": {"name": method},
            "backbone": {"name": "conv4", "filters": 8},
            "episodes": {"n_way": 3, "n_shot": 1, "n_query": 2},
            **changes,
        }
    )
    index = scan([pictures])
    run = create_run(experiment, index, dict.fromkeys(COLOURS, Part.META_TRAIN), runs_folder=folder / "runs")
    learner = build_learner(experiment, train_classes=len(COLOURS))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for parameter in learner.parameters():  # a head of zeros would answer every picture alike
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    files = checkpoint_files(learner, torch.optim.Adam(learner.parameters()), Progress(iteration=3))
    commit_checkpoint(run, 3, files, is_best=True, keep=1)
    return run


def target_of(pictures: Path, *, shots: tuple[int, ...] = (2, 1, 2)) -> TargetTask:
    """Return a task of three classes with unequal shots and one query each."""
    classes = [
        TargetClass(
            name=name,
            support=tuple(str(pictures / name / f"{number}.png") for number in range(count)),
            query=(str(pictures / name / "3.png"),),
        )
        for name, count in zip(COLOURS, shots, strict=False)
    ]
    return TargetTask(name="colours", classes=tuple(classes))


@pytest.fixture(scope="session")
def tiny_run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunFolder]:
    """A tiny run of any algorithm; made once, for reading only."""
    folder = tmp_path_factory.mktemp("tiny")
    draw_pictures(folder / "pictures")
    made: dict[str, RunFolder] = {}

    def run_of(algorithm: str) -> RunFolder:
        if algorithm not in made:
            made[algorithm] = make_run(folder, algorithm)
        return made[algorithm]

    return run_of


@pytest.fixture
def tiny_run(tiny_run_of: Callable[[str], RunFolder], tmp_path: Path) -> RunFolder:
    """A tiny run of a test's own, to be spoilt."""
    original = tiny_run_of("maml")
    shutil.copytree(original.path, tmp_path / "runs" / original.name)
    return RunFolder(tmp_path / "runs" / original.name)


@pytest.fixture(scope="session")
def tiny_pictures(tiny_run_of: Callable[[str], RunFolder]) -> Path:
    """The folder of pictures that the tiny runs were made on."""
    return Path(tiny_run_of("maml").experiment().data.folders[0])


@pytest.fixture
def run_with(tmp_path: Path) -> Callable[..., RunFolder]:
    """Make a tiny run whose experiment has other sections; its pictures are its own."""

    def make(method: str, **changes: Any) -> RunFolder:
        draw_pictures(tmp_path / "own" / "pictures")
        return make_run(tmp_path / "own", method, **changes)

    return make


@pytest.fixture(scope="session")
def adapted_of(tiny_run_of: Callable[[str], RunFolder], tiny_pictures: Path) -> Callable[[str], AdaptedTask]:
    """A classifier of three colours, by any algorithm."""
    made: dict[str, AdaptedTask] = {}

    def adapted(algorithm: str) -> AdaptedTask:
        if algorithm not in made:
            made[algorithm] = adapt_to_target(trained_learner(tiny_run_of(algorithm)), target_of(tiny_pictures))
        return made[algorithm]

    return adapted


@pytest.fixture
def target(tiny_pictures: Path) -> TargetTask:
    """A task on the pictures of the tiny runs."""
    return target_of(tiny_pictures)
