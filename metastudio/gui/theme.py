"""How the program looks: measures, the two palettes, fonts, and the colours of runs and classes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from metastudio.paths import resources_folder

Mode = Literal["system", "light", "dark"]

TIGHT = 4
"""Pixels between things inside one control group."""
GAP = 8
"""Pixels between controls."""
GROUP = 16
"""Pixels between groups."""
EDGE = 24
"""Pixels at a page's edge."""
CONTROL_HEIGHT = 28
PRIMARY_HEIGHT = 36
RADIUS = 6

TITLE_PX, SECTION_PX, TEXT_PX, CAPTION_PX = 20, 14, 13, 11
_LARGE_SYSTEM_FONT_PX = 16

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Colours of runs and classes, safe for the colour-blind, by index."""


@dataclass(frozen=True)
class Tokens:
    """The colours of one palette; `good`, `warning` and `bad` never stand alone: an icon or a word goes with them."""

    mode: str
    page: str
    panel: str
    raised: str
    ink: str
    quiet: str
    hairline: str
    accent: str
    accent_hover: str
    on_accent: str
    good: str
    warning: str
    bad: str
    hover: str
    pressed: str
    selection: str
    disabled: str
    scroll: str


LIGHT = Tokens(
    mode="light",
    page="#f7f7f8",
    panel="#ffffff",
    raised="#ffffff",
    ink="#1d1f23",
    quiet="#5d636d",
    hairline="#dfe1e5",
    accent="#2f6fde",
    accent_hover="#265fc4",
    on_accent="#ffffff",
    good="#1a7f4b",
    warning="#a15c00",
    bad="#c0342b",
    hover="#eeeff1",
    pressed="#e4e6ea",
    selection="#e1ebfb",
    disabled="#9a9fa8",
    scroll="#c6c9cf",
)
DARK = Tokens(
    mode="dark",
    page="#1b1c1f",
    panel="#232428",
    raised="#2b2d31",
    ink="#e8e9eb",
    quiet="#a0a5ae",
    hairline="#3a3d43",
    accent="#6ea2ff",
    accent_hover="#8ab4ff",
    on_accent="#14181f",
    good="#58c48b",
    warning="#e2a03f",
    bad="#ff7b72",
    hover="#2f3136",
    pressed="#383b41",
    selection="#2c3d5c",
    disabled="#6b7079",
    scroll="#4b4f57",
)


_fonts: dict[tuple[int, bool, bool], QFont] = {}
"""What `font` has made since `apply_theme`: rows that scroll by ask for it hundreds of times a second."""
_in_use: list[Tokens] = []
"""What `apply_theme` took last; the palette answers before, and says the same more slowly."""


def tokens() -> Tokens:
    """Return the colours now in use; widgets that paint ask each time, and repaint on `QEvent.PaletteChange`."""
    if _in_use:
        return _in_use[-1]
    return DARK if QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def colour(name: str) -> QColor:
    """Return the colour now in use for a token's name, as ``"quiet"``."""
    return QColor(getattr(tokens(), name))


def series_colour(index: int) -> QColor:
    """Return the colour of the run or class number `index`; black becomes white in the dark."""
    text = OKABE_ITO[index % len(OKABE_ITO)]
    return QColor("#ffffff" if text == "#000000" and tokens() is DARK else text)


