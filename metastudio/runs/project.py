"""A project on disk: a folder with a draft of an experiment, its target tasks, and the runs that were made of it."""

from __future__ import annotations

from pathlib import Path

from metastudio.catalog.experiment import ExperimentConfig

SCHEMA_VERSION = 1
FILE_NAME = "project.toml"


class Project:
    """What is open: `name` and `draft` may be changed and are kept by `save`.

    Data folders inside the project are kept relative in the file and absolute in `draft`, so that a project can be moved.
    `is_read_only` says that the folder cannot be written.
    """

    def __init__(self, folder: Path, name: str, draft: ExperimentConfig, *, is_read_only: bool = False) -> None:
        self.folder = folder
        self.name = name
        self.draft = draft
        self.is_read_only = is_read_only

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
        raise NotImplementedError

    @classmethod
    def open(cls, folder: str | Path) -> Project:
        """Open the project of a folder (its ``project.toml`` may be named too).

        Raises:
            IntegrityError: if it is missing, damaged (with the line), or of a newer version; the file is untouched.
        """
        raise NotImplementedError

    def save(self) -> None:
        """Keep name and draft.

        Raises:
            ResourceError: if it cannot be written; the old file is whole.
        """
        raise NotImplementedError
