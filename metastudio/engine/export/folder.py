"""An export as a folder: written aside, verified there, and only then given its name."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metastudio.engine.export.verify import Verification
from metastudio.errors import ConfigurationError, IntegrityError, ResourceError
from metastudio.runs.atomic import sweep, temporary_beside, write_atomically, write_folder_atomically
from metastudio.runs.checkpoint_files import SUMS, verify_checkpoint

VERIFICATION = "verification.json"
"""What was compared and how large the difference was; it also marks the folder as an export of ours."""


class ExportExistsError(ConfigurationError):
    """There is something where the export shall lie; the person is asked before it is replaced."""

    code = "MS-250"


@dataclass(frozen=True)
class ExportedFolder:
    """A verified export. `files` are names in `path`; `verification` compares it with the model it was made from."""

    path: Path
    files: tuple[str, ...]
    size_bytes: int
    verification: Verification


def check_place(folder: str | Path, *, data_folders: Sequence[str], overwrite: bool) -> Path:
    """Return the absolute path of the export's folder, before anything long is done for it.

    Raises:
        ConfigurationError: if it lies inside a folder of images, or something lies there that is no export of ours.
        ExportExistsError: if an export is there and `overwrite` does not allow to replace it.
    """
    path = Path(folder).absolute()
    for data in data_folders:
        if path.resolve().is_relative_to(Path(data).resolve()):
            raise ConfigurationError(
                "An export is never written into a folder of images.",
                where=str(path),
                why=f"It would lie inside '{data}'.",
                todo="Choose another folder.",
            )
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return path
    if not _is_ours(path):
        raise ConfigurationError(
            "Something else is already there, and it is not replaced.",
            where=str(path),
            todo="Choose a folder that does not exist yet.",
        )
    if not overwrite:
        raise ExportExistsError(
            "An export is already there.", where=str(path), todo="Allow it to be replaced, or choose another folder."
        )
    return path


def write_export(path: Path, files: Mapping[str, bytes], verify: Callable[[Path], Verification]) -> ExportedFolder:
    """Write the files, verify them, and give them the name `path`; an older export there is replaced.

    Args:
        path: As `check_place` gave it.
        files: Contents by name.
        verify: Given the folder in which the files lie for now; runs them in a clean process.

    Raises:
        ExportError: if it does not answer as it should; nothing is left of it, an older export stays.
        ResourceError: if it cannot be written; nothing is left of it.
    """
    if path.parent.is_dir():
        sweep(path.parent)
    aside = temporary_beside(path)
    try:
        write_folder_atomically(aside, {**files, SUMS: _sums(files)})
        verification = verify(aside)
        proof = json.dumps(verification.to_json(), indent=1, allow_nan=False).encode() + b"\n"
        everything = {**files, VERIFICATION: proof}
        write_atomically(aside / VERIFICATION, proof)
        write_atomically(aside / SUMS, _sums(everything))
        _take_place(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    names = tuple(sorted([*everything, SUMS]))
    return ExportedFolder(path, names, sum((path / name).stat().st_size for name in names), verification)


def verify_sums(folder: Path) -> None:
    """Compare every file of an export with its hash.

    Raises:
        IntegrityError: if one is missing, altered or not listed; it lists all of them.
    """
    try:
        verify_checkpoint(folder)
    except IntegrityError as error:
        raise IntegrityError(
            "The export is not as it was written.", where=str(folder), todo="Export again.", problems=error.problems
        ) from error


def _sums(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()).encode()


def _is_ours(path: Path) -> bool:
    """Whether nothing would be lost that could not be exported again: an export, and no file beside its own."""
    try:
        listed = {line[66:] for line in (path / SUMS).read_text(encoding="utf-8").splitlines()} | {SUMS}
        return VERIFICATION in listed and {each.name for each in path.iterdir()} <= listed
    except (OSError, UnicodeDecodeError):
        return False


def _take_place(aside: Path, path: Path) -> None:
    old = temporary_beside(path)
    try:
        if path.exists():
            path.replace(old)
        try:
            aside.replace(path)
        except OSError:
            if old.exists():
                old.replace(path)
            raise
    except OSError as error:
        raise ResourceError(
            "The export could not be given its name.",
            where=str(path),
            why=f"The system says: {error.strerror or error}.",
            todo="Close what has the folder open, or choose another.",
        ) from error
    finally:
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
