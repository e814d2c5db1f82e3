"""A run on disk: the folder that is the whole conversation between a worker and whoever watches it."""

from __future__ import annotations

import json
import secrets
import shutil
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError

from metastudio.catalog import experiment_file
from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.errors import DataError, IntegrityError
from metastudio.images.image_folder import ImageIndex
from metastudio.runs import checkpoint_files
from metastudio.runs.atomic import TEMPORARY_PREFIX, resources, write_atomically
from metastudio.runs.control import Wanted
from metastudio.runs.events import Evaluated
from metastudio.runs.initial_weights import origin_of
from metastudio.runs.run_state import SCHEMA_VERSION, RunState, State, summary_of
from metastudio.runs.worker_lock import is_worker_alive


class FrozenData(NamedTuple):
    """The snapshot of the images that a run was made with: the index, and the part of each class."""

    index: ImageIndex  # type: ignore[assignment]  # nobody looks for the position of a value in it
    parts: dict[str, Part]


class Notes(BaseModel):
    """What a person writes about a run: the studio's alone, no worker reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()


class RunFolder:
    """One run. Every method reads the disk anew; equal when the folder is the same."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunFolder) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def name(self) -> str:
        """The folder's name, which is the run's identity: a copied folder is another run."""
        return self.path.name

    @property
    def state_path(self) -> Path:
        """Where `RunState` lies."""
        return self.path / "run.json"

    @property
    def experiment_path(self) -> Path:
        """Where the frozen experiment lies."""
        return self.path / "experiment.toml"

    @property
    def data_path(self) -> Path:
        """Where the snapshot of the images lies."""
        return self.path / "data.json"

    @property
    def events_path(self) -> Path:
        """Where the events lie."""
        return self.path / "events.jsonl"

    @property
    def control_path(self) -> Path:
        """Where the person's wish lies."""
        return self.path / "control"

    @property
    def lock_path(self) -> Path:
        """The file that the worker holds locked."""
        return self.path / "worker.lock"

    @property
    def holder_path(self) -> Path:
        """Where the worker says its process and host."""
        return self.path / "worker.json"

    @property
    def log_path(self) -> Path:
        """Where the worker's log lines go."""
        return self.path / "worker.log"

    @property
    def checkpoints_folder(self) -> Path:
        """Where checkpoints lie."""
        return self.path / "checkpoints"

    @property
    def evaluations_folder(self) -> Path:
        """Where results on meta-test lie."""
        return self.path / "evaluations"

    @property
    def exports_folder(self) -> Path:
        """Where exports are put when nobody names another place."""
        return self.path / "exports"

    def exists(self) -> bool:
        """Return whether a run lies here."""
        return self.state_path.is_file()

    def experiment(self) -> ExperimentConfig:
        """Return the frozen configuration.

        Raises:
            IntegrityError: if the file is missing.
            ConfigurationError: if it is not what was once written.
        """
        return experiment_file.from_toml(_read(self.experiment_path), where=str(self.experiment_path))

    def data(self) -> FrozenData:
        """Return the frozen snapshot of the images.

        Raises:
            IntegrityError: if it is missing or not what was once written.
        """
        values = _json(self.data_path)
        try:
            parts = {name: Part(part) for name, part in values["parts"].items()}
            return FrozenData(ImageIndex.from_json(values["index"]), parts)
        except (KeyError, TypeError, ValueError, AttributeError, DataError) as error:
            raise _damaged(self.data_path, str(error)) from error

    def write_data(self, index: ImageIndex, parts: Mapping[str, Part]) -> None:
        """Write the snapshot, by the worker with the hashes that it found while preparing."""
        write_atomically(self.data_path, _data_json(index, parts))

    def state(self) -> RunState:
        """Return what `run.json` says.

        Raises:
            IntegrityError: if it is missing, damaged, or of a newer version.
        """
        values = _json(self.state_path)
        if isinstance(made := values.get("schema_version"), int) and made > SCHEMA_VERSION:
            raise IntegrityError(
                "This run was made by a newer MetaStudio ({version}).",
                version=_version_of(values),
                where=str(self.state_path),
                todo="Update MetaStudio to open it; nothing was changed.",
            )
        try:
            return RunState.model_validate(values)
        except ValidationError as error:
            raise _damaged(self.state_path, str(error.errors()[0]["msg"])) from error

    def write_state(self, state: RunState) -> None:
        """Write `run.json`: only the worker does, while it holds the lock.

        Raises:
            ResourceError: if it cannot be written; the old one is whole.
        """
        write_atomically(self.state_path, _dumps(state.model_dump(mode="json")))

    def effective_state(self) -> State:
        """Return the state, `interrupted` where it says that a worker is at work and none is.

        Raises:
            IntegrityError: as `state`.
        """
        state = self.state().state
        if not state.needs_worker or is_worker_alive(self):
            return state
        again = self.state().state  # it may have ended between the two looks
        return State.INTERRUPTED if again.needs_worker else again

    def notes(self) -> Notes:
        """Return what was noted; nothing where the file is missing or spoilt."""
        try:
            return Notes.model_validate(tomllib.loads(_read(self.path / "notes.toml")))
        except (IntegrityError, tomllib.TOMLDecodeError, ValidationError):
            return Notes()

    def write_notes(self, notes: Notes) -> None:
        """Keep a person's notes.

        Raises:
            ResourceError: if they cannot be written.
        """
        write_atomically(self.path / "notes.toml", tomlkit.dumps(notes.model_dump(mode="json")))

    def checkpoints(self) -> list[Path]:
        """Return the checkpoint folders, oldest first, unverified."""
        return checkpoint_files.list_checkpoints(self)

    def best(self) -> Path | None:
        """Return the checkpoint with the highest validation accuracy, unverified."""
        return checkpoint_files.pointed_to(self, "best")

    def last(self) -> Path | None:
        """Return the newest checkpoint that was finished, unverified."""
        return checkpoint_files.pointed_to(self, "last")

    def evaluations(self) -> tuple[Evaluated, ...]:
        """Return the results on meta-test, oldest first; files that are none are left out."""
        found = []
        for path in sorted(self.evaluations_folder.glob("*.json")):
            try:
                found.append(Evaluated.model_validate_json(path.read_bytes()))
            except (OSError, ValidationError):
                continue
        return tuple(sorted(found, key=lambda each: each.at))

    def write_evaluation(self, evaluated: Evaluated) -> Path:
        """Keep a result on meta-test.

        Raises:
            ResourceError: if it cannot be written.
        """
        with resources(self.evaluations_folder):
            self.evaluations_folder.mkdir(exist_ok=True)
        stamp = "".join(each for each in evaluated.at[:23] if each.isdigit())
        path = self.evaluations_folder / f"{stamp}-{evaluated.statistics}-{secrets.token_hex(2)}.json"
        write_atomically(path, evaluated.model_dump_json(indent=2, ensure_ascii=True) + "\n")
        return path

    def exports(self) -> list[Path]:
        """Return what was exported into the run's own folder, by name."""
        try:
            return sorted(each for each in self.exports_folder.iterdir() if not each.name.startswith("."))
        except FileNotFoundError:
            return []


