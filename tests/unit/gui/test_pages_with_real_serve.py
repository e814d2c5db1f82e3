"""Try it and Hand over with the real process behind them: a run that really learned, a verified export."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.gui.page_studio import make_classes

from metastudio.catalog.experiment import TargetClass
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.hand_over_page import HandOverPage
from metastudio.gui.pages.try_it_page import TryItPage
from metastudio.gui.studio import Studio
from metastudio.jobs.session_thread import SessionThread
from metastudio.runs.run_folder import RunFolder, create_run

PATIENCE_MS = 120_000


@pytest.fixture
def real_session(studio: Studio) -> Iterator[None]:
    studio.session.stop()
    studio.session = SessionThread()
    studio.session.start()
    yield
    studio.session.stop()


@pytest.fixture
def trained(document: ProjectDocument) -> RunFolder:
    short = {
        "iterations": 2,
        "meta_batch_size": 2,
        "validate_every": 2,
        "validation_episodes": 2,
        "checkpoint_every": 1,
    }
    experiment = document.experiment.model_copy(
        update={
            "training": document.experiment.training.model_copy(update=short),
            "backbone": document.experiment.backbone.model_copy(update={"filters": 4}),
            "episodes": document.experiment.episodes.model_copy(update={"n_way": 3}),
        }
    )
    run = create_run(experiment, document.used, document.parts, runs_folder=document.runs_folder)
    subprocess.run([sys.executable, "-m", "metastudio", "train", str(run.path)], check=True, capture_output=True)
    return run


@pytest.mark.slow
def test_dropped_pictures_are_adapted_to_answered_saved_and_exported(
    qtbot, studio: Studio, document: ProjectDocument, real_session, trained: RunFolder, tmp_path: Path
) -> None:
    pictures = make_classes(tmp_path / "new", classes=3, pictures=3)
    page = TryItPage(studio)
    qtbot.addWidget(page)
    page.on_shown()
    qtbot.waitUntil(lambda: page.try_out.run == trained)
    folders = sorted(pictures.iterdir())
    for folder in folders:
        files = tuple(str(each) for each in sorted(folder.iterdir())[:2])
        page.try_out.set_classes((*page.try_out.state.classes, TargetClass(name=folder.name, support=files)), "Drop")
    queries = [str(folder / "2.png") for folder in folders]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    page.try_out.add_queries([*queries, str(broken)])
    qtbot.waitUntil(lambda: len(page.try_out.answers) == 4, timeout=PATIENCE_MS)
    for path in queries:
        assert sum(page.try_out.probabilities(path)) == pytest.approx(1, abs=1e-4)
    assert page.queries.model.query(3).problem
    losses = page.inner_steps.plot.curve("loss").y
    assert len(losses) == page.try_out.default_steps + 1
    page.save_as("new things")
    page.shut_down()

    hand_over = HandOverPage(studio)
    qtbot.addWidget(hand_over)
    hand_over.on_shown()
    qtbot.waitUntil(lambda: hand_over.runs.chosen is not None)
    hand_over.formats.buttons["onnx"].click()
    hand_over.export()
    qtbot.waitUntil(lambda: not hand_over.card.isHidden(), timeout=PATIENCE_MS)
    assert hand_over.card.heading.text() == "Verified"
    assert float(hand_over.card.values["difference"].full_text()) <= 1e-4
    assert any(hand_over.destination().glob("*.onnx"))
    hand_over.shut_down()


@pytest.mark.slow
def test_where_the_best_checkpoint_is_broken_the_one_before_is_offered_and_taken(
    qtbot, studio: Studio, document: ProjectDocument, real_session, trained: RunFolder, tmp_path: Path
) -> None:
    weights = trained.best() / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    page = TryItPage(studio)
    qtbot.addWidget(page)
    page.show()
    page.on_shown()
    qtbot.waitUntil(lambda: page.try_out.run == trained)
    pictures = make_classes(tmp_path / "new", classes=3, pictures=2)
    classes = [
        TargetClass(name=folder.name, support=tuple(map(str, folder.iterdir()))) for folder in pictures.iterdir()
    ]
    page.try_out.set_classes(classes, "Drop")
    qtbot.waitUntil(page.other_button.isVisible, timeout=PATIENCE_MS)
    assert "altered" in page.reason.text() or "broken" in page.reason.text()
    assert "iteration 1" in page.other_button.text()
    page.other_button.click()
    qtbot.waitUntil(lambda: page.try_out.adapted is not None, timeout=PATIENCE_MS)
    assert not page.other_button.isVisible()
    assert "iteration 1" in page.note.text()
    page.shut_down()

    hand_over = HandOverPage(studio)
    qtbot.addWidget(hand_over)
    hand_over.show()
    hand_over.on_shown()
    qtbot.waitUntil(lambda: hand_over.runs.chosen is not None)
    hand_over.formats.buttons["checkpoint"].click()
    hand_over.export()
    qtbot.waitUntil(hand_over.card.other_button.isVisible, timeout=PATIENCE_MS)
    hand_over.card.other_button.click()
    qtbot.waitUntil(lambda: hand_over.card.heading.text() == "Verified", timeout=PATIENCE_MS)
    assert not hand_over.card.other_button.isVisible()
    hand_over.shut_down()
