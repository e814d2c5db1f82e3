"""A target task in the list: its name, classes and shots, some of its pictures, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from metastudio.catalog.experiment import TargetTask
from metastudio.gui import theme
from metastudio.gui.models.shown_name import printable
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel
from metastudio.gui.widgets.thumbnail_view import Frame, paint_thumbnail

_SIDE_PX = 36
_MOST_SHOWN = 6


class _FirstPictures(QWidget):
    """One support picture of each of the first classes, in the class's colour."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[str] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        shared_thumbnails().loaded.connect(self._on_thumbnails_loaded)

    def set_task(self, task: TargetTask) -> None:
        self._paths = [next(iter(each.support), "") for each in task.classes[:_MOST_SHOWN]]
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_SIDE_PX, _SIDE_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        for number, path in enumerate(self._paths):
            area = QRect(number * (_SIDE_PX + 4), 0, _SIDE_PX, _SIDE_PX)
            if path and area.right() < self.width():
                colour = theme.series_colour(number)
                paint_thumbnail(painter, area, path, shared_thumbnails(), frame=Frame.SUPPORT, frame_colour=colour)

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        if not paths.isdisjoint(self._paths):
            self.update()


class TargetCard(QFrame):
    """One target task.

    Signals:
        edit_wanted(): the person wants to change it.
        trial_wanted(): the person wants to try it.
        card_wanted(): the person wants to save its card.
        removal_wanted(): the person wants it gone.
    """

    edit_wanted = Signal()
    trial_wanted = Signal()
    card_wanted = Signal()
    removal_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._name = ElidedLabel("", "section")
        self._about = ElidedLabel("", "caption")
        self._pictures = _FirstPictures()
        self.edit_button = QPushButton(self.tr("Edit"))
        self.edit_button.setToolTip(self.tr("Change its name, its classes and their pictures"))
        self.edit_button.clicked.connect(self.edit_wanted)
        self.try_button = QPushButton(self.tr("Try it"))
        self.try_button.clicked.connect(self.trial_wanted)
        self.card_button = QToolButton()
        self.card_button.setIcon(icon("mdi6.share-variant-outline", "quiet"))
        self.card_button.setToolTip(self.tr("Save as card…: one small file that can be shared"))
        self.card_button.clicked.connect(self.card_wanted)
        self.remove_button = QToolButton()
        self.remove_button.setIcon(icon("mdi6.close", "quiet"))
        self.remove_button.clicked.connect(self.removal_wanted)
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self._name)
        names.addWidget(self._about)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addLayout(names, 1)
        for button in (self.edit_button, self.try_button, self.card_button, self.remove_button):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, theme.GAP, theme.GAP, 12)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self._pictures)

    def show_task(self, task: TargetTask) -> None:
        """Show a task."""
        name = printable(task.name)
        self._name.setText(name)
        self._about.setText(about_task(self, task))
        self._pictures.set_task(task)
        self._pictures.setVisible(any(each.support for each in task.classes))
        is_ready = sum(bool(each.support) for each in task.classes) >= 2
        self.try_button.setEnabled(is_ready)
        self.try_button.setToolTip(
            self.tr("Adapt a trained model to this task")
            if is_ready
            else self.tr("Two classes need support pictures before a model can be adapted.")
        )
        self.setAccessibleName(self.tr("Target task {name}").format(name=name))
        self.edit_button.setAccessibleName(self.tr("Edit {name}").format(name=name))
        self.try_button.setAccessibleName(self.tr("Try {name}").format(name=name))
        self.card_button.setAccessibleName(self.tr("Save {name} as card").format(name=name))
        self.card_button.setEnabled(any((*each.support, *each.query) for each in task.classes) or bool(task.unlabelled))
        self.remove_button.setAccessibleName(self.tr("Remove {name}").format(name=name))
        self.remove_button.setToolTip(self.tr("Remove this task; the pictures stay where they are"))


def about_task(widget: QWidget, task: TargetTask) -> str:
    """Return "3 classes, 5 shots" of a task, or "2–5 shots" where classes differ."""
    shots = [len(each.support) for each in task.classes]
    classes = widget.tr("1 class") if len(shots) == 1 else widget.tr("{count} classes").format(count=len(shots))
    if not shots:
        return classes
    low, high = min(shots), max(shots)
    text = widget.tr("{low}–{high} shots") if low != high else widget.tr("{high} shots")
    if low == high == 1:
        text = widget.tr("1 shot")
    return f"{classes}, {text.format(low=low, high=high)}"
