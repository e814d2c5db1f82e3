"""Every error and problem that a person may see: typed, coded, with what to do about it.

A message keeps its template and its fields apart, so that the window can translate the template.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


@dataclass(frozen=True)
class Message:
    """A sentence with `{named}` places, and what stands in them.

    Attributes:
        template: The sentence.
        fields: What stands in its places.
        one: The sentence where the field `count` is 1, if that is another.

    Raises:
        KeyError: when shown, if a place of the template has no field.
    """

    template: str
    fields: dict[str, object] = field(default_factory=dict)
    one: str = ""

    @property
    def sentence(self) -> str:
        """The template for the number that is counted."""
        return self.one if self.one and self.fields.get("count") in (1, "1") else self.template

    def __str__(self) -> str:
        return self.sentence.format(**self.fields) if self.fields else self.sentence


class Severity(StrEnum):
    """How much a problem matters: an error prevents the work, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, collected with others and shown together.

    `code` is stable (``"too-few-images"``), `where` a path, a class or an option's dotted name, `todo` what to do.
    `others` are further places of the same kind as `where` that the problem is about, as the copies of a picture.
    """

    code: str
    message: Message
    severity: Severity = Severity.ERROR
    where: str = ""
    todo: Message = Message("")
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        has_names = "names" in self.message.fields  # then it says itself what it is about
        parts = [f"{self.where}: {self.message}" if self.where and not has_names else str(self.message)]
        if str(self.todo):
            parts.append(str(self.todo))
        return " ".join(parts)


def problem(
    code: str,
    template: str,
    *,
    where: str = "",
    todo: str = "",
    severity: Severity = Severity.ERROR,
    others: Iterable[str] = (),
    one: str = "",
    **fields: object,
) -> Problem:
    """Make a `Problem`; `template` and `todo` share the fields; `one` is said instead where the `count` is 1."""
    return Problem(code, Message(template, fields, one), severity, where, Message(todo, fields), tuple(others))


class MetaStudioError(Exception):
    """Something went wrong that a person can understand.

    `what` and `todo` are templates filled with `fields`; `where` is a path and line, a class or a step; `why` a cause.
    `problems` lists everything that is wrong where several things are; `one` is said instead where the `count` is 1.
    """

    code: ClassVar[str] = "MS-700"
    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: str = "",
        todo: str = "",
        problems: Sequence[Problem] = (),
        one: str = "",
        **fields: object,
    ) -> None:
        self.what = Message(what, fields, one)
        self.where = where
        self.why = why
        self.todo = Message(todo, fields)
        self.problems = tuple(problems)
        super().__init__(str(self.what))

    def __str__(self) -> str:
        head = f"{self.what} ({self.where})" if self.where else str(self.what)
        lines = [" ".join(part for part in (head, self.why, str(self.todo)) if part)]
        lines += [f"  - {each}" for each in self.problems]
        return "\n".join(lines)


class ConfigurationError(MetaStudioError):
    """The experiment, an option or the usage is wrong."""

    code = "MS-200"
    exit_code = 2


class DataError(MetaStudioError):
    """The images cannot serve what is asked of them."""

    code = "MS-300"
    exit_code = 3


class GoneError(DataError):
    """A folder of images is not where it was: a drive was unplugged, or somebody moved it."""

    code = "MS-310"


class IntegrityError(MetaStudioError):
    """A file is not what it claims to be: truncated, altered, of another format or version.

    `other_iteration` is that of a whole checkpoint which can be taken instead of a broken one, where there is one.
    """

    code = "MS-400"
    exit_code = 4
    other_iteration: int | None = None


class ExportError(IntegrityError):
    """An export did not give the same answers as the model it was made from."""

    code = "MS-450"


class ResourceError(MetaStudioError):
    """Disk, memory, device or display are missing or full."""

    code = "MS-500"
    exit_code = 5


class NumericError(MetaStudioError):
    """A loss or a gradient is not a number."""

    code = "MS-600"
    exit_code = 6


class LockedError(MetaStudioError):
    """Somebody else is working on this run or project."""

    code = "MS-750"
    exit_code = 7


def counted(count: int, one: str, many: str, **fields: object) -> str:
    """Return the sentence for this number, with ``{count}`` and the fields filled in: `one` for 1, else `many`."""
    return (one if count == 1 else many).format(count=f"{count:,}", **fields)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?``, with its leading blank, or an empty string where nothing is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.55)
    return f" Did you mean '{close[0]}'?" if close else ""
