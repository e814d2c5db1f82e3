"""What is handed over runs by itself, answers like the model, and is refused when it does not."""

from __future__ import annotations

import ast
import hashlib
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from metastudio.catalog.experiment import TargetTask
from metastudio.engine.adaptation import AdaptedTask, adapt_to_target, trained_learner
from metastudio.engine.export import description
from metastudio.engine.export.bundle import export_adapted, export_onnx
from metastudio.engine.export.checkpoint import export_checkpoint, load_exported_checkpoint
from metastudio.engine.export.folder import verify_sums
from metastudio.engine.export.formats import export
from metastudio.engine.export.verify import known_answers, verify_answers
from metastudio.errors import ConfigurationError, ExportError, IntegrityError
from metastudio.runs.run_folder import RunFolder

ALGORITHMS = ["maml", "fomaml", "reptile", "prototypical", "classifier"]
CANARY = "canary-was-here"


def spoil(folder: Path, name: str, content: bytes) -> None:
    """Replace a file of an export, and its hash with it, so that only what it does can give it away."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    old = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_bytes(content)
    new = hashlib.sha256(content).hexdigest()
    (folder / "SHA256SUMS").write_text("\n".join(each.replace(old, new) for each in lines) + "\n")
    verify_sums(folder)


def run_without(module: str, script: Path, *arguments: str) -> list[dict[str, object]]:
    """Run an exported script in an isolated Python that cannot import `module`, and return its JSON lines."""
    code = (
        f"import runpy, sys; sys.modules[{module!r}] = None; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(script), "--json", *arguments], capture_output=True, check=True
    )
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("kind", "script", "missing"), [("adapted", "predict.py", "numpy"), ("onnx", "predict_onnx.py", "torch")]
)
def test_every_export_is_verified_and_runs_elsewhere(
    algorithm: str, kind: str, script: str, missing: str, adapted_of: Callable[[str], AdaptedTask], tmp_path: Path
) -> None:
    adapted = adapted_of(algorithm)
    done = export(adapted.trained, adapted, kind, tmp_path / "out", overwrite=False)  # type: ignore[arg-type]
    assert done.verification.largest_difference <= 1e-4
    assert done.verification.batches == (1, 2, 7)
    moved = done.path.rename(tmp_path / "moved elsewhere")
    picture = adapted.loaded.query_files[0]
    (answer,) = run_without(missing, moved / script, picture)
    known = known_answers(adapted.classifier, [picture], adapted.trained.experiment.data.preprocessing)
    assert torch.allclose(torch.tensor(answer["logits"]), known.logits[0], atol=1e-4)
    assert answer["answer"] == adapted.loaded.classes[int(known.logits[0].argmax())]
    verify_sums(moved)  # running it left the folder as it was
    labels = {"classes": [*adapted.loaded.classes, "one too many"]}
    (moved / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    refused = subprocess.run([sys.executable, str(moved / script), picture], capture_output=True, check=False)
    assert refused.returncode == 1
    assert b"labels.json names 4 classes, the model knows 3" in refused.stderr


@pytest.mark.slow
def test_the_safetensors_hold_the_weights_of_the_classifier(
    adapted_of: Callable[[str], AdaptedTask], tmp_path: Path
) -> None:
    adapted = adapted_of("maml")
    done = export_adapted(adapted, tmp_path / "out")
    held = load_file(done.path / "model.safetensors")
    own = adapted.classifier.as_module().state_dict()
    assert held.keys() == own.keys()
    assert all(torch.equal(held[name], value) for name, value in own.items())


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "value"), [("invert", False), ("fit", "stretch"), ("image_size", 20)])
def test_wrong_preprocessing_is_found_from_the_picture_file_on(
    setting: str, value: object, adapted_of: Callable[[str], AdaptedTask], tmp_path: Path
) -> None:
    adapted = adapted_of("maml")
    folder = export_onnx(adapted, tmp_path / "out").path
    prepared = json.loads((folder / "preprocessing.json").read_text())
    assert prepared[setting] != value
    spoil(folder, "preprocessing.json", json.dumps({**prepared, setting: value}).encode())
    known = known_answers(
        adapted.classifier, adapted.loaded.support_files, adapted.trained.experiment.data.preprocessing
    )
    with pytest.raises(ExportError):
        verify_answers([str(folder / "predict_onnx.py"), "--json"], known, where=folder)


@pytest.mark.slow
def test_an_export_that_prepares_pictures_otherwise_is_not_kept(
    adapted_of: Callable[[str], AdaptedTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = description.preprocessing_module().decode()
    monkeypatch.setattr(
        description, "preprocessing_module", lambda: honest.replace("Resampling.BICUBIC", "Resampling.NEAREST").encode()
    )
    with pytest.raises(ExportError, match="was not kept"):
        export_onnx(adapted_of("maml"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_any_class_name_survives_and_can_be_printed_anywhere(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, tmp_path: Path
) -> None:
    names = ["🍄 | two\nlines", "=cmd()", "שלום"]
    classes = tuple(each.model_copy(update={"name": name}) for each, name in zip(target.classes, names, strict=True))
    adapted = adapt_to_target(
        trained_learner(tiny_run_of("prototypical")), target.model_copy(update={"classes": classes, "name": "a|b\nc"})
    )
    folder = export_onnx(adapted, tmp_path / "out").path
    assert json.loads((folder / "labels.json").read_bytes())["classes"] == names
    assert "| 🍄 \\| two lines | 2 |" in (folder / "README.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(folder / "predict_onnx.py"), *adapted.loaded.query_files],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert len(done.stdout.decode("ascii").splitlines()) == 3


@pytest.mark.slow
def test_an_adapted_model_of_batch_statistics_is_not_exported(
    adapted_of: Callable[[str], AdaptedTask], tmp_path: Path
) -> None:
    adapted = adapted_of("maml")
    transductive = adapted.trained.learner.adapt(adapted.loaded.support, statistics="batch")
    with pytest.raises(ConfigurationError, match="batch statistics"):
        export_onnx(replace(adapted, classifier=transductive), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_exported_checkpoint_loads_again_and_names_no_folder_of_ours(
    algorithm: str, tiny_run_of: Callable[[str], RunFolder], tmp_path: Path
) -> None:
    trained = trained_learner(tiny_run_of(algorithm))
    done = export_checkpoint(trained, tmp_path / "out")
    assert done.verification.largest_difference <= 1e-4
    own = trained.learner.state_dict()
    held = load_exported_checkpoint(done.path).learner.state_dict()
    assert all(torch.equal(held[name], value) for name, value in own.items())
    pictures = trained.experiment.data.folders[0]
    assert all(pictures.encode() not in each.read_bytes() for each in done.path.iterdir())


@pytest.mark.slow
def test_a_pickle_in_place_of_weights_is_refused_and_never_run(
    tiny_run_of: Callable[[str], RunFolder], tmp_path: Path
) -> None:
    class Canary:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(tmp_path / CANARY), "w"))  # type: ignore[return-value]

    folder = export_checkpoint(trained_learner(tiny_run_of("maml")), tmp_path / "out").path
    poison = pickle.dumps(Canary())
    spoil(folder, "weights.safetensors", poison)
    with pytest.raises(IntegrityError, match="weights"):
        load_exported_checkpoint(folder)
    assert not (tmp_path / CANARY).exists()
    pickle.loads(poison).close()  # noqa: S301 - the canary does sing
    assert (tmp_path / CANARY).exists()


def test_a_checkpoint_whose_weights_were_altered_is_not_exported(tiny_run: RunFolder, tmp_path: Path) -> None:
    trained = trained_learner(tiny_run)
    weights = trained.checkpoint / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(IntegrityError, match="broken"):
        export_checkpoint(trained, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_adapted_model_without_a_target_is_asked_for_one(
    tiny_run_of: Callable[[str], RunFolder], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="target task"):
        export(trained_learner(tiny_run_of("maml")), None, "onnx", tmp_path / "out", overwrite=False)


@pytest.mark.parametrize(
    ("name", "allowed"), [("predict.py", {"torch"}), ("predict_onnx.py", {"numpy", "onnxruntime"})]
)
def test_the_handed_over_scripts_import_only_what_the_card_says(name: str, allowed: set[str]) -> None:
    imported: set[str] = set()
    for script in (description.template(name), description.preprocessing_module()):
        for node in ast.walk(ast.parse(script)):
            if isinstance(node, ast.Import):
                imported |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    assert imported - set(sys.stdlib_module_names) == allowed | {"PIL"}
