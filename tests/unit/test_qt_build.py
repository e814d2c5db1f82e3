"""The Qt binding that is installed keeps its references: 6.12.0 aborts on CPython 3.11 after some hundred emits."""

import subprocess
import sys

EMIT_MANY_TIMES = """
import itertools, sys
from PySide6.QtCore import QObject, Signal

class Sender(QObject):
    toggled = Signal(bool)

heard = itertools.count()
sender = Sender()
sender.toggled.connect(lambda value: next(heard))
references = sys.getrefcount(True)
for _ in range(20_000):
    sender.toggled.emit(True)
assert next(heard) == 20_000
drift = sys.getrefcount(True) - references
assert abs(drift) < 100, drift
"""


def test_twenty_thousand_emits_of_true_lose_no_reference() -> None:
    run = subprocess.run(
        [sys.executable, "-c", EMIT_MANY_TIMES], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
