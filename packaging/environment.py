"""The project's own Python environment: made once in `.venv`, filled from hashed lock files, remembered by a stamp."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import torch_build

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
STAMP = VENV / "metastudio-setup.json"
LOCKS = PROJECT / "packaging" / "locks"
# The test lock holds everything of the runtime lock, in the same versions.
HOLDS = {"runtime": ("runtime",), "test": ("runtime", "test")}
NO_PIP = (
    f"This Python ({sys.executable}) has neither pip nor ensurepip. On Debian and Ubuntu: apt-get install python3-pip"
)
NO_NETWORK = (
    "NewConnectionError",
    "name resolution",
    "Failed to establish",
    "ConnectTimeout",
    "Network is unreachable",
)


def ensure(lock: str) -> Path:
    """Return the Python of an environment that has everything of `lock` ("runtime" or "test"); at once when it has.

    Raises:
        SystemExit: with a sentence about what is missing and what to do.
    """
    if set(_signatures(lock).items()) <= set(_stamp().items()):
        return python_of(VENV)
    started = time.monotonic()
    say(f"Setting up {VENV} (once; the next call goes straight on)")
    _ensure_venv()
    pip = _pip()
    say(f"Installing the locked packages of {lock}.txt")
    install(pip, ["--no-deps", "--require-hashes", "-r", str(LOCKS / f"{lock}.txt")])  # all there is but torch
    torch_build.ensure(python_of(VENV), lambda arguments: try_install(pip, arguments), say)
    say("Installing MetaStudio itself, from this folder")
    install(pip, ["--no-deps", "--no-build-isolation", "--editable", str(PROJECT)])
    STAMP.write_text(json.dumps(_stamp() | _signatures(lock), indent=1), encoding="utf-8")
    say(f"Set up in {time.monotonic() - started:.0f} s")
    return python_of(VENV)


def say(sentence: str) -> None:
    """Print a line of progress at once, also where the output is a file."""
    print(f"» {sentence}", flush=True)


def python_of(venv: Path) -> Path:
    """Return where the Python of a virtual environment lies."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def _signatures(lock: str) -> dict[str, str]:
    """Return what the stamp says of an environment that has `lock`: hash of each lock it holds, versions, place."""
    config = VENV / "pyvenv.cfg"
    made = config.read_text(encoding="utf-8") if config.is_file() else ""
    version = next((line.split("=")[1].strip() for line in made.splitlines() if line.startswith("version")), "none")
    hashes = {name: hashlib.sha256((LOCKS / f"{name}.txt").read_bytes()).hexdigest() for name in HOLDS[lock]}
    return hashes | {"python": version, "torch": torch_build.VERSION, "project": str(PROJECT)}


def _stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and python_of(VENV).exists() else {}


def _ensure_venv() -> None:
    """Make `.venv`, or keep the one that is there where its Python runs and is one of ours."""
    if VENV.exists():
        probe = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
        try:
            if subprocess.run([python_of(VENV), "-c", probe], check=False, capture_output=True).returncode == 0:
                return
        except OSError:
            pass
        say(f"{VENV} does not run any more; making it anew")
        shutil.rmtree(VENV)
    command = [sys.executable, "-m", "venv"]
    if _has("pip"):  # ours serves the new environment too; Debian's Python cannot put one in without python3-venv
        command.append("--without-pip")
    elif not _has("ensurepip"):
        sys.exit(NO_PIP)
    if sys.prefix == sys.base_prefix and torch_build.importable(Path(sys.executable)):
        say("This Python has a torch already; the environment uses it")
        command.append("--system-site-packages")
    if subprocess.run([*command, str(VENV)], check=False).returncode != 0:
        sys.exit(f"The environment {VENV} could not be made. Is the disk full, or the folder not writable?")


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _pip() -> list[str]:
    """Return the pip command that installs into `.venv`."""
    python = python_of(VENV)
    if _has("pip"):
        return [sys.executable, "-m", "pip", "--python", str(python)]
    if subprocess.run([python, "-c", "import pip"], check=False, capture_output=True).returncode == 0:
        return [str(python), "-m", "pip"]
    sys.exit(NO_PIP)


def install(pip: list[str], arguments: list[str]) -> None:
    """Install, showing pip's progress.

    Raises:
        SystemExit: pip failed; the sentence says why as far as pip's words tell.
    """
    is_installed, words = try_install(pip, arguments, show_errors=True)
    if is_installed:
        return
    if any(sign in words for sign in NO_NETWORK):
        sys.exit("The packages could not be fetched: no network, or their index does not answer. Try again later.")
    if "No space left" in words:
        sys.exit(f"The disk of {VENV} is full.")
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in words:
        sys.exit("A package is not the one that was locked (see above). Nothing of it was installed.")
    if "no such option: --python" in words:
        sys.exit("This pip is too old to fill another environment. Renew it: python3 -m pip install --upgrade pip")
    sys.exit("pip could not install what is needed; its last lines above say why.")


def try_install(pip: list[str], arguments: list[str], *, show_errors: bool = False) -> tuple[bool, str]:
    """Return whether pip installed it, and what it wrote to its standard error."""
    command = [*pip, "install", "--disable-pip-version-check", "--no-warn-script-location", *arguments]
    words: list[str] = []
    environment = os.environ | {"PIP_ROOT_USER_ACTION": "ignore"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace", env=environment) as run:
        for line in run.stderr or ():
            words.append(line)
            if show_errors:
                print(line, end="", file=sys.stderr, flush=True)
    return run.returncode == 0, "".join(words)
