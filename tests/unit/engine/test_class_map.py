"""From a question about classes to the answer: raw pixels, any model, what cannot be read, cancelled, gone."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metastudio.catalog.data_spec import Preprocessing
from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine import embedding
from metastudio.engine.serve import converse
from metastudio.engine.session import Session
from metastudio.errors import DataError, IntegrityError, NumericError
from metastudio.images.problems import Cancelled
from metastudio.runs import class_map as limits
from metastudio.runs.class_map import ClassMap
from metastudio.runs.questions import AskClassDistances, ClassDistancesAnswer, ClassPictures, Progress
from metastudio.runs.run_folder import RunFolder


def classes_in(folder: Path) -> tuple[ClassPictures, ...]:
    return tuple(
        ClassPictures(name=each.name, files=tuple(map(str, sorted(each.iterdir()))))
        for each in sorted(folder.iterdir())
        if each.is_dir()
    )


def asked(
    classes: tuple[ClassPictures, ...], run: RunFolder | None = None, phases: list[str] | None = None
) -> ClassMap:
    question = AskClassDistances(
        classes=classes, preprocessing=Preprocessing(image_size=16), run="" if run is None else str(run.path)
    )
    answer = Session().answer(question, lambda progress: phases.append(progress.phase) if phases is not None else None)
    assert isinstance(answer, ClassDistancesAnswer)
    return ClassMap.of(ClassDistancesAnswer.model_validate_json(answer.model_dump_json()))


def test_raw_pixels_are_compared_without_a_model(tiny_pictures: Path) -> None:
    phases: list[str] = []
    found = asked(classes_in(tiny_pictures), phases=phases)
    assert found.names == ("blue", "green", "grey", "red")
    assert (found.iteration, found.trained_on, found.problems) == (None, 0, ())
    assert found.pictures == (4, 4, 4, 4)
    assert found.pair("red", "green").confusion == 0
    assert list(dict.fromkeys(phases)) == ["reading pictures", "looking at pictures", "comparing classes"]


def test_a_copy_of_a_class_is_the_most_confusable_with_it_whatever_the_order(
    tiny_pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_pictures, tmp_path / "pictures")
    shutil.copytree(tiny_pictures / "red", tmp_path / "pictures" / "again")
    classes = classes_in(tmp_path / "pictures")
    found, turned = asked(classes), asked(classes[::-1])
    best = found.pairs(1)[0]
    assert (best.first, best.second) == ("again", "red")
    assert best.confusion >= 0.5
    np.testing.assert_array_equal(found.confusion, turned.confusion)
    np.testing.assert_array_equal(found.separation, turned.separation)


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_every_method_has_features_to_compare(
    algorithm: str, tiny_run_of: Callable[[str], RunFolder], tiny_pictures: Path
) -> None:
    found = asked(classes_in(tiny_pictures), tiny_run_of(algorithm))
    assert (found.iteration, found.trained_on) == (3, 4)
    assert np.isfinite(found.pair("red", "blue").separation)


def test_a_pictures_features_do_not_depend_on_its_block(
    tiny_run_of: Callable[[str], RunFolder], tiny_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = asked(classes_in(tiny_pictures), tiny_run_of("prototypical"))
    monkeypatch.setattr(embedding, "_BLOCK_PIXELS", 3 * 16 * 16)
    split = asked(classes_in(tiny_pictures), tiny_run_of("prototypical"))
    np.testing.assert_allclose(whole.separation, split.separation, rtol=2e-3)


def test_unreadable_pictures_and_classes_are_left_out_and_said(tiny_pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_pictures, tmp_path / "pictures")
    for each in (tmp_path / "pictures" / "grey").iterdir():
        each.write_bytes(b"no picture")
    (tmp_path / "pictures" / "red" / "0.png").write_bytes(b"no picture")
    classes = (*classes_in(tmp_path / "pictures"), ClassPictures(name="gone", files=(str(tmp_path / "gone.png"),)))
    found = asked(classes)
    assert dict(zip(found.names, found.pictures, strict=True)) == {"blue": 4, "green": 4, "red": 3}
    said = "\n".join(found.problems)
    assert "grey" in said
    assert "gone.png" in said
    assert str(tmp_path / "pictures" / "red" / "0.png") in said


def test_a_class_of_one_picture_has_no_spread_and_its_pairs_rest_on_the_other(
    tiny_pictures: Path, tmp_path: Path
) -> None:
    red, blue = tiny_pictures / "red", tiny_pictures / "blue"
    one = ClassPictures(name="one", files=(str(red / "0.png"),))
    other = ClassPictures(name="two", files=(str(blue / "0.png"),))
    many = ClassPictures(name="many", files=tuple(map(str, sorted(blue.iterdir()))))
    found = asked((one, other, many))
    assert np.isnan(found.pair("one", "two").confusion)
    assert found.pair("one", "many").confusion == 0
    assert "says nothing" in str(found.pair("one", "two").about())
    assert found.pairs(3)[-1].about() == found.pair("one", "two").about(), "what is unknown comes last"


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_classes_are_refused(count: int, tiny_pictures: Path) -> None:
    with pytest.raises(DataError, match=f"there are {count}"):
        asked(classes_in(tiny_pictures)[:count])


def test_two_classes_are_enough(tiny_pictures: Path) -> None:
    found = asked(classes_in(tiny_pictures)[:2])
    assert len(found.pairs(10)) == 1
    assert found.nearest[0].tolist() == [1, 0]


def test_too_many_classes_are_refused_with_their_number(tiny_pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metastudio.engine.class_map.MOST_CLASSES", 3)
    assert limits.MOST_CLASSES > 1623
    with pytest.raises(DataError, match="A map of 4 classes is too large"):
        asked(classes_in(tiny_pictures))


def test_a_run_that_is_gone_and_one_whose_weights_ran_away_are_said(
    tiny_run: RunFolder, tiny_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "metastudio.engine.class_map.picture_features",
        lambda store, *_, **__: embedding.pixel_features(_blank(len(store.images))) * float("nan"),
    )
    with pytest.raises(NumericError, match="no numbers"):
        asked(classes_in(tiny_pictures), tiny_run)
    shutil.rmtree(tiny_run.path)
    with pytest.raises(IntegrityError, match="no run here"):
        asked(classes_in(tiny_pictures), tiny_run)


def _blank(count: int):
    import torch

    return torch.rand(count, 1, 4, 4)


def test_one_that_is_cancelled_midway_ends_and_the_next_is_answered(tiny_pictures: Path) -> None:
    question = AskClassDistances(classes=classes_in(tiny_pictures), preprocessing=Preprocessing(image_size=16))
    written: list[str] = []

    def lines():
        yield b'{"id": 1, ' + question.model_dump_json().encode()[1:]
        yield b'{"op": "cancel", "id": 1}'
        yield b'{"id": 2, ' + question.model_dump_json().encode()[1:]

    converse(lines(), written.append)
    ends = {each["id"]: each for each in map(json.loads, written) if "progress" not in each}
    assert ends[1]["error"]["what"] == "Cancelled."
    assert ends[2]["result"]["names"] == ["blue", "green", "grey", "red"]


@pytest.mark.parametrize("phase", ["reading pictures", "looking at pictures", "comparing classes"])
def test_every_phase_can_be_left(phase: str, tiny_pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metastudio.engine.session._PROGRESS_EVERY_S", 0.0)

    def listen(progress: Progress) -> None:
        if progress.phase == phase:
            raise Cancelled

    with pytest.raises(Cancelled):
        Session().answer(AskClassDistances(classes=classes_in(tiny_pictures)), listen)


def test_pictures_are_taken_over_from_the_stores_of_the_project(
    tiny_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metastudio.images import image_store
    from metastudio.images.image_folder import scan

    image_store.open_store(scan([tiny_pictures]), Preprocessing(image_size=16))
    decoded: list[int] = []
    monkeypatch.setattr(image_store, "decode_all", lambda wanted, *_, **__: decoded.append(len(wanted)))
    asked(classes_in(tiny_pictures))
    assert decoded == [0]


def test_pixels_compare_what_is_shown_and_not_how_bright_it_is(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(content, "PNG")
    random = np.random.default_rng(0)
    for name, factor in (("dark", 0.5), ("bright", 1.0)):
        (tmp_path / name).mkdir()
        for number in range(4):
            noise = random.integers(0, 40, (16, 16))
            pixels = np.arange(256).reshape(16, 16) * 0.7 + noise
            Image.fromarray((pixels * factor).clip(0, 255).astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    assert asked(classes_in(tmp_path)).pair("bright", "dark").separation < 1
