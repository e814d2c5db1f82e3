"""Single options set by hand."""

from __future__ import annotations

from typing import Any

import pytest

from metastudio.catalog.overrides import with_overrides
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import ConfigurationError


def experiment(*overrides: str, **values: Any) -> Any:
    return parse_experiment(with_overrides(values, overrides))


@pytest.mark.parametrize(
    ("override", "option", "value"),
    [
        ("seed=7", "seed", 7),
        (" seed = 7 ", "seed", 7),
        ("algorithm.inner_lr=0.1", "algorithm.inner_lr", 0.1),
        ("algorithm.inner_lr=1e-3", "algorithm.inner_lr", 1e-3),
        ("backbone.pooled_features=true", "backbone.pooled_features", True),
        ("training.schedule=cosine", "training.schedule", "cosine"),
        ("training.schedule='cosine'", "training.schedule", "cosine"),
        ("name=3", "name", "3"),
        ("name=a = b", "name", "a = b"),
        ('name="quoted"', "name", "quoted"),
        ("device=cuda:1", "device", "cuda:1"),
        ("evaluation.statistics=support,batch", "evaluation.statistics", ("support", "batch")),
        ('evaluation.statistics=["batch"]', "evaluation.statistics", ("batch",)),
        ("exports=onnx", "exports", ("onnx",)),
        ("exports=", "exports", ()),
        ("data.folders=/a b/c", "data.folders", ("/a b/c",)),
    ],
)
def test_a_value_is_read_as_its_option_wants_it(override: str, option: str, value: object) -> None:
    found = experiment(override)
    for step in option.split("."):
        found = getattr(found, step)
    assert found == value


def test_the_values_given_stay_as_they_are() -> None:
    values = {"training": {"iterations": 5}}
    changed = with_overrides(values, ["training.iterations=6", "seed=1"])
    assert values == {"training": {"iterations": 5}}
    assert changed["training"]["iterations"] == 6


def test_another_algorithm_begins_with_its_own_defaults_whatever_the_order() -> None:
    values = {"algorithm": {"name": "maml", "inner_lr": 50.0}}
    for overrides in (
        ["algorithm.name=reptile", "algorithm.inner_steps=9"],
        ["algorithm.inner_steps=9", "algorithm.name=reptile"],
    ):
        found = experiment(*overrides, **values)
        assert (found.algorithm.name, found.algorithm.inner_lr, found.algorithm.inner_steps) == ("reptile", 1e-3, 9)


def test_the_same_algorithm_keeps_what_was_set() -> None:
    found = experiment("algorithm.name=maml", algorithm={"name": "maml", "inner_lr": 50.0})
    assert found.algorithm.inner_lr == 50.0


def test_every_wrong_name_is_listed_with_a_hint() -> None:
    with pytest.raises(ConfigurationError) as refused:
        with_overrides({}, ["algorithm.iner_lr=1", "inner_steps=2", "seed", "zzz=1", "seed=3"])
    assert [(each.where, each.code) for each in refused.value.problems] == [
        ("algorithm.iner_lr", "unknown-option"),
        ("inner_steps", "unknown-option"),
        ("seed", "no-value"),
        ("zzz", "unknown-option"),
    ]
    assert "Did you mean 'algorithm.inner_lr'?" in str(refused.value)
    assert "Did you mean 'algorithm.inner_steps'?" in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_value_of_the_wrong_kind_is_refused_by_the_experiment() -> None:
    with pytest.raises(ConfigurationError, match=r"training.iterations: It must be a whole number, not 'many'"):
        experiment("training.iterations=many")
