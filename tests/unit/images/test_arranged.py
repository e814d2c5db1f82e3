"""Merged classes and moved files: every picture counts for one class, and everything downstream sees that class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastudio.catalog.data_spec import DataSpec, FolderSplit, Layout, Part, Preprocessing
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.experiment_file import from_toml, to_toml
from metastudio.catalog.overrides import with_overrides
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import ConfigurationError
from metastudio.images.class_split import split_classes
from metastudio.images.episode_limits import feasible
from metastudio.images.image_folder import arranged, scan, select
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex
from metastudio.images.image_store import open_store
from metastudio.runs.run_folder import create_run
from tests.unit.images.pictures import make_pictures

NAMES = "abcd"


def index(**counts: int) -> ImageIndex:
    classes = (
        ImageClass(name, tuple(ImageFile(f"/{name}/{n}", 1, 1) for n in range(count))) for name, count in counts.items()
    )
    return ImageIndex(("/",), Layout.CLASS_FOLDERS, tuple(classes))


def paths(of: ImageIndex) -> dict[str, list[str]]:
    return {each.name: [file.path for file in each.files] for each in of.classes}


def test_a_merged_class_counts_for_the_other_and_a_moved_file_for_its_new_one() -> None:
    data = DataSpec(merged_classes={"b": "a"}, moved_files={"/c/0": "b", "/a/0": "new/d"})

    assert paths(select(index(a=2, b=1, c=2), data)) == {
        "a": ["/a/1", "/b/0", "/c/0"],
        "c": ["/c/1"],
        "new/d": ["/a/0"],
    }


def test_nothing_merged_or_moved_is_the_index_itself() -> None:
    made = index(a=2, b=1)

    assert arranged(made, DataSpec(excluded_classes=("a",))) is made


def test_what_is_excluded_is_left_out_under_the_name_it_counts_for() -> None:
    data = DataSpec(merged_classes={"b": "a"}, excluded_classes=("a",), excluded_files=("/c/0",))

    assert paths(select(index(a=2, b=1, c=2), data)) == {"c": ["/c/1"]}


def test_a_merged_class_takes_the_part_of_the_one_it_counts_for() -> None:
    made = index(a=1, b=1, c=1)
    parts = {"a": Part.META_TEST, "b": Part.META_TRAIN, "c": Part.META_TRAIN}
    said = replace(made, classes=tuple(replace(each, part=parts[each.name]) for each in made.classes))

    used = select(said, DataSpec(merged_classes={"b": "a"}))

    assert split_classes(used, FolderSplit()) == {"a": Part.META_TEST, "c": Part.META_TRAIN}
    assert feasible(used, {"a": Part.META_TEST}, Part.META_TEST).n_images == 2


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["e", "f", "g"]), max_size=4),
    st.dictionaries(st.sampled_from([f"/{name}/{n}" for name in NAMES for n in range(3)]), st.sampled_from("abe")),
    st.sets(st.sampled_from("abcdef")),
)
def test_no_picture_is_lost_or_doubled_and_choosing_twice_changes_nothing(
    merged: dict[str, str], moved: dict[str, str], excluded: set[str]
) -> None:
    made = index(a=3, b=2, c=3, d=1)
    data = DataSpec(merged_classes=merged, moved_files=moved, excluded_classes=tuple(excluded))

    everything = [path for own in paths(arranged(made, data)).values() for path in own]
    once = select(made, data)

    assert sorted(everything) == sorted(file.path for each in made.classes for file in each.files)
    assert select(once, data) == once


@pytest.mark.parametrize("merged", [{"a": "a"}, {"a": "b", "b": "c"}, {"a": "b", "b": "a"}])
def test_chains_and_circles_are_refused_with_a_sentence(merged: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_experiment({"data": {"merged_classes": merged}})

    (found,) = caught.value.problems
    assert "cannot be merged into itself" in str(found) or "name the class that keeps its name" in str(found)


def test_the_command_line_sets_them_and_files_keep_them() -> None:
    overrides = ['data.merged_classes={"Mug" = "mug"}', 'data.moved_files={"/p/1.png" = "cup"}']

    made = parse_experiment(with_overrides({}, overrides))

    assert made.data.merged_classes == {"Mug": "mug"}
    assert made.data.moved_files == {"/p/1.png": "cup"}
    assert from_toml(to_toml(made)) == made


def test_store_and_run_hold_the_classes_as_they_count(tmp_path: Path) -> None:
    found = scan([make_pictures(tmp_path / "images", {"mug": 2, "Tasse": 1, "pot": 1})])
    data = DataSpec(folders=found.folders, merged_classes={"Tasse": "mug"})
    used = select(found, data)

    store = open_store(used, Preprocessing(image_size=8, colour="grey"))
    experiment = ExperimentConfig(data=data)
    run = create_run(experiment, store.index, split_classes(used, data.split), runs_folder=tmp_path / "runs")

    assert len(store.rows("mug")) == 3
    assert [each.name for each in run.data().index.classes] == ["mug", "pot"]
    assert set(run.data().parts) == {"mug", "pot"}
