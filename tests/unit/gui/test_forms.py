"""Forms: the editor of each kind, errors all at once, and the way back to the default."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.options import Kind, OptionInfo, options_of
from metastudio.errors import problem
from metastudio.gui.documents.project_state import with_option
from metastudio.gui.forms.editors import (
    ChoiceEdit,
    ChoicesEdit,
    FolderEdit,
    NumberEdit,
    SwitchEdit,
    TextEdit,
    WholeNumberSpin,
    editor_for,
    next_nice,
)
from metastudio.gui.forms.experiment_form import ExperimentForm
from metastudio.gui.forms.field import Field
from metastudio.gui.forms.option_form import OptionForm

OPTIONS = {option.name: option for option in options_of(ExperimentConfig)}
EDITABLE = [option for option in OPTIONS.values() if option.kind not in {Kind.TABLE, Kind.TEXTS}]


def _wheel(widget: QWidget) -> None:
    centre = QPointF(widget.rect().center())
    event = QWheelEvent(
        centre,
        widget.mapToGlobal(centre),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


@pytest.mark.parametrize("option", EDITABLE, ids=lambda option: f"{option.variant}:{option.name}")
def test_every_option_of_the_catalogue_shows_its_default_and_gives_it_back(qtbot, option: OptionInfo) -> None:
    field = Field(option)
    qtbot.addWidget(field)
    if option.default is not None:
        assert field.value() == option.default
    assert field.editor.accessibleName() == option.title
    assert option.help in field.help_label.text()


@pytest.mark.parametrize(
    ("name", "editor"),
    [
        ("training.iterations", WholeNumberSpin),
        ("training.outer_lr", NumberEdit),
        ("seed", NumberEdit),
        ("data.rotations_as_classes", SwitchEdit),
        ("training.optimizer", ChoiceEdit),
        ("evaluation.statistics", ChoicesEdit),
        ("name", TextEdit),
        ("initial_weights", FolderEdit),
    ],
)
def test_the_editor_follows_the_kind_of_the_option(qtbot, name: str, editor: type[QWidget]) -> None:
    made = editor_for(OPTIONS[name])
    qtbot.addWidget(made)
    assert type(made) is editor


def test_a_spin_box_has_the_bounds_of_the_catalogue(qtbot) -> None:
    spin = editor_for(OPTIONS["training.meta_batch_size"])
    qtbot.addWidget(spin)
    assert (spin.minimum(), spin.maximum()) == (1, 1024)


def test_a_seed_above_32_bits_is_kept(qtbot) -> None:
    edit = editor_for(OPTIONS["seed"])
    qtbot.addWidget(edit)
    edit.set_value(2**62 + 1)
    assert edit.value() == 2**62 + 1


def test_a_typed_number_is_emitted_and_nonsense_is_emitted_as_it_stands(qtbot) -> None:
    edit = NumberEdit()
    qtbot.addWidget(edit)
    edit.set_value(0.4)
    seen: list[object] = []
    edit.edited.connect(seen.append)
    edit.selectAll()
    qtbot.keyClicks(edit, "1e-3")
    assert seen[-1] == 0.001
    qtbot.keyClicks(edit, "x")
    assert seen[-1] == "1e-3x"


def test_arrow_keys_walk_through_nice_numbers_and_stop_at_the_bound(qtbot) -> None:
    edit = NumberEdit(largest=1)
    qtbot.addWidget(edit)
    edit.set_value(0.4)
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.value() == 0.5
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.value() == 1
    for _ in range(4):
        qtbot.keyClick(edit, Qt.Key.Key_Down)
    assert edit.value() == 0.05


@given(st.floats(1e-12, 1e12))
def test_the_next_nice_number_lies_on_the_asked_side_within_a_factor_of_ten(value: float) -> None:
    up, down = next_nice(value, up=True), next_nice(value, up=False)
    assert value < up <= 10 * value
    assert value / 10 <= down < value


@pytest.mark.parametrize("name", ["training.iterations", "training.outer_lr", "training.schedule"])
def test_the_wheel_over_an_editor_without_focus_changes_nothing(qtbot, name: str) -> None:
    field = Field(OPTIONS[name])
    qtbot.addWidget(field)
    field.show()
    field.setFocus()
    _wheel(field.editor)
    assert field.value() == OPTIONS[name].default


def test_reset_brings_the_default_back_and_says_so(qtbot) -> None:
    field = Field(OPTIONS["algorithm.inner_lr"] if "algorithm.inner_lr" in OPTIONS else OPTIONS["training.outer_lr"])
    qtbot.addWidget(field)
    default = field.option.default
    assert not field.reset_button.isEnabled()
    field.set_value(default * 2)
    with qtbot.waitSignal(field.edited) as caught:
        field.reset_button.click()
    assert caught.args == [field.option.name, default]
    assert field.value() == default
    assert not field.reset_button.isEnabled()


def test_showing_a_value_is_not_an_edit(qtbot) -> None:
    for option in EDITABLE:
        if option.default is None:
            continue
        field = Field(option)
        qtbot.addWidget(field)
        with qtbot.assertNotEmitted(field.edited):
            field.set_value(option.default)


@pytest.fixture
def training_form(qtbot) -> OptionForm:
    form = OptionForm("Training", [option for option in EDITABLE if option.name.startswith("training.")])
    qtbot.addWidget(form)
    form.show()
    return form


def test_all_errors_are_shown_at_once_each_under_its_field(training_form: OptionForm) -> None:
    training_form.set_problems(
        [
            problem("wrong-value", "It must be above {gt}.", where="training.outer_lr", gt=0),
            problem("wrong-value", "It must be at least 1.", where="training.iterations"),
        ]
    )
    assert training_form.fields["training.outer_lr"].error == "It must be above 0."
    assert training_form.fields["training.iterations"].error == "It must be at least 1."
    training_form.set_problems([])
    assert not any(field.error for field in training_form.fields.values())


def test_advanced_options_are_folded_until_asked_for(training_form: OptionForm) -> None:
    optimizer = training_form.fields["training.optimizer"]
    assert not optimizer.isVisible()
    training_form.fold_button.click()
    assert optimizer.isVisible()


def test_an_error_in_a_folded_option_unfolds_it(training_form: OptionForm) -> None:
    training_form.set_problems([problem("wrong-value", "It is wrong.", where="training.gradient_clip")])
    assert training_form.fields["training.gradient_clip"].error_label.isVisible()


def test_an_error_inside_a_list_is_said_under_the_list(qtbot) -> None:
    form = OptionForm("Evaluation", [OPTIONS["evaluation.statistics"]])
    qtbot.addWidget(form)
    form.set_problems([problem("wrong-value", "It must be one of these.", where="evaluation.statistics.0")])
    assert form.fields["evaluation.statistics"].error == "It must be one of these."


def test_an_edit_carries_the_dotted_name(training_form: OptionForm, qtbot) -> None:
    with qtbot.waitSignal(training_form.edited) as caught:
        qtbot.keyClick(training_form.fields["training.meta_batch_size"].editor, Qt.Key.Key_Up)
    assert caught.args == ["training.meta_batch_size", 17]


def test_browsing_for_a_folder_is_an_edit_and_cancelling_is_none(qtbot) -> None:
    answers = iter(["/runs/one", ""])
    edit = FolderEdit(choose=lambda _parent, _start: next(answers))
    qtbot.addWidget(edit)
    with qtbot.waitSignal(edit.edited) as caught:
        edit.button.click()
    assert caught.args == ["/runs/one"]
    with qtbot.assertNotEmitted(edit.edited):
        edit.button.click()
    assert edit.value() == "/runs/one"


def test_another_network_has_a_form_of_its_own(qtbot) -> None:
    form = ExperimentForm()
    qtbot.addWidget(form)
    form.show()
    experiment = ExperimentConfig()
    form.option_changed.connect(lambda name, value: form.set_experiment(with_option(experiment, name, value)))
    assert "backbone.downsampling" in form.sections["backbone"].fields
    choice = form.sections["backbone"].fields["backbone.name"].editor
    assert [choice.itemData(row) for row in range(choice.count())] == ["conv4", "resnet12"]
    choice.setCurrentIndex(1)
    choice.activated.emit(1)
    fields = form.sections["backbone"].fields
    assert fields["backbone.name"].value() == "resnet12"
    assert fields["backbone.pooled_features"].value() is True
    assert "backbone.downsampling" not in fields
    form.set_experiment(experiment)
    assert form.sections["backbone"].fields["backbone.downsampling"].value() == "max_pool"


def test_what_is_wrong_with_a_network_goes_with_it(qtbot) -> None:
    form = ExperimentForm()
    qtbot.addWidget(form)
    form.sections["backbone"].edited.emit("backbone.filters", "many")
    assert [each.where for each in form.problems()] == ["backbone.filters"]
    form.set_experiment(with_option(ExperimentConfig(), "backbone.name", "resnet12"))
    assert form.problems() == ()
