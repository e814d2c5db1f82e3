"""The progress bar moves by itself only while nobody knows how far it is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QProgressBar

from metastudio.gui import theme
from metastudio.gui.widgets.banner import Banner
from metastudio.gui.widgets.progress_bar import ProgressBar


class Repaints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, watched: QObject) -> None:
        super().__init__()
        self.count = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        self.count += event.type() is QEvent.Type.Paint
        return super().eventFilter(watched, event)


@pytest.mark.parametrize("kind", [ProgressBar, QProgressBar], ids=["ours", "Qt's, which would not need ours"])
def test_it_is_painted_no_more_once_it_knows_that_it_is_nowhere(kind: type[QProgressBar], qtbot) -> None:
    theme.apply_theme(QApplication.instance())
    bar = kind()
    qtbot.addWidget(bar)
    bar.setRange(0, 0)
    bar.show()
    repaints = Repaints(bar)
    qtbot.waitUntil(lambda: repaints.count > 3)
    bar.setRange(0, 10)
    bar.setValue(0)
    qtbot.wait(200)
    repaints.count = 0
    qtbot.wait(500)
    assert (repaints.count == 0) == (kind is ProgressBar)
    bar.setRange(0, 0)
    qtbot.waitUntil(lambda: repaints.count > 3)


def test_a_banner_says_the_same_again_without_being_made_anew(qtbot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_text("It stopped.", "error", button="Try again")
    banner.button.hide()  # where nothing may be asked
    banner.show_text("It stopped.", "error", button="Try again")
    assert not banner.button.isHidden()
    banner.show_text("")
    assert banner.isHidden()
    banner.show_text("It stopped.", "warning")
    assert (banner.text(), banner.property("severity"), banner.button.isHidden()) == ("It stopped.", "warning", True)
