"""The one progress bar of the studio."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QProgressBar


class ProgressBar(QProgressBar):
    """Moves by itself only while nobody knows how far it is.

    Under a style sheet Qt goes on with that animation for as long as the bar is seen: thirty times a second it paints
    everything below, which took a training job some per cent of its pace.
    """

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.StyleAnimationUpdate and self.maximum() > self.minimum():
            return False  # an animation whose event is not taken ends
        return super().event(event)
