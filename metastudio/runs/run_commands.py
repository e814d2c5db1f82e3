"""What may be asked of a run in each of its states: one table for the window, the queue and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from metastudio.errors import Message
from metastudio.runs.run_state import State


class Command(StrEnum):
    """What a person can ask. `START` also resumes; `START_FROM` makes another job that begins with its weights."""

    START = "start"
    PAUSE = "pause"
    FINISH = "finish"
    DISCARD = "discard"
    FORCE = "force"
    EDIT = "edit"
    DUPLICATE = "duplicate"
    EXTEND = "extend"
    START_FROM = "start_from"
    MOVE = "move"
    REMOVE = "remove"


_ALWAYS = frozenset({Command.DUPLICATE, Command.MOVE})
_STOPPED = _ALWAYS | {Command.START, Command.FINISH, Command.DISCARD, Command.REMOVE, Command.START_FROM}

ALLOWED: Mapping[State, frozenset[Command]] = {
    State.QUEUED: _ALWAYS | {Command.START, Command.EDIT, Command.DISCARD, Command.REMOVE},
    State.PREPARING: _ALWAYS | {Command.PAUSE, Command.DISCARD, Command.FORCE},
    State.RUNNING: _ALWAYS | {Command.PAUSE, Command.FINISH, Command.DISCARD, Command.FORCE, Command.START_FROM},
    State.PAUSING: _ALWAYS | {Command.DISCARD, Command.FORCE, Command.START_FROM},
    State.PAUSED: _STOPPED,
    State.FINISHING: _ALWAYS | {Command.PAUSE, Command.DISCARD, Command.FORCE, Command.START_FROM},
    State.FINISHED: _ALWAYS | {Command.EXTEND, Command.REMOVE, Command.START_FROM},
    State.FAILED: _STOPPED,
    State.DISCARDING: _ALWAYS | {Command.FORCE},
    State.DISCARDED: frozenset(),
    State.INTERRUPTED: _STOPPED,
}
"""Whoever asks for something else is refused with `why_not`, and nothing changes."""

_WHY = {
    Command.START: "Only what waits, was paused, was interrupted or failed can be started.",
    Command.PAUSE: "Only what a worker prepares, trains or finishes can be paused.",
    Command.FINISH: "Only what is being trained, or has stopped after it began, can be finished now.",
    Command.DISCARD: "What has ended goes to the trash from the Runs page.",
    Command.FORCE: "There is no worker that could be ended.",
    Command.EDIT: "What was begun keeps its configuration. Duplicate it with changes instead.",
    Command.DUPLICATE: "What was discarded cannot be copied; take it back first.",
    Command.EXTEND: "Only what is finished can be extended.",
    Command.START_FROM: "There is no checkpoint to start from yet.",
    Command.MOVE: "What was discarded has no place in the queue.",
    Command.REMOVE: "A worker is at work on it: pause it first.",
}


def why_not(state: State, command: Command) -> Message | None:
    """Return why a run in this state does not take a command; None where it does."""
    return None if command in ALLOWED[state] else Message(_WHY[command])
