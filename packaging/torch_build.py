"""Which torch goes into the environment: one that is there, CUDA's for a machine with its driver, else the CPU's."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VERSION = "2.13.0"
OLDEST = (2, 10)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Way:
    """One way to come by torch: what is said before it is tried, and what pip is asked."""

    sentence: str
    arguments: tuple[str, ...]


def ways(*, system: str, has_nvidia_driver: bool) -> list[Way]:
    """Return the ways to try, best first. `system` is as `platform.system` says.

    The CPU builds need nothing that the lock does not hold, so they come without dependencies; CUDA brings its own.
    `===` asks for the plain build even where a source also has the CPU build of that version, which pip would prefer.
    """
    plain = f"torch==={VERSION}"
    if system == "Darwin":
        return [Way(f"torch {VERSION}", ("--no-deps", plain))]
    cpu = [
        Way(
            f"torch {VERSION} for the CPU, from the sources that pip is configured with (0.2 GB)",
            ("--no-deps", f"torch=={VERSION}+cpu"),
        ),
        Way(
            f"torch {VERSION} for the CPU, from PyTorch's own index (0.2 GB)",
            ("--no-deps", "--index-url", CPU_INDEX, f"torch=={VERSION}+cpu"),
        ),
    ]
    if system == "Windows":  # its plain build is the CPU's
        return [*cpu, Way(f"torch {VERSION} (0.2 GB)", ("--no-deps", plain))]
    cuda = Way(f"torch {VERSION} with CUDA (2.7 GB to download)", (plain,))
    return [cuda, *cpu] if has_nvidia_driver else [*cpu, cuda]


def ensure(python: Path, try_install: Callable[[list[str]], tuple[bool, str]], say: Callable[[str], None]) -> None:
    """Leave a torch that imports in the environment of `python`.

    Raises:
        SystemExit: no way led to one.
    """
    if importable(python):
        say("torch is there already")
        return
    words = ""
    for way in ways(system=platform.system(), has_nvidia_driver=has_nvidia_driver()):
        say(f"Getting {way.sentence}")
        is_installed, words = try_install(list(way.arguments))
        if is_installed and importable(python):
            return
        say("Not there.")
    print(words, file=sys.stderr)
    sys.exit(
        f"No torch {VERSION} could be installed for {platform.platform()}. "
        f"With a network, or any torch from {'.'.join(map(str, OLDEST))} on in this Python, call this again."
    )


def has_nvidia_driver() -> bool:
    """Return whether the driver of an NVIDIA device is installed and answers."""
    program = shutil.which("nvidia-smi")
    return bool(program) and subprocess.run([program, "-L"], check=False, capture_output=True).returncode == 0


def importable(python: Path) -> bool:
    """Return whether `python` imports a torch that is new enough."""
    code = f"import torch, sys; sys.exit(tuple(map(int, torch.__version__.split('.')[:2])) < {OLDEST})"
    return subprocess.run([python, "-c", code], check=False, capture_output=True).returncode == 0
