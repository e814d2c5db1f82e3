"""The system libraries without which Qt does not load on Linux: found by loading them, installed where we may."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys

# What is loaded, and the Debian and Ubuntu package that brings it.
WITHOUT_A_SCREEN = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
}
FOR_A_SCREEN = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}


def missing(libraries: dict[str, str]) -> dict[str, str]:
    """Return those of `libraries` that do not load here; none on another system than Linux."""
    return {name: package for name, package in libraries.items() if not _loads(name)} if _is_linux() else {}


def _is_linux() -> bool:
    return platform.system() == "Linux"


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def ensure(*, with_a_screen: bool) -> None:
    """Install what is missing with apt-get where this is root's process.

    Raises:
        SystemExit: something is still missing; the sentence is the one line to run.
    """
    needed = WITHOUT_A_SCREEN | (FOR_A_SCREEN if with_a_screen else {})
    lacking = missing(needed)
    if lacking and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"» Qt needs libraries that this machine lacks; installing {' '.join(lacking.values())}", flush=True)
        _apt_install(list(lacking.values()))
        lacking = missing(needed)
    if lacking and shutil.which("apt-get"):
        sys.exit(f"Qt needs libraries that this machine lacks:\n  sudo apt-get install -y {' '.join(lacking.values())}")
    if lacking:
        sys.exit(f"Qt needs libraries that this machine lacks; install what brings {', '.join(lacking)}.")


def _apt_install(packages: list[str]) -> None:
    """Install `packages`; where the lists are empty or old, as on a fresh machine, renew them first."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    if subprocess.run(install, env=environment, check=False, capture_output=True).returncode != 0:
        subprocess.run(["apt-get", "update", "--quiet"], env=environment, check=False)
        subprocess.run(install, env=environment, check=False)
