"""Recipes that ship."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from metastudio.catalog.data_spec import Preprocessing
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.experiment_file import from_toml, to_toml
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.options import options_of
from metastudio.catalog.recipes import Recipe, find_recipe, recipes, with_recipe
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import ConfigurationError

EVERY = pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)


@EVERY
def test_a_recipe_makes_a_whole_experiment(recipe: Recipe) -> None:
    experiment = parse_experiment(with_recipe({}, recipe))
    assert experiment.algorithm.name == recipe.algorithm
    assert from_toml(to_toml(experiment)) == experiment
    assert recipe.title
    assert recipe.summary.endswith(".")


@EVERY
def test_a_number_in_a_recipe_has_its_interval_or_none_was_reported(recipe: Recipe) -> None:
    assert not recipe.measured or "±" in recipe.measured


@EVERY
def test_a_recipe_never_names_folders_or_a_split_or_a_device(recipe: Recipe) -> None:
    assert set(recipe.values) <= {"algorithm", "backbone", "training", "episodes", "evaluation", "data"}
    assert set(recipe.values.get("data", {})) <= {"preprocessing", "rotations_as_classes"}


def test_each_method_has_a_quick_recipe() -> None:
    assert {recipe.algorithm for recipe in recipes() if recipe.name.startswith("quick-")} == set(ALGORITHMS)


def test_a_recipe_keeps_folders_and_split_and_replaces_the_rest() -> None:
    values = {
        "name": "mine",
        "algorithm": {"name": "classifier", "batch_size": 3},
        "training": {"gradient_clip": 5.0},
        "data": {"folders": ["/a"], "split": {"kind": "folders"}, "preprocessing": {"fit": "pad", "image_size": 99}},
    }
    experiment = parse_experiment(with_recipe(values, find_recipe("quick-maml-omniglot")))
    assert (experiment.name, experiment.data.folders, experiment.data.split.kind) == ("mine", ("/a",), "folders")
    assert (experiment.data.preprocessing.fit, experiment.data.preprocessing.image_size) == ("pad", 28)
    assert experiment.algorithm.name == "maml"
    assert experiment.training.gradient_clip == 0.0
    assert values["data"]["preprocessing"] == {"fit": "pad", "image_size": 99}, "what was given stays as it is"


def test_an_unknown_recipe_gets_a_did_you_mean() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'maml-omniglot-5w'"):
        find_recipe("maml-omniglot5w")


def test_every_file_of_the_folder_is_a_recipe() -> None:
    folder = resources.files("metastudio.catalog.presets")
    files = [each for each in folder.iterdir() if each.name.endswith(".toml")]
    assert {each.name.removesuffix(".toml") for each in files} == {recipe.name for recipe in recipes()}
    for each in files:
        assert tomllib.loads(each.read_text("utf-8"))["recipe"]["title"]


def test_recipes_name_only_options_that_there_are() -> None:
    known = {option.name for option in options_of(ExperimentConfig)}
    for recipe in recipes():
        for table in ("algorithm", "backbone", "training", "episodes"):
            assert {f"{table}.{name}" for name in recipe.values.get(table, {})} <= known


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(normalization="imagenet"),
        Preprocessing(normalization="given", mean=(0.5, 0.4, 0.3), standard_deviation=(0.1, 0.2, 0.3)),
        Preprocessing(colour="grey", normalization="given", mean=(0.9,), standard_deviation=(0.2,)),
    ],
    ids=lambda each: f"{each.normalization}-{each.colour}",
)
@pytest.mark.parametrize("recipe", recipes(), ids=lambda each: each.name)
def test_a_recipe_says_how_pictures_are_normalised_whatever_was_chosen_before(
    recipe: Recipe, preprocessing: Preprocessing
) -> None:
    before = ExperimentConfig()
    before = before.model_copy(update={"data": before.data.model_copy(update={"preprocessing": preprocessing})})
    after = parse_experiment(with_recipe(before.model_dump(), recipe)).data.preprocessing
    assert after == parse_experiment(with_recipe({}, recipe)).data.preprocessing.changed(fit=preprocessing.fit)
