"""New experiments, the catalogue, folders of images: what the command line does without the engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from metastudio.catalog.experiment_file import from_toml
from metastudio.cli.arguments import assembled
from metastudio.errors import ConfigurationError
from metastudio.runs.run_folder import list_runs
from metastudio.runs.run_state import State
from tests.unit.runs.small_runs import make_run


def test_a_new_experiment_is_complete_and_names_its_images(
    metastudio: Callable[..., object], glyphs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "my.toml"
    said = metastudio(
        "new",
        out,
        "--images",
        glyphs,
        "--recipe",
        "quick-maml-sample",
        "--set",
        "episodes.n_query=5",
        "--set",
        "seed=4",
    )
    assert said.code == 0
    assert "160 pictures in 16 classes: 10 meta-train, 3 meta-val, 3 meta-test" in said.out
    assert "meta-test has 3 classes, an episode takes 5." in said.out
    experiment = from_toml(out.read_text(encoding="utf-8"))
    assert experiment.data.folders == (str(glyphs),)
    assert (experiment.algorithm.name, experiment.episodes.n_query, experiment.seed) == ("maml", 5, 4)


def test_an_existing_file_is_not_replaced_unasked(metastudio: Callable[..., object], tmp_path: Path) -> None:
    out = tmp_path / "my.toml"
    out.write_text("mine")
    assert metastudio("new", out).code == 2
    assert out.read_text() == "mine"
    assert metastudio("new", out, "--overwrite").code == 0
    assert from_toml(out.read_text(encoding="utf-8")).name == "experiment"


def test_every_wrong_option_is_listed_with_a_did_you_mean(metastudio: Callable[..., object], tmp_path: Path) -> None:
    said = metastudio("new", tmp_path / "x.toml", "--set", "seeed=1", "--set", "inner_lr=2")
    assert said.code == 2
    assert "Did you mean 'seed'?" in said.err
    assert "Did you mean 'algorithm.inner_lr'?" in said.err
    assert not (tmp_path / "x.toml").exists()


def test_a_wrong_file_is_refused_with_all_its_lines(metastudio: Callable[..., object], tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("seed = -1\n[episodes]\nn_way = 'many'\nn_shots = 1\n")
    said = metastudio("train", path)
    assert said.code == 2
    assert "line 1, seed: It must be at least 0, not -1." in said.err
    assert "line 3, episodes.n_way: It must be a whole number, not 'many'." in said.err
    assert "line 4, episodes.n_shots: There is no option of this name. Did you mean 'episodes.n_shot'?" in said.err


def test_paths_in_a_file_begin_at_its_folder(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('[data]\nfolders = ["pictures", "/else"]\n')
    assert assembled(tmp_path / "x.toml").data.folders == (str(tmp_path / "pictures"), "/else")
    assert assembled(tmp_path / "x.toml", images=[tmp_path / "y"]).data.folders == (str(tmp_path / "y"),)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"x\.toml"):
        assembled(tmp_path / "x.toml")


def test_images_that_do_not_fit_end_with_3_and_make_no_run(
    metastudio: Callable[..., object], glyphs: Path, tmp_path: Path
) -> None:
    said = metastudio("train", "--images", glyphs, "--runs", tmp_path / "runs", "--set", "episodes.n_query=10")
    assert said.code == 3
    assert "has 10 images, an episode takes 1 + 10 of each class" in said.err
    assert "Lower the queries to 9" in said.err
    assert list_runs(tmp_path / "runs") == []


def test_training_nothing_is_wrong_usage(metastudio: Callable[..., object], tmp_path: Path) -> None:
    assert "Nothing to train is named." in metastudio("train").err
    assert metastudio("train", tmp_path).code == 2


def test_a_run_keeps_its_configuration(metastudio: Callable[..., object], tmp_path: Path) -> None:
    run = make_run(tmp_path)
    said = metastudio("train", run.path, "--set", "seed=1")
    assert said.code == 2
    assert "keeps the configuration" in said.err
    assert run.state().state is State.QUEUED


def test_runs_are_listed_also_damaged_ones(metastudio: Callable[..., object], tmp_path: Path) -> None:
    good, bad = make_run(tmp_path / "runs"), make_run(tmp_path / "runs")
    good.write_state(good.state().model_copy(update={"best_accuracy": 0.5, "best_ci95": 0.01, "state": State.RUNNING}))
    bad.state_path.write_text("{")
    said = metastudio("runs", tmp_path / "runs")
    assert said.code == 0
    assert "50.0 % ± 1.0" in said.out
    assert "interrupted" in said.out
    assert "unreadable: 'run.json' is damaged." in said.out
    (tmp_path / "project.toml").write_text("")
    lines = metastudio("runs", tmp_path, "--json").lines
    assert {each["name"] for each in lines} == {good.name, bad.name}


def test_no_runs_are_said(metastudio: Callable[..., object], tmp_path: Path) -> None:
    said = metastudio("runs", tmp_path)
    assert said.code == 0
    assert "There are no runs" in said.out


def test_the_catalogue_shows_methods_recipes_and_options(metastudio: Callable[..., object]) -> None:
    everything = metastudio("catalog").out
    for name in ("maml", "reptile", "prototypical", "conv4", "quick-maml-omniglot"):
        assert name in everything
    one = metastudio("catalog", "maml").out
    assert "Finn" in one
    assert "algorithm.inner_lr" in one
    assert "above 0, at most 100" in one
    recipe = metastudio("catalog", "maml-omniglot-5w").out
    assert "98.7 ± 0.4" in recipe
    assert "training.meta_batch_size" in recipe
    options = metastudio("catalog", "options", "--json").lines
    assert {"training.iterations", "data.split.seed"} <= {each["name"] for each in options}


def test_devices_always_have_the_processor(metastudio: Callable[..., object]) -> None:
    assert "cpu" in metastudio("devices").out
    assert metastudio("devices", "--json").lines[0]["name"] == "cpu"


def test_scanning_says_how_folders_are_understood(metastudio: Callable[..., object], glyphs: Path) -> None:
    said = metastudio("images", "scan", glyphs)
    assert said.code == 0
    assert "160 pictures in 16 classes, layout 'nested'" in said.out
    lines = metastudio("images", "scan", glyphs, "--json").lines
    assert sum(each.get("pictures", 0) for each in lines if each["kind"] == "class") == 160


def test_checking_lists_what_cannot_be_read(metastudio: Callable[..., object], glyphs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(glyphs, folder)
    bad = next(folder.rglob("*.png"))
    bad.write_bytes(b"<html>")
    said = metastudio("images", "check", folder)
    assert said.code == 0
    assert "159 of 160 pictures can be used." in said.out
    assert bad.name in said.out
    [line] = [each for each in metastudio("images", "check", folder, "--json").lines if each["kind"] == "checked"]
    assert (line["readable"], line["pictures"]) == (159, 160)


def test_checking_lists_pictures_that_look_the_same(
    metastudio: Callable[..., object], glyphs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(glyphs, folder)
    first, *_, last = sorted(folder.rglob("*.png"))
    with Image.open(first) as picture:
        picture.convert("L").save(last.with_name("again.jpg"), quality=85)
    said = metastudio("images", "check", folder)
    assert f"{first}: Nearly the same picture lies in '{last.with_name('again.jpg')}': 2 classes have it." in said.out
    lines = metastudio("images", "check", folder, "--json").lines
    [line] = [each for each in lines if each.get("code") == "near-duplicate-across-classes"]
    assert (line["where"], line["others"]) == (str(first), [str(last.with_name("again.jpg"))])


def test_a_folder_without_a_readable_picture_ends_with_3(metastudio: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"")
    assert metastudio("images", "check", tmp_path).code == 3
