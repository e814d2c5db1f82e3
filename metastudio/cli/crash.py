"""What is kept of a bug: a file with the traceback, versions and arguments, to be sent to us."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from metastudio import paths
from metastudio.runs.run_state import versions


def write_crash_report(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the report into the cache folder and return its path."""
    folder = paths.cache_folder() / "crashes"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    known = "\n".join(f"{name} {version}" for name, version in versions().items())
    trace = "".join(traceback.format_exception(error))
    path.write_text(
        f"arguments: {list(arguments)!r}\nplatform: {sys.platform}\n{known}\n\n{trace}",
        encoding="utf-8",
        errors="backslashreplace",
    )
    return path
