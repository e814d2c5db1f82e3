"""Where it can compute: the CPU always, a graphics processor where torch can use one, and why where it cannot."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import runpy
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from metastudio.errors import ConfigurationError, did_you_mean
from metastudio.runs.questions import Device

if TYPE_CHECKING:
    import torch

_NAME = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")
_KINDS = ("auto", "cpu", "cuda", "mps")


class ResolvedDevice(NamedTuple):
    """The device to compute on, and a sentence where it is not the one that was asked for."""

    device: torch.device
    note: str = ""


def list_devices() -> tuple[Device, ...]:
    """Return what can compute, the recommended one marked. Imports torch only where a graphics processor is likely.

    Where there is no graphics processor to use, the note of the CPU says why.
    """
    graphics, reason = _graphics_processors()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cpu = Device(
        name="cpu",
        title=f"CPU, {cores} core{'s' if cores > 1 else ''}",
        free_bytes=psutil.virtual_memory().available,
        is_recommended=not graphics,
        note=reason,
    )
    return (cpu, *graphics)


def resolve_device(wanted: str) -> ResolvedDevice:
    """Return the device for what the experiment says; what is not here becomes the CPU, with a sentence.

    Raises:
        ConfigurationError: if `wanted` is no name of a device.
    """
    if not _NAME.fullmatch(wanted):
        raise ConfigurationError(
            "There is no device called '{name}'.{hint}",
            name=wanted,
            hint=did_you_mean(wanted, _KINDS),
            where="device",
            todo="Known: auto, cpu, cuda, cuda:1 and so on, mps.",
        )
    import torch  # noqa: PLC0415

    if wanted == "cpu":
        return ResolvedDevice(torch.device("cpu"))
    here = list_devices()
    if wanted == "auto":
        return ResolvedDevice(torch.device(next(each.name for each in here if each.is_recommended)))
    exact = "cuda:0" if wanted == "cuda" else wanted
    if exact in {each.name for each in here}:
        return ResolvedDevice(torch.device(exact))
    why = here[0].note or "It is not among the devices of this machine."
    return ResolvedDevice(torch.device("cpu"), f"'{wanted}' cannot be used here, so the CPU computes. {why}")


def _graphics_processors() -> tuple[tuple[Device, ...], str]:
    """Return the graphics processors that torch can use; where there are none, the reason."""
    if sys.platform == "darwin":
        return _apple()
    if not _has_nvidia_driver():
        return (), "No NVIDIA driver was found."
    if _cuda_of_torch() is None:
        return (), "There is an NVIDIA driver, but this torch was built for the CPU alone."
    return _nvidia()


def _nvidia() -> tuple[tuple[Device, ...], str]:
    import torch  # noqa: PLC0415

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        reason = str(said[0].message).split("\n")[0] if said else "no device is visible to it"
        return (), f"torch cannot use CUDA: {reason}."
    found: list[Device] = []
    for number in range(count):
        try:
            free, _ = torch.cuda.mem_get_info(number)
        except RuntimeError as error:
            return tuple(found), f"'cuda:{number}' does not answer: {str(error).splitlines()[0]}."
        found.append(
            Device(
                name=f"cuda:{number}",
                title=torch.cuda.get_device_name(number),
                free_bytes=free,
                is_recommended=number == 0,
            )
        )
    return tuple(found), ""


def _apple() -> tuple[tuple[Device, ...], str]:
    import torch  # noqa: PLC0415

    if not torch.backends.mps.is_available():
        built = torch.backends.mps.is_built()
        return (), "This macOS is too old for Metal." if built else "This torch was built without Metal."
    free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return (Device(name="mps", title="Apple graphics processor", free_bytes=free, is_recommended=True),), ""


def _has_nvidia_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _cuda_of_torch() -> str | None:
    """Return the CUDA version that torch was built for, read without the seconds that importing it takes."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None
    version: str | None = runpy.run_path(str(Path(found.origin).with_name("version.py"))).get("cuda")
    return version
