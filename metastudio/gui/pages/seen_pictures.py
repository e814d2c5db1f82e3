"""How pictures are brought to the network, and changed in training: two panels, each choice is one undo step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.data_spec import Moments, Part, Preprocessing
from metastudio.gui import commands, theme
from metastudio.gui.documents.pixel_measuring import PixelMeasuring
from metastudio.gui.widgets.augmentation_panel import AugmentationPanel
from metastudio.gui.widgets.preprocessing_panel import PreprocessingPanel

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio


class SeenPictures(QWidget):
    """Shows one picture as the network sees it, and as training changes it."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._document: ProjectDocument | None = None
        self._measuring = PixelMeasuring(self)
        self._measuring.measured.connect(self._on_measured)
        self._measuring.failed.connect(self._on_measuring_failed)
        self.preprocessing = PreprocessingPanel(studio.session)
        self.preprocessing.preprocessing_edited.connect(self._on_preprocessing_edited)
        self.preprocessing.moments_wanted.connect(self._on_moments_wanted)
        self.preprocessing.rotations_edited.connect(self._on_rotations_edited)
        self.augmentation = AugmentationPanel(studio.session)
        self.augmentation.augmentation_edited.connect(self._on_augmentation_edited)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.preprocessing)
        column.addWidget(self.augmentation)

    def set_document(self, document: ProjectDocument | None) -> None:
        """Change this project."""
        self._measuring.end()
        self._document = document

    def show_choices(self) -> None:
        """Show what the project says."""
        if self._document is not None:
            experiment = self._document.experiment
            data = experiment.data
            self.preprocessing.set_value(data.preprocessing, rotations_as_classes=data.rotations_as_classes)
            self.preprocessing.set_train_classes(list(self._document.parts.values()).count(Part.META_TRAIN))
            self.augmentation.set_value(experiment.augmentation, data.preprocessing)

    def show_picture(self, path: str) -> None:
        """Show what becomes of this file; an empty path shows nothing."""
        self.preprocessing.set_path(path)
        self.augmentation.set_path(path)

    def shut_down(self) -> None:
        """Want no more answers."""
        self.preprocessing.shut_down()
        self.augmentation.shut_down()
        self._measuring.end()

    @Slot(object)
    def _on_preprocessing_edited(self, value: Preprocessing) -> None:
        if self._document is not None:
            commands.set_preprocessing(self._document, preprocessing=value)

    @Slot(bool)
    def _on_rotations_edited(self, is_on: bool) -> None:
        if self._document is not None:
            commands.set_rotations_as_classes(self._document, is_on=is_on)

    @Slot(object)
    def _on_augmentation_edited(self, value: Augmentation) -> None:
        if self._document is not None:
            commands.set_augmentation(self._document, augmentation=value)

    # normalisation by what the pictures are

    @Slot()
    def _on_moments_wanted(self) -> None:
        if self._document is not None:
            state = self._document.state
            learnt = [each for each in state.used.classes if state.parts.get(each.name) is Part.META_TRAIN]
            self._measuring.begin(learnt or state.used.classes, state.experiment.data.preprocessing)

    @Slot(object, object)
    def _on_measured(self, asked: Preprocessing, moments: Moments) -> None:
        if self._document is None:
            return
        if asked != self._document.experiment.data.preprocessing:  # changed meanwhile: other numbers
            self._on_moments_wanted()
            return
        mean, deviation = moments
        commands.set_preprocessing(
            self._document, preprocessing=asked.changed(normalization="given", mean=mean, standard_deviation=deviation)
        )
        self.preprocessing.show_again()

    @Slot(object)
    def _on_measuring_failed(self, error: Exception) -> None:
        self.show_choices()
        self.preprocessing.show_again()
        self._studio.messages.show_error(error)
