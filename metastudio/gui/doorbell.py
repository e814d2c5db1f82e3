"""A second launch rings at the studio that is open, hands over what it was to open, and ends."""

from __future__ import annotations

import getpass
import hashlib
import json
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from metastudio.paths import config_folder

_PATIENCE_MS = 500
_ANSWER_MS = 5000
"""A window that is just reading something long answers late."""
_LONGEST_BYTES = 10_000


class Wish(NamedTuple):
    """What a launch asks for: a project's folder or nothing, or the sample."""

    project: str = ""
    sample: bool = False


def ring(wish: Wish) -> bool:
    """Hand a wish to the studio of this person that is open; return whether one took it."""
    socket = QLocalSocket()
    socket.connectToServer(_name())
    if not socket.waitForConnected(_PATIENCE_MS):
        return False
    socket.write(json.dumps(wish._asdict()).encode("ascii") + b"\n")
    is_taken = socket.waitForBytesWritten(_PATIENCE_MS) and socket.waitForReadyRead(_ANSWER_MS)
    socket.disconnectFromServer()
    return is_taken


class Doorbell(QObject):
    """Listens for second launches; one studio of a person does, others that were asked for go without.

    Signals:
        rung(object): a `Wish`.
    """

    rung = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connected)

    def listen(self) -> bool:
        """Begin, unless another studio listens already; return whether this one does."""
        probe = QLocalSocket()
        probe.connectToServer(_name())
        if probe.waitForConnected(_PATIENCE_MS):
            probe.disconnectFromServer()
            return False
        QLocalServer.removeServer(_name())  # what one that was killed left behind
        return self._server.listen(_name())

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    @Slot()
    def _on_connected(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(self._on_ready)
            socket.disconnected.connect(socket.deleteLater)
            if socket.canReadLine():
                self._read(socket)

    @Slot()
    def _on_ready(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > _LONGEST_BYTES:
                socket.abort()
            return
        try:
            said = json.loads(bytes(socket.readLine(_LONGEST_BYTES).data()))
            wish = Wish(str(said["project"]), bool(said["sample"]))
        except (ValueError, KeyError, TypeError):  # not one of ours
            socket.abort()
            return
        socket.write(b"taken\n")
        socket.flush()
        self.rung.emit(wish)


def _name() -> str:
    """Return the name of this person's studio: another folder of settings is another person."""
    key = f"{getpass.getuser()} {config_folder()}"
    return f"metastudio-{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
