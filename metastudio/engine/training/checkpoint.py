"""The whole state of training as bytes and back: weights, optimiser, and the few numbers beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from metastudio.errors import IntegrityError, Problem, problem
from metastudio.runs.checkpoint_files import verify_checkpoint

WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer.safetensors"
STATE = "state.json"


@dataclass(frozen=True)
class Progress:
    """How far training is; `iteration` outer steps are done, best is that of validation.

    `validated_iteration` is the newest that was validated; `ends_at` the one after which finishing was wanted, else 0.
    """

    iteration: int = 0
    elapsed_s: float = 0.0
    best_iteration: int = 0
    best_accuracy: float | None = None
    best_ci95: float | None = None
    validated_iteration: int = 0
    ends_at: int = 0


def checkpoint_files(learner: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> dict[str, bytes]:
    """Return the contents of a checkpoint by file name."""
    return {
        WEIGHTS: save(_contiguous(learner.state_dict())),
        OPTIMIZER: save(_contiguous(_flat(optimizer.state_dict()["state"]))),
        STATE: json.dumps(asdict(progress), allow_nan=False).encode("ascii"),
    }


def load_checkpoint(path: Path, learner: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> Progress:
    """Put a checkpoint back, after comparing its hashes; nothing is half loaded.

    Numbers of another precision become those of the network.

    Raises:
        IntegrityError: if a file was truncated or altered, or holds weights of another network.
    """
    verify_checkpoint(path)
    weights = _tensors(path / WEIGHTS)
    _check_fit(path, learner.state_dict(), weights)
    progress = _progress(path / STATE)
    if optimizer is not None:
        _put_back(optimizer, _tensors(path / OPTIMIZER))
    learner.load_state_dict(weights)
    return progress


def take_over(files: Mapping[str, bytes], learner: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Stand where another process of the run stands, whose `checkpoint_files` these are."""
    _put_back(optimizer, load(files[OPTIMIZER]))
    learner.load_state_dict(load(files[WEIGHTS]))
    return Progress(**json.loads(files[STATE]))


def _put_back(optimizer: torch.optim.Optimizer, flat: Mapping[str, Tensor]) -> None:
    state = _nested(flat)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    _lay_out(optimizer)


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Lay the state out in memory as its parameters are: fused optimisers walk through both in that order."""
    for parameter, entries in optimizer.state.items():
        for name, value in entries.items():
            if value.shape == parameter.shape:
                entries[name] = torch.empty_like(parameter).copy_(value)


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def _flat(state: Mapping[int, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return an optimiser's state with names like ``3.exp_avg``."""
    return {f"{index}.{name}": value for index, entries in state.items() for name, value in entries.items()}


def _nested(flat: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    nested: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        index, _, name = key.partition(".")
        nested.setdefault(int(index), {})[name] = value
    return nested


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise IntegrityError(
            "'{name}' holds no weights that can be read.",
            name=path.name,
            where=str(path),
            why=str(error),
            todo="Take the checkpoint before it.",
        ) from error


def _progress(path: Path) -> Progress:
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
        return Progress(**values)
    except (OSError, ValueError, TypeError) as error:
        raise IntegrityError("'state.json' of the checkpoint is damaged.", where=str(path), why=str(error)) from error


def _check_fit(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Refuse weights of another network, and weights that are no numbers."""
    problems: list[Problem] = []
    for name in sorted({*wanted, *found}):
        if name not in found:
            problems.append(problem("weights-missing", "'{name}' is missing.", where=name, name=name))
        elif name not in wanted:
            problems.append(
                problem("weights-unexpected", "'{name}' is not part of this network.", where=name, name=name)
            )
        elif wanted[name].shape != found[name].shape:
            problems.append(
                problem(
                    "weights-shape",
                    "'{name}' has the shape {found}, this network has {wanted}.",
                    where=name,
                    name=name,
                    found=tuple(found[name].shape),
                    wanted=tuple(wanted[name].shape),
                )
            )
        elif not bool(torch.isfinite(found[name].to(wanted[name].dtype)).all()):
            problems.append(problem("weights-not-finite", "'{name}' holds values that are no numbers.", name=name))
    if problems:
        raise IntegrityError(
            "The checkpoint does not fit this network.",
            where=str(path),
            todo="Take a checkpoint of the same method and backbone.",
            problems=problems,
        )
