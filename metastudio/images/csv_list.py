"""A CSV file that lists pictures with their classes: read row by row, so that a bad row costs only itself."""

from __future__ import annotations

import codecs
import csv
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from metastudio.catalog.data_spec import Part
from metastudio.errors import DataError, Message, Problem, Severity, problem
from metastudio.images.part_names import PART_NAMES
from metastudio.images.problems import some_of

CSV_SUFFIXES: Final = (".csv", ".tsv")

_PICTURE: Final = (
    *("path", "file_path", "filepath", "image_path", "img_path", "filename", "file_name", "file"),
    *("image_name", "image_file", "image", "img", "picture"),
)
_CLASS: Final = ("label", "class_label", "class_name", "classname", "label_name", "species", "category", "class")
_PART: Final = ("split", "part", "subset", "set", "partition")
_DELIMITERS: Final = (",", ";", "\t")
_LARGEST_BYTES: Final = 256 << 20
_HEAD_BYTES: Final = 1 << 16
_MOST_LINES_OF_A_ROW: Final = 50
_MOST_PROBLEMS: Final = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One picture of a list.

    Attributes:
        number: The line on which it stands, the first is 1.
        picture: Its path as the list has it, not to be trusted.
        label: Its class, components parted by "/", in Unicode's composed form.
        part: Its part, where the list says one.
    """

    number: int
    picture: str
    label: str
    part: Part | None


@dataclass(frozen=True)
class CsvList:
    """What a list says, before anyone looks for the files.

    Attributes:
        path: Where the list lies.
        rows: Its good rows.
        says_parts: Whether it has a column for the part.
        problems: What is wrong with the other rows.
    """

    path: str
    rows: tuple[Row, ...]
    says_parts: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Columns:
    """Places of the columns; -1 where there is none."""

    picture: int
    label: int
    part: int

    @property
    def is_enough(self) -> bool:
        return self.picture >= 0 and self.label >= 0


def is_csv_name(name: str) -> bool:
    """Say whether a name looks like a list of pictures."""
    return name.lower().endswith(CSV_SUFFIXES)


def is_csv_list(path: str) -> bool:
    """Say whether a file is a list of pictures: whether its first row names columns for picture and class."""
    try:
        text = _text_of(path, most_bytes=_HEAD_BYTES)
    except DataError:
        return False
    return _head_of(_lines_of(text))[2].is_enough


def read_csv_list(path: str) -> CsvList:
    """Read a list; rows that cannot be taken are problems with their row and the reason.

    The first row names the columns: picture (path, file, filename, image …), class (label, class, category, species …)
    and, where there is one, part (split, part, subset, set …). Cells are parted by comma, semicolon or tab.

    Raises:
        DataError: if the file cannot be read, is no list, or has no column for picture or class.
    """
    lines = _lines_of(_text_of(path))
    start, delimiter, columns = _head_of(lines)
    header = next(_records(lines[start:], delimiter), (0, Message("")))[1]
    if not columns.is_enough or isinstance(header, Message):
        raise _no_columns(path, header)
    records = list(_records(lines[start:], delimiter))[1:]
    if not any(_says_part(cells, columns.part) for _, cells in records):
        columns = replace(columns, part=-1)  # a column of that name that is about something else
    rows: list[Row] = []
    problems: list[Problem] = []
    for offset, cells in records:
        number = start + offset + 1
        if not isinstance(cells, Message) and not any(cell.strip() for cell in cells):
            continue
        row = cells if isinstance(cells, Message) else _row_of(number, cells, len(header), columns)
        if isinstance(row, Row):
            rows.append(row)
        else:
            problems.append(row_problem("csv-row", path, number, row))
    return CsvList(path, tuple(rows), columns.part >= 0, at_most(problems, path))


def row_problem(code: str, path: str, number: int, message: Message) -> Problem:
    """Return what is wrong with one row of a list; the other rows go on."""
    return Problem(code, message, Severity.WARNING, f"{path}:{number}")


def at_most(problems: Sequence[Problem], path: str) -> tuple[Problem, ...]:
    """Return the first problems of a list, and how many more there are."""
    if len(problems) <= _MOST_PROBLEMS:
        return tuple(problems)
    more = problem(
        f"{problems[0].code}s",
        "{count} more rows cannot be taken, for reasons like those of the first {shown}.",
        one="1 more row cannot be taken, for a reason like those of the first {shown}.",
        where=path,
        severity=Severity.WARNING,
        count=len(problems) - _MOST_PROBLEMS,
        shown=_MOST_PROBLEMS,
    )
    return (*problems[:_MOST_PROBLEMS], more)


def _text_of(path: str, *, most_bytes: int = _LARGEST_BYTES) -> str:
    """Return the text, bytes that are none kept as lone surrogates; UTF-16 goes by its mark."""
    try:
        about = os.stat(path)  # noqa: PTH116 - paths are strings here
        if not stat.S_ISREG(about.st_mode):
            raise DataError("This is not a plain file.", where=path)
        if about.st_size > _LARGEST_BYTES:
            raise DataError("This file is too large to be a list of pictures.", where=path)
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read(most_bytes)
    except OSError as error:
        raise DataError(
            "The list of pictures cannot be read.", where=path, why=f"The system says: {error.strerror or error}."
        ) from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def _lines_of(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _head_of(lines: list[str]) -> tuple[int, str, _Columns]:
    """Return on which line the columns are named, what parts the cells, and where the columns are."""
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    best = (start, _DELIMITERS[0], _Columns(-1, -1, -1))
    for delimiter in _DELIMITERS:
        cells = next(_records(lines[start : start + _MOST_LINES_OF_A_ROW], delimiter), (0, Message("")))[1]
        if isinstance(cells, Message):
            continue
        columns = _columns_of(cells)
        if columns.is_enough:
            return start, delimiter, columns
        if len(cells) > 1:
            best = (start, delimiter, columns)
    return best


def _columns_of(header: list[str]) -> _Columns:
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in header]
    picture, label, part = (
        next((names.index(known) for known in usual if known in names), -1) for usual in (_PICTURE, _CLASS, _PART)
    )
    return _Columns(picture, label, part)


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str] | Message]]:
    """Yield the offset of each row and its cells, or what is wrong with it; quoted cells may go over some lines."""
    place = 0
    while place < len(lines):
        line = lines[place]
        if not line.strip("\n \r"):
            place += 1
            continue
        if '"' not in line:
            yield place, line.split(delimiter)
            place += 1
            continue
        cells: list[str] | Message = Message("A quoted cell does not end.")
        taken = 1
        for count in range(1, min(_MOST_LINES_OF_A_ROW, len(lines) - place) + 1):
            text = "\n".join(lines[place : place + count])
            try:
                cells = next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
            except csv.Error as error:
                if "unexpected end" in str(error):
                    continue
                cells = Message("Its quotes cannot be understood.")
            else:
                taken = count
            break
        yield place, cells
        place += taken


def _row_of(number: int, cells: list[str], width: int, columns: _Columns) -> Row | Message:
    """Return the row, or what is wrong with it."""
    while len(cells) > width and not cells[-1].strip():  # spreadsheets add empty ones
        cells = cells[:-1]
    if len(cells) != width:
        return Message("It has {count} cells where the first row has {width}.", {"count": len(cells), "width": width})
    picture, label = cells[columns.picture].strip(), cells[columns.label].strip()
    said = cells[columns.part].strip() if columns.part >= 0 else ""
    if not all(map(_is_text, (picture, label, said))):
        return Message("It is not UTF-8 text.")
    named = "/".join(part for part in unicodedata.normalize("NFC", label).split("/") if part.strip())
    if not picture:
        return Message("The cell of the picture is empty.")
    if not named:
        return Message("The cell of the class is empty.")
    if said and said.lower() not in PART_NAMES:
        return Message("Its part is none of train, val and test.")
    return Row(number, picture, named, PART_NAMES.get(said.lower()))


def _says_part(cells: list[str] | Message, column: int) -> bool:
    if isinstance(cells, Message) or not 0 <= column < len(cells):
        return False
    return cells[column].strip().lower() in PART_NAMES


def _is_text(cell: str) -> bool:
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in cell)


def _no_columns(path: str, header: list[str] | Message) -> DataError:
    found = [] if isinstance(header, Message) else [cell.strip() for cell in header if _is_text(cell)]
    return DataError(
        "This list does not name the columns of picture and class in its first row.",
        where=path,
        why=f"Its columns are: {some_of(found)}." if any(found) else "Its first row is empty.",
        todo="Name them, for example: filename,label",
    )
