"""What a person does to the window: drags files over it and lets go, clicks, types, chooses from a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QScrollArea, QSpinBox, QWidget
from unit.gui.drops import files_mime

from metastudio.gui.forms.experiment_form import ExperimentForm
from metastudio.gui.main_window import MainWindow
from metastudio.gui.pages.page import Page

_LEFT, _PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
_ACTIONS = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction


def open_page(window: MainWindow, key: str) -> Page:
    """Press the page's button in the rail."""
    click(window._rail._buttons[key])
    assert window.current_page.key == key
    return window.current_page


def drop_files(target: QWidget, paths: Sequence[Path | str]) -> None:
    """Drag files onto a widget and let go there."""
    with dragged(target, files_mime(paths)):
        pass


@contextmanager
def dragged(target: QWidget, mime: QMimeData) -> Iterator[None]:
    """Drag something in at the window's edge, move it onto a widget, and let go there after the body.

    The events go to the window, as those of a desktop do: Qt finds the widget below the pointer and what takes drops
    around it, so that a widget that is hidden, covered or deaf to drops gets nothing.
    """
    bring_into_sight(target)
    window = target.window()
    place = target.mapTo(window, target.rect().center())
    below = window.childAt(place)
    assert below is target or target.isAncestorOf(below), f"{target} is covered by {below}"
    handle = window.windowHandle()
    edge, beside = QPoint(2, 2), place + QPoint(1, 1)
    events = [QDragEnterEvent(edge, _ACTIONS, mime, _LEFT, _PLAIN)]
    events += [QDragMoveEvent(each, _ACTIONS, mime, _LEFT, _PLAIN) for each in (place, beside)]
    answer = Qt.DropAction.IgnoreAction
    for event in events:
        event.setAccepted(answer != Qt.DropAction.IgnoreAction)  # Qt repeats the last answer: widgets need not
        if event.isAccepted():
            event.setDropAction(answer)
        QCoreApplication.sendEvent(handle, event)
        answer = event.dropAction() if event.isAccepted() else Qt.DropAction.IgnoreAction
    assert answer == Qt.DropAction.CopyAction, f"nothing at {target} takes this"
    yield
    drop = QDropEvent(QPointF(beside), _ACTIONS, mime, _LEFT, _PLAIN)
    QCoreApplication.sendEvent(handle, drop)
    assert drop.isAccepted()


def bring_into_sight(widget: QWidget) -> None:
    """Scroll every area around a widget until it is seen."""
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            QCoreApplication.processEvents()  # what was added a moment ago has no place yet
            around.ensureWidgetVisible(widget)
        around = around.parentWidget()


def click(button: QAbstractButton) -> None:
    """Press a button that is seen and enabled."""
    bring_into_sight(button)
    assert button.isVisible(), f"{button.text()} is not seen"
    assert button.isEnabled(), f"{button.text()} cannot be pressed: {button.toolTip()}"
    QTest.mouseClick(button, _LEFT, _PLAIN, QPoint(12, button.height() // 2))


def choose(box: QComboBox, value: object) -> None:
    """Open a list and take the line with this value by the keyboard."""
    box.setFocus()
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(box.findData(value), 0))
    QTest.keyClick(box.view(), Qt.Key.Key_Return)


def type_number(spin: QSpinBox, number: int) -> None:
    """Write a number in place of the one that stands there, and leave the field."""
    bring_into_sight(spin)
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, str(number))
    QTest.keyClick(spin, Qt.Key.Key_Tab)


def fill_in(form: ExperimentForm, name: str, number: int) -> None:
    """Find an option in the form, unfolding what hides it, and write its value."""
    field = form.reveal(name)
    assert field is not None, f"the form does not have {name}"
    assert field.isVisible()
    type_number(field.editor, number)
    assert field.value() == number
