"""A project on disk: a folder with a draft of an experiment, its target tasks, and the runs that were made of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import tomlkit

from metastudio import __version__
from metastudio.catalog import experiment_file
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.errors import ConfigurationError, IntegrityError
from metastudio.runs import migrations
from metastudio.runs.atomic import resources, write_atomically
from metastudio.runs.worker_lock import Holder

FILE_NAME = "project.toml"
_MOST_CHARACTERS = 64_000_000
"""A project may leave out hundreds of thousands of pictures by their paths, and must be read again then."""


class Project:
    """What is open: `name` and `draft` may be changed and are kept by `save`.

    Paths inside the project are relative in the file and absolute in `draft`, so that a project can be moved.
    `is_read_only` says that the folder cannot be written, or that another studio holds the project: `held_by`.
    """

    def __init__(self, folder: Path, name: str, draft: ExperimentConfig, *, is_read_only: bool = False) -> None:
        self.folder = folder
        self.name = name
        self.draft = draft
        self.is_read_only = is_read_only
        self.held_by: Holder | None = None

    @property
    def path(self) -> Path:
        """The file ``project.toml``."""
        return self.folder / FILE_NAME

    @property
    def runs_folder(self) -> Path:
        """Where the project's runs lie."""
        return self.folder / "runs"

    @classmethod
    def create(cls, folder: str | Path, *, name: str = "", draft: ExperimentConfig | None = None) -> Project:
        """Make a new project in a folder that is missing or has none yet.

        Raises:
            ConfigurationError: if a project lies there already.
            ResourceError: if it cannot be written.
        """
        project = cls(Path(folder).absolute(), name or Path(folder).absolute().name, draft or ExperimentConfig())
        if project.path.exists():
            raise ConfigurationError(
                "A project lies there already.", where=str(project.folder), todo="Open it, or choose another folder."
            )
        with resources(project.folder):
            project.runs_folder.mkdir(parents=True, exist_ok=True)
        project.save()
        return project

    @classmethod
    def open(cls, folder: str | Path) -> Project:
        """Open the project of a folder (its ``project.toml`` may be named too).

        One of an older version is upgraded; the old file stays beside it as ``project.toml.bak``.

        Raises:
            IntegrityError: if it is missing, damaged (with the line), or of a newer version; the file is untouched.
            ResourceError: if an older one cannot be upgraded because the folder cannot be written.
        """
        path = Path(folder).absolute()
        path = path if path.name == FILE_NAME else path / FILE_NAME
        text = _text_of(path)
        try:
            values = experiment_file.read_values(text, where=str(path), most_characters=_MOST_CHARACTERS)
            head = _head_of(values, path)
            upgraded = migrations.upgraded(values, int(head["schema_version"]), migrations.PROJECT_STEPS)
            found = experiment_file.experiment_in(upgraded.get("draft", {}), text, table="draft", where=str(path))
        except ConfigurationError as error:
            raise IntegrityError(
                "The project file is damaged.",
                where=str(path),
                why=error.why,
                todo="Correct it in a text editor; it was not changed.",
                problems=error.problems,
            ) from error
        here = path.parent
        draft = experiment_file.with_paths(found, lambda each: each if _is_absolute(each) else os.fspath(here / each))
        project = cls(here, str(upgraded["project"]["name"]), draft, is_read_only=not os.access(here, os.W_OK))
        if upgraded is not values:
            _back_up(path)
            project.save()
        return project

    def save(self) -> None:
        """Keep name and draft.

        Raises:
            ResourceError: if it cannot be written; the old file is whole.
        """
        head = {
            "schema_version": migrations.current_version(migrations.PROJECT_STEPS),
            "made_by": __version__,
            "name": self.name,
        }
        draft = experiment_file.with_paths(self.draft, self._relative)
        write_atomically(
            self.path,
            "# A MetaStudio project; the studio writes this file anew at every change.\n"
            + tomlkit.dumps({"project": head})
            + "\n"
            + experiment_file.table_of(draft, "draft"),
        )

    def _relative(self, path: str) -> str:
        if not _is_absolute(path) or not Path(path).is_relative_to(self.folder):
            return path
        return Path(path).relative_to(self.folder).as_posix()


def _is_absolute(path: str) -> bool:
    return Path(path).is_absolute()


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise IntegrityError(
            "There is no project here.", where=str(path.parent), todo=f"Choose a folder with a {FILE_NAME} in it."
        ) from None
    except UnicodeDecodeError as error:
        raise IntegrityError("The project file is damaged.", where=str(path), why=f"{error}.") from error
    except OSError as error:
        raise IntegrityError(
            "The project file cannot be read.", where=str(path), why=f"The system says: {error.strerror or error}."
        ) from error


def _head_of(values: dict[str, Any], path: Path) -> dict[str, Any]:
    head = values.get("project")
    if not isinstance(head, dict) or not isinstance(head.get("schema_version"), int) or "name" not in head:
        raise ConfigurationError(
            "The table [project] with 'schema_version' and 'name' is missing.",
            why="The table [project] with 'schema_version' and 'name' is missing.",
        )
    if head["schema_version"] > migrations.current_version(migrations.PROJECT_STEPS):
        raise IntegrityError(
            "This project was made by a newer MetaStudio ({version}).",
            version=head.get("made_by", "?"),
            where=str(path),
            todo="Update MetaStudio to open it; nothing was changed.",
        )
    return head


def _back_up(path: Path) -> None:
    with resources(path):
        write_atomically(path.with_name(f"{path.name}.bak"), path.read_bytes())
