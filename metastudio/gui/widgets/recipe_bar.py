"""Recipes: one choice fills the whole form; what the recipe was measured to reach stands beside what the paper says."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.recipes import Recipe, with_recipe
from metastudio.catalog.validation import parse_experiment
from metastudio.gui import theme
from metastudio.gui.forms.editors import ChoiceEdit
from metastudio.gui.forms.wording import translated
from metastudio.gui.widgets.labels import WrappingLabel, label

_OWN = ""


class RecipeBar(QWidget):
    """The recipes that ship, and which of them the experiment is.

    Signals:
        recipe_chosen(object): a `Recipe` that a person wants.
    """

    recipe_chosen = Signal(object)

    def __init__(self, recipes: Sequence[Recipe], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recipes = {recipe.name: recipe for recipe in recipes}
        self.box = ChoiceEdit(())
        self.box.addItem(self.tr("My own settings"), _OWN)
        for algorithm, entry in ALGORITHMS.items():
            mine = [recipe for recipe in recipes if recipe.algorithm == algorithm]
            if mine:
                self.box.insertSeparator(self.box.count())
            for recipe in mine:
                self.box.addItem(translated(recipe.title), recipe.name)
                tip = f"{entry.title}. {translated(recipe.summary)}"
                self.box.setItemData(self.box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.box.setAccessibleName(self.tr("Recipe"))
        self.box.setMinimumContentsLength(16)
        self.box.setSizeAdjustPolicy(ChoiceEdit.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.edited.connect(self._on_box_edited)
        self.said = WrappingLabel("", "caption")
        line = QHBoxLayout()
        line.setSpacing(theme.GAP)
        title = label(self.tr("Recipe"), "section")
        title.setBuddy(self.box)
        line.addWidget(title)
        line.addWidget(self.box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        column.addLayout(line)
        column.addWidget(self.said)
        self.set_experiment(ExperimentConfig())

    def set_experiment(self, experiment: ExperimentConfig) -> None:
        """Show which recipe the experiment is, if it is one."""
        values = experiment.model_dump()
        name = next((name for name, recipe in self._recipes.items() if _is(experiment, values, recipe)), _OWN)
        self.box.setCurrentIndex(self.box.findData(name))
        self.box.setToolTip(self.box.currentText())  # a narrow window shows its beginning only
        self.said.setText(self._what_is_said(name))

    def _what_is_said(self, name: str) -> str:
        if name == _OWN:
            return self.tr("A recipe fills the whole form: method, network, training and episodes.")
        recipe = self._recipes[name]
        lines = [translated(recipe.summary)]
        if recipe.measured:
            lines.append(self.tr("Measured: {text}").format(text=translated(recipe.measured)))
        if recipe.paper:
            lines.append(self.tr("Paper: {text}").format(text=translated(recipe.paper)))
        return "\n".join(lines)

    @Slot(object)
    def _on_box_edited(self, name: str) -> None:
        if name != _OWN:
            self.recipe_chosen.emit(self._recipes[name])


def _is(experiment: ExperimentConfig, values: dict[str, object], recipe: Recipe) -> bool:
    return experiment.algorithm.name == recipe.algorithm and parse_experiment(with_recipe(values, recipe)) == experiment
