"""Proof that an export answers like its model: it is run in a clean process, from the picture files on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from metastudio.catalog.data_spec import Preprocessing
from metastudio.engine.algorithms.base import Classifier
from metastudio.engine.tasks.target_task import read_picture
from metastudio.errors import ExportError

TOLERANCE = 1e-4
"""Largest difference of logits that an export may show."""

BATCHES = (1, 2, 7)
"""How many pictures are answered at once."""

_FEWEST, _MOST = 8, 16
_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Verification:
    """What was compared: `largest_difference` of logits over `pictures` at each of `batches`."""

    largest_difference: float
    batches: tuple[int, ...]
    pictures: int

    def to_json(self) -> dict[str, Any]:
        """Return it as it lies in an export."""
        return {
            "largest_difference_of_logits": self.largest_difference,
            "allowed_difference": TOLERANCE,
            "batches": list(self.batches),
            "pictures": self.pictures,
        }


@dataclass(frozen=True)
class KnownAnswers:
    """Picture files and the logits (P, N) that the model itself gives for them, each picture alone."""

    files: tuple[str, ...]
    logits: Tensor


def known_answers(classifier: Classifier, files: Sequence[str], preprocessing: Preprocessing) -> KnownAnswers:
    """Ask the model itself about some of the files, spread evenly over them.

    Raises:
        UnreadableImage: if a file is no longer what it was.
    """
    few = [files[number * len(files) // _MOST] for number in range(_MOST)] if len(files) > _MOST else list(files)
    logits = [classifier.logits(read_picture(file, preprocessing)) for file in few]
    return KnownAnswers(tuple(str(Path(file).absolute()) for file in few), torch.cat(logits).cpu())


def verify_answers(command: Sequence[str], known: KnownAnswers, *, where: Path) -> Verification:
    """Ask an export about the picture files in a process of its own, at every batch size.

    Args:
        command: What a clean Python runs; it takes picture files, ``--batch`` and sizes, and prints a JSON object with
            ``batch`` and ``logits`` for each picture.
        known: What it should answer.
        where: The folder of the export.

    Raises:
        ExportError: if it does not run, or its answers differ from the known ones.
    """
    files = list(islice(cycle(known.files), max(_FEWEST, len(known.files))))
    wanted = torch.stack(list(islice(cycle(known.logits), len(files))))  # (P, N)
    said = clean_process([*command, *files, "--batch", *map(str, BATCHES)], where=where)
    rows: dict[int, list[list[float]]] = {batch: [] for batch in BATCHES}
    for line in said.splitlines():
        if line.startswith("{"):
            answer = json.loads(line)
            rows[answer["batch"]].append(answer["logits"])
    largest = 0.0
    for batch, logits in rows.items():
        largest = max(largest, compare(torch.tensor(logits), wanted, where=f"{where.name}, batches of {batch}"))
    return Verification(largest, BATCHES, len(known.files))


def compare(actual: Tensor, wanted: Tensor, *, where: str) -> float:
    """Return the largest difference of two tables of logits (P, N).

    Raises:
        ExportError: if it is above the tolerance, or a picture gets another answer. Where the model itself is torn
            between two classes, no further apart than the tolerance, either is the same answer.
    """
    if actual.shape != wanted.shape:
        raise _failed(where, f"It answers with a table of {tuple(actual.shape)} instead of {tuple(wanted.shape)}.")
    largest = float((actual - wanted).abs().max())
    if not largest <= TOLERANCE:  # so that not-a-number fails too
        raise _failed(where, f"Logits differ by up to {largest:.3g}; at most {TOLERANCE:.3g} is allowed.")
    answered = wanted.gather(1, actual.argmax(dim=1, keepdim=True))[:, 0]
    other = int((answered < wanted.max(dim=1).values - TOLERANCE).sum())
    if other:
        raise _failed(where, f"{other} of {len(wanted)} pictures get another answer.")
    return largest


def clean_process(arguments: Sequence[str], *, where: Path) -> str:
    """Return what a fresh, isolated Python prints: no environment, no user packages, no current folder on its path.

    Raises:
        ExportError: if it fails, with the last line of its complaint.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            cwd=where,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(str(where), f"It could not be run: {error}.") from error
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise _failed(str(where), f"It does not run: {complaint[-1]}")
    return done.stdout.decode()


def _failed(where: str, why: str) -> ExportError:
    return ExportError(
        "The export does not answer like the model it was made from, so it was not kept.", where=where, why=why
    )
