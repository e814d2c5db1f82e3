"""What the network sees of a picture: before and after, with the settings between them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QGridLayout, QHBoxLayout, QWidget

from metastudio.catalog.data_spec import DataSpec, Preprocessing
from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.forms.wording import plain, translated
from metastudio.gui.models.thumbnail_cache import shared_thumbnails
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.spin_box import spin_box
from metastudio.gui.widgets.thumbnail_view import paint_thumbnail

_PREVIEW_PX = 72
_DECODE_AFTER_MS = 120


class _Picture(QWidget):
    """One of the two pictures: a file as it is, or pixels as they are, each seen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.path = ""
        self.pixels: QPixmap | None = None
        self.setFixedSize(_PREVIEW_PX, _PREVIEW_PX)
        self.setAccessibleName(name)
        self.setToolTip(name)
        shared_thumbnails().loaded.connect(self._on_thumbnails_loaded)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self.rect()
        if self.pixels is not None:  # no smoothing: these are the network's own pixels
            target = QRect(0, 0, 0, 0)
            target.setSize(self.pixels.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio))
            target.moveCenter(area.center())
            painter.drawPixmap(target, self.pixels)
        elif self.path:
            paint_thumbnail(painter, area, self.path, shared_thumbnails())
        painter.setPen(QPen(theme.colour("hairline"), 1))
        painter.drawRect(area.adjusted(0, 0, -1, -1))

    @Slot(object)
    def _on_thumbnails_loaded(self, paths: frozenset[str]) -> None:
        if self.path in paths:
            self.update()


class PreprocessingPanel(QFrame):
    """Shows and changes how pictures are brought to the network.

    Signals:
        preprocessing_edited(object): the person chose another `Preprocessing`.
        rotations_edited(bool): the person wants rotations as classes, or no longer.
    """

    preprocessing_edited = Signal(object)
    rotations_edited = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._value = Preprocessing()
        self._path = ""
        self._is_showing = False
        self._task: BackgroundTask | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DECODE_AFTER_MS)
        self._timer.timeout.connect(self._on_decode_due)

        self._before = _Picture(self.tr("The picture as it is"))
        self._after = _Picture(self.tr("What the network sees of it"))
        arrow = label("→", "quiet")
        self._caption = label("", "caption")
        self._size = spin_box(8, 512, suffix=" px")
        self._colour = _combo(("grey", "colour"))
        self._fit = _combo(("crop", "pad", "stretch"))
        calm_wheel(self._colour, self._fit)
        self._invert = QCheckBox(self.tr("invert brightness"))
        self._rotations = QCheckBox(self.tr("rotations as classes"))
        for name, widget in {
            "image_size": self._size,
            "colour": self._colour,
            "fit": self._fit,
            "invert": self._invert,
        }.items():
            _explain(widget, Preprocessing.model_fields[name])
        _explain(self._rotations, DataSpec.model_fields["rotations_as_classes"])

        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GAP)
        grid.setVerticalSpacing(theme.TIGHT)
        grid.addWidget(label(self.tr("What the network sees"), "section"), 0, 0, 1, 5)
        grid.addWidget(self._size, 1, 0)
        grid.addWidget(self._colour, 1, 1)
        grid.addWidget(self._fit, 1, 2)
        checks = QHBoxLayout()
        checks.setSpacing(theme.GROUP)
        checks.addWidget(self._invert)
        checks.addWidget(self._rotations)
        checks.addStretch(1)
        grid.addLayout(checks, 2, 0, 1, 4)
        grid.setColumnStretch(3, 1)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        line.setSpacing(theme.GAP)
        line.addWidget(self._before)
        line.addWidget(arrow)
        line.addWidget(self._after)
        line.addSpacing(theme.GAP)
        line.addLayout(grid, 1)

        self._size.valueChanged.connect(self._on_edited)
        self._colour.currentIndexChanged.connect(self._on_edited)
        self._fit.currentIndexChanged.connect(self._on_edited)
        self._invert.toggled.connect(self._on_edited)
        self._rotations.toggled.connect(self._on_rotations_toggled)

    def set_value(self, value: Preprocessing, *, rotations_as_classes: bool) -> None:
        """Show settings, without telling anyone."""
        self._is_showing = True
        self._size.setValue(value.image_size)
        self._colour.setCurrentIndex(self._colour.findData(value.colour))
        self._fit.setCurrentIndex(self._fit.findData(value.fit))
        self._invert.setChecked(value.invert)
        self._rotations.setChecked(rotations_as_classes)
        self._is_showing = False
        if value != self._value:
            self._value = value
            self._timer.start()

    def set_path(self, path: str) -> None:
        """Show what becomes of this file; an empty path shows nothing."""
        if path != self._path:
            self._path = path
            self._before.path = path
            self._before.update()
            self._timer.start()

    def shut_down(self) -> None:
        """Stop the decoding that may be under way."""
        self._timer.stop()
        self._end_task()

    @Slot()
    def _on_edited(self) -> None:
        if self._is_showing:
            return
        edited = Preprocessing(
            image_size=self._size.value(),
            colour=self._colour.currentData(),
            fit=self._fit.currentData(),
            invert=self._invert.isChecked(),
        )
        self.preprocessing_edited.emit(edited)

    @Slot(bool)
    def _on_rotations_toggled(self, is_on: bool) -> None:
        if not self._is_showing:
            self.rotations_edited.emit(is_on)

    @Slot()
    def _on_decode_due(self) -> None:
        if self._task is not None:
            self._timer.start()
            return
        if not self._path:
            self._show_pixels(None)
            return
        path, value = self._path, self._value
        self._task = BackgroundTask(lambda _tell, _stop: _decoded(path, value), self)
        self._task.succeeded.connect(self._on_decoded)
        self._task.failed.connect(self._on_decode_failed)
        self._task.start()

    def _end_task(self) -> None:
        if self._task is not None:
            self._task.close()
            self._task.deleteLater()
            self._task = None

    @Slot(object)
    def _on_decoded(self, image: QImage) -> None:
        self._end_task()
        self._show_pixels(QPixmap.fromImage(image))

    @Slot(object)
    def _on_decode_failed(self, error: Exception) -> None:
        self._end_task()
        self._show_pixels(None)
        self._after.setToolTip(str(error) if isinstance(error, MetaStudioError) else type(error).__name__)

    def _show_pixels(self, pixels: QPixmap | None) -> None:
        self._after.pixels = pixels
        self._after.setToolTip(self.tr("What the network sees of it"))
        self._after.update()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _PREVIEW_PX + 2 * theme.GAP)


def _decoded(path: str, preprocessing: Preprocessing) -> QImage:
    """Return the network's picture, inverted where that is wanted."""
    from metastudio.images.decoding import decode  # noqa: PLC0415 - Pillow loads beside the window

    pixels = decode(path, preprocessing)
    if preprocessing.invert:
        pixels = 255 - pixels
    height, width, channels = pixels.shape
    kind = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    return QImage(pixels.tobytes(), width, height, channels * width, kind).copy()


def _combo(words: tuple[str, ...]) -> QComboBox:
    combo = QComboBox()
    for word in words:
        combo.addItem(plain(word), word)
    return combo


def _explain(widget: QWidget, field: Any) -> None:
    widget.setToolTip(translated(field.description))
    widget.setAccessibleName(translated(field.title))
