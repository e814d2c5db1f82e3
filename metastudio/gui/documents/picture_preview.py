"""What the network sees of a picture, asked of the engine: only the newest question counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from metastudio.errors import MetaStudioError
from metastudio.runs.questions import AskPreview, PreviewAnswer, unpacked_pixels

if TYPE_CHECKING:
    from metastudio.jobs.session_thread import SessionThread

_ASK_AFTER_MS = 120
_SAY_WAITING_AFTER_MS = 800


@dataclass(frozen=True)
class SeenPicture:
    """A picture as the network sees it, and as training changes it.

    Attributes:
        question: What was asked.
        pictures: The picture as it is, then each draw.
        least: The lowest number that the network gets of it as it is.
        most: The highest.
    """

    question: AskPreview
    pictures: tuple[QImage, ...]
    least: float
    most: float


class PicturePreview(QObject):
    """Asks the engine a little after the last change, and leaves off with whatever was asked before.

    Signals:
        answered(object): a `SeenPicture`.
        failed(object): why there is none, as a sentence.
        waited(): the answer takes its time, as when the engine starts or answers something else first.
    """

    answered = Signal(object)
    failed = Signal(object)
    waited = Signal()

    def __init__(self, session: SessionThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._question: AskPreview | None = None
        self._number = 0
        self._timer = _single_shot(self, _ASK_AFTER_MS)
        self._timer.timeout.connect(self._on_ask_due)
        self._patience = _single_shot(self, _SAY_WAITING_AFTER_MS)
        self._patience.timeout.connect(self.waited)
        session.answered.connect(self._on_session_answered)
        session.failed.connect(self._on_session_failed)

    def ask(self, question: AskPreview) -> None:
        """Want this instead of whatever was wanted before."""
        self.cancel()
        self._question = question
        self._timer.start()

    def cancel(self) -> None:
        """Want nothing any more."""
        self._timer.stop()
        self._patience.stop()
        if self._number:
            self._session.cancel(self._number)
            self._number = 0

    @Slot()
    def _on_ask_due(self) -> None:
        if self._question is not None:
            self._number = self._session.ask(self._question)
            self._patience.start()

    @Slot(object, object)
    def _on_session_answered(self, number: int, answer: BaseModel) -> None:
        if not self._number or number != self._number or not isinstance(answer, PreviewAnswer):
            return
        assert self._question is not None  # noqa: S101  # it was asked
        self._end()
        pictures = tuple(_image(text, answer.side, answer.channels) for text in answer.pictures)
        self.answered.emit(SeenPicture(self._question, pictures, answer.least, answer.most))

    @Slot(object, object)
    def _on_session_failed(self, number: int, error: MetaStudioError) -> None:
        if self._number and number == self._number:
            self._end()
            self.failed.emit(" ".join(filter(None, (str(error.what), error.why, str(error.todo)))))

    def _end(self) -> None:
        self._number = 0
        self._patience.stop()


def _image(text: str, side: int, channels: int) -> QImage:
    kind = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    return QImage(unpacked_pixels(text), side, side, channels * side, kind).copy()


def _single_shot(parent: QObject, interval_ms: int) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    return timer
