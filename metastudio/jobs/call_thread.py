"""A thread for one call that would hold up the window: reading a long history, copying a run, scanning a folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal


class CallThread(QThread):
    """Runs one call and says how it went. It has no event loop and cannot be stopped: keep the call short.

    It exists because reading and copying files must not hold up the window. Its owner keeps a reference until
    `finished`, and calls `wait()` before it goes.

    Signals:
        succeeded(object): what the call returned.
        failed(object): the exception it raised.
    """

    succeeded = Signal(object)
    failed = Signal(object)

    def __init__(self, call: Callable[[], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._call = call

    def run(self) -> None:
        try:
            result = self._call()
        except Exception as error:  # noqa: BLE001  # handed to whoever asked, in their thread
            self.failed.emit(error)
        else:
            self.succeeded.emit(result)
