"""A disk that fails, or a process that dies, at the n-th operation."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from metastudio.runs.atomic import FileLayer


class Died(BaseException):
    """Stands for kill -9: from here on the process does nothing to the disk any more."""


class CountingDisk(FileLayer):
    """Counts operations, and calls `at_operation` with the number of each before it happens."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def at_operation(self, number: int) -> None:
        """Do nothing; disks that break do something here."""

    def _next(self, name: str) -> None:
        self.done.append(name)
        self.at_operation(len(self.done))

    def make_folder(self, folder: Path) -> None:
        self._next("make_folder")
        super().make_folder(folder)

    def create(self, path: Path) -> int:
        self._next("create")
        return super().create(path)

    def write(self, descriptor: int, content: bytes) -> None:
        try:
            self._next("write")
        except BaseException:
            os.write(descriptor, content[: len(content) // 2])  # what breaks in the middle leaves a half
            raise
        super().write(descriptor, content)

    def fsync(self, descriptor: int) -> None:
        self._next("fsync")
        super().fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        self._next("replace")
        super().replace(source, target)

    def remove(self, path: Path) -> None:
        self._next("remove")
        super().remove(path)


class FailingDisk(CountingDisk):
    """Fails once, at the n-th operation."""

    def __init__(self, n: int, code: int = errno.ENOSPC) -> None:
        super().__init__()
        self.n = n
        self.code = code

    def at_operation(self, number: int) -> None:
        if number == self.n:
            raise OSError(self.code, os.strerror(self.code))


class DyingDisk(CountingDisk):
    """Dies before the n-th operation and stays dead; `die` may end the process for real."""

    def __init__(self, n: int, die: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.n = n
        self.die = die

    def at_operation(self, number: int) -> None:
        if number >= self.n:
            if self.die is not None:
                self.die()
            raise Died
