"""Learn: choosing fills the draft step by step, what prevents the start is said, one click makes one run."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.recipes import recipes
from metastudio.gui import commands
from metastudio.gui.documents.project_document import ProjectDocument
from metastudio.gui.pages.learn_page import LearnPage
from metastudio.gui.studio import Studio
from metastudio.runs.run_folder import list_runs


@pytest.fixture
def page(qtbot, studio: Studio, document: ProjectDocument) -> LearnPage:
    made = LearnPage(studio)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    made.on_shown()
    qtbot.waitUntil(lambda: "cuda" in made.devices.names)
    yield made
    made.shut_down()


def _draft(page: LearnPage):
    return page.studio.project.experiment


def test_a_method_is_chosen_and_its_form_appears_as_one_undo_step(page: LearnPage, qtbot) -> None:
    page.shelf.cards["reptile"].click()
    assert _draft(page).algorithm.name == "reptile"
    assert "algorithm.inner_batch_size" in page.form.sections["algorithm"].fields
    page.studio.undo_stack.undo()
    assert _draft(page).algorithm.name == "maml"
    assert page.shelf.cards["maml"].isChecked()
    assert "algorithm.inner_batch_size" not in page.form.sections["algorithm"].fields


def test_a_method_without_settings_says_so(page: LearnPage, qtbot) -> None:
    page.shelf.cards["prototypical"].click()
    qtbot.waitUntil(page.form.sections["algorithm"].none_label.isVisible)


def test_search_leaves_what_matches_and_says_when_nothing_does(page: LearnPage) -> None:
    page.shelf.search.setText("snell")
    assert [name for name, card in page.shelf.cards.items() if card.isVisible()] == ["prototypical"]
    page.shelf.search.setText("zzz")
    assert "zzz" in page.shelf._none.text()
    assert page.shelf._none.isVisible()


def test_methods_that_need_more_classes_are_grey_and_say_why(page: LearnPage, document: ProjectDocument) -> None:
    names = [each.name for each in document.index.classes]
    commands.exclude_classes(document, names=names[:14])
    assert not page.shelf.cards["maml"].isEnabled()
    assert "10" in page.shelf.cards["maml"].unfit_reason
    assert page.shelf.cards["classifier"].isEnabled()
    page.studio.undo_stack.undo()
    assert page.shelf.cards["maml"].isEnabled()


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_every_recipe_fills_the_whole_form_in_one_step_and_is_recognised(page: LearnPage, recipe) -> None:
    before = _draft(page)
    page.recipes.recipe_chosen.emit(recipe)
    assert _draft(page).algorithm.name == recipe.algorithm
    assert page.recipes.box.value() == recipe.name
    assert page.studio.undo_stack.index() == 1
    assert recipe.summary in page.recipes.said.text()
    assert ("Measured" in page.recipes.said.text()) == bool(recipe.measured)
    page.studio.undo_stack.undo()
    assert _draft(page) == before


def test_a_typed_value_reaches_the_draft_and_a_wrong_one_stays_with_its_error(page: LearnPage, qtbot) -> None:
    field = page.form.sections["training"].fields["training.outer_lr"]
    field.editor.selectAll()
    qtbot.keyClicks(field.editor, "0.01")
    assert _draft(page).training.outer_lr == 0.01
    field.editor.selectAll()
    qtbot.keyClicks(field.editor, "-1")
    assert _draft(page).training.outer_lr == 0.01
    assert "above 0" in field.error
    qtbot.waitUntil(lambda: not page.start_button.isEnabled())
    assert "above 0" in page.start_button.toolTip()
    field.editor.selectAll()
    qtbot.keyClicks(field.editor, "0.02")
    assert not field.error
    qtbot.waitUntil(page.start_button.isEnabled)


def test_two_wrong_values_are_both_shown(page: LearnPage, qtbot) -> None:
    for name in ("training.outer_lr", "training.gradient_clip"):
        editor = page.form.sections["training"].fields[name].editor
        editor.selectAll()
        qtbot.keyClicks(editor, "-1")
    wrong = {"Outer learning rate", "Clip gradient at"}
    qtbot.waitUntil(lambda: {each.where for each in page.strip.problems()} >= wrong)


def test_another_method_forgets_a_wrong_value_of_the_one_before(page: LearnPage, qtbot) -> None:
    editor = page.form.sections["algorithm"].fields["algorithm.inner_lr"].editor
    editor.selectAll()
    qtbot.keyClicks(editor, "nonsense")
    assert page.form.problems()
    page.shelf.cards["prototypical"].click()
    assert not page.form.problems()


def test_a_problem_leads_to_its_field_even_a_folded_one(page: LearnPage, qtbot) -> None:
    editor = page.form.sections["training"].fields["training.gradient_clip"].editor
    page.form.sections["training"].fold_button.setChecked(True)
    editor.selectAll()
    qtbot.keyClicks(editor, "-1")
    page.form.sections["training"].fold_button.setChecked(False)
    page.resize(1024, 560)
    assert editor.visibleRegion().isEmpty()
    page.strip.problem_activated.emit(page.form.problems()[0])
    qtbot.waitUntil(lambda: editor.visibleRegion().boundingRect().size() == editor.size())


def test_too_few_images_for_the_episode_prevent_the_start_by_name(page: LearnPage, document, qtbot) -> None:
    document.set_option("episodes.n_shot", 9)
    qtbot.waitUntil(lambda: not page.start_button.isEnabled())
    assert any("class" in str(each) for each in page.strip.problems())


def test_a_device_is_chosen_as_an_undo_step(page: LearnPage) -> None:
    next(each for each in page.devices._group.buttons() if each.property("device") == "cuda").click()
    assert _draft(page).device == "cuda"
    page.studio.undo_stack.undo()
    assert _draft(page).device == "auto"
    assert page.devices.device() == "auto"


def test_one_start_makes_one_queued_run_and_goes_to_jobs(page: LearnPage, document, qtbot) -> None:
    with qtbot.waitSignal(page.studio.page_wanted) as caught:
        page.start_button.click()
        page.start_button.click()
        page.start()
    assert caught.args == ["jobs"]
    assert len(page.studio.jobs.queued) == 1
    run = page.studio.jobs.queued[0]
    assert run.experiment() == document.experiment
    assert list_runs(document.runs_folder) == [run]
    page.start()
    assert len(page.studio.jobs.queued) == 1
    qtbot.waitUntil(page.start_button.isEnabled)


def test_control_and_return_starts(page: LearnPage, qtbot) -> None:
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    qtbot.waitUntil(page.start_button.isEnabled)
    with qtbot.waitSignal(page.studio.page_wanted):
        qtbot.keyClick(page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def test_only_ticked_target_tasks_are_adapted_to_at_the_end(page: LearnPage, document, tmp_path, qtbot) -> None:
    picture = str(tmp_path / "images" / "class00" / "0.png")
    other = str(tmp_path / "images" / "class01" / "0.png")
    classes = (TargetClass(name="a", support=(picture,)), TargetClass(name="b", support=(other,)))
    tasks = [TargetTask(name=name, classes=classes) for name in ("oaks", "mugs")]
    commands.set_targets(document, targets=tasks, title="Add")
    assert [box.text() for box in page.at_the_end.boxes] == ["oaks", "mugs"]
    page.at_the_end.boxes[0].click()
    with qtbot.waitSignal(page.studio.page_wanted):
        page.start()
    assert [each.name for each in page.studio.jobs.queued[0].experiment().targets] == ["mugs"]
    assert [each.name for each in document.targets] == ["oaks", "mugs"]


def test_formats_of_the_exports_are_part_of_the_draft(page: LearnPage) -> None:
    page.at_the_end.formats._boxes["checkpoint"].click()
    assert set(_draft(page).exports) == {"checkpoint", "adapted", "onnx"}


def test_a_runs_folder_that_cannot_be_made_is_said(page: LearnPage, document, qtbot, monkeypatch) -> None:
    said: list[Exception] = []
    monkeypatch.setattr(page.studio.messages, "show_error", said.append)
    document.runs_folder.rmdir()
    document.runs_folder.write_text("a file is in the way")
    page.start()
    qtbot.waitUntil(lambda: len(said) == 1)
    assert "folder" in str(said[0])
    assert not page.studio.jobs.queued


def test_every_control_has_a_name_for_those_who_do_not_see_it(page: LearnPage) -> None:
    for card in page.shelf.cards.values():
        assert card.accessibleName() in {entry.title for entry in ALGORITHMS.values()}
    for form in page.form.sections.values():
        for field in form.fields.values():
            assert field.editor.accessibleName()
            assert field.reset_button.accessibleName()
