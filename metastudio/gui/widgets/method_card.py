"""A method as a card: what it is in one sentence, its paper, what it needs and costs; grey with the reason if unfit."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from metastudio.catalog.entry import Entry
from metastudio.gui import theme
from metastudio.gui.forms.wording import translated
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel

_MARGIN_PX = 12


def paper_line(entry: Entry) -> str:
    """Return the paper in one line: first author and others, venue, year."""
    authors = entry.paper.authors.split(", ")
    who = authors[0] if len(authors) == 1 else f"{authors[0]} et al."
    return f"{who}, {entry.paper.venue} {entry.paper.year}"


def needs_of(entry: Entry) -> str:
    """Return what a method needs and costs in a few words, from its declared capabilities."""
    said = entry.capabilities
    needs = _tr("{count} or more classes").format(count=said.min_train_classes)
    if said.adapts_little:
        cost = _tr("light; many steps cost little")
    elif said.is_second_order:
        cost = _tr("most memory and time")
    elif said.has_inner_loop:
        cost = _tr("little memory; some steps for a new task")
    else:
        cost = _tr("lightest; one look at a new task")
    ways = _tr("any number of ways") if said.any_n_way else _tr("no more ways than trained with")
    return " · ".join((needs, cost, ways))


def search_text(entry: Entry) -> str:
    """Return everything a search may find a method by, in lower case."""
    paper = entry.paper
    said = (entry.name, entry.title, translated(entry.summary), paper.authors, paper.title, paper.venue, paper.year)
    return " ".join(map(str, said)).casefold()


class MethodCard(QAbstractButton):
    """One method; checked when it is chosen. Members of one `QButtonGroup` are walked with the arrow keys."""

    def __init__(self, entry: Entry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._title = WrappingLabel(entry.title)
        self._title.setFont(theme.font(is_semibold=True))
        self._summary = WrappingLabel(translated(entry.summary))
        self._paper = WrappingLabel(paper_line(entry), "caption")
        self._paper.setToolTip(f"{entry.paper.authors}. {entry.paper.title}. {entry.paper.identifier}")
        self._needs = WrappingLabel(needs_of(entry), "caption")
        self._reason_icon = QLabel()
        self._reason_icon.setPixmap(icon("mdi6.cancel", "warning").pixmap(14, 14))
        self._reason = WrappingLabel("", "warning")
        self._reason_row = QWidget()
        reason_line = QHBoxLayout(self._reason_row)
        reason_line.setContentsMargins(0, 0, 0, 0)
        reason_line.setSpacing(theme.TIGHT)
        reason_line.addWidget(self._reason_icon, 0, Qt.AlignmentFlag.AlignTop)
        reason_line.addWidget(self._reason, 1)
        self._reason_row.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN_PX, theme.GAP, _MARGIN_PX, theme.GAP)
        column.setSpacing(theme.TIGHT)
        for widget in (self._title, self._summary, self._paper, self._needs, self._reason_row):
            widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, widget is not self._paper)
            column.addWidget(widget)
        self.setAccessibleName(entry.title)
        self.set_unfit("")

    def set_unfit(self, reason: str) -> None:
        """Grey the card and say why it does not fit the data; an empty reason makes it usable again."""
        self._reason.setText(reason)
        self._reason_row.setVisible(bool(reason))
        self.setEnabled(not reason)
        self.setToolTip(reason)
        self.setAccessibleDescription(" ".join(filter(None, (reason, translated(self.entry.summary)))))
        self.updateGeometry()

    @property
    def unfit_reason(self) -> str:
        """Why it cannot be chosen; empty where it can."""
        return self._reason.text()

    def sizeHint(self) -> QSize:
        return self.layout().sizeHint()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self.layout().heightForWidth(width)

    def minimumSizeHint(self) -> QSize:
        return self.layout().minimumSize()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = "accent" if self.isChecked() or self.hasFocus() else "hairline"
        painter.setPen(QPen(theme.colour(edge), 2 if self.hasFocus() else 1))
        is_hovered = self.underMouse() and self.isEnabled()
        painter.setBrush(theme.colour("selection" if self.isChecked() else "hover" if is_hovered else "panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)

    def enterEvent(self, event) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._reason_icon.setPixmap(icon("mdi6.cancel", "warning").pixmap(14, 14))


def _tr(text: str) -> str:
    return QCoreApplication.translate("MethodCard", text)
