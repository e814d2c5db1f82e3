"""What pictures are normalised by: choices, numbers that fit the channels, and what a change makes of them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from metastudio.catalog.data_spec import Preprocessing
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.experiment_file import from_toml, to_toml

GIVEN = Preprocessing(normalization="given", mean=(0.2, 0.4, 0.6), standard_deviation=(0.1, 0.2, 0.3))


@pytest.mark.parametrize(
    ("preprocessing", "moments"),
    [
        (Preprocessing(), None),
        (Preprocessing(normalization="symmetric", colour="grey"), ((0.5,), (0.5,))),
        (Preprocessing(normalization="imagenet"), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))),
        (GIVEN, ((0.2, 0.4, 0.6), (0.1, 0.2, 0.3))),
    ],
)
def test_a_choice_means_numbers_for_each_channel(preprocessing: Preprocessing, moments: object) -> None:
    assert preprocessing.moments == moments


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"normalization": "given"}, "wants 3 numbers in mean and in standard_deviation"),
        ({"normalization": "given", "mean": (0.5,), "standard_deviation": (0.5,)}, "there are 1 and 1"),
        ({"normalization": "given", "colour": "grey", "mean": (0.5,)}, "wants 1 number in mean"),
        ({"mean": (0.5, 0.5, 0.5)}, "count only with normalization 'given', here it is 'none'"),
        ({"normalization": "given", "mean": (2, 0, 0), "standard_deviation": (1, 1, 1)}, "less than or equal to 1"),
        ({"normalization": "given", "mean": (0, 0, 0), "standard_deviation": (1, 0, 1)}, "greater than or equal to"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Preprocessing(**fields)


def test_the_range_of_the_input_is_said() -> None:
    assert Preprocessing().input_range == (0, 1)
    assert Preprocessing(normalization="symmetric").input_range == (-1, 1)
    assert GIVEN.input_range == pytest.approx((-2, 8))


def test_given_numbers_follow_colour_and_inversion() -> None:
    assert GIVEN.changed(colour="grey").moments == ((0.4,), (0.2,))
    assert GIVEN.changed(colour="grey").changed(colour="colour").moments == ((0.4,) * 3, (0.2,) * 3)
    assert GIVEN.changed(invert=True).moments == ((0.8, 0.6, 0.4), (0.1, 0.2, 0.3))
    assert GIVEN.changed(invert=True).changed(invert=False) == GIVEN
    assert GIVEN.changed(normalization="imagenet") == Preprocessing(normalization="imagenet")
    assert GIVEN.changed(image_size=84).moments == GIVEN.moments
    assert GIVEN.changed(mean=(0.1, 0.1, 0.1)).mean == (0.1, 0.1, 0.1)


def test_numbers_survive_the_experiment_file_and_older_files_have_none() -> None:
    experiment = ExperimentConfig()
    changed = experiment.model_copy(update={"data": experiment.data.model_copy(update={"preprocessing": GIVEN})})
    assert from_toml(to_toml(changed)).data.preprocessing == GIVEN
    older = "\n".join(
        line
        for line in to_toml(experiment).splitlines()
        if not line.startswith(('normalization = "none"', "mean =", "standard_deviation ="))
    )
    assert from_toml(older).data.preprocessing == Preprocessing()
