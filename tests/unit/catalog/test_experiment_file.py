"""The experiment as a file."""

from __future__ import annotations

import time
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.experiment_file import from_toml, read_values, table_of, to_toml, with_paths
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.options import options_of
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import ConfigurationError

ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
ANY_NAME = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=12)
PATHS = st.lists(ANY_NAME.map(lambda text: f"/p/{text}"), max_size=6)


def _splits() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(lambda seed: {"kind": "random", "seed": seed}, st.integers(0, 2**40)),
        st.builds(lambda path: {"kind": "lists", "meta_train": path}, ANY_NAME),
        st.builds(
            lambda parts: {"kind": "manual", "parts": parts},
            st.dictionaries(ANY_TEXT, st.sampled_from(["meta_train", "meta_val", "meta_test"]), max_size=5),
        ),
    )


EXPERIMENTS = st.fixed_dictionaries(
    {
        "name": ANY_TEXT,
        "seed": st.integers(0, 2**63 - 1),
        "algorithm": st.builds(lambda name: {"name": name}, st.sampled_from(list(ALGORITHMS))),
        "training": st.builds(
            lambda lr, clip: {"outer_lr": lr, "gradient_clip": clip},
            st.floats(1e-30, 10, exclude_min=True),
            st.floats(0, 1e300),
        ),
        "data": st.fixed_dictionaries(
            {
                "folders": PATHS,
                "split": _splits(),
                "merged_classes": st.dictionaries(ANY_NAME, ANY_NAME.map(lambda name: f"kept/{name}"), max_size=3),
                "moved_files": st.dictionaries(ANY_NAME.map(lambda text: f"/p/{text}"), ANY_NAME, max_size=3),
            }
        ),
        "targets": st.lists(
            st.fixed_dictionaries(
                {
                    "name": ANY_TEXT,
                    "classes": st.lists(
                        st.fixed_dictionaries({"name": ANY_TEXT, "support": PATHS, "query": PATHS}),
                        max_size=3,
                        unique_by=lambda each: each["name"],
                    ),
                    "unlabelled": PATHS,
                }
            ),
            max_size=2,
        ),
    }
).map(parse_experiment)


@settings(max_examples=150, deadline=None)
@given(EXPERIMENTS)
def test_an_experiment_comes_back_as_it_was(experiment: ExperimentConfig) -> None:
    assert from_toml(to_toml(experiment).encode().decode()) == experiment


def test_a_file_name_that_is_no_text_survives() -> None:
    experiment = parse_experiment({"data": {"folders": ["/odd/\udcff\udc80"]}})
    text = to_toml(experiment)
    assert text.encode("utf-8")
    assert from_toml(text) == experiment


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_file_is_complete_and_says_what_each_option_does(algorithm: str) -> None:
    text = to_toml(parse_experiment({"algorithm": {"name": algorithm}}))
    values = tomllib.loads(text)
    for option in options_of(ExperimentConfig):
        if option.variant not in {"", algorithm, "random"}:
            continue
        *tables, last = option.name.split(".")
        table = values
        for step in tables:
            table = table[step]
        assert last in table, option.name
        assert " ".join(option.help.split()[:3]) in text
    assert max(map(len, text.splitlines())) < 125


def test_a_table_of_a_larger_file_is_the_same_experiment() -> None:
    experiment = parse_experiment({"targets": [{"name": "t", "classes": [{"name": "a"}]}]})
    values = tomllib.loads("x = 1\n" + table_of(experiment, "draft"))
    assert parse_experiment(values["draft"]) == experiment


def test_errors_have_the_line_of_their_option() -> None:
    text = to_toml(
        parse_experiment({"targets": [{"name": "t", "classes": [{"name": "a"}, {"name": "b"}]}, {"name": "u"}]})
    )
    lines = text.splitlines()
    lines[lines.index("filters = 64")] = "filters = -4"
    lines[lines.index('name = "b"')] = "name = 3"
    lines[lines.index('name = "u"')] = "title = 'u'"
    with pytest.raises(ConfigurationError) as refused:
        from_toml("\n".join(lines), where="my.toml")
    for each in refused.value.problems:
        number = int(each.where.split(",")[0].removeprefix("line "))
        option = each.where.split(", ")[1]
        assert {
            "backbone.filters": "filters = -4",
            "targets.0.classes.1.name": "name = 3",
            "targets.1.title": "title = 'u'",
            "targets.1.name": "[[targets]]",
        }[option] == lines[number - 1]
    assert len(refused.value.problems) == 4
    assert "my.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = 1\nseed = 2", "Cannot overwrite a value"),
        ("seed = \nname = 3", r"line 1, column 8"),
        ("seed = 1\n[data\n", r"line 2, column 6"),
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = " + "{a=" * 100_000, "nested too deep"),
        ("a" + ".a" * 100_000 + " = 1", "nested more than 200 deep"),
        ("[" + "a." * 100_000 + "a]", "nested more than 200 deep"),
        ("# " + "x" * 9_000_000, "more than the 8,000,000 allowed"),
        ("name = '\0'", r"line 1"),
    ],
)
def test_what_is_no_toml_is_refused_soon_with_the_reason(text: str, said: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match=said):
        from_toml(text, where="x.toml")
    assert time.monotonic() - began < 10


def test_not_a_number_is_no_value() -> None:
    with pytest.raises(ConfigurationError, match=r"line 2, training.outer_lr: It must be a finite number"):
        from_toml("[training]\nouter_lr = nan")


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm() -> None:
    assert from_toml("\ufeffname = 'x'\r\n[episodes]\r\nn_way = 3\r\n").episodes.n_way == 3


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_no_text_whatsoever_ends_in_another_error(text: str) -> None:
    try:
        from_toml(text)
    except ConfigurationError:
        return


def test_paths_are_changed_wherever_they_stand() -> None:
    values: dict[str, Any] = {
        "initial_weights": "a",
        "data": {
            "folders": ["b"],
            "excluded_files": ["c"],
            "moved_files": {"h": "x"},
            "split": {"kind": "lists", "meta_train": "d"},
        },
        "targets": [{"name": "t", "classes": [{"name": "n", "support": ["e"], "query": ["f"]}], "unlabelled": ["g"]}],
    }
    changed = with_paths(parse_experiment(values), str.upper)
    expected: dict[str, Any] = {
        "initial_weights": "A",
        "data": {
            "folders": ["B"],
            "excluded_files": ["C"],
            "moved_files": {"H": "x"},
            "split": {"kind": "lists", "meta_train": "D"},
        },
        "targets": [{"name": "t", "classes": [{"name": "n", "support": ["E"], "query": ["F"]}], "unlabelled": ["G"]}],
    }
    assert changed == parse_experiment(expected)


def test_paths_that_are_not_given_stay_so() -> None:
    assert with_paths(ExperimentConfig(), lambda path: "/base/" + path) == ExperimentConfig()


def test_large_files_are_read_in_reasonable_time() -> None:
    experiment = parse_experiment(
        {"targets": [{"name": "t", "classes": [{"name": "a", "support": [f"/p/{n}.png" for n in range(20_000)]}]}]}
    )
    text = to_toml(experiment)
    began = time.monotonic()
    assert read_values(text)["targets"][0]["classes"][0]["support"][-1] == "/p/19999.png"
    assert time.monotonic() - began < 10
