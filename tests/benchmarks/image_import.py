"""How long an import takes: scan, read, hash and decode, and opening again.

Run with ``python tests/benchmarks/image_import.py FOLDER [SIDE] [grey|colour]``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from metastudio.catalog.data_spec import Preprocessing
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store


def main(folder: str, side: str = "28", colour: str = "grey") -> None:
    """Print the seconds of each step; CPU seconds include the processes that decode."""
    preprocessing = Preprocessing.model_validate({"image_size": int(side), "colour": colour})
    with tempfile.TemporaryDirectory() as cache:
        began = time.perf_counter()
        index = scan([folder])
        print(f"scan    {time.perf_counter() - began:6.2f} s  {index.file_count} files, {len(index.classes)} classes")
        for step in ("import", "reopen"):
            before, began = os.times(), time.perf_counter()
            store = open_store(index, preprocessing, cache=Path(cache))
            seconds, now = time.perf_counter() - began, os.times()
            cpu = sum(now[:4]) - sum(before[:4])
            print(f"{step}  {seconds:6.2f} s  {cpu:.2f} s CPU, {store.images.shape}, {len(store.problems)} problems")


if __name__ == "__main__":
    main(*sys.argv[1:])
