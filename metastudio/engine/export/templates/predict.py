"""Says what is in a picture. Runs model.pt2, and needs nothing but torch and Pillow.

    python predict.py picture.png other.jpg
    python predict.py --json picture.png

Each picture is answered alone: the answer does not depend on which others are asked about.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")  # not needed here

import torch  # noqa: E402

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # this folder stays as its SHA256SUMS says
sys.path.insert(0, str(HERE))
preprocessing = importlib.import_module("preprocessing")


def settings(name: str) -> dict[str, Any]:
    """Return what a JSON file of this folder says."""
    values: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return values


def network_input(path: str, prepare: dict[str, Any]) -> torch.Tensor:
    """Return a picture as the network was trained to see it: float32 (C, H, W)."""
    picture = preprocessing.prepare(path, prepare["image_size"], prepare["colour"], prepare["fit"])
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    image = pixels.reshape(picture.height, picture.width, -1).permute(2, 0, 1).to(torch.float32) / 255
    if prepare["invert"]:
        image = 1 - image
    if prepare["mean"]:
        mean, deviation = (torch.tensor(prepare[name])[:, None, None] for name in ("mean", "standard_deviation"))
        image = (image - mean) / deviation
    return image


def logits_of(paths: list[str], batch: int) -> Iterator[list[float]]:
    """Return the logits (N,) of each picture, computed `batch` at a time."""
    prepare = settings("preprocessing.json")
    network = torch.export.load(HERE / "model.pt2").module()
    with torch.no_grad():
        for start in range(0, len(paths), batch):
            images = torch.stack([network_input(path, prepare) for path in paths[start : start + batch]])
            yield from network(images).tolist()


def main() -> None:
    """Answer the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", help="picture files")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line, with logits")
    parser.add_argument("--batch", type=int, default=[1], nargs="+", help="pictures computed at once")
    asked = parser.parse_args()
    classes = settings("labels.json")["classes"]
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    for batch in asked.batch:
        for path, logits in zip(asked.pictures, logits_of(asked.pictures, batch), strict=True):
            if len(logits) != len(classes):
                sys.exit(f"labels.json names {len(classes)} classes, the model knows {len(logits)}: one is altered.")
            probabilities = torch.tensor(logits).softmax(dim=0).tolist()
            best = max(range(len(classes)), key=logits.__getitem__)
            answer = {"file": path, "batch": batch, "answer": classes[best], "logits": logits}
            if asked.json:
                line = json.dumps({**answer, "probabilities": dict(zip(classes, probabilities, strict=True))})
            else:
                line = f"{path}: {' '.join(classes[best].split())} ({probabilities[best]:.1%})"
            sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
