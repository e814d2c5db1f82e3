"""The signals that ask a process to end, as far as this system has them."""

from __future__ import annotations

import signal

ENDING_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
