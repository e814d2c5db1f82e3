"""The window of a journey: the real one, on a project of its own, which never imports torch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.gui import app
from metastudio.gui.main_window import MainWindow
from metastudio.runs.project import Project


class _NoTorch:
    """Refuses every import of torch."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if name.partition(".")[0] == "torch":
            raise AssertionError("the window imported torch")


@pytest.fixture
def without_torch() -> Iterator[None]:
    """Hide what other tests of this process imported, so that an import by the window is seen."""
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "torch"}
    guard = _NoTorch()
    sys.meta_path.insert(0, guard)
    yield
    assert "torch" not in sys.modules
    sys.meta_path.remove(guard)
    sys.modules.update(hidden)


@pytest.fixture
def draft() -> ExperimentConfig:
    """What the project begins with; a test may say otherwise."""
    return ExperimentConfig()


@pytest.fixture
def window(without_torch: None, qtbot: QtBot, tmp_path: Path, draft: ExperimentConfig) -> Iterator[MainWindow]:
    Project.create(tmp_path / "project", name="My glyphs", draft=draft)
    made = app.build_window(QGuiApplication.instance(), settings_path=tmp_path / "studio.ini")
    made.show()
    qtbot.waitExposed(made)
    app.begin(made, str(tmp_path / "project"))
    yield made
    for job in made.studio.jobs.working:
        made.studio.jobs.force(job)
    made._may_leave = True
    made.close()
    made.deleteLater()
