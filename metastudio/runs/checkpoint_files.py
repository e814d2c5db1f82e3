"""Checkpoints as folders of files with their hashes: written whole or not at all, refused when altered. No torch."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from metastudio.errors import IntegrityError, Problem, problem
from metastudio.runs.atomic import remove_folder, resources, sweep, write_atomically, write_folder_atomically

if TYPE_CHECKING:
    from metastudio.runs.run_folder import RunFolder

SUMS = "SHA256SUMS"
_NAME = re.compile(r"step-(\d{7,})(?:\.(\d{1,6}))?")
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")
_LARGEST_SUMS_BYTES = 1_000_000


def commit_checkpoint(run: RunFolder, iteration: int, files: Mapping[str, bytes], *, is_best: bool, keep: int) -> Path:
    """Write a checkpoint, point to it, and only then remove what is no longer kept.

    One of an iteration that has one already gets a name of its own, ``step-0000100.1``: at no moment is there none.

    Args:
        run: The run it belongs to.
        iteration: Outer steps done.
        files: Contents by file name, ``SHA256SUMS`` left out.
        is_best: Whether it is the best so far.
        keep: How many of the newest stay beside the best.

    Raises:
        ResourceError: if the disk is full; every older checkpoint is whole.
        IntegrityError: if the disk gives back something else than what was written.
    """
    folder = run.checkpoints_folder
    with resources(folder):
        folder.mkdir(exist_ok=True)
    sweep(folder)
    before = [revision for each, revision in map(_age, list_checkpoints(run)) if each == iteration]
    path = folder / f"step-{iteration:07d}{f'.{before[-1] + 1}' if before else ''}"
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    write_folder_atomically(path, {**files, SUMS: sums.encode()})
    write_atomically(folder / "last", f"{path.name}\n")
    if is_best:
        write_atomically(folder / "best", f"{path.name}\n")
    newest = {iteration_of(each): each for each in list_checkpoints(run)}
    kept = {*list(newest.values())[-keep:], pointed_to(run, "best"), path}
    for old in list_checkpoints(run):
        if old not in kept:
            remove_folder(old)
    return path


def list_checkpoints(run: RunFolder) -> list[Path]:
    """Return the checkpoint folders, oldest first, unverified."""
    try:
        found = [each for each in run.checkpoints_folder.iterdir() if _NAME.fullmatch(each.name)]
    except FileNotFoundError:
        return []
    return sorted(found, key=_age)


def is_checkpoint_name(name: str) -> bool:
    """Return whether a folder of this name is a checkpoint."""
    return _NAME.fullmatch(name) is not None


def iteration_of(checkpoint: Path) -> int:
    """Return how many outer steps lie behind a checkpoint."""
    return _age(checkpoint)[0]


def _age(checkpoint: Path) -> tuple[int, int]:
    """Return the iteration of a checkpoint, and which of that iteration it is."""
    match = _NAME.fullmatch(checkpoint.name)
    if match is None:
        raise ValueError(f"not the name of a checkpoint: {checkpoint.name}")
    return int(match[1]), int(match[2] or 0)


def pointed_to(run: RunFolder, pointer: str) -> Path | None:
    """Return the folder that the pointer file `best` or `last` names; None where it names none that is there."""
    try:
        name = (run.checkpoints_folder / pointer).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    path = run.checkpoints_folder / name
    return path if _NAME.fullmatch(name) and path.is_dir() else None


def verify_checkpoint(path: Path) -> None:
    """Compare every file of a checkpoint with its hash.

    Raises:
        IntegrityError: if a file is missing, altered or not listed; it lists all of them.
    """
    try:
        with (path / SUMS).open("rb") as file:
            lines = file.read(_LARGEST_SUMS_BYTES).decode("utf-8", "replace").splitlines()
        present = {each.name for each in os.scandir(path)} - {SUMS}
    except OSError as error:
        raise _broken(path, [problem("checkpoint-unreadable", "It has no readable list of hashes.")]) from error
    problems: list[Problem] = []
    listed: set[str] = set()
    for line in lines:
        match = _SUM.fullmatch(line)
        if match is None or "/" in match[2] or "\\" in match[2]:
            problems.append(problem("checkpoint-sums", "The list of hashes has a line that is none.", where=SUMS))
            continue
        listed.add(match[2])
        problems += _problems_of_file(path / match[2], match[1])
    problems += [
        problem("checkpoint-unlisted", "'{name}' is not in the list of hashes.", where=name, name=name)
        for name in sorted(present - listed)
    ]
    if not listed:
        problems.append(problem("checkpoint-sums", "The list of hashes is empty.", where=SUMS))
    if problems:
        raise _broken(path, problems)


def newest_whole_checkpoint(run: RunFolder, *, before: Path | None = None) -> tuple[Path | None, tuple[Problem, ...]]:
    """Return the newest checkpoint that passes its hashes, and what is wrong with every newer one.

    Only those older than `before` are looked at, where it is given.
    """
    problems: list[Problem] = []
    for path in reversed(list_checkpoints(run)):
        if before is not None and iteration_of(path) >= iteration_of(before):
            continue
        try:
            verify_checkpoint(path)
        except IntegrityError as error:
            problems.append(
                problem(
                    "checkpoint-broken",
                    "The checkpoint of iteration {iteration} is broken.",
                    where=str(path),
                    todo="The one before it is taken." if path != list_checkpoints(run)[0] else "",
                    iteration=iteration_of(path),
                )
            )
            problems += error.problems
        else:
            return path, tuple(problems)
    return None, tuple(problems)


def _problems_of_file(path: Path, expected: str) -> list[Problem]:
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return [
            problem(
                "checkpoint-missing", "'{name}' cannot be read: {why}.", name=path.name, why=error.strerror or error
            )
        ]
    if actual == expected:
        return []
    return [problem("checkpoint-altered", "'{name}' was truncated or altered: its hash is wrong.", name=path.name)]


def _broken(path: Path, problems: list[Problem]) -> IntegrityError:
    return IntegrityError(
        "The checkpoint is broken.",
        where=str(path),
        todo="Take the one before it, or train again.",
        problems=problems,
    )
