"""What prevents a start, or will disappoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metastudio.catalog.data_spec import Part
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.recipes import Recipe, recipes, with_recipe
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import ConfigurationError, DataError, Severity
from metastudio.runs.checkpoint_files import commit_checkpoint
from metastudio.runs.preflight import preflight, require_start, train_spec
from tests.unit.runs.small_runs import index_of, make_run, thirty_classes


def found(
    values: dict[str, Any], sizes: dict[str, int] | None = None, parts: dict[str, Part] | None = None
) -> list[str]:
    """The codes of what is wrong, errors with an exclamation mark."""
    index, usual = thirty_classes()
    if sizes is not None:
        index = index_of(sizes)
    problems = preflight(parse_experiment(values), index, usual if parts is None else parts)
    severities = [each.severity for each in problems]
    assert severities == sorted(severities, key=list(Severity).index), "errors come first"
    return [each.code + ("!" if each.severity is Severity.ERROR else "") for each in problems]


def test_images_that_fit_have_no_problem() -> None:
    assert found({}) == []


@pytest.mark.parametrize("recipe", [each for each in recipes() if each.name.startswith("quick-")], ids=lambda r: r.name)
def test_quick_recipes_fit_thirty_classes_of_twenty(recipe: Recipe) -> None:
    keeps_backbone = ALGORITHMS[recipe.algorithm].capabilities.keeps_backbone
    assert found(with_recipe({}, recipe)) == ["untrained-start"] * keeps_backbone


def test_a_method_that_keeps_its_backbone_wants_a_trained_one(tmp_path: Path) -> None:
    values = {"algorithm": {"name": "meta_transfer"}}
    assert found(values) == ["untrained-start"]
    assert found({**values, "initial_weights": str(tmp_path)}) == ["no-initial-weights!"]


def test_no_images_at_all() -> None:
    assert found({}, {}) == ["no-images!"]


def test_no_class_to_learn_from() -> None:
    assert "no-classes!" in found({}, parts={})


def test_too_few_images_name_the_class_and_what_to_change() -> None:
    index, parts = thirty_classes()
    small = index_of({each.name: 9 if each.name == "class03" else 20 for each in index.classes})
    [problem] = preflight(parse_experiment({}), small, parts)
    assert problem.where == "class03"
    assert str(problem.message) == "Class 'class03' has 9 images, an episode takes 1 + 15 of each class."
    assert str(problem.todo) == "Lower the queries to 8, or leave it out."


def test_what_is_excluded_does_no_harm() -> None:
    index, parts = thirty_classes()
    small = index_of({each.name: 9 if each.name == "class03" else 20 for each in index.classes})
    experiment = parse_experiment({"data": {"excluded_classes": ["class03"]}})
    assert preflight(experiment, small, parts) == ()


def test_too_many_ways_for_the_classes() -> None:
    assert found({"episodes": {"n_way": 21}}) == ["too-few-classes!", "too-few-classes", "too-few-classes"]
    assert found({"episodes": {"train_n_way": 21}}) == ["too-few-classes!"]
    assert found({"episodes": {"train_n_way": 21}, "data": {"rotations_as_classes": True}}) == []


def test_more_ways_than_validation_classes_only_mean_that_nothing_is_validated() -> None:
    assert found({"episodes": {"n_way": 6}}) == ["too-few-classes", "too-few-classes"]


def test_meta_test_matters_when_it_is_asked_for() -> None:
    experiment = {"episodes": {"n_way": 6}, "evaluation": {"after_training": True}}
    assert found(experiment) == ["too-few-classes!", "too-few-classes"]


def test_reptile_needs_images_for_the_shots_it_trains_with() -> None:
    reptile = {"algorithm": {"name": "reptile", "train_n_shot": 10}}
    assert found(reptile) == ["too-few-images!"]
    assert found({**reptile, "episodes": {"n_query": 10}}) == []
    assert train_spec(parse_experiment(reptile)).n_shot == 10


def test_the_plain_classifier_needs_no_episodes_to_learn_from() -> None:
    values = {"algorithm": {"name": "classifier"}, "episodes": {"train_n_way": 100}}
    assert found(values) == []
    assert "no-classes!" in found(values, parts={})


def test_few_classes_to_learn_from_are_said() -> None:
    parts = {f"class{number:02d}": Part.META_TRAIN for number in range(6)}
    assert found({}, parts=parts)[0] == "few-classes"
    assert "few-classes" not in found({"algorithm": {"name": "prototypical"}}, parts=parts)


def test_fewer_ways_in_training_than_at_test_need_a_method_for_any_number() -> None:
    values = {"episodes": {"train_n_way": 3}}
    assert found(values) == ["ways-at-test!"]
    assert found({**values, "algorithm": {"name": "prototypical"}}) == []


def test_images_too_small_for_four_halvings() -> None:
    small = {"data": {"preprocessing": {"image_size": 15}}}
    assert found(small) == ["small-images!"]
    assert found({**small, "backbone": {"name": "conv4", "downsampling": "stride"}}) == []
    assert found({**small, "backbone": {"name": "resnet12"}}) == ["small-images!"]


def test_no_inner_steps_are_pointed_out() -> None:
    assert found({"algorithm": {"name": "maml", "inner_steps": 0}}) == ["no-inner-steps"]


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps", "cuda*4", "cpu*2"])
def test_devices_by_name(device: str) -> None:
    assert found({"device": device}) == []


def test_an_unknown_device_gets_a_did_you_mean() -> None:
    [problem] = preflight(parse_experiment({"device": "cuad"}), *thirty_classes())
    assert "Did you mean 'cuda'?" in str(problem)


def test_initial_weights_must_be_a_run_that_has_trained(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    values = {"initial_weights": str(run.path)}
    assert found(values) == ["no-initial-weights!"]
    commit_checkpoint(run, 1, {"x": b"x"}, is_best=True, keep=1)
    assert found(values) == []
    otherwise = {**values, "data": {"preprocessing": {"colour": "grey", "normalization": "imagenet"}}}
    assert found(otherwise) == ["start-saw-otherwise"]
    [problem] = preflight(parse_experiment(otherwise), *thirty_classes())
    assert str(problem.message).endswith("saw its pictures otherwise: Colour, Normalisation.")
    run.experiment_path.write_text("spoilt", encoding="utf-8")
    assert found(values) == ["no-initial-weights!"]
    [problem] = preflight(parse_experiment(values), *thirty_classes())
    assert f"The experiment of the run in '{run.path}' cannot be read" in str(problem)


def target(folder: Path, **classes: int) -> dict[str, Any]:
    """A target task with so many support pictures for each class, all there."""
    made = []
    for name, count in classes.items():
        files = [folder / f"{name}{number}.png" for number in range(count)]
        for each in files:
            each.write_bytes(b"")
        made.append({"name": name, "support": [str(each) for each in files]})
    return {"name": "new", "classes": made}


def test_a_target_task_needs_two_classes_with_pictures(tmp_path: Path) -> None:
    assert found({"targets": [target(tmp_path, a=1, b=1)]}) == []
    assert found({"targets": [target(tmp_path, a=1, b=0)]}) == ["target-classes!"]
    assert found({"targets": [target(tmp_path, a=1, b=1, c=0)]}) == ["target-empty-class"]


def test_pictures_of_a_target_task_that_are_gone_are_counted(tmp_path: Path) -> None:
    values = {"targets": [target(tmp_path, a=2, b=2)]}
    (tmp_path / "a0.png").unlink()
    assert found(values) == ["target-missing-files"]
    (tmp_path / "a1.png").unlink()
    assert found(values) == ["target-classes!", "target-missing-files"]


def test_a_target_task_with_more_classes_than_the_head_names_the_methods_that_can(tmp_path: Path) -> None:
    values = {"targets": [target(tmp_path, **dict.fromkeys("abcdef", 1))]}
    [problem] = preflight(parse_experiment(values), *thirty_classes())
    assert problem.code == "target-ways"
    assert "Prototypical Networks" in str(problem.todo)
    assert found({**values, "algorithm": {"name": "prototypical"}}) == []
    assert found({**values, "episodes": {"train_n_way": 6}}) == []


def test_a_start_is_refused_for_the_images_or_for_the_options() -> None:
    index, parts = thirty_classes()
    assert require_start(parse_experiment({"episodes": {"n_way": 6}}), index, parts)[0].code == "too-few-classes"
    with pytest.raises(DataError) as of_images:
        require_start(parse_experiment({"episodes": {"n_way": 21}}), index, parts)
    assert [each.code for each in of_images.value.problems] == ["too-few-classes"]
    with pytest.raises(ConfigurationError):
        require_start(parse_experiment({"episodes": {"n_way": 21}, "device": "gpu"}), index, parts)


def test_changes_that_do_nothing_or_may_harm_are_said() -> None:
    grey = {"preprocessing": {"colour": "grey"}}
    assert found({"augmentation": {"hue": True, "rotate": True}}) == []
    assert found({"augmentation": {"hue": True, "rotate": True}, "data": grey}) == ["augmentation-without-effect"]
    assert found({"augmentation": {"flip": True}}) == []
    for drawings in ({"rotations_as_classes": True}, {"preprocessing": {"invert": True}}):
        assert found({"augmentation": {"flip": True}, "data": drawings}) == ["mirrored-drawings"]
