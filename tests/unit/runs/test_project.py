"""A project on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metastudio.catalog import experiment_file
from metastudio.catalog.validation import parse_experiment
from metastudio.errors import ConfigurationError, IntegrityError, ResourceError
from metastudio.runs import migrations
from metastudio.runs.project import Project


def draft_in(folder: Path) -> dict[str, Any]:
    return {
        "name": "leaves",
        "initial_weights": str(folder / "runs" / "first"),
        "data": {
            "folders": [str(folder / "pictures"), "/elsewhere/pictures", str(folder) + "-beside"],
            "excluded_files": [str(folder / "pictures" / "a" / "bad.png")],
            "split": {"kind": "lists", "meta_train": str(folder / "train.txt"), "meta_test": "/elsewhere/test.txt"},
        },
        "algorithm": {"name": "reptile", "inner_steps": 7},
        "targets": [
            {
                "name": "new ones",
                "classes": [{"name": "é\n", "support": [str(folder / "x.png")], "query": ["/elsewhere/y.png"]}],
                "unlabelled": [str(folder / "odd\udcff.png")],
            }
        ],
    }


def test_a_project_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "leaves"
    made = Project.create(folder, name="My leaves", draft=parse_experiment(draft_in(folder)))
    found = Project.open(folder)
    assert (found.name, found.draft) == ("My leaves", made.draft)
    assert Project.open(folder / "project.toml").draft == made.draft
    assert found.runs_folder.is_dir()
    assert not found.is_read_only


def test_a_project_that_leaves_out_very_many_pictures_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = parse_experiment({"data": {"excluded_files": [f"/pictures/{number}.png" for number in range(500)]}})
    Project.create(tmp_path / "many", draft=draft)
    monkeypatch.setattr(experiment_file, "LARGEST_FILE_CHARACTERS", 1000)
    assert len(Project.open(tmp_path / "many").draft.data.excluded_files) == 500


def test_a_moved_project_finds_what_lies_in_it(tmp_path: Path) -> None:
    folder, moved = tmp_path / "leaves", tmp_path / "moved"
    Project.create(folder, draft=parse_experiment(draft_in(folder)))
    folder.rename(moved)
    expected = draft_in(moved)
    expected["data"]["folders"][2] = str(folder) + "-beside"
    assert Project.open(moved).draft == parse_experiment(expected)


def test_saving_keeps_what_was_changed(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    project.name, project.draft = "another", parse_experiment({"episodes": {"n_way": 7}})
    project.save()
    found = Project.open(tmp_path / "p")
    assert (found.name, found.draft.episodes.n_way) == ("another", 7)


def test_a_second_project_is_not_made_over_the_first(tmp_path: Path) -> None:
    Project.create(tmp_path / "p", name="first")
    with pytest.raises(ConfigurationError, match="lies there already"):
        Project.create(tmp_path / "p")
    assert Project.open(tmp_path / "p").name == "first"


def test_a_project_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="could not be written"):
        Project.create(tmp_path / "file" / "p")


def test_where_there_is_no_project_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="There is no project here"):
        Project.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("n_way = 5", "n_way = 'five'"), r"line \d+, episodes.n_way: It must be a whole number, not 'five'"),
        (("n_way = 5", "n_wya = 5"), r"line \d+, episodes.n_wya: There is no option of this name. Did you mean"),
        (("n_way = 5", "n_way = 5\nn_way = 6"), r"line \d+"),
        (("[draft.episodes]", "[draft.episodes"), r"line \d+, column \d+"),
        (('name = "p"', ""), "'schema_version' and 'name'"),
        (("schema_version = 1\n", ""), "'schema_version' and 'name'"),
    ],
)
def test_a_damaged_project_is_refused_with_the_line_and_left_alone(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    path = Project.create(tmp_path / "p").path
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    before = path.read_bytes()
    with pytest.raises(IntegrityError, match=said):
        Project.open(tmp_path / "p")
    assert path.read_bytes() == before
    assert not (tmp_path / "p" / "project.toml.bak").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore"))))
def test_no_file_whatsoever_ends_in_another_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "project.toml").write_bytes(content)
    with pytest.raises(IntegrityError):
        Project.open(tmp_path)


def test_a_newer_project_is_refused_with_its_version_and_left_alone(tmp_path: Path) -> None:
    path = Project.create(tmp_path / "p").path
    text = path.read_text().replace("schema_version = 1", "schema_version = 2", 1).replace("0.1.0", "7.3")
    path.write_text(text + "\n[from_the_future]\nx = 1\n")
    before = path.read_bytes()
    with pytest.raises(IntegrityError, match=r"newer MetaStudio \(7\.3\)"):
        Project.open(tmp_path / "p")
    assert path.read_bytes() == before


def test_an_older_project_is_upgraded_and_its_file_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Project.create(tmp_path / "p").path
    path.write_text(path.read_text().replace("n_way = 5", "ways = 6"))
    old = path.read_bytes()

    def rename_ways(values: dict[str, Any]) -> dict[str, Any]:
        values["draft"]["episodes"]["n_way"] = values["draft"]["episodes"].pop("ways")
        return values

    monkeypatch.setattr(migrations, "PROJECT_STEPS", [rename_ways])
    assert Project.open(tmp_path / "p").draft.episodes.n_way == 6
    assert (tmp_path / "p" / "project.toml.bak").read_bytes() == old
    assert "schema_version = 2" in path.read_text()
    upgraded = path.read_bytes()
    assert Project.open(tmp_path / "p").draft.episodes.n_way == 6
    assert path.read_bytes() == upgraded, "an upgraded project is not upgraded again"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_project_that_cannot_be_written_opens_read_only(tmp_path: Path) -> None:
    folder = Project.create(tmp_path / "p").folder
    folder.chmod(0o555)
    assert Project.open(folder).is_read_only
    folder.chmod(0o755)


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = Project.create(tmp_path / "p", name="ü").path
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert Project.open(tmp_path / "p").name == "ü"
