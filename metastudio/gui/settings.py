"""What the studio remembers between two starts: an ini file in the configuration folder."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from metastudio.gui.theme import Mode
from metastudio.paths import config_folder

_MODES: tuple[Mode, ...] = ("system", "light", "dark")


class StudioSettings:
    """Typed doors to the file; what is missing or spoilt there reads as its default.

    Attributes:
        kept_aside: Where the old file lies now, if it could not be read as a whole; None where all was well.
    """

    def __init__(self, path: Path | None = None) -> None:
        path = path or config_folder() / "studio.ini"
        self._file = QSettings(str(path), QSettings.Format.IniFormat)
        self._file.allKeys()  # sections are read when they are asked for
        self.kept_aside = self._keep_aside(path) if self._file.status() is QSettings.Status.FormatError else None

    def _keep_aside(self, path: Path) -> Path | None:
        """Copy a file that cannot be read beside itself, and begin anew; one that cannot be copied is left as it is."""
        copy = path.with_name(f"{path.name}.bad-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            shutil.copyfile(path, copy)
        except OSError:
            return None
        self._file.clear()
        return copy

    @property
    def theme_mode(self) -> Mode:
        """Light, dark, or as the desktop has it."""
        value = self._file.value("look/theme", "system")
        return value if value in _MODES else "system"

    @theme_mode.setter
    def theme_mode(self, mode: Mode) -> None:
        self._file.setValue("look/theme", mode)

    @property
    def font_scale(self) -> float:
        """How much larger than normal letters are."""
        return self.number("look/font_scale", 1.0, low=0.8, high=1.6)

    @font_scale.setter
    def font_scale(self, scale: float) -> None:
        self._file.setValue("look/font_scale", scale)

    @property
    def geometry(self) -> QByteArray:
        """Where the window was; empty at the first start."""
        value = self._file.value("window/geometry", QByteArray())
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._file.setValue("window/geometry", geometry)

    @property
    def last_project(self) -> str:
        """The folder of the project that was open, or nothing."""
        return str(self._file.value("project/last", "") or "")

    @last_project.setter
    def last_project(self, folder: str) -> None:
        self._file.setValue("project/last", folder)

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """Return a number of one's own, within its bounds."""
        try:
            value = float(self._file.value(key, default))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return default
        return min(high, max(low, value)) if value == value else default  # noqa: PLR0124

    def flag(self, key: str, default: bool) -> bool:
        """Return a yes or no of one's own."""
        value = self._file.value(key, default)
        return value if isinstance(value, bool) else str(value).lower() == "true"

    def text(self, key: str, default: str) -> str:
        """Return some words of one's own."""
        value = self._file.value(key, default)
        return value if isinstance(value, str) else default

    def keep(self, key: str, value: float | bool | str) -> None:
        """Keep a value for `number`, `flag` and `text`."""
        self._file.setValue(key, value)

    def sync(self) -> None:
        """Write the file now."""
        self._file.sync()
