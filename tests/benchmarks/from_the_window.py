"""Trains a recipe on Omniglot from the real window: adds the folder, splits it, picks the recipe, presses Start, waits.

Run by hand: `python -m tests.benchmarks.from_the_window PROJECT OMNIGLOT_FOLDER SPLITS_FOLDER RECIPE`. Afterwards
`metastudio evaluate RUN` on the run that it names. With QT_QPA_PLATFORM=offscreen no screen is needed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from metastudio.catalog.data_spec import ListedSplit
from metastudio.gui import app as studio_app
from metastudio.gui import commands
from metastudio.images.image_folder import scan
from metastudio.runs.project import Project
from metastudio.runs.run_state import State


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Run the event loop until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        QTest.qWait(100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("splits", type=Path)
    parser.add_argument("recipe")
    arguments = parser.parse_args()
    app = QApplication([])
    if not arguments.project.exists():
        Project.create(arguments.project)
    window = studio_app.build_window(app, settings_path=arguments.project / "studio.ini")
    window.show()
    studio_app.begin(window, str(arguments.project))
    wait_for(lambda: window.studio.project is not None, 60)
    document = window.studio.project
    if not document.index.classes:
        commands.set_folders(
            document, folders=[str(arguments.omniglot)], index=scan([arguments.omniglot]), title="Add Omniglot"
        )
    lists = {f"meta_{part}": str(arguments.splits / f"{part}.json") for part in ("train", "val", "test")}
    commands.set_split(document, split=ListedSplit(**lists))
    wait_for(lambda: bool(document.index.classes) and not document.is_busy, 300)
    window.show_page("learn")
    learn = window.current_page
    box = learn.recipes.box
    box.setCurrentIndex(box.findData(arguments.recipe))
    box.edited.emit(arguments.recipe)
    wait_for(learn.start_button.isEnabled, 60)
    known = len(window.studio.jobs.jobs)
    QTest.mouseClick(learn.start_button, Qt.MouseButton.LeftButton)
    wait_for(lambda: len(window.studio.jobs.jobs) > known, 60)
    job = window.studio.jobs.jobs[-1]
    wait_for(lambda: job.state in {State.FINISHED, State.FAILED, State.INTERRUPTED}, 4 * 3600)
    state = job.run.state()
    print(f"{job.run.path}: {state.state}, {state.elapsed_s:.0f} s of training, {job.iteration} iterations")
    window.resize(1280, 800)
    window.show_page("jobs")
    QTest.qWait(1000)
    window.grab().save(str(arguments.project / f"{arguments.recipe}.png"))
    window.close()


if __name__ == "__main__":
    main()
