"""Icons from qtawesome's fonts in the colours of the theme, changing with it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap

from metastudio.gui import theme

_FILL = 0.95
"""How much of its square a glyph takes."""


class _GlyphEngine(QIconEngine):
    """Paints one glyph, asking for its colour each time, so that a change of theme needs no new icons."""

    def __init__(self, name: str, token: str) -> None:
        super().__init__()
        self._name = name
        self._token = token

    def clone(self) -> QIconEngine:
        return _GlyphEngine(self._name, self._token)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:  # noqa: ARG002
        import qtawesome

        token = "disabled" if mode == QIcon.Mode.Disabled else self._token
        painter.save()
        painter.setPen(theme.colour(token))
        painter.setFont(qtawesome.font(self._name.split(".", 1)[0], round(rect.height() * _FILL)))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, qtawesome.charmap(self._name))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made


def icon(name: str, token: str = "ink") -> QIcon:
    """Return a qtawesome icon, as ``"mdi6.play"``, in the colour of a theme's token."""
    return QIcon(_GlyphEngine(name, token))


SEVERITY_ICONS = {
    "error": ("mdi6.close-circle", "bad"),
    "warning": ("mdi6.alert", "warning"),
    "note": ("mdi6.information", "quiet"),
    "good": ("mdi6.check-circle", "good"),
}
"""Icon and token for each severity of a problem, and for good news."""


def severity_icon(severity: str) -> QIcon:
    """Return the icon of a severity, or of good news (``"good"``)."""
    name, token = SEVERITY_ICONS[severity]
    return icon(name, token)
