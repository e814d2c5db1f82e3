"""A checkpoint handed over: weights and configuration, loaded again in a clean process and compared."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from metastudio.catalog import experiment_file
from metastudio.catalog.data_spec import DataSpec
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.engine.adaptation import TrainedLearner
from metastudio.engine.algorithms.base import Classifier, MetaLearner
from metastudio.engine.export import description
from metastudio.engine.export.folder import ExportedFolder, check_place, write_export
from metastudio.engine.export.verify import known_answers, verify_answers
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.episode import LabelledImages
from metastudio.engine.tasks.target_task import read_picture
from metastudio.engine.training.checkpoint import load_checkpoint
from metastudio.errors import IntegrityError
from metastudio.paths import scratch_folder
from metastudio.runs.checkpoint_files import SUMS, verify_checkpoint
from metastudio.runs.preflight import train_class_count

EXPERIMENT = "experiment.toml"
_N_WAY, _QUERIES = 5, 8
_PICTURE_SIZE = (48, 36)
_PROJECT = Path(__file__).resolve().parents[3]


class HandedOver(NamedTuple):
    """What an exported checkpoint holds."""

    experiment: ExperimentConfig
    learner: MetaLearner


def export_checkpoint(trained: TrainedLearner, folder: str | Path, *, overwrite: bool = False) -> ExportedFolder:
    """Write a run's checkpoint as a folder that names none of the machine's folders and pictures.

    Raises:
        ConfigurationError: if the folder cannot be that of an export, or there is one already (`ExportExistsError`).
        ExportError: if it does not answer like the learner when loaded again; nothing is left of it.
        IntegrityError: if the checkpoint was altered.
        ResourceError: if it cannot be written; nothing is left of it.
    """
    experiment = trained.experiment
    path = check_place(folder, data_folders=trained.data.index.folders, overwrite=overwrite)
    verify_checkpoint(trained.checkpoint)
    files = {each.name: each.read_bytes() for each in sorted(trained.checkpoint.iterdir()) if each.name != SUMS}
    files[EXPERIMENT] = experiment_file.to_toml(_without_places(experiment)).encode()
    files[description.CONFIG] = json.dumps({"train_classes": train_class_count(experiment, *trained.data)}).encode()
    files[description.CARD] = description.checkpoint_card(trained)
    with scratch_folder() as pictures:
        support, asked = _generated_pictures(pictures, min(_N_WAY, trained.learner.max_n_way or _N_WAY))
        known = known_answers(_adapted(trained.learner, experiment, support), asked, experiment.data.preprocessing)
        return write_export(path, files, lambda aside: verify_answers(_command(aside, support), known, where=aside))


def load_exported_checkpoint(folder: Path) -> HandedOver:
    """Return the learner of an exported checkpoint.

    Raises:
        IntegrityError: if a file is missing or altered.
        ConfigurationError: if its experiment is none.
    """
    verify_checkpoint(folder)
    text = (folder / EXPERIMENT).read_text(encoding="utf-8")
    experiment = experiment_file.from_toml(text, where=str(folder / EXPERIMENT))
    try:
        train_classes = int(json.loads((folder / description.CONFIG).read_bytes())["train_classes"])
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("'config.json' is damaged.", where=str(folder), why=str(error)) from error
    learner = build_learner(experiment, train_classes=train_classes)
    load_checkpoint(folder, learner)
    return HandedOver(experiment, learner.eval())


def answer(arguments: Sequence[str]) -> None:
    """Load an exported checkpoint, adapt it to support pictures and print its answers: what the clean process does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--support", nargs="+")
    parser.add_argument("--pictures", nargs="+")
    parser.add_argument("--batch", type=int, nargs="+")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(asked.threads)
    experiment, learner = load_exported_checkpoint(asked.folder)
    classifier = _adapted(learner, experiment, asked.support)
    images = torch.cat([read_picture(file, experiment.data.preprocessing) for file in asked.pictures])
    for batch in asked.batch:
        for start in range(0, len(images), batch):
            for logits in classifier.logits(images[start : start + batch]).tolist():
                sys.stdout.write(json.dumps({"batch": batch, "logits": logits}) + "\n")


def _command(folder: Path, support: Sequence[str]) -> list[str]:
    start = (
        f"import sys; sys.path.insert(0, {str(_PROJECT)!r}); import {__name__} as export; export.answer(sys.argv[1:])"
    )
    threads = str(torch.get_num_threads())  # other thread counts add up in another order, which inner steps magnify
    return ["-c", start, str(folder), "--threads", threads, "--support", *support, "--pictures"]


def _adapted(learner: MetaLearner, experiment: ExperimentConfig, support: Sequence[str]) -> Classifier:
    images = torch.cat([read_picture(file, experiment.data.preprocessing) for file in support])
    return learner.adapt(LabelledImages(images, torch.arange(len(support))))


def _generated_pictures(folder: Path, n_way: int) -> tuple[list[str], list[str]]:
    """Write noise as picture files: one support picture a class, and some queries."""
    random = np.random.default_rng(0)
    files = []
    for number in range(n_way + _QUERIES):
        files.append(str(folder / f"{number}.png"))
        Image.fromarray(random.integers(0, 256, (*_PICTURE_SIZE, 3), dtype=np.uint8)).save(files[-1])
    return files[:n_way], files[n_way:]


def _without_places(experiment: ExperimentConfig) -> ExperimentConfig:
    data = DataSpec(
        preprocessing=experiment.data.preprocessing, rotations_as_classes=experiment.data.rotations_as_classes
    )
    return experiment.model_copy(update={"data": data, "targets": (), "initial_weights": ""})
