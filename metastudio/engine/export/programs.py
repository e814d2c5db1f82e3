"""A network as a program that runs without us: `torch.export` for torch, ONNX for everything else."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from metastudio.errors import ExportError

_BATCH = "batch"


def exported_program(network: nn.Module, image_shape: tuple[int, int, int]) -> ExportedProgram:
    """Return the program of a network, images (B, C, H, W) to logits (B, N), for any B.

    It carries neither example pictures nor the paths of the source files that it was traced from.

    Raises:
        ExportError: if torch cannot make it.
    """
    example = torch.zeros(2, *image_shape)
    with _converting("torch"), _quiet(), torch.no_grad():
        program = torch.export.export(network, (example,), dynamic_shapes=({0: Dim(_BATCH, min=1)},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
        node.meta.pop("nn_module_stack", None)
    program.example_inputs = None
    return program


def pt2_bytes(program: ExportedProgram) -> bytes:
    """Return the program as a `.pt2` file."""
    file = io.BytesIO()
    with _converting("torch"), _quiet():
        torch.export.save(program, file)
    return file.getvalue()


def onnx_bytes(program: ExportedProgram, image_shape: tuple[int, int, int]) -> bytes:
    """Return the program as an ONNX file, weights inside; input ``images``, output ``logits``."""
    example: tuple[Tensor, ...] = (torch.zeros(2, *image_shape),)
    with _converting("ONNX"), _quiet(), torch.no_grad():
        converted = torch.onnx.export(
            program,
            example,
            dynamo=True,
            verbose=False,
            input_names=["images"],
            output_names=["logits"],
            external_data=False,
        )
    assert converted is not None  # noqa: S101
    model = converted.model_proto
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer, *model.graph.input):
        del part.metadata_props[:]
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = _BATCH
    content: bytes = model.SerializeToString()
    return content


@contextlib.contextmanager
def _converting(kind: str) -> Iterator[None]:
    """Let whatever the exporters raise be the failure of this one export."""
    try:
        yield
    except Exception as error:
        raise ExportError(
            "The model could not be made into a program for {kind}.",
            kind=kind,
            why=f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}",
            todo="Take another format; the checkpoint can always be exported.",
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' own chatter out of the conversation: warnings, prints and logs."""
    log = logging.getLogger("torch")
    before = log.level
    log.setLevel(logging.ERROR)
    chatter = io.StringIO()
    try:
        with contextlib.redirect_stdout(chatter), contextlib.redirect_stderr(chatter), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
