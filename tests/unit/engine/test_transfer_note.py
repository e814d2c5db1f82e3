"""The note tells whether training helped, from counts, and admits what it cannot know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from metastudio.catalog.experiment import TargetTask
from metastudio.engine import transfer_note as module
from metastudio.engine.adaptation import AdaptedTask, adapt_to_target, trained_learner
from metastudio.engine.tasks.episode import LabelledImages
from metastudio.engine.transfer_note import left_out, left_out_pixels, transfer_note
from metastudio.runs.run_folder import RunFolder


@pytest.fixture
def three_shots(tiny_run_of: Callable[[str], RunFolder], tiny_pictures: Path, target: TargetTask) -> AdaptedTask:
    classes = tuple(
        each.model_copy(update={"support": tuple(str(tiny_pictures / each.name / f"{n}.png") for n in range(3))})
        for each in target.classes
    )
    target = target.model_copy(update={"classes": classes})
    adapted = adapt_to_target(trained_learner(tiny_run_of("prototypical")), target)
    return replace(adapted, adapting_s=0.01)  # on a busy machine it takes longer, and fewer pictures were left out


def test_pixel_averages_name_what_lies_nearest_and_never_see_the_picture_itself() -> None:
    values = torch.tensor([0.0, 0.1, 0.55, 1.0, 0.9, 0.8])
    support = LabelledImages(values[:, None, None, None].expand(-1, 1, 2, 2), torch.tensor([0, 0, 0, 1, 1, 1]))
    assert left_out_pixels(support, range(6)) == [True, True, False, True, True, True]


def test_the_model_never_sees_the_picture_that_is_left_out(three_shots: AdaptedTask) -> None:
    support, seen = three_shots.loaded.support, []

    class Learner:
        def adapt(self, rest: LabelledImages) -> object:
            seen.append(rest)
            return three_shots.classifier

    left_out(Learner(), support, [0, 8])  # type: ignore[arg-type]
    assert [len(each) for each in seen] == [8, 8]
    assert not any(torch.equal(image, support.images[0]) for image in seen[0].images)


@pytest.mark.parametrize(
    ("model", "plain", "verdict"),
    [
        (9, 2, "names 9 of 9 right, plain pixel averages 2: what it learned helps here."),
        (2, 9, "names 2 of 9 right, plain pixel averages 9: what it learned does not help here."),
        (9, 8, "names 9 of 9 right, plain pixel averages 8: too close to say that what it learned helps here."),
        (9, 9, "names 9 of 9 right, plain pixel averages 9: too close to say that what it learned helps here."),
    ],
)
def test_the_verdict_follows_the_paired_counts(
    model: int, plain: int, verdict: str, three_shots: AdaptedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer_note.cache_clear()
    monkeypatch.setattr(module, "left_out", lambda *_: [n < model for n in range(9)])
    monkeypatch.setattr(module, "left_out_pixels", lambda *_: [n < plain for n in range(9)])
    assert verdict in transfer_note(three_shots)


def test_what_would_take_too_long_is_not_claimed(three_shots: AdaptedTask) -> None:
    assert transfer_note(replace(three_shots, adapting_s=1.0)) == ""


def test_with_too_few_pictures_to_leave_one_out_nothing_is_claimed(adapted_of: Callable[[str], AdaptedTask]) -> None:
    assert transfer_note(adapted_of("prototypical")) == ""


def test_a_model_that_sees_no_colour_says_so(run_with: Callable[..., RunFolder], target: TargetTask) -> None:
    run = run_with("prototypical", data={"preprocessing": {"image_size": 16, "colour": "grey"}})
    assert transfer_note(adapt_to_target(trained_learner(run), target)) == (
        "It sees only the brightness of these pictures, not their colour."
    )


def test_grey_pictures_are_told_from_the_coloured_ones_it_was_trained_on(
    tiny_run_of: Callable[[str], RunFolder], target: TargetTask, tmp_path: Path
) -> None:
    def in_grey(file: str) -> str:
        path = tmp_path / "-".join(Path(file).parts[-2:])
        with Image.open(file) as picture:
            picture.convert("L").save(path)
        return str(path)

    classes = tuple(
        each.model_copy(update={"support": tuple(map(in_grey, each.support)), "query": ()}) for each in target.classes
    )
    adapted = adapt_to_target(
        trained_learner(tiny_run_of("prototypical")), target.model_copy(update={"classes": classes})
    )
    assert transfer_note(adapted) == "It was trained on pictures in colour, and these are grey."
