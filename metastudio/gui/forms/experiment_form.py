"""The form of an experiment: method, network, training, episodes, evaluation, run; made anew for another choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from metastudio.catalog.augmentation import STRENGTHS, without_effect
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.options import Kind, OptionInfo, options_of
from metastudio.errors import ConfigurationError, Problem
from metastudio.gui import theme
from metastudio.gui.documents.project_state import with_option
from metastudio.gui.forms.field import Field
from metastudio.gui.forms.option_form import OptionForm
from metastudio.gui.forms.wording import translated
from metastudio.gui.widgets.labels import hairline

_ELSEWHERE = {"device", "exports"}
_ALGORITHM = "algorithm"
_BACKBONE = "backbone"


class ExperimentForm(QWidget):
    """Shows an experiment and tells what a person changes; wrong values stay here, under their field's error.

    Signals:
        option_changed(object, object): an option's dotted name and its new value, which is right.
        problems_changed(): `problems()` answers differently.
    """

    option_changed = Signal(object, object)
    problems_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options = tuple(each for each in options_of(ExperimentConfig) if each.kind is not Kind.TABLE)
        self._experiment = ExperimentConfig()
        self._wrong: dict[str, tuple[Problem, ...]] = {}
        self.sections: dict[str, OptionForm] = {}
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, theme.GAP, theme.GROUP)
        self._rows.setSpacing(theme.GROUP)
        titles: dict[str, Callable[[str], bool]] = {
            "training": lambda name: name.startswith("training."),
            "episodes": lambda name: name.startswith("episodes."),
            "augmentation": lambda name: name.startswith("augmentation."),
            "evaluation": lambda name: name.startswith("evaluation."),
            "run": lambda name: "." not in name and name not in _ELSEWHERE,
        }
        self._makers = {_ALGORITHM: self._algorithm_form, _BACKBONE: self._backbone_form}
        self._add(_ALGORITHM, self._algorithm_form())
        self._rows.addWidget(hairline())
        self._add(_BACKBONE, self._backbone_form())
        for key, belongs in titles.items():
            self._rows.addWidget(hairline())
            self._add(key, OptionForm(_title(key), [each for each in self._options if belongs(each.name)]))
        self._rows.addStretch(1)
        self.set_experiment(self._experiment)

    @property
    def algorithm(self) -> str:
        """The method whose settings are shown."""
        return str(self._experiment.algorithm.name)

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the values as entered."""
        return tuple(problem for problems in self._wrong.values() for problem in problems)

    def set_experiment(self, experiment: ExperimentConfig) -> None:
        """Show an experiment; what is wrong stays as typed, unless this option was changed elsewhere."""
        before, self._experiment = _flat(self._experiment), experiment
        now = _flat(experiment)
        for key in self._makers:
            if before[f"{key}.name"] != now[f"{key}.name"]:
                self._make_anew(key)
        self._drop({name for name in self._wrong if before.get(name) != now.get(name)})
        values = {name: value for name, value in now.items() if name not in self._wrong}
        for form in self.sections.values():
            form.set_values(values)
        for name in STRENGTHS:
            reason = without_effect(name, experiment.data.preprocessing)
            self.sections["augmentation"].fields[f"augmentation.{name}"].set_unfit(reason)

    def title_of(self, name: str) -> str:
        """Return what the form calls an option; empty where it does not have it."""
        fields = (form.fields.get(name) for form in self.sections.values())
        return next((translated(field.option.title) for field in fields if field), "")

    def reveal(self, name: str) -> Field | None:
        """Unfold an option's field, give it the keyboard, and return it; None where the form does not have it."""
        for form in self.sections.values():
            if field := form.fields.get(name):
                if field.option.is_advanced:
                    form.fold_button.setChecked(True)
                field.editor.setFocus()
                return field
        return None

    def _algorithm_form(self) -> OptionForm:
        name = self._experiment.algorithm.name
        return OptionForm(ALGORITHMS[name].title, self._options_of_variant(_ALGORITHM, name, with_choice=False))

    def _backbone_form(self) -> OptionForm:
        name = self._experiment.backbone.name
        return OptionForm(_title(_BACKBONE), self._options_of_variant(_BACKBONE, name, with_choice=True))

    def _options_of_variant(self, table: str, variant: str, *, with_choice: bool) -> list[OptionInfo]:
        mine = [each for each in self._options if each.name.startswith(f"{table}.") and each.variant in {"", variant}]
        return [each for each in mine if with_choice or not each.names_variant]

    def _make_anew(self, key: str) -> None:
        """Put a form for another choice in place of the old one; the keyboard stays where the choice was made."""
        self._drop({name for name in self._wrong if name.startswith(f"{key}.")})
        old, made = self.sections[key], self._makers[key]()
        choice = old.fields.get(f"{key}.name")
        had_focus = choice is not None and choice.editor.hasFocus()
        self._rows.replaceWidget(old, made)
        old.setParent(None)
        old.deleteLater()
        self._connect(key, made)
        if had_focus:
            made.fields[f"{key}.name"].editor.setFocus()

    def _add(self, key: str, form: OptionForm) -> None:
        self._rows.addWidget(form)
        self._connect(key, form)

    def _connect(self, key: str, form: OptionForm) -> None:
        form.edited.connect(self._on_form_edited)
        self.sections[key] = form

    def _drop(self, names: set[str]) -> None:
        for name in names:
            self._wrong.pop(name, None)
        if names:
            self._show_problems()

    def _show_problems(self) -> None:
        problems = self.problems()
        for form in self.sections.values():
            form.set_problems(problems)
        self.problems_changed.emit()

    @Slot(object, object)
    def _on_form_edited(self, name: str, value: object) -> None:
        try:
            with_option(self._experiment, name, value)
        except ConfigurationError as error:
            self._wrong[name] = error.problems
            self._show_problems()
            return
        self._drop({name} & self._wrong.keys())
        self.option_changed.emit(name, value)


def _flat(experiment: ExperimentConfig) -> dict[str, Any]:
    """Return the values by dotted name."""
    found: dict[str, Any] = {}
    tables: list[tuple[str, dict[str, Any]]] = [("", experiment.model_dump(exclude={"data", "targets"}))]
    while tables:
        prefix, table = tables.pop()
        for key, value in table.items():
            if isinstance(value, dict):
                tables.append((f"{prefix}{key}.", value))
            else:
                found[f"{prefix}{key}"] = value
    return found


def _title(key: str) -> str:
    def tr(text: str) -> str:
        return QCoreApplication.translate("ExperimentForm", text)

    titles = {
        "backbone": tr("Network"),
        "training": tr("Training"),
        "episodes": tr("Episodes"),
        "augmentation": tr("Augmentation"),
        "evaluation": tr("Evaluation"),
        "run": tr("Run"),
    }
    return titles[key]
