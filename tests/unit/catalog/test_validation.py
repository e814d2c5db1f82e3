"""From raw values to a checked experiment."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from metastudio.catalog.experiment import ExperimentConfig, TrainingSpec
from metastudio.catalog.gradient.maml import MAMLConfig
from metastudio.catalog.validation import parse_experiment, problems_of
from metastudio.errors import ConfigurationError


def said(values: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as refused:
        parse_experiment(values)
    return {each.where: f"{each.message}" for each in refused.value.problems}


def test_what_is_left_out_has_its_default() -> None:
    assert parse_experiment({}) == ExperimentConfig()
    assert parse_experiment({"algorithm": {"name": "maml"}}).algorithm == MAMLConfig()


def test_every_problem_is_listed_and_not_only_the_first() -> None:
    found = said(
        {
            "seed": -1,
            "algorithm": {"name": "maml", "inner_lr": 0, "inner_steps": 1.5},
            "training": {"iterations": "many", "outer_lr": float("nan")},
            "data": {"split": {"kind": "random", "meta_train": 0.9}},
            "name": "",
            "episodes": 3,
            "evaluation": {"statistics": []},
            "targets": [{"name": "t", "classes": [{"name": "a"}, {"name": "a"}]}],
        }
    )
    assert found == {
        "seed": "It must be at least 0, not -1.",
        "algorithm.inner_lr": "It must be above 0.0, not 0.",
        "algorithm.inner_steps": "It must be a whole number, not 1.5.",
        "training.iterations": "It must be a whole number, not 'many'.",
        "training.outer_lr": "It must be a finite number, not nan.",
        "data.split": "The three shares add up to 1.26, they must add up to 1.",
        "name": "It must not be empty.",
        "episodes": "It must be a table of options, not 3.",
        "evaluation.statistics": "It must name at least one.",
        "targets.0": "Two classes of the target task 't' have the same name.",
    }


@pytest.mark.parametrize(
    ("values", "where", "hint"),
    [
        ({"sed": 1}, "sed", "Did you mean 'seed'?"),
        ({"inner_lr": 1}, "inner_lr", "Did you mean 'algorithm.inner_lr'?"),
        ({"algorithm": {"name": "maml", "iner_lr": 1}}, "algorithm.iner_lr", "Did you mean 'algorithm.inner_lr'?"),
        ({"algorithm": {"name": "mamll"}}, "algorithm.name", "Did you mean 'maml'?"),
        ({"backbone": {"name": "conv5"}}, "backbone.name", "Did you mean 'conv4'?"),
        ({"training": {"schedule": "cosin"}}, "training.schedule", "Did you mean 'cosine'?"),
        ({"data": {"layout": "nest"}}, "data.layout", "Did you mean 'nested'?"),
        ({"data": {"split": {"kind": "list"}}}, "data.split.kind", "Did you mean 'lists'?"),
    ],
)
def test_unknown_names_get_a_did_you_mean(values: dict[str, Any], where: str, hint: str) -> None:
    assert hint in said(values)[where]


def test_an_option_of_another_method_names_the_method() -> None:
    found = said({"algorithm": {"name": "prototypical", "inner_lr": 1}})
    assert found == {"algorithm.inner_lr": "'prototypical' has no option of this name."}


def test_a_missing_choice_is_said() -> None:
    assert said({"algorithm": {"inner_lr": 1}}) == {"algorithm.name": "It must be given."}


def test_a_backbone_without_a_name_is_the_one_there_was_when_it_needed_none() -> None:
    backbone = parse_experiment({"backbone": {"filters": 8}}).backbone
    assert (backbone.name, backbone.filters) == ("conv4", 8)


def test_problems_of_a_part_are_named_within_it() -> None:
    with pytest.raises(ValidationError) as error:
        TrainingSpec.model_validate({"iterations": 0, "halv_every": 3})
    assert [each.where for each in problems_of(error.value, TrainingSpec)] == ["iterations", "halv_every"]


def test_a_long_value_is_shortened() -> None:
    assert len(said({"seed": "9" * 1000 + "x"})["seed"]) < 150


def test_one_problem_is_called_one() -> None:
    with pytest.raises(ConfigurationError, match=r"The experiment has a problem\. \(x\.toml\)"):
        parse_experiment({"seed": -1}, where="x.toml")


def test_one_way_in_training_is_refused_and_none_is_the_same_as_at_test() -> None:
    found = said({"episodes": {"train_n_way": 1}})
    assert "nothing to tell apart" in found["episodes.train_n_way"]
    assert parse_experiment({"episodes": {"train_n_way": 0}}).episodes.for_training().n_way == 5
