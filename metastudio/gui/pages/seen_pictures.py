"""How pictures are brought to the network, and changed in training: two panels, each choice is one undo step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.data_spec import Moments, Part, Preprocessing
from metastudio.gui import commands, theme
from metastudio.gui.documents.pixel_measuring import PixelMeasuring, ToMeasure
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
        self._begun_at = 0
        self._measuring.succeeded.connect(self._on_measured)
        self._measuring.failed.connect(self._on_measuring_failed)
        self.preprocessing = PreprocessingPanel(studio.session)
        self.preprocessing.preprocessing_edited.connect(self._on_preprocessing_edited)
        self.preprocessing.normalization_chosen.connect(self._on_normalization_chosen)
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
        self._show_measuring()

    def show_choices(self) -> None:
        """Show what the project says."""
        if self._document is not None:
            self._follow_change(self._document)
            self._show_measuring()
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
        self._measuring.close()

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

    @Slot(str)
    def _on_normalization_chosen(self, word: str) -> None:
        if self._document is None:
            return
        if word == "given":
            self._begun_at = self._studio.undo_stack.index()
            self._measuring.begin(self._to_measure(self._document))
        else:
            self._measuring.end()
            before = self._document.experiment.data.preprocessing
            if word != before.normalization:
                commands.normalize_pictures(self._document, preprocessing=before.changed(normalization=word))
        self._show_measuring()

    def _to_measure(self, document: ProjectDocument) -> ToMeasure:
        state = document.state
        learnt = [each for each in state.used.classes if state.parts.get(each.name) is Part.META_TRAIN]
        return ToMeasure(tuple(learnt), state.experiment.data.preprocessing)

    def _follow_change(self, document: ProjectDocument) -> None:
        """Measure what there is now; not any more where the person undid something or chose other numbers meanwhile."""
        asked = self._measuring.asked
        if asked is None or (now := self._to_measure(document)) == asked:
            return
        is_other_choice = now.preprocessing.normalization != asked.preprocessing.normalization
        if is_other_choice or self._has_undone():
            self._measuring.end()
        else:
            self._measuring.begin(now)

    def _has_undone(self) -> bool:
        return self._studio.undo_stack.index() < self._begun_at

    def _show_measuring(self) -> None:
        self.preprocessing.set_measuring(self._measuring.asked is not None)

    @Slot(object)
    def _on_measured(self, moments: Moments) -> None:
        if self._document is not None and not self._has_undone():  # else what can be redone would be lost
            mean, deviation = moments
            given = {"normalization": "given", "mean": mean, "standard_deviation": deviation}
            changed = self._document.experiment.data.preprocessing.changed(**given)
            commands.normalize_pictures(self._document, preprocessing=changed)
        self._show_measuring()

    @Slot(object)
    def _on_measuring_failed(self, error: Exception) -> None:
        self._show_measuring()
        self._studio.messages.show_error(error)
