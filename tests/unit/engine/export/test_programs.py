"""Programs answer like their networks, say nothing on the way, and carry nothing that could be run or tell of us."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from metastudio.engine.adaptation import AdaptedTask
from metastudio.engine.export.programs import exported_program, onnx_bytes, pt2_bytes

SHAPE = (3, 16, 16)
PROJECT = str(Path(__file__).resolve().parents[4])


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["maml", "prototypical", "classifier"])
def test_both_programs_answer_any_batch_like_the_classifier(
    algorithm: str, adapted_of: Callable[[str], AdaptedTask], capfd: pytest.CaptureFixture[str]
) -> None:
    classifier = adapted_of(algorithm).classifier
    program = exported_program(classifier.as_module(), SHAPE)
    loaded = torch.export.load(io.BytesIO(pt2_bytes(program))).module()
    session = onnxruntime.InferenceSession(onnx_bytes(program, SHAPE), providers=["CPUExecutionProvider"])
    images = torch.rand(9, *SHAPE, generator=torch.Generator().manual_seed(0))
    wanted = torch.cat([classifier.logits(image[None]) for image in images])
    for batch in (1, 2, 7, 9):
        assert (loaded(images[:batch]) - wanted[:batch]).abs().max() < 1e-4
        answered = session.run(["logits"], {"images": images[:batch].numpy()})[0]
        assert np.abs(answered - wanted[:batch].numpy()).max() < 1e-4
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_programs_hold_no_pickle_no_example_and_no_path(adapted_of: Callable[[str], AdaptedTask]) -> None:
    program = exported_program(adapted_of("maml").classifier.as_module(), SHAPE)
    with zipfile.ZipFile(io.BytesIO(pt2_bytes(program))) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    assert any(name.endswith("model.json") for name in members)
    for name, content in members.items():
        assert PROJECT.encode() not in content, name
        assert not content.startswith((b"PK", b"\x80")) or "/weights/" in name, name
    assert next(content for name, content in members.items() if "sample_inputs" in name) == b""
    assert b'"use_pickle": true' not in b"".join(members.values()).replace(b'"use_pickle":true', b'"use_pickle": true')

    model = onnx.load_from_string(onnx_bytes(program, SHAPE))
    onnx.checker.check_model(model, full_check=True)
    assert PROJECT.encode() not in model.SerializeToString()
    assert [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == [
        "batch",
        *SHAPE,
    ]
    assert all(not each.external_data for each in model.graph.initializer)
