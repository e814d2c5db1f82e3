"""Options as plain records."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.catalog.options import Kind, OptionInfo, discriminator_of, element_model, options_of, variants_of
from metastudio.catalog.settings import Settings, option
from metastudio.catalog.validation import parse_experiment


def by_name(*variants: str) -> dict[str, OptionInfo]:
    return {each.name: each for each in options_of(ExperimentConfig) if each.variant in {"", *variants}}


def _leaves(value: Any, prefix: str) -> set[str]:
    """Names of everything that a dumped experiment holds, lists and free tables not opened."""
    if not isinstance(value, dict) or prefix.endswith(("parts", "merged_classes", "moved_files", "class_depths")):
        return {prefix}
    return {leaf for key, each in value.items() for leaf in _leaves(each, f"{prefix}.{key}" if prefix else key)}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("split", ["random", "lists", "folders", "manual"])
def test_every_value_of_an_experiment_is_an_option(algorithm: str, split: str) -> None:
    kinds = {"lists": {"meta_train": "x"}}
    experiment = parse_experiment(
        {"algorithm": {"name": algorithm}, "data": {"split": {"kind": split, **kinds.get(split, {})}}}
    )
    assert _leaves(experiment.model_dump(), "") - {"schema_version"} == by_name(algorithm, "conv4", split).keys()


@pytest.mark.parametrize("entry", [*ALGORITHMS.values(), *BACKBONES.values()], ids=lambda entry: entry.name)
def test_every_option_of_an_entry_explains_itself(entry: Any) -> None:
    for each in options_of(entry.config_type, "x"):
        assert each.name.startswith("x.")
        assert each.title
        assert each.help.endswith("."), each.name
        assert each.kind is not Kind.TABLE


def test_bounds_units_and_choices_are_told() -> None:
    options = by_name("maml", "conv4")
    lr = options["algorithm.inner_lr"]
    assert (lr.kind, lr.default, lr.minimum, lr.maximum, lr.excludes_minimum) == (Kind.NUMBER, 0.4, 0, 100, True)
    assert lr.range_text == "above 0, at most 100"
    steps = options["algorithm.inner_steps"]
    assert (steps.kind, steps.unit, steps.range_text, steps.excludes_minimum) == (
        Kind.INTEGER,
        "steps",
        "0 to 1000",
        False,
    )
    assert options["seed"].excludes_maximum
    assert options["training.schedule"].choices == ("constant", "linear", "cosine", "halving")
    assert options["evaluation.statistics"].kind is Kind.CHOICES
    assert options["data.layout"].choices[0] == "auto"
    assert options["data.folders"].kind is Kind.TEXTS
    assert options["backbone.pooled_features"].kind is Kind.SWITCH
    assert options["backbone.pooled_features"].is_advanced
    assert not lr.is_advanced


def test_a_field_of_several_models_begins_with_a_choice() -> None:
    options = by_name()
    assert options["algorithm.name"].choices == tuple(ALGORITHMS)
    assert options["algorithm.name"].names_variant
    assert options["backbone.name"].choices == tuple(BACKBONES)
    assert options["data.split.kind"].choices == ("random", "lists", "folders", "manual")
    assert {each.variant for each in options_of(ExperimentConfig) if each.name == "algorithm.inner_lr"} == {
        name for name, entry in ALGORITHMS.items() if "inner_lr" in entry.config_type.model_fields
    }


def test_an_option_that_must_be_given_says_so() -> None:
    class Needs(Settings):
        count: int = option(title="Count", help="Must be given.", ge=1)

    assert options_of(Needs)[0].is_required
    assert options_of(Needs)[0].default is None
    assert options_of(Needs)[0].range_text == "at least 1"
    assert discriminator_of(Needs) == ""


def test_models_in_lists_are_found() -> None:
    targets = ExperimentConfig.model_fields["targets"]
    assert element_model(targets.annotation) is not None
    assert element_model(typing.get_type_hints(ExperimentConfig)["exports"]) is None
    assert variants_of(ExperimentConfig.model_fields["name"]) == ()
