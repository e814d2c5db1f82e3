"""Where it can compute: the CPU always, a graphics processor where torch can use one, and why where it cannot."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import runpy
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from metastudio.catalog.device_name import KINDS, parse_device
from metastudio.errors import ConfigurationError, ResourceError, did_you_mean
from metastudio.runs.questions import Device

if TYPE_CHECKING:
    import torch


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
    return (cpu, *graphics, _all_of(graphics, reason))


def _all_of(graphics: tuple[Device, ...], reason: str) -> Device:
    """Return the choice of all graphics processors at once, which says why where it is none."""
    count = sum(each.name.startswith("cuda:") for each in graphics)
    return Device(
        name=f"cuda*{max(2, count)}",
        title="All graphics processors of this computer",
        free_bytes=sum(each.free_bytes for each in graphics) if count > 1 else 0,
        is_usable=count > 1,
        note="They share the tasks of every step." if count > 1 else reason or "This computer has only one that can.",
    )


def resolve_device(wanted: str, *, place: int = 0, of: int = 1) -> ResolvedDevice:
    """Return the device for what the experiment says; what is not here becomes the CPU, with a sentence.

    Args:
        wanted: What the experiment says.
        place: Which process of this computer it is for, where several share the tasks of a step.
        of: How many they are; each takes a graphics processor of its own.

    Raises:
        ConfigurationError: if `wanted` is no name of a device.
        ResourceError: if there are fewer graphics processors than processes.
    """
    name = parse_device(wanted)
    if name is None:
        raise ConfigurationError(
            "There is no device called '{name}'.{hint}",
            name=wanted,
            hint=did_you_mean(wanted, KINDS),
            where="device",
            todo="Known: auto, cpu, cuda, cuda:1 and so on, mps; cpu*2 and cuda*2 for two processes.",
        )
    import torch  # noqa: PLC0415

    if name.kind == "cpu":
        return ResolvedDevice(torch.device("cpu"))
    here = [each for each in list_devices() if each.is_usable]
    cards = [each for each in here if each.name.startswith("cuda:")]
    if of > 1 and name.kind in {"auto", "cuda"} and cards:
        if of > len(cards):
            raise ResourceError(
                "There are {of} processes and {count} graphics processors, and each process takes its own.",
                of=of,
                count=len(cards),
                where="device",
                todo="Start as many processes as there are graphics processors, or take the device cpu.",
            )
        return ResolvedDevice(torch.device(cards[place].name))
    if name.kind == "auto":
        return ResolvedDevice(torch.device(next(each.name for each in here if each.is_recommended)))
    exact = f"cuda:{name.number or 0}" if name.kind == "cuda" else wanted
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
