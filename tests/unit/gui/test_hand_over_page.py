"""Hand over: what is missing is said, one click writes and verifies, the result and earlier exports are shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QLabel
from unit.gui.page_studio import make_picture, make_run

from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.errors import MetaStudioError
from metastudio.gui import commands
from metastudio.gui.documents.earlier_exports import earlier_exports
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.hand_over_page import HandOverPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.export_card import ExportCard, run_command
from metastudio.runs.event_log import EventLog
from metastudio.runs.events import Exported
from metastudio.runs.questions import ExportedAnswer


def _export_folder(path: Path, difference: float = 3e-6) -> Path:
    path.mkdir(parents=True)
    (path / "verification.json").write_text(json.dumps({"largest_difference_of_logits": difference}))
    return path


@pytest.fixture
def task(tmp_path: Path) -> TargetTask:
    one, other = (str(make_picture(tmp_path / f"{name}.png")) for name in ("oak", "beech"))
    classes = (TargetClass(name="oak", support=(one,)), TargetClass(name="beech", support=(other,)))
    return TargetTask(name="My / trees", classes=classes)


def test_a_task_that_only_the_run_still_has_is_offered_too(page: HandOverPage, document, task, qtbot) -> None:
    run = make_run(document)
    page.studio.undo_stack.undo()
    page.studio.select_run(run)
    qtbot.waitUntil(lambda: page.runs.chosen is not None and page.runs.chosen.run == run)
    assert not document.targets
    assert page.chosen_target() == task


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument, task: TargetTask) -> Iterator[HandOverPage]:
    commands.set_targets(document, targets=[task], title="Add")
    make_run(document, targets=())
    made = HandOverPage(studio)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    made.on_shown()
    qtbot.waitUntil(lambda: made.runs.chosen is not None)
    yield made
    made.shut_down()


def _choose(page: HandOverPage, kind: str) -> None:
    page.formats.buttons[kind].click()


def test_without_a_run_the_page_says_what_belongs_there(qtbot, studio: Studio, document: ProjectDocument) -> None:
    page = HandOverPage(studio)
    qtbot.addWidget(page)
    page.show()
    page.on_shown()
    qtbot.wait(50)
    assert page.stack.currentWidget() is page.empty
    assert not page.export_button.isEnabled()
    assert page.report_button.isHidden()
    page.shut_down()


def test_an_adapted_model_is_written_and_shown_as_verified(page: HandOverPage, qtbot) -> None:
    destination = page.runs.chosen.run.exports_folder / "My-trees-adapted"
    assert page.destination() == destination
    with qtbot.waitSignal(page.studio.toasted):
        page.export_button.click()
    assert page.card.heading.text() == "Verified"
    assert page.card.values["difference"].full_text() == "2.4e-06"
    assert page.card.values["batches"].full_text() == "1, 2, 7"
    assert page.card.values["folder"].full_text() == str(destination)
    assert (destination / "model.onnx").exists()


def test_the_report_of_the_chosen_run_is_written_and_shown(page: HandOverPage, qtbot, monkeypatch) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    page.report_button.click()
    qtbot.waitUntil(lambda: bool(opened))
    assert opened[0] == page.runs.chosen.run.path / "report.html"
    assert page.runs.chosen.run.name in opened[0].read_text("utf-8")


def test_a_checkpoint_needs_no_task(page: HandOverPage, qtbot) -> None:
    _choose(page, "checkpoint")
    assert not page.target.isEnabled()
    assert page.destination().name == "checkpoint"
    with qtbot.waitSignal(page.studio.toasted):
        page.export()
    assert not page.card.isHidden()


def test_a_double_click_exports_once(page: HandOverPage, qtbot) -> None:
    page.export_button.click()
    assert not page.export_button.isEnabled()
    assert "under way" in page.export_button.toolTip()
    number = page._number
    page.export()
    assert page._number == number
    qtbot.waitUntil(lambda: not page._number)
    assert page.card.heading.text() == "Verified"


def test_without_a_task_the_reason_and_the_way_out_are_shown(page: HandOverPage, document) -> None:
    page.studio.undo_stack.undo()
    assert not document.targets
    _choose(page, "onnx")
    assert not page.export_button.isEnabled()
    assert "task" in page.why_not.text()
    assert not page.tasks_button.isHidden()


def test_a_refused_place_is_shown_with_the_reason(page: HandOverPage, qtbot) -> None:
    page.destination().mkdir(parents=True)
    page.export()
    qtbot.waitUntil(lambda: not page.card.isHidden())
    assert "already something" in page.card.heading.text()
    assert "Choose another place." in page.card.text.text()
    assert page.export_button.isEnabled()


def test_an_export_that_lies_there_is_replaced_only_by_a_button_that_says_so(page: HandOverPage) -> None:
    _export_folder(page.destination())
    page._show_choices()
    assert "Replace" in page.export_button.text()
    assert "replaced" in page.why_not.text()


@pytest.mark.parametrize(("place", "words"), [("", "Say where"), ("not/whole", "whole path")])
def test_a_place_that_cannot_be_is_said(page: HandOverPage, place: str, words: str) -> None:
    page.place.set_value(place)
    page._on_place_edited(place)
    assert words in page.why_not.text()
    assert not page.export_button.isEnabled()


def test_another_place_stays_when_another_run_is_chosen(page: HandOverPage, document, tmp_path: Path, qtbot) -> None:
    page.place.set_value(str(tmp_path))
    page._on_place_edited(str(tmp_path))
    second = make_run(document)
    page.studio.select_run(second)
    qtbot.waitUntil(lambda: page.runs.chosen is not None and page.runs.chosen.run == second)
    assert page.place.value() == str(tmp_path)


def test_earlier_exports_are_listed_wherever_they_lie(page: HandOverPage, tmp_path: Path, qtbot) -> None:
    run = page.runs.chosen.run
    inside = _export_folder(run.exports_folder / "trees-onnx")
    elsewhere = _export_folder(tmp_path / "elsewhere")
    with EventLog(run.events_path) as log:
        for path in (elsewhere, tmp_path / "gone"):
            log.append(Exported(target="trees", format="onnx", path=str(path), largest_difference=1e-6))
    assert {each.path for each in earlier_exports(run)} == {inside, elsewhere}
    page.on_shown()
    qtbot.waitUntil(lambda: page.earlier.widget().layout().count() == 3)


def test_an_export_whose_verification_is_spoilt_is_listed_without_a_number(page: HandOverPage) -> None:
    run = page.runs.chosen.run
    folder = _export_folder(run.exports_folder / "spoilt")
    (folder / "verification.json").write_text("{")
    assert earlier_exports(run)[0].largest_difference is None


def test_c32_an_export_on_the_disk_is_as_it_was_verified_or_altered_and_never_simply_verified(
    page: HandOverPage, qtbot
) -> None:
    def rows() -> list[QLabel]:
        return [each for each in page.earlier.widget().findChildren(QLabel) if each.text()[:1] in "✓⚠"]

    folder = _export_folder(page.runs.chosen.run.exports_folder / "trees")
    proof = folder / "verification.json"
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(proof.read_bytes()).hexdigest()}  {proof.name}\n")
    page.on_shown()
    qtbot.waitUntil(lambda: any(each.text().startswith("✓ as it was verified, 3.0e-06") for each in rows()))
    assert "Sums do not tell who wrote it." in rows()[0].toolTip()
    proof.write_bytes(proof.read_bytes() + b" ")
    page.on_shown()
    qtbot.waitUntil(lambda: any(each.text().startswith("⚠ altered since it was written") for each in rows()))


def test_the_command_is_copied_ready_to_paste(qtbot) -> None:
    card = ExportCard()
    qtbot.addWidget(card)
    answer = ExportedAnswer(
        path="/a b/c", files=("model.pt2", "predict.py"), largest_difference=0.0, batches=(1, 2, 7), size_bytes=5
    )
    card.show_answer(answer)
    card.copy_button.click()
    assert QGuiApplication.clipboard().text() == "python '/a b/c/predict.py' picture.png" == run_command(answer)


def test_a_failure_has_no_folder_to_open(qtbot) -> None:
    card = ExportCard()
    qtbot.addWidget(card)
    card.show_failure(MetaStudioError("It does not answer alike.", why="Logits differ by 0.2.", todo="Report it."))
    assert card._buttons.isHidden()
    assert "Logits differ" in card.text.text()
