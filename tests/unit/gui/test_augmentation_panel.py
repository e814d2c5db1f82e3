"""Images: what the network sees of a picture, before training and as training changes it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication
from unit.gui.page_studio import make_picture

from metastudio.catalog.augmentation import STRENGTHS, Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.gui import commands
from metastudio.gui.documents.picture_preview import PicturePreview
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.forms.experiment_form import ExperimentForm
from metastudio.gui.pages.images_page import ImagesPage
from metastudio.gui.studio import Studio
from metastudio.gui.widgets.augmentation_panel import DRAWS, AugmentationPanel
from metastudio.gui.widgets.augmentation_switch import AugmentationSwitch
from metastudio.gui.widgets.small_picture import SmallPicture
from metastudio.jobs.session_thread import SessionThread
from metastudio.runs.questions import AskPreview

PATIENCE_MS = 120_000


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> Iterator[ImagesPage]:
    made = ImagesPage(studio)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    yield made
    made.shut_down()


@pytest.fixture
def panel(page: ImagesPage) -> AugmentationPanel:
    return page.seen.augmentation


@pytest.fixture
def real_session(studio: Studio) -> Iterator[None]:
    studio.session.stop()
    studio.session = SessionThread()
    studio.session.start()
    yield
    studio.session.stop()


def shades(panel: AugmentationPanel) -> list[int]:
    return [shade(picture) for picture in panel.drawn]


def shade(picture: SmallPicture) -> int:
    return -1 if picture.pixels is None else picture.pixels.toImage().pixelColor(3, 3).red()


def point_at(switch: AugmentationSwitch) -> None:
    place = QPointF(3, 3)
    QApplication.sendEvent(switch, QEnterEvent(place, place, place))


def test_folded_it_says_what_is_on_and_asks_nothing(qtbot, page: ImagesPage, panel: AugmentationPanel) -> None:
    assert not panel.body.isVisible()
    assert panel.summary.full_text().startswith("off")
    qtbot.waitUntil(lambda: page.seen.preprocessing._after.pixels is not None)
    assert panel.original.pixels is None
    commands.set_augmentation(
        page.studio.project, augmentation=Augmentation(flip=True, rotate=True, rotate_degrees=10, blur=True)
    )
    assert panel.summary.full_text() == "Mirror, Turn 10°, Blur 3 %"


def test_a_switch_changes_the_experiment_and_undo_takes_it_back(
    page: ImagesPage, panel: AugmentationPanel, studio: Studio
) -> None:
    panel.fold_button.click()
    shift = panel.switches["shift"]
    assert not shift.spin.isEnabled()
    shift.box.click()
    assert studio.project.experiment.augmentation == Augmentation(shift=True)
    assert shift.spin.isEnabled()
    shift.spin.setValue(25)
    assert studio.project.experiment.augmentation == Augmentation(shift=True, shift_percent=25)
    studio.undo_stack.undo()
    assert studio.project.experiment.augmentation == Augmentation()
    assert not shift.box.isChecked()
    assert shift.spin.value() == 10
    panel.pictures_combo.setCurrentIndex(1)
    panel.pictures_combo.activated.emit(1)
    assert studio.project.experiment.augmentation.pictures == "support"


def test_open_it_shows_draws_of_the_chosen_picture_and_others_when_asked(
    qtbot, page: ImagesPage, panel: AugmentationPanel
) -> None:
    panel.fold_button.click()
    qtbot.waitUntil(lambda: panel.original.pixels is not None)
    assert "Nothing is on" in panel.caption.full_text()
    assert not panel.another_button.isEnabled()
    panel.switches["rotate"].box.setChecked(True)
    qtbot.waitUntil(lambda: "As training may see it: Turn 15°" in panel.caption.full_text())
    assert shade(panel.original) == 64
    assert shades(panel) == list(range(DRAWS))
    panel.another_button.click()
    qtbot.waitUntil(lambda: shades(panel) == list(range(DRAWS, 2 * DRAWS)))


def test_pointing_shows_one_change_alone_also_one_that_is_off(
    qtbot, page: ImagesPage, panel: AugmentationPanel
) -> None:
    panel.fold_button.click()
    panel.switches["rotate"].box.setChecked(True)
    blur = panel.switches["blur"]
    point_at(blur)
    qtbot.waitUntil(lambda: panel.caption.full_text() == "Blur 3 % alone")
    assert not page.studio.project.experiment.augmentation.blur, "looking at it changes nothing"
    QApplication.sendEvent(blur, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: "Turn 15°" in panel.caption.full_text())
    QApplication.sendEvent(panel.switches["erase"].box, QEvent(QEvent.Type.FocusIn))
    qtbot.waitUntil(lambda: panel.caption.full_text() == "Erase 20 % alone")


def test_what_does_nothing_is_grey_and_says_why_but_can_be_switched_off(
    page: ImagesPage, panel: AugmentationPanel, studio: Studio
) -> None:
    panel.fold_button.click()
    panel.switches["hue"].box.setChecked(True)
    assert panel.notes.isHidden()
    commands.set_preprocessing(studio.project, preprocessing=Preprocessing(colour="grey"))
    hue, saturation = panel.switches["hue"], panel.switches["saturation"]
    assert not saturation.box.isEnabled()
    assert "no colour" in saturation.box.toolTip()
    assert "Saturation, Hue: Pictures are grey" in panel.notes.text()
    assert hue.box.isEnabled(), "it is on, and can be switched off"
    assert not hue.spin.isEnabled()
    hue.box.setChecked(False)
    assert not hue.box.isEnabled()
    assert panel.switches["contrast"].box.isEnabled()
    panel.switches["flip"].box.setChecked(True)
    assert "a mirrored letter may be another letter" in panel.notes.text()


def test_an_unreadable_picture_is_said_and_the_next_one_shown(
    qtbot, page: ImagesPage, panel: AugmentationPanel, tmp_path
) -> None:
    panel.fold_button.click()
    page.seen.show_picture(str(tmp_path / "unreadable.png"))
    qtbot.waitUntil(lambda: panel.caption.full_text() == "⚠ The picture is cut off.")
    qtbot.waitUntil(lambda: page.seen.preprocessing.about.full_text() == "⚠ The picture is cut off.")
    assert panel.original.pixels is None
    assert page.seen.preprocessing._after.pixels is None
    page.seen.show_picture(str(make_picture(tmp_path / "good.png")))
    qtbot.waitUntil(lambda: panel.original.pixels is not None)
    page.seen.show_picture("")
    assert panel.original.pixels is None


def test_only_the_newest_question_is_answered(qtbot, studio: Studio, tmp_path) -> None:
    preview = PicturePreview(studio.session)
    file = str(make_picture(tmp_path / "one.png"))
    answers: list[int] = []
    cancelled: list[int] = []
    preview.answered.connect(lambda seen: answers.append(seen.question.first))
    real, studio.session.cancel = studio.session.cancel, lambda number: cancelled.append(number) or real(number)
    try:
        for number in range(3):  # faster than it asks
            preview.ask(AskPreview(file=file, preprocessing=Preprocessing(), draws=1, first=number))
        preview._timer.timeout.emit()
        preview._timer.stop()
        preview.ask(AskPreview(file=file, preprocessing=Preprocessing(), draws=1, first=7))
        qtbot.waitUntil(lambda: answers == [7])
        assert len(cancelled) == 1, "what was asked and is no longer wanted is called back"
    finally:
        studio.session.cancel = real
    preview.ask(AskPreview(file=file, preprocessing=Preprocessing(), draws=1, first=9))
    preview.cancel()
    qtbot.wait(300)
    assert answers == [7]


def test_a_slow_or_lost_engine_is_said(qtbot, page: ImagesPage, panel: AugmentationPanel, tmp_path) -> None:
    panel.fold_button.click()
    qtbot.waitUntil(lambda: panel.original.pixels is not None)
    panel._preview.waited.emit()
    assert panel.caption.full_text() == "Waiting for the engine…"
    page.seen.show_picture(str(make_picture(tmp_path / "lost.png")))
    qtbot.waitUntil(lambda: "The process that answers was lost." in panel.caption.full_text())
    assert panel.original.pixels is None
    page.seen.show_picture(str(make_picture(tmp_path / "good.png")))
    qtbot.waitUntil(lambda: panel.original.pixels is not None)


def test_rotations_as_classes_show_how_many_and_the_turned_pictures(qtbot, page: ImagesPage, studio: Studio) -> None:
    shown = page.seen.preprocessing
    assert shown.class_count.text() == ""
    assert shown._rotations.toolTip().endswith("Classes to learn from: 13 → 52")
    assert not any(picture.isVisible() for picture in shown._turned)
    shown._rotations.setChecked(True)
    assert shown.class_count.text() == "13 → 52"
    assert all(picture.isVisible() for picture in shown._turned)
    commands.move_classes(studio.project, names=["class00"], part=next(iter(set(studio.project.parts.values()))))
    trained = sum(part.value == "meta_train" for part in studio.project.parts.values())
    assert shown.class_count.text() == f"{trained} → {4 * trained}"


def test_the_form_greys_what_does_nothing_and_says_why(qtbot) -> None:
    from metastudio.catalog.experiment import ExperimentConfig

    form = ExperimentForm()
    qtbot.addWidget(form)
    fields = form.sections["augmentation"].fields
    assert set(fields) == {f"augmentation.{name}" for name in Augmentation.model_fields}
    assert all(fields[f"augmentation.{name}"].editor.isEnabled() for name in STRENGTHS)
    grey = ExperimentConfig.model_validate(
        {"data": {"preprocessing": {"colour": "grey"}}, "augmentation": {"hue": True}}
    )
    form.set_experiment(grey)
    assert not fields["augmentation.saturation"].editor.isEnabled()
    assert "no colour to change" in fields["augmentation.saturation"].help_label.text()
    assert fields["augmentation.hue"].editor.isEnabled(), "it is on, and can be switched off"
    assert fields["augmentation.contrast"].editor.isEnabled()
    form.set_experiment(ExperimentConfig())
    assert fields["augmentation.saturation"].editor.isEnabled()
    assert "no colour" not in fields["augmentation.saturation"].help_label.text()


@pytest.mark.slow
def test_the_engine_itself_shows_before_after_and_each_change(
    qtbot, studio: Studio, document: ProjectDocument, real_session, tmp_path
) -> None:
    picture = Image.new("RGB", (60, 40), (250, 250, 250))
    picture.paste((200, 30, 30), (20, 10, 30, 30))
    file = tmp_path / "mark.png"
    picture.save(file)
    page = ImagesPage(studio)
    qtbot.addWidget(page)
    page.resize(1200, 760)
    page.show()
    before, panel = page.seen.preprocessing, page.seen.augmentation
    panel.fold_button.click()
    page.seen.show_picture(str(file))
    commands.set_preprocessing(document, preprocessing=Preprocessing(image_size=20, invert=True))
    qtbot.waitUntil(
        lambda: before._after.pixels is not None and before._after.pixels.width() == 20, timeout=PATIENCE_MS
    )
    seen = before._after.pixels.toImage()
    assert seen.pixelColor(1, 1).getRgb()[:3] == (5, 5, 5), "cropped to the middle, and inverted"
    pixels = np.array([[seen.pixel(x, y) for x in range(20)] for y in range(20)])
    for turns, picture in enumerate(before._turned, start=1):
        turned = picture.pixels.toImage()
        found = np.array([[turned.pixel(x, y) for x in range(20)] for y in range(20)])
        assert np.array_equal(found, np.rot90(pixels, turns)), "turned as EpisodesByClass turns it"
    qtbot.waitUntil(lambda: "20 × 20, colour, numbers from 0 to 1" in before.about.full_text(), timeout=PATIENCE_MS)
    for name in STRENGTHS:
        point_at(panel.switches[name])
        title = panel.switches[name].title
        qtbot.waitUntil(
            lambda title=title: (
                panel.caption.full_text().startswith(title) and panel.caption.full_text().endswith("alone")
            ),
            timeout=PATIENCE_MS,
        )
        original = panel.original.pixels.toImage()
        assert original == seen
        assert any(each.pixels.toImage() != original for each in panel.drawn), name
    page.shut_down()