def series_dash(index: int) -> Qt.PenStyle:
    """Return the line style of number `index`: solid for the first eight, then dashes with the same colours."""
    styles = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
    return styles[index // len(OKABE_ITO) % len(styles)]


def translucent(base: QColor, share: float) -> QColor:
    """Return `base` with an opacity in [0, 1]."""
    made = QColor(base)
    made.setAlphaF(share)
    return made


def faint(base: QColor, share: float) -> QColor:
    """Return how `base` with an opacity in [0, 1] looks on a panel: drawn without blending, in half the time."""
    ground = colour("panel")
    parts = zip(base.getRgb()[:3], ground.getRgb()[:3], strict=True)
    return QColor(*(round(share * own + (1 - share) * other) for own, other in parts))


def scaled_px(px: int) -> int:
    """Return a font size in pixels at the person's font scale."""
    return round(px * QApplication.font().pixelSize() / TEXT_PX) if QApplication.font().pixelSize() > 0 else px


def font(px: int = TEXT_PX, *, is_semibold: bool = False, is_tabular: bool = False) -> QFont:
    """Return the system's font at one of the four sizes; `is_tabular` gives every digit the same width."""
    key = px, is_semibold, is_tabular
    if key not in _fonts:
        _fonts[key] = _made_font(px, is_semibold, is_tabular)
    return QFont(_fonts[key])


def _made_font(px: int, is_semibold: bool, is_tabular: bool) -> QFont:
    made = QFont(QApplication.font())
    made.setPixelSize(scaled_px(px))
    if is_semibold:
        made.setWeight(QFont.Weight.DemiBold)
    if is_tabular:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget its look from the sheet: title, section, caption, quiet, primary, danger, link, panel and so on."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    repolish(widget)


def set_invalid(widget: QWidget, is_invalid: bool) -> None:
    """Draw an editor's border in the colour of what is wrong, or no longer."""
    widget.setProperty("invalid", is_invalid)
    repolish(widget)


def repolish(widget: QWidget) -> None:
    """Let the sheet look again at a widget whose properties changed."""
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


@lru_cache(maxsize=1)
def _sheet() -> Template:
    return Template((resources_folder() / "themes" / "studio.qss").read_text(encoding="utf-8"))


def palette_of(colours: Tokens) -> QPalette:
    """Return the Qt palette of one of ours; nothing is inherited from the desktop."""
    palette = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for which, value in {
        role.Window: colours.page,
        role.WindowText: colours.ink,
        role.Base: colours.panel,
        role.AlternateBase: colours.page,
        role.Text: colours.ink,
        role.PlaceholderText: colours.quiet,
        role.Button: colours.raised,
        role.ButtonText: colours.ink,
        role.BrightText: colours.bad,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.ink,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Link: colours.accent,
        role.LinkVisited: colours.accent,
        role.Light: colours.raised,
        role.Midlight: colours.hairline,
        role.Mid: colours.hairline,
        role.Dark: colours.quiet,
        role.Shadow: colours.hairline,
        role.Accent: colours.accent,
    }.items():
        palette.setColor(which, QColor(value))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, which, QColor(colours.disabled))
    return palette


def apply_theme(app: QApplication, mode: Mode = "system", *, font_scale: float = 1.0) -> None:
    """Dress the whole program; `mode` "system" follows the desktop."""
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    system_is_dark = app.styleHints().colorScheme() == Qt.ColorScheme.Dark
    is_dark = system_is_dark if mode == "system" else mode == "dark"
    colours = DARK if is_dark else LIGHT
    base = app.font()
    base.setPixelSize(max(9, round(TEXT_PX * font_scale)))
    app.setFont(base)
    _fonts.clear()
    _in_use[:] = [colours]
    app.setPalette(palette_of(colours))
    sizes = {"title_px": TITLE_PX, "section_px": SECTION_PX, "text_px": TEXT_PX, "caption_px": CAPTION_PX}
    places = asdict(colours) | {name: str(max(9, round(px * font_scale))) for name, px in sizes.items()}
    places["folder"] = (resources_folder() / "themes").as_posix()
    app.setStyleSheet(_sheet().substitute(places))


class Appearance(QObject):
    """Keeps the program dressed as the person wants, and follows the desktop where they leave it to it.

    Signals:
        changed(): colours or sizes are others; widgets that cache colours take them anew.
    """

    changed = Signal()

    def __init__(self, app: QApplication, *, mode: Mode = "system", font_scale: float = 1.0) -> None:
        super().__init__(app)
        self._app = app
        system_px = QFontInfo(app.font()).pixelSize()
        self._system_scale = max(1.0, system_px / _LARGE_SYSTEM_FONT_PX)  # someone who needs large letters has set them
        self._mode: Mode = mode
        self._font_scale = font_scale
        app.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)
        self._apply()

    @property
    def mode(self) -> Mode:
        """What the person chose."""
        return self._mode

    @property
    def font_scale(self) -> float:
        """How much larger than normal the person wants letters."""
        return self._font_scale

    def set_mode(self, mode: Mode) -> None:
        """Change to light, dark, or whatever the desktop has."""
        if mode != self._mode:
            self._mode = mode
            self._apply()

    def set_font_scale(self, scale: float) -> None:
        """Change the size of all letters, between 0.8 and 1.6."""
        bounded = min(1.6, max(0.8, scale))
        if bounded != self._font_scale:  # dressing the program anew touches every widget
            self._font_scale = bounded
            self._apply()

    def _apply(self) -> None:
        apply_theme(self._app, self._mode, font_scale=self._font_scale * self._system_scale)
        self.changed.emit()

    @Slot()
    def _on_scheme_changed(self) -> None:
        if self._mode == "system":
            self._apply()
