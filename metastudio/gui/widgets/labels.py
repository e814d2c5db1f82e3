"""Labels of the four sizes, one that wraps at any width, one that shortens, and lines between things."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from metastudio.gui import theme


def label(text: str = "", role: str = "", parent: QWidget | None = None) -> QLabel:
    """Return a label of plain text; `role` is title, section, caption, quiet, good, warning, bad, or nothing."""
    made = QLabel(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        theme.set_role(made, role)
    return made


def hairline(parent: QWidget | None = None) -> QFrame:
    """Return a line across, one pixel high."""
    made = QFrame(parent)
    theme.set_role(made, "hairline")
    return made


class WrappingLabel(QLabel):
    """A label that wraps and always has the height that its text needs, in any layout."""

    def __init__(self, text: str = "", role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        if role:
            theme.set_role(self, role)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(40, super().minimumSizeHint().height())

    def _fit(self) -> None:
        if self.width() > 0:
            self.setMinimumHeight(0)  # a label never answers with less than its minimum
            self.setMinimumHeight(max(0, self.heightForWidth(self.width())))


class ElidedLabel(QLabel):
    """A label of one line that shortens its text where there is no room, and shows all of it as a tooltip."""

    def __init__(
        self,
        text: str = "",
        role: str = "",
        parent: QWidget | None = None,
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(parent)
        self._full = ""
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if role:
            theme.set_role(self, role)
        self.setText(text)

    def full_text(self) -> str:
        """Return the text as it was given."""
        return self._full

    def setText(self, text: str) -> None:
        self._full = text
        self._shorten()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._full) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        shown = self._shortened(max(0, self.contentsRect().width()))
        super().setText(shown)
        self.setToolTip(self._full if shown != self._full else "")

    def _shortened(self, width_px: int) -> str:
        return self.fontMetrics().elidedText(self._full, self._mode, width_px)


class ClassNameLabel(ElidedLabel):
    """Shows the name of a class, shortened so that what tells it from others stays."""

    def _shortened(self, width_px: int) -> str:
        return elided_class_name(self._full, self.fontMetrics(), width_px)


def elided_class_name(name: str, metrics: QFontMetrics, width_px: int) -> str:
    """Return a class's name at most so wide.

    Of ``all/alphabet/character01`` the outer folders go first (``…/alphabet/character01``), then the alphabet is
    shortened.
    """
    if metrics.horizontalAdvance(name) <= width_px:
        return name
    *groups, short = name.split("/")
    while len(groups) > 1:
        groups = ["…", *groups[2:]] if groups[0] == "…" else ["…", *groups[1:]]
        if metrics.horizontalAdvance("/".join((*groups, short))) <= width_px:
            return "/".join((*groups, short))
        if len(groups) == 2:
            break
    group = groups[-1] if groups else ""
    room = width_px - metrics.horizontalAdvance("/" + short)
    if group and room >= metrics.horizontalAdvance("M…"):
        return metrics.elidedText(group, Qt.TextElideMode.ElideRight, room) + "/" + short
    return metrics.elidedText(name, Qt.TextElideMode.ElideLeft if group else Qt.TextElideMode.ElideMiddle, width_px)
