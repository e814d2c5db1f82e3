"""What may be asked in which state: the whole table, and that nothing else says something else."""

from __future__ import annotations

from itertools import product

import pytest

from metastudio.runs.run_commands import ALLOWED, Command, why_not
from metastudio.runs.run_state import State

TABLE = {
    #                    start pause finish discard force edit duplicate extend start_from move remove
    State.QUEUED: "       x     -     -      x       -     x    x         -      -          x    x",
    State.PREPARING: "    -     x     -      x       x     -    x         -      -          x    -",
    State.RUNNING: "      -     x     x      x       x     -    x         -      x          x    -",
    State.PAUSING: "      -     -     -      x       x     -    x         -      x          x    -",
    State.PAUSED: "       x     -     x      x       -     -    x         -      x          x    x",
    State.FINISHING: "    -     x     -      x       x     -    x         -      x          x    -",
    State.FINISHED: "     -     -     -      -       -     -    x         x      x          x    x",
    State.FAILED: "       x     -     x      x       -     -    x         -      x          x    x",
    State.DISCARDING: "   -     -     -      -       x     -    x         -      -          x    -",
    State.DISCARDED: "    -     -     -      -       -     -    -         -      -          -    -",
    State.INTERRUPTED: "  x     -     x      x       -     -    x         -      x          x    x",
}
ORDER = tuple(Command)


def test_the_table_names_every_state_and_every_command() -> None:
    assert set(TABLE) == set(ALLOWED) == set(State)
    assert set(ORDER) == set(Command)


@pytest.mark.parametrize(("state", "command"), list(product(State, Command)))
def test_every_command_in_every_state_is_taken_or_refused_with_a_reason(state: State, command: Command) -> None:
    is_allowed = TABLE[state].split()[ORDER.index(command)] == "x"
    reason = why_not(state, command)
    assert (reason is None) == is_allowed
    assert is_allowed or str(reason).endswith(".")


@pytest.mark.parametrize("state", State)
def test_only_a_worker_can_be_stopped_and_only_what_has_none_can_be_started_or_removed(state: State) -> None:
    stops = {Command.PAUSE, Command.FORCE} & ALLOWED[state]
    assert not stops or state.needs_worker
    starts = {Command.START, Command.EDIT, Command.EXTEND, Command.REMOVE} & ALLOWED[state]
    assert not starts or not state.needs_worker


@pytest.mark.parametrize("state", State)
def test_what_can_be_started_is_what_a_worker_takes_up(state: State) -> None:
    assert (Command.START in ALLOWED[state]) == state.can_go_on
