"""What a person dropped becomes a task, and what cannot be used is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from metastudio.catalog.data_spec import Preprocessing
from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.engine.tasks.target_task import load_target, read_picture
from metastudio.errors import DataError

PREPROCESSING = Preprocessing(image_size=16)


def task(**classes: tuple[list[Path], list[Path]]) -> TargetTask:
    return TargetTask(
        name="task",
        classes=tuple(
            TargetClass(name=name, support=tuple(map(str, support)), query=tuple(map(str, query)))
            for name, (support, query) in classes.items()
        ),
    )


def test_shots_may_be_unequal_and_labels_follow_the_order_of_the_classes(tiny_pictures: Path) -> None:
    red, blue = tiny_pictures / "red", tiny_pictures / "blue"
    loaded = load_target(
        task(red=([red / "0.png", red / "1.png"], [red / "2.png"]), blue=([blue / "0.png"], [])), PREPROCESSING
    )
    assert loaded.classes == ("red", "blue")
    assert loaded.shots() == (2, 1)
    assert loaded.support.images.shape == (3, 3, 16, 16)
    assert loaded.support.labels.tolist() == [0, 0, 1]
    assert loaded.query is not None
    assert loaded.query.labels.tolist() == [0]
    assert torch.equal(loaded.support.images[2:], read_picture(str(blue / "0.png"), PREPROCESSING))
    assert loaded.problems == ()


def test_an_unreadable_picture_is_left_out_with_its_reason(tiny_pictures: Path, tmp_path: Path) -> None:
    red, blue = tiny_pictures / "red", tiny_pictures / "blue"
    (tmp_path / "empty.png").write_bytes(b"")
    loaded = load_target(
        task(
            red=([red / "0.png", tmp_path / "empty.png"], [tmp_path / "gone.png"]),
            blue=([blue / "0.png"], []),
            lost=([tmp_path / "gone.png"], [blue / "1.png"]),
        ),
        PREPROCESSING,
    )
    assert loaded.classes == ("red", "blue")
    assert loaded.query is None
    text = "\n".join(map(str, loaded.problems))
    assert "empty.png: 0 bytes" in text
    assert "gone.png: is no longer there" in text
    assert "'lost' has no readable support picture" in text


def test_fewer_than_two_classes_are_refused_with_all_reasons(tiny_pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(b"<!doctype html><html>")
    with pytest.raises(DataError) as refused:
        load_target(task(red=([tiny_pictures / "red" / "0.png"], []), web=([tmp_path / "page.png"], [])), PREPROCESSING)
    assert "needs at least two classes" in str(refused.value)
    assert "looks like HTML" in str(refused.value)


def test_a_picture_that_is_learnt_from_is_no_query_even_as_a_copy(tiny_pictures: Path, tmp_path: Path) -> None:
    red, blue = tiny_pictures / "red", tiny_pictures / "blue"
    copy = shutil.copy(red / "0.png", tmp_path / "another name.png")
    loaded = load_target(
        task(red=([red / "0.png"], [red / "0.png", copy, red / "1.png"]), blue=([blue / "0.png"], [red / "0.png"])),
        PREPROCESSING,
    )
    assert loaded.query_files == (str(red / "1.png"),)
    assert [each.code for each in loaded.problems] == ["query-in-support"] * 3


def test_a_picture_in_two_classes_is_reported(tiny_pictures: Path) -> None:
    red, blue = tiny_pictures / "red", tiny_pictures / "blue"
    loaded = load_target(
        task(red=([red / "0.png", red / "0.png"], []), blue=([blue / "0.png", red / "0.png"], [])), PREPROCESSING
    )
    assert [str(each.message) for each in loaded.problems] == ["This picture is in 'red' and in 'blue'."]
