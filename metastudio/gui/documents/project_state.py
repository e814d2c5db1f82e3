"""What a project is at one moment: a value that is replaced as a whole, never changed, so that undo only swaps it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from metastudio.catalog.data_spec import Layout, Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.options import options_of
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import DataError, Problem, Severity
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import arranged, left_in
from metastudio.images.image_index import ImageClass, ImageIndex

NO_IMAGES = ImageIndex((), Layout.AUTO, (), ())
CHOICES = ("excluded_classes", "excluded_files", "merged_classes", "moved_files")
"""Options of the data that decide which pictures are used, and for which class."""


@dataclass(frozen=True)
class ProjectState:
    """The experiment as it stands, and the images of its folders.

    Attributes:
        experiment: The draft: folders, split, episodes, method, target tasks …
        index: Everything found in its folders, what the experiment excludes included.
    """

    experiment: ExperimentConfig
    index: ImageIndex = NO_IMAGES

    def followed_by(self, experiment: ExperimentConfig, index: ImageIndex) -> ProjectState:
        """Return the state with another experiment or images; what follows from neither's change is not made anew."""
        after = ProjectState(experiment, index)
        before, data = self.experiment.data, experiment.data
        is_same_choice = all(getattr(before, name) == getattr(data, name) for name in CHOICES)
        if index is self.index and is_same_choice:
            after.__dict__["used"] = self.used
            after.__dict__["arranged"] = self.arranged
            if data.split == before.split:
                after.__dict__["_split"] = self._split
        return after

    @cached_property
    def arranged(self) -> ImageIndex:
        """Every image in the class it counts for, what the experiment excludes included."""
        return arranged(self.index, self.experiment.data)

    @cached_property
    def listed(self) -> tuple[ImageClass, ...]:
        """Every class of `arranged`, and those of which nothing is left there, as they lie on the disk; by name."""
        here = {each.name for each in self.arranged.classes}
        gone = [each for each in self.index.classes if each.name not in here]
        return (
            tuple(sorted((*self.arranged.classes, *gone), key=lambda each: each.name))
            if gone
            else self.arranged.classes
        )

    @cached_property
    def used(self) -> ImageIndex:
        """The images without what the experiment excludes, each in the class it counts for."""
        return left_in(self.arranged, self.experiment.data)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The part of each class that has one; empty where the split does not fit the images."""
        return self._split[0]

    @cached_property
    def split_problems(self) -> tuple[Problem, ...]:
        """Why the split does not fit the images."""
        return self._split[1]

    @cached_property
    def _split(self) -> tuple[dict[str, Part], tuple[Problem, ...]]:
        if not self.used.classes:
            return {}, ()
        try:
            return split_classes(self.used, self.experiment.data.split), ()
        except DataError as error:
            own = Problem("split", error.what, Severity.ERROR, error.where or "data.split", error.todo)
            return {}, error.problems or (own,)


def with_option(experiment: ExperimentConfig, name: str, value: Any) -> ExperimentConfig:
    """Return the experiment with one option changed; another method (or split …) begins with its own defaults.

    Args:
        experiment: What there is.
        name: Dotted: ``"algorithm.inner_lr"``, ``"data.preprocessing"``.
        value: A plain value or a configuration.

    Raises:
        ConfigurationError: with everything that is wrong then.
    """
    values = experiment.model_dump()
    *tables, last = name.split(".")
    table = values
    for step in tables:
        table = table[step]
    if name in _choices_of_variant():
        table.clear()
    table[last] = value.model_dump() if hasattr(value, "model_dump") else value
    return parse_experiment(values)


@lru_cache(maxsize=1)
def _choices_of_variant() -> frozenset[str]:
    return frozenset(each.name for each in options_of(ExperimentConfig) if each.names_variant)


@lru_cache(maxsize=256)
def title_of(name: str) -> str:
    """Return what forms call an option, or its last word where it has no title."""
    titles = (each.title for each in options_of(ExperimentConfig) if each.name == name)
    return next(titles, name.rpartition(".")[2].replace("_", " "))


def changed_sections(before: ExperimentConfig, after: ExperimentConfig) -> frozenset[str]:
    """Return the names of what differs: ``"episodes"``, ``"algorithm"``, and of the data ``"data.split"`` and so on."""
    changed = {name for name in ExperimentConfig.model_fields if getattr(before, name) != getattr(after, name)}
    if "data" in changed:
        data = type(before.data).model_fields
        changed |= {f"data.{name}" for name in data if getattr(before.data, name) != getattr(after.data, name)}
    return frozenset(changed)
