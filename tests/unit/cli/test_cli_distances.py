"""`metastudio images distances`: the hardest pairs first, from pixels or a model, in words or as JSON lines."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from metastudio.engine.session import Session
from metastudio.images.image_folder import scan
from metastudio.runs.class_map import ClassMap, compared
from metastudio.runs.questions import AskClassDistances, ClassPictures
from tests.unit.cli.conftest import Said


@pytest.fixture
def pictures(glyphs: Path, tmp_path: Path) -> Path:
    """Some characters, one of them twice."""
    for number, character in enumerate(
        sorted(each for each in glyphs.rglob("*") if each.is_dir() and not _below(each))
    ):
        if number < 5:
            shutil.copytree(character, tmp_path / "pictures" / f"class{number}")
    shutil.copytree(tmp_path / "pictures" / "class1", tmp_path / "pictures" / "again")
    return tmp_path / "pictures"


def _below(folder: Path) -> bool:
    return any(each.is_dir() for each in folder.iterdir())


def test_the_hardest_pair_is_named_first_and_said_to_be_from_pixels(
    metastudio: Callable[..., Said], pictures: Path
) -> None:
    said = metastudio("images", "distances", pictures, "--most", "2")
    assert said.code == 0
    lines = said.out.splitlines()
    assert "6 classes, up to 10 pictures each, compared by raw pixels, no model." in lines
    pairs = [line for line in lines if ": " in line]
    assert len(pairs) == 2
    assert pairs[0].startswith("again and class1: ")
    assert pairs[0].endswith("% of their pictures lie nearer to the other class")


def test_json_has_the_numbers_that_the_studio_gets(metastudio: Callable[..., Said], pictures: Path) -> None:
    lines = metastudio("images", "distances", pictures, "--json").lines
    told = [each for each in lines if each["kind"] == "pair"]
    (about,) = [each for each in lines if each["kind"] == "distances"]
    assert about == {
        **{"kind": "distances", "run": "", "iteration": None, "trained_on": 0, "classes": 6, "problems": []}
    }
    classes = [ClassPictures(name=each.name, files=compared(each.files)) for each in scan([pictures]).classes]
    found = ClassMap.of(Session().answer(AskClassDistances(classes=tuple(classes)), lambda _: None))
    assert [(each["first"], each["second"]) for each in told] == [(each.first, each.second) for each in found.pairs(10)]
    assert told[0]["confusion"] == pytest.approx(found.pairs(1)[0].confusion, abs=1e-3)


def test_a_trained_model_is_named_with_what_it_has_seen(
    metastudio: Callable[..., Said], pictures: Path, tmp_path: Path, small: list[str]
) -> None:
    trained = metastudio("train", "--images", pictures, "--runs", tmp_path / "runs", *small)
    assert trained.code == 0, trained.err
    (run,) = (tmp_path / "runs").iterdir()
    said = metastudio("images", "distances", pictures, "--run", run)
    assert said.code == 0, said.err
    assert f"compared by the features of {run.name}, iteration" in said.out
    assert "which was trained on 4 of them" in said.out
    shutil.rmtree(run)
    gone = metastudio("images", "distances", pictures, "--run", run)
    assert gone.code == 2
    assert "There is no run here" in gone.err


def test_one_class_is_nothing_to_compare(metastudio: Callable[..., Said], pictures: Path) -> None:
    said = metastudio("images", "distances", pictures / "class0")
    assert said.code == 3
    assert "there are 1" in said.err


def test_unreadable_pictures_are_said(metastudio: Callable[..., Said], pictures: Path) -> None:
    for each in (pictures / "class2").iterdir():
        each.write_bytes(b"no picture")
    said = metastudio("images", "distances", pictures)
    assert said.code == 0
    assert "5 classes" in said.out
    assert "class 'class2'" in said.out
