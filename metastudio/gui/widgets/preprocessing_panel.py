"""What the network sees of a picture: before and after, with the settings between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtGui import QImage, QTransform
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QGridLayout, QHBoxLayout, QWidget

from metastudio.catalog.data_spec import DataSpec, Preprocessing
from metastudio.gui import theme
from metastudio.gui.documents.picture_preview import PicturePreview, SeenPicture
from metastudio.gui.forms.wording import plain, translated
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.labels import ElidedLabel, label
from metastudio.gui.widgets.small_picture import SmallPicture
from metastudio.gui.widgets.spin_box import spin_box
from metastudio.runs.questions import AskPreview

if TYPE_CHECKING:
    from metastudio.jobs.session_thread import SessionThread

_PICTURE_PX = 72
_TURNED_PX = 34
_TURNS = 4


class PreprocessingPanel(QFrame):
    """Shows and changes how pictures are brought to the network; what it sees of one, the engine says.

    Signals:
        preprocessing_edited(object): the person chose another `Preprocessing`.
        normalization_chosen(str): the person chose a normalisation, the same one again too; "given" wants the pictures
            to learn from measured.
        rotations_edited(bool): the person wants rotations as classes, or no longer.
    """

    preprocessing_edited = Signal(object)
    normalization_chosen = Signal(str)
    rotations_edited = Signal(bool)

    def __init__(self, session: SessionThread, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "panel")
        self._value = Preprocessing()
        self._path = ""
        self._is_showing = False
        self._is_measuring = False
        self._preview = PicturePreview(session, self)
        self._preview.answered.connect(self._on_answered)
        self._preview.failed.connect(self._on_failed)
        self._preview.waited.connect(self._on_waited)

        self._before = SmallPicture(self.tr("The picture as it is"), _PICTURE_PX)
        self._after = SmallPicture(self.tr("What the network sees of it"), _PICTURE_PX)
        self._turned = [
            SmallPicture(self.tr("Another class: turned by {degrees}°").format(degrees=90 * turns), _TURNED_PX)
            for turns in range(1, _TURNS)
        ]
        self.about = ElidedLabel("", "caption")
        self.class_count = label("", "caption")
        self._size = spin_box(8, 512, suffix=" px")
        self._colour = _combo(("grey", "colour"))
        self._fit = _combo(("crop", "pad", "stretch"))
        self._normalization = QComboBox()
        for word, text in {
            "none": self.tr("0 to 1"),
            "symmetric": self.tr("−1 to 1"),
            "imagenet": self.tr("as ImageNet"),
            "given": self.tr("own mean"),
        }.items():
            self._normalization.addItem(text, word)
        for combo in (self._colour, self._fit, self._normalization):
            combo.setMinimumWidth(combo.sizeHint().width())
        calm_wheel(self._colour, self._fit, self._normalization)
        self._invert = QCheckBox(self.tr("invert brightness"))
        self._rotations = QCheckBox(self.tr("rotations as classes"))
        for name, widget in {
            "image_size": self._size,
            "colour": self._colour,
            "fit": self._fit,
            "invert": self._invert,
        }.items():
            _explain(widget, Preprocessing.model_fields[name])
        self._normalization.setAccessibleName(translated(Preprocessing.model_fields["normalization"].title or ""))
        self._explain_normalization()
        _explain(self._rotations, DataSpec.model_fields["rotations_as_classes"])
        self._lay_out()

        self._size.valueChanged.connect(self._on_edited)
        self._colour.currentIndexChanged.connect(self._on_edited)
        self._fit.currentIndexChanged.connect(self._on_edited)
        self._invert.toggled.connect(self._on_edited)
        self._normalization.activated.connect(self._on_normalization_chosen)
        self._rotations.toggled.connect(self._on_rotations_toggled)

    def _lay_out(self) -> None:
        heading = QHBoxLayout()
        heading.setSpacing(theme.GROUP)
        heading.addWidget(label(self.tr("What the network sees"), "section"))
        heading.addWidget(self.about, 1)
        choices = QHBoxLayout()
        choices.setSpacing(theme.GAP)
        for widget in (self._size, self._colour, self._fit, self._normalization):
            choices.addWidget(widget)
        choices.addStretch(1)
        checks = QHBoxLayout()
        checks.setSpacing(theme.GAP)
        for widget in (self._invert, self._rotations):
            checks.addWidget(widget)
        checks.addWidget(self.class_count)
        checks.addStretch(1)
        rows = QGridLayout()
        rows.setVerticalSpacing(theme.TIGHT)
        rows.addLayout(heading, 0, 0)
        rows.addLayout(choices, 1, 0)
        rows.addLayout(checks, 2, 0)
        turned = QGridLayout()
        turned.setSpacing(theme.TIGHT)
        for place, picture in enumerate(self._turned):
            turned.addWidget(picture, place % 2, place // 2)
            picture.setVisible(False)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, theme.GAP, 12, theme.GAP)
        line.setSpacing(theme.GAP)
        line.addWidget(self._before)
        line.addWidget(label("→", "quiet"))
        line.addWidget(self._after)
        line.addLayout(turned)
        line.addSpacing(theme.GAP)
        line.addLayout(rows, 1)

    def set_value(self, value: Preprocessing, *, rotations_as_classes: bool) -> None:
        """Show settings, without telling anyone."""
        self._is_showing = True
        self._size.setValue(value.image_size)
        self._colour.setCurrentIndex(self._colour.findData(value.colour))
        self._fit.setCurrentIndex(self._fit.findData(value.fit))
        self._invert.setChecked(value.invert)
        shown = "given" if self._is_measuring else value.normalization
        self._normalization.setCurrentIndex(self._normalization.findData(shown))
        self._rotations.setChecked(rotations_as_classes)
        self._is_showing = False
        for picture in self._turned:
            picture.setVisible(rotations_as_classes)
        if value != self._value:
            self._value = value
            self._explain_normalization()
            self._ask()

    def set_measuring(self, is_measuring: bool) -> None:
        """Show that the pictures to learn from are being measured, or what is chosen otherwise."""
        if is_measuring != self._is_measuring:
            self._is_measuring = is_measuring
            self._ask()
        self.set_value(self._value, rotations_as_classes=self._rotations.isChecked())
        if is_measuring:
            self.about.setText(self.tr("Measuring the pictures to learn from…"))

    def set_train_classes(self, count: int) -> None:
        """Say what rotations as classes make of so many classes to learn from."""
        turned = f"{count:,} → {_TURNS * count:,}" if count else ""
        about = self.tr("Classes to learn from: {counts}").format(counts=turned) if turned else ""
        explained = translated(DataSpec.model_fields["rotations_as_classes"].description or "")
        self._rotations.setToolTip("\n".join(filter(None, (explained, about))))
        self.class_count.setText(turned if self._rotations.isChecked() else "")
        self.class_count.setToolTip(about)

    def set_path(self, path: str) -> None:
        """Show what becomes of this file; an empty path shows nothing."""
        if path != self._path:
            self._path = path
            self._before.set_path(path)
            self._ask()

    def shut_down(self) -> None:
        """Want no more answers."""
        self._preview.cancel()

    def _ask(self) -> None:
        if self._path:
            self._preview.ask(AskPreview(file=self._path, preprocessing=self._value))
        else:
            self._preview.cancel()
            self._show_image(None)
            self.about.setText("")

    @Slot()
    def _on_edited(self) -> None:
        if self._is_showing:
            return
        edited = self._value.changed(
            image_size=self._size.value(),
            colour=self._colour.currentData(),
            fit=self._fit.currentData(),
            invert=self._invert.isChecked(),
        )
        self.preprocessing_edited.emit(edited)

    @Slot()
    def _on_normalization_chosen(self) -> None:
        self.normalization_chosen.emit(self._normalization.currentData())

    @Slot(bool)
    def _on_rotations_toggled(self, is_on: bool) -> None:
        if not self._is_showing:
            self.rotations_edited.emit(is_on)

    def _explain_normalization(self) -> None:
        lines = [
            translated(Preprocessing.model_fields["normalization"].description or ""),
            self.tr("“own mean” measures mean and deviation of the pictures to learn from, whenever it is chosen."),
        ]
        if self._value.moments is not None:
            mean, deviation = (", ".join(f"{each:g}" for each in numbers) for numbers in self._value.moments)
            lines.append(self.tr("Mean {mean}; deviation {deviation}.").format(mean=mean, deviation=deviation))
        self._normalization.setToolTip("\n".join(lines))

    @Slot(object)
    def _on_answered(self, seen: SeenPicture) -> None:
        self._show_image(seen.pictures[0])
        if self._is_measuring:
            return
        used = seen.question.preprocessing
        lowest, highest = used.input_range
        about = self.tr(
            "{side} × {side}, {colour}, numbers from {lowest} to {highest}; of this picture {least} to {most}"
        )
        fields = {"lowest": f"{lowest:.3g}", "highest": f"{highest:.3g}"}
        fields |= {"least": f"{seen.least:.2f}", "most": f"{seen.most:.2f}"}
        fields = {name: number.replace("-", "−") for name, number in fields.items()}
        self.about.setText(about.format(side=used.image_size, colour=plain(used.colour), **fields))

    @Slot(object)
    def _on_failed(self, reason: str) -> None:
        self._show_image(None)
        self.about.setText(f"⚠ {reason}")

    @Slot()
    def _on_waited(self) -> None:
        if not self._is_measuring:
            self.about.setText(self.tr("Waiting for the engine…"))

    def _show_image(self, image: QImage | None) -> None:
        self._after.set_image(image)
        for turns, picture in enumerate(self._turned, start=1):  # counter-clockwise, as the engine turns them
            picture.set_image(None if image is None else image.transformed(QTransform().rotate(-90 * turns)))

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _PICTURE_PX + 2 * theme.GAP)


def _combo(words: tuple[str, ...]) -> QComboBox:
    combo = QComboBox()
    for word in words:
        combo.addItem(plain(word), word)
    return combo


def _explain(widget: QWidget, field: Any) -> None:
    widget.setToolTip(translated(field.description))
    widget.setAccessibleName(translated(field.title))
