"""`metastudio images`: lists scanned, archives unpacked, classes split into lists that training reads again."""

from __future__ import annotations

import json
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from metastudio.catalog.data_spec import ListedSplit, Part, RandomSplit
from metastudio.catalog.experiment_file import from_toml
from metastudio.images.class_split import split_classes
from metastudio.images.image_folder import scan
from metastudio.images.image_store import open_store
from metastudio.runs.run_folder import create_run
from tests.unit.cli.conftest import Said
from tests.unit.images.pictures import make_files, make_pictures


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return make_files(tmp_path / "images", {f"class{number:02}": 2 for number in range(20)})


@pytest.mark.parametrize("command", ["scan", "check", "unpack", "split", "distances", "moments"])
def test_every_command_explains_itself(metastudio: Callable[..., Said], command: str) -> None:
    said = metastudio("images", command, "--help")

    assert said.code == 0
    assert "Example" in said.out


def test_scan_takes_lists_and_names_their_bad_rows(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    make_files(tmp_path, {".": 3})
    (tmp_path / "x.csv").write_text("filename;label\n0.png;mug\n1.png;cup\n../2.png;pot\n9.png;pot\n")

    said = metastudio("images", "scan", tmp_path / "x.csv")

    assert said.code == 0
    assert "2 pictures in 2 classes, layout 'csv_list'" in said.out
    assert "x.csv:4: Paths that lead out of the folder with '..' are not followed: ../2.png." in said.out
    assert "x.csv:5: Its picture is not there: 9.png." in said.out
    lines = metastudio("images", "scan", tmp_path / "x.csv", "--json").lines
    assert {each["name"]: each["pictures"] for each in lines if each["kind"] == "class"} == {"cup": 1, "mug": 1}


def test_a_list_goes_all_the_way_into_a_run(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    make_pictures(tmp_path / "set", {"images": 24})
    for part, first in (("train", 0), ("val", 12), ("test", 18)):
        count = 12 if part == "train" else 6
        rows = [f"{number}.png,{part}{number // 3}" for number in range(first, first + count)]
        (tmp_path / "set" / f"{part}.csv").write_text("\n".join(["filename,label", *rows]))

    options = ("data.split.kind=folders", "episodes.n_way=2", "episodes.n_query=2")
    made = metastudio(
        *("new", tmp_path / "x.toml", "--images", tmp_path / "set", *(x for each in options for x in ("--set", each)))
    )

    assert made.code == 0
    assert "24 pictures in 8 classes: 4 meta-train, 2 meta-val, 2 meta-test" in made.out
    experiment = from_toml((tmp_path / "x.toml").read_text())
    index = scan(experiment.data.folders)
    run = create_run(experiment, index, split_classes(index, experiment.data.split), runs_folder=tmp_path / "runs")
    store = open_store(run.data().index, experiment.data.preprocessing, cache=tmp_path / "cache")
    assert store.images.shape[0] == 24
    assert run.data().parts["val4"] is Part.META_VAL
    checked = metastudio("images", "check", tmp_path / "set")
    assert "24 of 24 pictures can be used." in checked.out


def test_unpack_says_what_it_took_and_left(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for name in ("oak/1.png", "beech/1.png", "train.csv", ".DS_Store", "LICENSE"):
            made.writestr(name, "x")

    said = metastudio("images", "unpack", tmp_path / "a.zip", tmp_path / "leaves")

    assert said.code == 0
    assert f"2 pictures and 1 list are in {tmp_path / 'leaves'}." in said.out
    assert "1 hidden file or litter" in said.out
    assert (tmp_path / "leaves" / "oak" / "1.png").exists()
    again = metastudio("images", "unpack", tmp_path / "a.zip", tmp_path / "leaves")
    assert again.code == 5
    assert "already there" in again.err


def test_unpack_refuses_with_every_reason_and_ends_with_3(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for name in ("oak/1.png", "../evil.png", "/evil.png"):
            made.writestr(name, "x")

    said = metastudio("images", "unpack", tmp_path / "a.zip", tmp_path / "leaves")

    assert said.code == 3
    assert "Paths that lead out of the folder with '..': ../evil.png." in said.err
    assert "Absolute paths: /evil.png." in said.err
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.zip"]


def test_split_deals_as_the_window_does_and_its_lists_are_read_again(
    metastudio: Callable[..., Said], classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "lists"

    said = metastudio("images", "split", classes, "--shares", 0.5, 0.25, 0.25, "--seed", 3, "--out", out)

    assert said.code == 0
    assert f"10 classes meta-train: {out / 'train.json'}" in said.out
    index = scan([classes])
    dealt = split_classes(index, RandomSplit(meta_train=0.5, meta_val=0.25, meta_test=0.25, seed=3))
    listed = ListedSplit(**{part.value: str(out / f"{part.value[5:]}.json") for part in Part})
    assert split_classes(index, listed) == dealt
    assert f"--set data.split.kind=lists --set data.split.meta_train={out / 'train.json'}" in said.out


def test_the_options_that_split_names_are_an_experiment(
    metastudio: Callable[..., Said], classes: Path, tmp_path: Path
) -> None:
    said = metastudio("images", "split", classes, "--out", tmp_path / "lists")
    options = said.out.partition("Use them with: ")[2].split()

    made = metastudio("new", tmp_path / "x.toml", "--images", classes, *options)

    assert made.code == 0
    assert "13 meta-train, 3 meta-val, 4 meta-test" in made.out


def test_split_takes_lists_named_like_parts(metastudio: Callable[..., Said], classes: Path, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("class00\nclass01\n")
    (tmp_path / "meta-test.json").write_text('["class05"]')

    said = metastudio(
        *("images", "split", classes, "--out", tmp_path / "lists", "--json"),
        *("--list", tmp_path / "train.txt", "--list", tmp_path / "meta-test.json"),
    )

    assert said.code == 0
    counts = {each["part"]: each["classes"] for each in said.lines if each["kind"] == "list"}
    assert counts == {"meta_train": 2, "meta_val": 0, "meta_test": 1}
    assert json.loads((tmp_path / "lists" / "test.json").read_text()) == ["class05"]


def test_split_takes_what_the_folders_say(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    folder = make_files(tmp_path / "set", {"train/a": 1, "train/b": 1, "test/c": 1})

    assert metastudio("images", "split", folder, "--by-folders", "--out", tmp_path / "lists").code == 0
    assert json.loads((tmp_path / "lists" / "train.json").read_text()) == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (("--shares", 0.5, 0.5, 0.5), 2, "add up to 1.5"),
        (("--list", "classes.txt"), 2, "which part"),
        (("--list", "train.txt"), 3, "cannot be read"),
        (("--by-folders",), 3, "do not say"),
    ],
)
def test_wrong_splits_write_nothing(
    metastudio: Callable[..., Said], classes: Path, tmp_path: Path, options: tuple[object, ...], code: int, word: str
) -> None:
    said = metastudio("images", "split", classes, "--out", tmp_path / "lists", *options)

    assert said.code == code
    assert word in said.err
    assert not (tmp_path / "lists").exists()


def test_lists_are_replaced_only_when_that_is_said(
    metastudio: Callable[..., Said], classes: Path, tmp_path: Path
) -> None:
    (tmp_path / "train.json").write_text("mine")

    assert metastudio("images", "split", classes, "--out", tmp_path).code == 2
    assert (tmp_path / "train.json").read_text() == "mine"
    assert metastudio("images", "split", classes, "--out", tmp_path, "--overwrite").code == 0


def test_scan_lists_what_each_depth_gives_and_takes_one(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    tree = {f"{alphabet}/character{number:02}": 1 for alphabet in ("Greek", "Latin", "Runes") for number in range(4)}
    folder = make_files(tmp_path / "set", tree)

    said = metastudio("images", "scan", folder)

    assert said.code == 0
    assert "--depth 0: 12 classes by character, taken here (Greek/character00, " in said.out
    assert "--depth 1: 3 classes by the outer folder (Greek, Latin, Runes)" in said.out
    lines = metastudio("images", "scan", folder, "--json").lines
    assert [(each["depth"], each["classes"]) for each in lines if each["kind"] == "depth"] == [(0, 12), (1, 3)]
    taken = metastudio("images", "scan", folder, "--depth", 1)
    assert "12 pictures in 3 classes" in taken.out
    assert "--depth 0" not in taken.out
    option = taken.out.partition("Use it with: --set ")[2].splitlines()[0].strip("'")
    made = metastudio("new", tmp_path / "x.toml", "--images", folder, "--set", option)
    assert made.code == 0, made.err
    assert "12 pictures in 3 classes" in made.out
    assert from_toml((tmp_path / "x.toml").read_text()).data.class_depths == {str(folder): 1}


def test_split_deals_whole_groups_and_says_which_it_divides(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    tree = {f"{alphabet}/{number}": 1 for alphabet in "abcdefgh" for number in range(4)}
    folder = make_files(tmp_path / "set", tree)

    divided = metastudio("images", "split", folder, "--out", tmp_path / "one")
    whole = metastudio("images", "split", folder, "--out", tmp_path / "two", "--whole-groups")
    by_letter = metastudio("images", "split", folder, "--out", tmp_path / "three", "--depth", 1)

    assert "groups lie in several parts of the split: a" in divided.out
    assert whole.code == 0
    assert "several parts" not in whole.out
    dealt = [
        {name[0] for name in json.loads((tmp_path / "two" / f"{part}.json").read_text())} for part in ("train", "test")
    ]
    assert dealt[0].isdisjoint(dealt[1])
    assert "8 classes" in by_letter.out


def test_check_warns_of_classes_of_one_content_in_two_parts(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "set", {"train/a": 3, "train/b": 3, "test/c": 3})
    for number in range(3):
        (folder / "test" / "c" / f"{number}.png").write_bytes((folder / "train" / "a" / f"{number}.png").read_bytes())

    said = metastudio("images", "check", folder)

    assert "Classes 'a' of meta-train and 'c' of meta-test show the same: 3 of 3 pictures." in said.out
    assert "9 of 9 pictures can be used." in said.out


def test_moments_are_measured_and_their_options_are_an_experiment(
    metastudio: Callable[..., Said], tmp_path: Path
) -> None:
    make_pictures(tmp_path / "images", {"one": 3, "two": 3, "other": 60})
    (tmp_path / "train.json").write_text('["one", "two"]')
    asked = (
        "images",
        "moments",
        tmp_path / "images",
        "--list",
        tmp_path / "train.json",
        "--grey",
        "--size",
        "12",
        "--invert",
    )

    said = metastudio(*asked)

    assert said.code == 0
    options = shlex.split(said.out.splitlines()[-1].removeprefix("Use them with: "))
    assert metastudio("new", tmp_path / "x.toml", *options).code == 0
    preprocessing = from_toml((tmp_path / "x.toml").read_text()).data.preprocessing
    assert (preprocessing.colour, preprocessing.image_size, preprocessing.invert) == ("grey", 12, True)
    line = metastudio(*asked, "--json").lines[-1]
    assert preprocessing.moments == (tuple(line["mean"]), tuple(line["standard_deviation"]))
    assert line["mean"] == [round(1 - 3.5 / 255, 4)], "of the six pictures that the list names"


def test_moments_of_another_fit_are_refused_with_what_there_is(metastudio: Callable[..., Said], classes: Path) -> None:
    said = metastudio("images", "moments", classes, "--fit", "squeeze")
    assert said.code == 2
    assert "crop" in said.err


def test_scan_without_a_picture_ends_with_3(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("filename,label\ngone.png,mug\n")
    assert metastudio("images", "scan", tmp_path / "x.csv").code == 3


def test_moments_say_how_many_pictures_are_left_out(metastudio: Callable[..., Said], tmp_path: Path) -> None:
    make_pictures(tmp_path / "images", {"one": 3})
    (tmp_path / "images" / "one" / "bad.png").write_bytes(b"no picture")
    said = metastudio("images", "moments", tmp_path / "images", "--size", "12")
    assert "1 picture cannot be read and is left out." in said.out
