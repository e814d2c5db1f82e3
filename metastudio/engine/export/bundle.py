"""The adapted model as a folder: a program for torch, or ONNX, with all that is needed to run it, verified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safetensors.torch import save
from torch import nn

from metastudio.engine.adaptation import AdaptedTask
from metastudio.engine.export import description
from metastudio.engine.export.folder import ExportedFolder, check_place, write_export
from metastudio.engine.export.programs import exported_program, onnx_bytes, pt2_bytes
from metastudio.engine.export.verify import known_answers, verify_answers

OnPhase = Callable[[str], None]
"""Told what is being done, where that takes more than a moment."""

_RUN_PT2 = """    pip install torch Pillow
    python predict.py picture.png

`predict.py` runs `model.pt2`. The same weights lie in `model.safetensors`."""

_RUN_ONNX = """    pip install onnxruntime numpy Pillow
    python predict_onnx.py picture.png

Any ONNX runtime can run `model.onnx`; the batch is as large as you like."""


def export_adapted(
    adapted: AdaptedTask, folder: str | Path, *, overwrite: bool = False, on_phase: OnPhase = lambda _: None
) -> ExportedFolder:
    """Write an adapted model as a folder for torch: `model.pt2`, `predict.py`, safetensors, model card.

    Raises:
        ConfigurationError: if the folder cannot be that of an export, or there is one already (`ExportExistsError`).
        ExportError: if the export does not answer like the model; nothing is left of it.
        ResourceError: if it cannot be written; nothing is left of it.
    """
    path = _place(adapted, folder, overwrite=overwrite)
    on_phase("making the program")
    network = adapted.classifier.as_module().cpu()
    files = {
        "model.pt2": pt2_bytes(exported_program(network, _image_shape(adapted))),
        "model.safetensors": _weights(network),
        description.CONFIG: description.config_json(adapted),
        description.CARD: description.model_card(adapted, how_to_run=_RUN_PT2),
        **_prepared_files(adapted, "predict.py"),
    }
    return _written(adapted, path, files, "predict.py", on_phase)


def export_onnx(
    adapted: AdaptedTask, folder: str | Path, *, overwrite: bool = False, on_phase: OnPhase = lambda _: None
) -> ExportedFolder:
    """Write an adapted model as a folder for ONNX: `model.onnx` with a batch of any size, `predict_onnx.py`.

    Raises:
        ConfigurationError: if the folder cannot be that of an export, or there is one already (`ExportExistsError`).
        ExportError: if the export does not answer like the model; nothing is left of it.
        ResourceError: if it cannot be written; nothing is left of it.
    """
    path = _place(adapted, folder, overwrite=overwrite)
    on_phase("making the program")
    shape = _image_shape(adapted)
    files = {
        "model.onnx": onnx_bytes(exported_program(adapted.classifier.as_module().cpu(), shape), shape),
        description.CARD: description.model_card(adapted, how_to_run=_RUN_ONNX),
        **_prepared_files(adapted, "predict_onnx.py"),
    }
    return _written(adapted, path, files, "predict_onnx.py", on_phase)


def _place(adapted: AdaptedTask, folder: str | Path, *, overwrite: bool) -> Path:
    return check_place(folder, data_folders=adapted.trained.data.index.folders, overwrite=overwrite)


def _image_shape(adapted: AdaptedTask) -> tuple[int, int, int]:
    preprocessing = adapted.trained.experiment.data.preprocessing
    return preprocessing.channels, preprocessing.image_size, preprocessing.image_size


def _weights(network: nn.Module) -> bytes:
    return save({name: value.contiguous() for name, value in network.state_dict().items()})


def _prepared_files(adapted: AdaptedTask, script: str) -> dict[str, bytes]:
    return {
        script: description.template(script),
        "preprocessing.py": description.preprocessing_module(),
        description.PREPROCESSING: description.preprocessing_json(adapted.trained),
        description.LABELS: description.labels_json(adapted),
    }


def _written(
    adapted: AdaptedTask, path: Path, files: dict[str, bytes], script: str, on_phase: OnPhase
) -> ExportedFolder:
    on_phase("verifying in a clean process")
    asked = (*adapted.loaded.support_files, *adapted.loaded.query_files)
    known = known_answers(adapted.classifier, asked, adapted.trained.experiment.data.preprocessing)
    return write_export(path, files, lambda aside: verify_answers([str(aside / script), "--json"], known, where=aside))
