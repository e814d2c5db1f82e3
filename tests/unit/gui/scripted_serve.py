"""Stands in for `metastudio serve` with answers that a test can foresee; speaks the lines of runs/questions.py.

A picture is of the class whose name is in its file name. A target task called "slow" is adapted to in two seconds.
Classes lie on a line in the order of their names, half a spread from one to the next; neighbours are confused in 40 %
minus one for each pair before. A class called "slow" takes two seconds to compare, one called "refused" cannot be.
A previewed picture is of grey 64, its draws of the grey of their number; one called "lost" ends the process.
"""

from __future__ import annotations

import base64
import itertools
import json
import struct
import sys
import time
import zlib
from pathlib import Path


def answer(number: int, **values: object) -> None:
    print(json.dumps({"id": number, **values}), flush=True)  # noqa: T201


def fail(number: int, what: str, todo: str = "") -> None:
    answer(number, error={"code": "MS-300", "what": what, "todo": todo, "exit_code": 3})


class Serve:
    """Answers one question after another; keeps the classes of each adapted model."""

    def __init__(self) -> None:
        self.classes: dict[str, list[str]] = {}

    def devices(self, number: int, _asked: dict) -> None:
        cpu = {"name": "cpu", "title": "CPU (2 cores)", "free_bytes": 7_000_000_000}
        card = {"name": "cuda", "title": "A graphics card", "free_bytes": 24_000_000_000, "is_recommended": True}
        answer(number, result={"devices": [cpu, card]})

    def adapt(self, number: int, asked: dict) -> None:
        task = asked["target"]
        names = [each["name"] for each in task["classes"]]
        pictures = [path for each in task["classes"] for path in each["support"]]
        if len(names) > 5:
            fail(number, f"This model tells 5 classes apart, not {len(names)}.", "Take a Prototypical Network.")
            return
        if task["name"] == "slow":
            answer(number, progress={"phase": "adapting", "done": 1, "total": 4})
            time.sleep(2)
        steps = 5 if asked["inner_steps"] == -1 else asked["inner_steps"]
        handle = f"adapted-{number}"
        self.classes[handle] = names
        answer(
            number,
            result={
                "handle": handle,
                "classes": names,
                "losses": [1.6 / (1 + step) for step in range(steps + 1)],
                "accuracies": [min(1.0, 0.2 + 0.2 * step) for step in range(steps + 1)],
                "inner_steps": steps,
                "note": "Trained on drawings; photographs are far from them.",
                "problems": [f"{path} cannot be read." for path in pictures if "bad" in path],
            },
        )

    def predict(self, number: int, asked: dict) -> None:
        names = self.classes[asked["handle"]]
        answer(number, result={"predictions": [prediction(file, names) for file in asked["files"]]})

    def class_distances(self, number: int, asked: dict) -> None:
        names = sorted(each["name"] for each in asked["classes"])
        if "refused" in names:
            fail(number, "There is no run here.", "It may have been moved or deleted.")
            return
        answer(number, progress={"phase": "looking at pictures", "done": 1, "total": 4})
        if "slow" in names:
            time.sleep(2)
        pairs = list(itertools.combinations(range(len(names)), 2))
        confusion = [(0.4 - 0.01 * i if j == i + 1 else 0.0) for i, j in pairs]
        answer(
            number,
            result={
                "names": names,
                "pictures": [len(each["files"]) for each in sorted(asked["classes"], key=lambda each: each["name"])],
                "places": [[float(i), float(i % 3)] for i in range(len(names))],
                "shown_share": 0.5,
                "confusion": halves(confusion),
                "separation": halves([0.5 * (j - i) for i, j in pairs]),
                "iteration": 50 if asked["run"] else None,
                "trained_on": 12 if asked["run"] else 0,
            },
        )

    def preview(self, number: int, asked: dict) -> None:
        if "unreadable" in Path(asked["file"]).name:
            fail(number, "The picture is cut off.")
            return
        if "lost" in Path(asked["file"]).name:
            sys.exit(3)
        side, channels = asked["preprocessing"]["image_size"], 3 if asked["preprocessing"]["colour"] == "colour" else 1
        shades = [64, *((asked["first"] + place) % 256 for place in range(asked["draws"]))]
        pictures = [zlib.compress(bytes([shade]) * (side * side * channels)) for shade in shades]
        answer(
            number,
            result={
                "side": side,
                "channels": channels,
                "pictures": [base64.b64encode(each).decode() for each in pictures],
                "least": 0.25,
                "most": 0.25,
            },
        )

    def cancel(self, number: int, _asked: dict) -> None:
        pass

    def export(self, number: int, asked: dict) -> None:
        folder = Path(asked["folder"])
        if folder.exists() and not asked["overwrite"]:
            fail(number, f"There is already something at {folder}.", "Choose another place.")
            return
        answer(number, progress={"phase": "verifying", "done": 1, "total": 3})
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"x" * 1000)
        answer(
            number,
            result={
                "path": str(folder),
                "files": ["model.onnx"],
                "largest_difference": 2.4e-6,
                "batches": [1, 2, 7],
                "size_bytes": 1000,
            },
        )


def halves(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}e", *numbers)).decode()


def prediction(file: str, names: list[str]) -> dict[str, object]:
    if "unreadable" in Path(file).name:
        return {"file": file, "probabilities": [], "problem": "The picture is cut off."}
    shown = Path(file).name
    if not any(name in shown for name in names):
        return {"file": file, "probabilities": [1 / len(names)] * len(names)}
    rest = 0.1 / max(1, len(names) - 1)
    return {"file": file, "probabilities": [0.9 if name in shown else rest for name in names]}


if __name__ == "__main__":
    serve = Serve()
    for line in sys.stdin:
        asked = json.loads(line)
        getattr(serve, asked["op"])(asked["id"], asked)
