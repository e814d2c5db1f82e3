"""Icons from qtawesome's font in the colours of the theme, changing with it."""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from metastudio.gui import theme

_FILL = 0.95
"""How much of its square a glyph takes."""


@lru_cache(maxsize=1)
def _glyphs() -> tuple[str, dict[str, str]]:
    """Return the family of Material Design Icons, and the code point of each name.

    Only this one font of qtawesome's is read: importing the package loads all seven of them, which takes half as long
    as the whole window may.
    """
    spec = importlib.util.find_spec("qtawesome")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("qtawesome is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "fonts"
    font = next(folder.glob("materialdesignicons6-webfont*.ttf"))
    names = json.loads(next(folder.glob("materialdesignicons6-webfont-charmap*.json")).read_bytes())
    number = QFontDatabase.addApplicationFont(str(font))
    return QFontDatabase.applicationFontFamilies(number)[0], names


class _GlyphEngine(QIconEngine):
    """Paints one glyph, asking for its colour each time, so that a change of theme needs no new icons."""

    def __init__(self, name: str, token: str) -> None:
        super().__init__()
        self._name = name
        self._token = token

    def clone(self) -> QIconEngine:
        return _GlyphEngine(self._name, self._token)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:  # noqa: ARG002
        family, names = _glyphs()
        token = "disabled" if mode == QIcon.Mode.Disabled else self._token
        painter.save()
        painter.setPen(theme.colour(token))
        font = QFont(family)
        font.setPixelSize(max(1, round(rect.height() * _FILL)))
        painter.setFont(font)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, chr(int(names[self._name.removeprefix("mdi6.")], 16)))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        if made.isNull():  # a button squeezed to nothing asks for no pixels
            return made
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made


def icon(name: str, colour: str = "ink") -> QIcon:
    """Return one of qtawesome's Material Design icons, as ``"mdi6.play"``, in the colour of a theme's token."""
    return QIcon(_GlyphEngine(name, colour))


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
