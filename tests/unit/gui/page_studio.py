"""A studio for tests of pages: a real document, queue, and session thread, with a foreseeable child process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.messages import Messages
from metastudio.gui.settings import StudioSettings
from metastudio.gui.studio import Studio
from metastudio.gui.theme import Appearance
from metastudio.gui.widgets.toast import Toast
from metastudio.jobs.job_queue import JobQueue
from metastudio.jobs.session_thread import SessionThread
from metastudio.runs.project import Project
from metastudio.runs.run_folder import RunFolder, create_run
from metastudio.runs.run_state import State

SERVE = Path(__file__).with_name("scripted_serve.py")


def scripted_command() -> tuple[list[str], dict[str, str]]:
    return [sys.executable, str(SERVE)], dict(os.environ)


def idle_worker(run: Path) -> tuple[list[str], dict[str, str]]:
    """A worker that does nothing: what the queue makes of it is another test's matter."""
    return [sys.executable, "-c", ""], dict(os.environ)


class RecordingQueue(JobQueue):
    """A queue that only keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(command=idle_worker)
        self.queued: list[RunFolder] = []

    def enqueue(self, run: RunFolder) -> None:  # type: ignore[override]
        self.queued.append(run)


def make_picture(path: Path, shade: int = 128) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (28, 28), shade).save(path)
    return path


def make_classes(folder: Path, *, classes: int = 20, pictures: int = 4) -> Path:
    for number in range(classes):
        for picture in range(pictures):
            make_picture(folder / f"class{number:02}" / f"{picture}.png", shade=(number * 11 + picture) % 256)
    return folder


def make_run(document: ProjectDocument, **changes: object) -> RunFolder:
    """Make a finished run of the document's draft, with a checkpoint folder that nobody looks into."""
    experiment = document.experiment.model_copy(update=changes)
    run = create_run(experiment, document.used, document.parts, runs_folder=document.runs_folder)
    run.write_state(
        run.state().model_copy(
            update={"state": State.FINISHED, "iteration": 50, "best_accuracy": 0.953, "best_ci95": 0.004}
        )
    )
    step = run.checkpoints_folder / "step-0000050"
    step.mkdir(parents=True)
    (step / "SHA256SUMS").write_text("")
    for pointer in ("best", "last"):
        (run.checkpoints_folder / pointer).write_text(step.name + "\n")
    return run


@pytest.fixture
def studio(qtbot, tmp_path: Path) -> Iterator[Studio]:
    app = QApplication.instance()
    session = SessionThread(command=scripted_command)
    made = Studio(
        settings=StudioSettings(tmp_path / "studio.ini"),
        messages=Messages(crash_folder=tmp_path / "crashes"),
        appearance=Appearance(app, mode="light"),
    )
    made.take_up(RecordingQueue(), session)
    session.start()
    yield made
    session.stop()
    made.jobs.shut_down()
    if made.project is not None:
        made.project.close()


@pytest.fixture
def document(studio: Studio, tmp_path: Path, qtbot) -> ProjectDocument:
    folder = make_classes(tmp_path / "images")
    draft = ExperimentConfig()
    episodes = draft.episodes.model_copy(update={"n_query": 3})
    data = draft.data.model_copy(update={"folders": (str(folder),)})
    draft = draft.model_copy(update={"data": data, "episodes": episodes})
    project = Project.create(tmp_path / "project", name="Test", draft=draft)
    opened = ProjectDocument(project, studio.undo_stack)
    studio.open_project(opened)
    qtbot.waitUntil(lambda: bool(opened.index.classes) and not opened.is_busy)
    return opened


@pytest.fixture
def toasts(studio: Studio) -> list[Toast]:
    found: list[Toast] = []
    studio.toasted.connect(found.append)
    return found
