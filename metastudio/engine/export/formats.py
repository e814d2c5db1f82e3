"""The formats that a person can choose, and who writes each."""

from __future__ import annotations

from pathlib import Path

from metastudio.catalog.experiment import ExportFormat
from metastudio.engine.adaptation import AdaptedTask, TrainedLearner
from metastudio.engine.export.bundle import OnPhase, export_adapted, export_onnx
from metastudio.engine.export.checkpoint import export_checkpoint
from metastudio.engine.export.folder import ExportedFolder
from metastudio.errors import ConfigurationError


def export(
    trained: TrainedLearner,
    adapted: AdaptedTask | None,
    kind: ExportFormat,
    folder: Path,
    *,
    overwrite: bool,
    on_phase: OnPhase = lambda _: None,
) -> ExportedFolder:
    """Write one export; `adapted` is not needed for a checkpoint.

    Raises:
        ExportError: if it does not answer like the model.
        ConfigurationError: if it may not lie there, or there is no adapted model to export.
        ResourceError: if it cannot be written.
    """
    if kind == "checkpoint":
        return export_checkpoint(trained, folder, overwrite=overwrite)
    if adapted is None:
        raise ConfigurationError(
            "An adapted model needs a target task.", where="target", todo="Choose one, or export the checkpoint."
        )
    return {"adapted": export_adapted, "onnx": export_onnx}[kind](
        adapted, folder, overwrite=overwrite, on_phase=on_phase
    )
