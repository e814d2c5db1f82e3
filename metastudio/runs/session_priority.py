"""The priority of a whole session, which counts on Linux before that of its processes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

_TRIES = 5
_APART_S = 0.1
"""The kernel takes one such change in this time, of all that are made."""


def lower_session_priority(niceness: int, pid: int | str = "self") -> None:
    """Let the session that `pid` leads go after others, as its processes do; nothing where sessions are no groups."""
    if sys.platform != "linux" or niceness <= 0:
        return
    for _ in range(_TRIES):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")
        except BlockingIOError:
            time.sleep(_APART_S)
        except OSError:  # it ended already, we may not, or there are no such groups
            return
        else:
            return