def create_run(
    experiment: ExperimentConfig,
    index: ImageIndex,
    parts: Mapping[str, Part],
    *,
    runs_folder: str | Path,
    fill: Callable[[RunFolder], object] = lambda _: None,
) -> RunFolder:
    """Make a run that waits: its frozen experiment, its snapshot of the images, its first state.

    The folder gets its name when everything is in it.

    Args:
        experiment: What shall be trained.
        index: The images.
        parts: The part of each class.
        runs_folder: Where runs lie.
        fill: Puts more into the folder before it gets its name.

    Raises:
        DataError: if the run would lie inside a folder of images.
        ResourceError: if it cannot be written; nothing is left behind.
    """
    folder = Path(runs_folder).absolute()
    _refuse_data_folder(folder, index)
    begun = folder / f"{TEMPORARY_PREFIX}run-{secrets.token_hex(8)}"
    try:
        with resources(folder):
            begun.mkdir(parents=True)
            run = RunFolder(begun)
            write_atomically(run.experiment_path, experiment_file.to_toml(experiment))
            run.write_data(index, parts)
            write_atomically(run.control_path, f"{Wanted.RUN}\n")
            origin = origin_of(experiment.initial_weights)
            run.write_state(
                RunState(
                    iterations=experiment.training.iterations,
                    seed=experiment.seed,
                    origin=origin,
                    summary=summary_of(experiment),
                )
            )
            fill(run)
            return _named(begun, folder, experiment)
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def list_runs(runs_folder: str | Path) -> list[RunFolder]:
    """Return the runs of a folder, oldest first."""
    try:
        found = [each for each in Path(runs_folder).iterdir() if not each.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [run for run in map(RunFolder, sorted(found)) if run.exists()]


def _refuse_data_folder(folder: Path, index: ImageIndex) -> None:
    for images in index.folders:
        if folder.resolve().is_relative_to(Path(images).resolve()):
            raise DataError(
                "The run would be written into a folder of images, and be taken for images at the next scan.",
                where=str(folder),
                todo="Choose a folder for runs outside '{images}'.",
                images=images,
            )


def _named(begun: Path, folder: Path, experiment: ExperimentConfig) -> RunFolder:
    stamp = datetime.now(UTC).astimezone().strftime("%Y%m%d-%H%M%S")
    task = f"{experiment.episodes.n_way}w{experiment.episodes.n_shot}s"
    while True:
        path = folder / f"{stamp}-{experiment.algorithm.name}-{task}-{secrets.token_hex(2)}"
        if path.exists():
            continue
        begun.replace(path)
        return RunFolder(path)


def _data_json(index: ImageIndex, parts: Mapping[str, Part]) -> str:
    return _dumps({"schema_version": SCHEMA_VERSION, "index": index.to_json(), "parts": dict(parts)}, indent=None)


def _dumps(values: Any, *, indent: int | None = 1) -> str:
    return json.dumps(values, ensure_ascii=True, allow_nan=False, indent=indent) + "\n"


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(values, dict):
        raise _damaged(path, "It does not hold an object.")
    return values


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise IntegrityError(
            "'{name}' is missing from the run, or cannot be read.",
            name=path.name,
            where=str(path),
            why=f"The system says: {error.strerror or error}.",
        ) from error
    except UnicodeDecodeError as error:
        raise _damaged(path, str(error)) from error


def _version_of(values: Mapping[str, Any]) -> str:
    made_with = values.get("versions")
    return str(made_with.get("metastudio", "?")) if isinstance(made_with, dict) else "?"


def _damaged(path: Path, why: str) -> IntegrityError:
    return IntegrityError("'{name}' is damaged.", name=path.name, where=str(path), why=why)
