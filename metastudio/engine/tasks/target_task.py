"""A target task: from the files that a person chose to labelled images, with what was left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metastudio.catalog.data_spec import Preprocessing
from metastudio.catalog.experiment import TargetTask
from metastudio.engine.tasks.episode import LabelledImages
from metastudio.engine.tasks.pixels import network_input
from metastudio.errors import DataError, Problem, Severity, problem
from metastudio.images.decoding import decode, decode_file
from metastudio.images.problems import UnreadableImage


@dataclass(frozen=True)
class LoadedTarget:
    """A target task that can be adapted to.

    Attributes:
        support: S labelled images; shots may be unequal.
        query: M labelled images of known class, or None where there are none.
        classes: The N names, in label order; those without a readable support picture are left out.
        support_files: (S,) paths, in the order of `support`.
        query_files: (M,) paths, in the order of `query`.
        problems: What was left out and why.
    """

    support: LabelledImages
    query: LabelledImages | None
    classes: tuple[str, ...]
    support_files: tuple[str, ...]
    query_files: tuple[str, ...]
    problems: tuple[Problem, ...]

    def shots(self) -> tuple[int, ...]:
        """Return the number of support images of each class."""
        counts: list[int] = torch.bincount(self.support.labels, minlength=len(self.classes)).tolist()
        return tuple(counts)


def load_target(target: TargetTask, preprocessing: Preprocessing) -> LoadedTarget:
    """Read the pictures of a target task.

    Raises:
        DataError: if fewer than two classes have a readable support picture; `problems` says what is wrong with each.
    """
    reader = _Reader(preprocessing)
    support = _Pictures()
    classes: list[str] = []
    for each in target.classes:
        read = [(file, pixels) for file in each.support if (pixels := reader.support(file, each.name)) is not None]
        if not read:
            reader.problems.append(_without_support(each.name))
            continue
        support.extend(read, len(classes))
        classes.append(each.name)
    if len(classes) < 2:
        raise DataError(
            "The task '{target}' needs at least two classes with a picture to learn from, and has {count}.",
            target=target.name,
            count=len(classes),
            todo="Add pictures to another class.",
            problems=reader.problems,
        )
    query = _Pictures()
    for each in target.classes:
        if each.name in classes:
            read = [(file, pixels) for file in each.query if (pixels := reader.query(file)) is not None]
            query.extend(read, classes.index(each.name))
    return LoadedTarget(
        support=support.labelled(preprocessing),
        query=query.labelled(preprocessing) if query.files else None,
        classes=tuple(classes),
        support_files=tuple(support.files),
        query_files=tuple(query.files),
        problems=tuple(reader.problems),
    )


def read_picture(file: str, preprocessing: Preprocessing) -> Tensor:
    """Return one picture as the network sees it, (1, C, H, W).

    Raises:
        UnreadableImage: if it cannot be read.
    """
    return network_input(decode(file, preprocessing)[None], preprocessing)


class _Pictures:
    """Pictures gathered class by class."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self._pixels: list[NDArray[np.uint8]] = []
        self._labels: list[int] = []

    def extend(self, read: Sequence[tuple[str, NDArray[np.uint8]]], label: int) -> None:
        for file, pixels in read:
            self.files.append(file)
            self._pixels.append(pixels)
            self._labels.append(label)

    def labelled(self, preprocessing: Preprocessing) -> LabelledImages:
        return LabelledImages(network_input(np.stack(self._pixels), preprocessing), torch.tensor(self._labels))


class _Reader:
    """Reads pictures and remembers what they contain, so that no picture is both learnt from and judged by."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.problems: list[Problem] = []
        self._preprocessing = preprocessing
        self._class_of: dict[str, str] = {}

    def support(self, file: str, class_name: str) -> NDArray[np.uint8] | None:
        """Return the pixels (H, W, C), None where they cannot be read."""
        pixels, identity = self._read(file)
        if pixels is None:
            return None
        before = self._class_of.setdefault(identity, class_name)
        if before != class_name:
            self.problems.append(
                problem(
                    "same-picture-two-classes",
                    "This picture is in '{first}' and in '{second}'.",
                    where=file,
                    todo="Take it out of one of them.",
                    severity=Severity.WARNING,
                    first=before,
                    second=class_name,
                )
            )
        return pixels

    def query(self, file: str) -> NDArray[np.uint8] | None:
        """Return the pixels (H, W, C), None where they cannot be read or are those of a support picture."""
        pixels, identity = self._read(file)
        if pixels is None or identity not in self._class_of:
            return pixels
        self.problems.append(
            problem(
                "query-in-support",
                "This picture is also a support picture, so it is not counted as a query.",
                where=file,
                severity=Severity.WARNING,
            )
        )
        return None

    def _read(self, file: str) -> tuple[NDArray[np.uint8] | None, str]:
        try:
            decoded = decode_file(file, self._preprocessing)
        except UnreadableImage as error:
            self.problems.append(error.problem)
            return None, ""
        return decoded.pixels, decoded.file.sha256


def _without_support(name: str) -> Problem:
    return problem(
        "class-without-support",
        "The class '{name}' has no readable support picture and is left out.",
        where=name,
        todo="Add a picture to it, or remove it.",
        severity=Severity.WARNING,
        name=name,
    )
