"""How an experiment says where it computes: ``auto``, ``cpu``, ``cuda:1``, ``mps``; ``cuda*4`` for four processes."""

from __future__ import annotations

import re
from typing import NamedTuple

KINDS = ("auto", "cpu", "cuda", "mps")
_NAME = re.compile(r"(?P<kind>auto|cpu|mps|cuda)(:(?P<number>\d{1,3}))?(\*(?P<processes>[1-9]\d{0,2}))?")


class DeviceName(NamedTuple):
    """A name taken apart.

    Attributes:
        kind: One of `KINDS`.
        number: Which of several graphics processors; None where that is not said.
        processes: How many share the tasks of a step, each with a graphics processor of its own where `kind` is one.
    """

    kind: str
    number: int | None = None
    processes: int = 1


def parse_device(name: str) -> DeviceName | None:
    """Return a device's name taken apart; None where it is none."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    kind, number, processes = match["kind"], match["number"], match["processes"]
    if number is not None and (kind != "cuda" or processes):
        return None
    if processes and kind not in {"cpu", "cuda"}:
        return None
    return DeviceName(kind, None if number is None else int(number), int(processes or 1))


def may_share(first: str, second: str) -> bool:
    """Return whether jobs on two devices may get into each other's way; ``auto`` may be any of them."""
    one, other = parse_device(first), parse_device(second)
    if one is None or other is None or "auto" in {one.kind, other.kind}:
        return True
    return one.kind == other.kind and bool(_numbers(one) & _numbers(other))


def _numbers(device: DeviceName) -> set[int]:
    """Return which of its kind it takes; there is one CPU, whatever the number of processes."""
    if device.kind != "cuda":
        return {0}
    return {device.number} if device.number is not None else set(range(device.processes))
