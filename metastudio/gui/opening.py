"""Opening and making projects: the last one, one that is named, or the sample."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Slot

from metastudio.catalog.data_spec import DataSpec
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.project_hold import ProjectHold
from metastudio.gui.studio import Studio
from metastudio.paths import documents_folder
from metastudio.runs.project import FILE_NAME, Project

SAMPLE_NAME = "Sample glyphs"


def open_project(studio: Studio, folder: Path) -> None:
    """Open the project of a folder.

    Raises:
        IntegrityError: if there is none, or it is damaged or of a newer version.
    """
    _take(studio, Project.open(folder))


def create_project(studio: Studio, folder: Path) -> None:
    """Make an empty project and open it.

    Raises:
        ConfigurationError: if there is one already.
        ResourceError: if the folder cannot be written.
    """
    _take(studio, Project.create(folder, name=folder.name))


class SampleOpening(QObject):
    """Opens the sample project; where it is missing its pictures are drawn first, beside the window."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._studio = studio

    def begin(self) -> None:
        """Open it, now or as soon as it is made.

        Raises:
            IntegrityError: if it lies there and is damaged.
        """
        folder = documents_folder() / SAMPLE_NAME
        if (folder / FILE_NAME).is_file():
            open_project(self._studio, folder)
            return
        self._studio.toast(self.tr("Drawing the pictures of the sample project…"))
        self._studio.call_beside(lambda: _make_sample(folder), self._on_made)

    @Slot(object)
    def _on_made(self, project: Project) -> None:
        _take(self._studio, project)


def open_sample(studio: Studio) -> None:
    """Open the sample project, made now if it is missing.

    Raises:
        IntegrityError: if it lies there and is damaged.
    """
    SampleOpening(studio).begin()


def _make_sample(folder: Path) -> Project:
    return Project.create(folder, name=SAMPLE_NAME, draft=sample_draft(folder))


def sample_draft(folder: Path) -> ExperimentConfig:
    """Draw the sample's pictures into a folder and return an experiment on them that takes a minute."""
    from metastudio.images.sample_glyphs import make_sample_glyphs

    pictures = folder / "images"
    if not pictures.is_dir():
        begun = folder / f"{pictures.name}.part"  # drawing that was cut short is begun anew, never taken for whole
        shutil.rmtree(begun, ignore_errors=True)
        make_sample_glyphs(begun)
        begun.replace(pictures)
    draft = ExperimentConfig(data=DataSpec(folders=(str(pictures),)))
    return _with_quick_recipe(draft)


def _with_quick_recipe(draft: ExperimentConfig) -> ExperimentConfig:
    from metastudio.catalog.recipes import recipes, with_recipe
    from metastudio.catalog.validation import parse_experiment

    quick = next((each for each in recipes() if "sample" in each.name or "minute" in each.name), None)
    if quick is None:
        return draft
    values: dict[str, Any] = with_recipe(draft.model_dump(mode="json"), quick)
    return parse_experiment(values)


def open_first(studio: Studio, *, named: str = "", sample: bool = False) -> None:
    """Open what the command line names, else what was open last, else the sample.

    Raises:
        MetaStudioError: if it cannot be opened.
    """
    if named:
        folder = Path(named).expanduser().absolute()
        open_project(studio, folder.parent if folder.name == FILE_NAME else folder)
        return
    last = studio.settings.last_project
    if last and not sample and (Path(last) / FILE_NAME).is_file():
        open_project(studio, Path(last))
        return
    if last and not sample:
        text = QCoreApplication.translate("Opening", "The last project is gone: {folder}")
        studio.toast(text.format(folder=last), severity="warning")
    open_sample(studio)


def _take(studio: Studio, project: Project) -> None:
    """Open a project, for changes if no other studio has it."""
    before = hold = studio.hold
    if hold is None or hold.folder != project.folder or hold.holder is not None:
        hold = ProjectHold(project.folder, studio)
    project.held_by = hold.holder
    project.is_read_only = project.is_read_only or hold.holder is not None
    studio.hold = hold
    studio.open_project(ProjectDocument(project, studio.undo_stack, studio))
    if before is not None and before is not hold:  # only now is the project before saved
        before.release()
        before.deleteLater()
