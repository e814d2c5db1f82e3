"""Lines C of the list of faults that hashes do not catch: files of a checkpoint that are as listed, and no weights."""

from __future__ import annotations

import io
import json
import pickle
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn

from metastudio.engine.learner import build_learner, take_initial_weights
from metastudio.engine.training.checkpoint import OPTIMIZER, WEIGHTS, Progress, checkpoint_files, load_checkpoint
from metastudio.errors import IntegrityError
from metastudio.runs.checkpoint_files import commit_checkpoint
from tests.unit.engine.small_runs import make_glyphs, small_experiment, small_run, work_until
from tests.unit.runs.small_runs import make_run

CANARY = "canary"


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


def written(folder: Path, **replaced: bytes | None) -> Path:
    """A checkpoint with right hashes in which files are replaced, or left out where None."""
    learner = network()
    optimizer = torch.optim.Adam(learner.parameters())
    learner(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    files = checkpoint_files(learner, optimizer, Progress(iteration=1))
    files |= {f"{name}.safetensors": content for name, content in replaced.items()}  # type: ignore[misc]
    whole = {name: content for name, content in files.items() if content is not None}
    return commit_checkpoint(make_run(folder), 1, whole, is_best=True, keep=1)


def refused(path: Path) -> IntegrityError:
    """What is said when a checkpoint is loaded; nothing of it has reached the learner or its optimiser."""
    learner = network()
    optimizer = torch.optim.Adam(learner.parameters())
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    with pytest.raises(IntegrityError) as error:
        load_checkpoint(path, learner, optimizer)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert not optimizer.state
    return error.value


class _Canary:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.place), "w")


def _torch_save(**options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(network().state_dict(), buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def _program() -> bytes:
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(network(), (torch.ones(1, 3),)), buffer)
    return buffer.getvalue()


NO_WEIGHTS = {
    "C1 empty": lambda: b"",
    "C1 cut off": lambda: save(network().state_dict())[:-20],
    "C2 header of garbage": lambda: struct.pack("<Q", 40) + b"\xff" * 40,
    "C2 header that claims an exabyte": lambda: struct.pack("<Q", 1 << 60) + b"{}",
    "C2 header with a hundred thousand tensors of nothing": lambda: _headed(
        {f"{number}": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for number in range(100_000)}
    ),
    "C3 junk at the end": lambda: save(network().state_dict()) + b"junk",
    "C9 a cut .pt": lambda: _torch_save()[:-200],
    "C10 an old .pth": lambda: _torch_save(_use_new_zipfile_serialization=False),
    "C11 a program": _program,
}


def _headed(header: dict[str, object]) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("line", NO_WEIGHTS)
def test_what_is_no_weights_is_refused_soon_whatever_it_is_called(tmp_path: Path, line: str) -> None:
    error = refused(written(tmp_path, weights=NO_WEIGHTS[line]()))
    assert "'weights.safetensors' holds no weights that can be read" in str(error)
    assert error.exit_code == 4


@pytest.mark.parametrize("name", ["weights", "optimizer"])
def test_c8_a_pickle_is_refused_and_its_code_is_not_run(tmp_path: Path, name: str) -> None:
    place = tmp_path / CANARY
    refused(written(tmp_path, **{name: pickle.dumps(_Canary(place))}))
    assert not place.exists()


def test_c5_weights_of_another_network_are_refused_with_every_difference(tmp_path: Path) -> None:
    other = {"0.weight": torch.zeros(5, 3), "0.bias": torch.zeros(4), "2.weight": torch.zeros(1)}
    said = [str(each.message) for each in refused(written(tmp_path, weights=save(other))).problems]
    assert said == [
        "'0.weight' has the shape (5, 3), this network has (4, 3).",
        "'1.bias' is missing.",
        "'1.weight' is missing.",
        "'2.weight' is not part of this network.",
    ]


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.float8_e4m3fn])
def test_c6_numbers_of_another_precision_become_those_of_the_network(tmp_path: Path, kind: torch.dtype) -> None:
    theirs = {name: value.to(kind) for name, value in network().state_dict().items()}
    learner = network()
    load_checkpoint(written(tmp_path, weights=save(theirs)), learner)
    for name, value in learner.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, theirs[name].float())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_c7_weights_that_are_no_numbers_are_refused_by_name(tmp_path: Path, value: float) -> None:
    weights = network().state_dict()
    weights["1.bias"] = weights["1.bias"].clone().fill_(value)
    (said,) = refused(written(tmp_path, weights=save(weights))).problems
    assert str(said.message) == "'1.bias' holds values that are no numbers."


def test_c33_without_its_optimiser_a_checkpoint_is_not_gone_on_from_but_can_be_adapted(tmp_path: Path) -> None:
    path = written(tmp_path, optimizer=None)
    assert OPTIMIZER in str(refused(path))
    load_checkpoint(path, network())  # what evaluating, adapting and exporting need


def test_c26_the_backbone_of_another_shape_is_no_start(tmp_path: Path) -> None:
    glyphs = make_glyphs(tmp_path / "glyphs")
    narrow = small_run(tmp_path, small_experiment(glyphs))
    work_until(narrow, lambda event: event.kind == "outer_step")
    wide = small_experiment(glyphs, backbone={"filters": 8}, initial_weights=str(narrow.path))
    with pytest.raises(IntegrityError, match="has other layers than this experiment's") as error:
        take_initial_weights(build_learner(wide, train_classes=9), wide)
    assert "filters" in str(error.value.todo)
    assert (narrow.last() / WEIGHTS).is_file()
