"""What training will take: what a trial found, as the command line prints it and the window reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Forecast:
    """What training will take.

    Attributes:
        seconds: Of training, validation, and the final test where it is asked for; without target tasks and exports.
        memory_bytes: Of the worker with its processes; on a graphics card, of the card.
        tasks_per_s: Tasks in a second of training.
        device: Where it was tried.
    """

    seconds: float
    memory_bytes: int
    tasks_per_s: float
    device: str
