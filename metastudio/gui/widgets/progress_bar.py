"""The one progress bar of the studio."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QProgressBar


class ProgressBar(QProgressBar):
    """Moves by itself only while nobody knows how far it is.

    Under a style sheet Qt goes on with that animation while the bar stands at nothing, as it does for the first minutes
    of a long run: thirty times a second it painted the bar and all that lies below.
    """

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.StyleAnimationUpdate and self.maximum() > self.minimum():
            return False  # an animation whose event is not taken ends
        return super().event(event)
