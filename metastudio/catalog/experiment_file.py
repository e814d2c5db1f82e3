"""The experiment as a TOML file: written complete with help as comments, read with the line of every error."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import Enum
from typing import Any

import tomlkit

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.options import OptionInfo, discriminator_of, element_model, options_of
from metastudio.catalog.settings import Settings
from metastudio.catalog.validation import parse_experiment, wrong_experiment
from metastudio.errors import ConfigurationError, Problem

LARGEST_FILE_CHARACTERS = 8_000_000
_INLINE_ITEMS = 4
_COMMENT_WIDTH = 110
_DEEP_NAME = re.compile(r"(?:\.[\"'\w \t-]{0,50}){200}")
_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_TABLE_LINE = re.compile(r"\s*(\[\[?)([^\]]+)\]")
_KEY_LINE = re.compile(r"\s*([\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile("\x00([0-9a-f]{4})")


def to_toml(experiment: ExperimentConfig) -> str:
    r"""Return the whole experiment, defaults written out, help as comments.

    Bytes of file names that are no text (which Python keeps as lone surrogates) are written as ``\u0000`` and four
    hexadecimal digits, since TOML is UTF-8; `from_toml` brings them back.
    """
    head = "# A MetaStudio experiment. `metastudio train` runs it; `metastudio catalog` explains every choice.\n"
    return head + table_of(experiment)


def table_of(experiment: ExperimentConfig, name: str = "") -> str:
    """Return the experiment as the table `name` of a larger file, or as the whole file where `name` is empty."""
    head = f"[{name}]\n" if name else ""
    return head + "\n".join(_lines_of(experiment, name, name)).rstrip() + "\n"


def from_toml(text: str, *, where: str = "") -> ExperimentConfig:
    """Return the experiment of a file's text.

    Args:
        text: The file's text; a byte order mark and Windows line ends do no harm.
        where: The file, for messages.

    Raises:
        ConfigurationError: if it is no TOML, with the line and column; or with every wrong option and its line.
    """
    return experiment_in(read_values(text, where=where), text, where=where)


def experiment_in(values: dict[str, Any], text: str, *, table: str = "", where: str = "") -> ExperimentConfig:
    """Return the experiment of `values`, which were read from `text`, where they are the table `table`.

    Raises:
        ConfigurationError: with every wrong option and its line.
    """
    try:
        return parse_experiment(values, where=where)
    except ConfigurationError as error:
        lines = _lines_of_options(text)
        problems = tuple(_with_line(each, lines, f"{table}." if table else "") for each in error.problems)
        raise wrong_experiment(problems, where=where) from error


def with_paths(experiment: ExperimentConfig, change: Callable[[str], str]) -> ExperimentConfig:
    """Return the experiment with `change` applied to every path in it that is given."""

    def changed(paths: Iterable[str]) -> list[str]:
        return [change(path) for path in paths]

    values = experiment.model_dump()
    data = values["data"]
    data["folders"], data["excluded_files"] = changed(data["folders"]), changed(data["excluded_files"])
    for name in ("moved_files", "class_depths"):
        data[name] = {change(path): value for path, value in data[name].items()}
    if data["split"]["kind"] == "lists":
        data["split"] |= {part: change(path) for part, path in data["split"].items() if part != "kind" and path}
    if values["initial_weights"]:
        values["initial_weights"] = change(values["initial_weights"])
    for target in values["targets"]:
        target["unlabelled"] = changed(target["unlabelled"])
        for each in target["classes"]:
            each["support"], each["query"] = changed(each["support"]), changed(each["query"])
    return ExperimentConfig.model_validate(values)


def read_values(text: str, *, where: str = "", most_characters: int | None = None) -> dict[str, Any]:
    """Return the plain values of a TOML text, unchecked; of at most `LARGEST_FILE_CHARACTERS`, if not said otherwise.

    Raises:
        ConfigurationError: if it is no TOML, or larger or deeper than any experiment is.
    """
    most = most_characters or LARGEST_FILE_CHARACTERS
    if len(text) > most:
        raise _not_toml(where, f"It has {len(text):,} characters, more than the {most:,} allowed.")
    if _DEEP_NAME.search(text):
        raise _not_toml(where, "A name in it is nested more than 200 deep.")
    try:
        values: dict[str, Any] = _map_texts(tomllib.loads(text.removeprefix("\ufeff")), _unescaped)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(where, f"{error}.") from error
    except RecursionError as error:
        raise _not_toml(where, "It is nested too deep.") from error
    return values


def _lines_of(settings: Settings, prefix: str, root: str) -> Iterator[str]:
    """Yield the lines of one table: its plain options first, then its tables, as TOML wants it."""
    options = {option.name: option for option in options_of(type(settings), prefix)} | _choices_of_variants(root)
    for name, value in _fields(settings):
        if isinstance(value, Settings | dict) or _is_tables(type(settings), name, value):
            continue
        dotted = f"{prefix}.{name}" if prefix else name
        if dotted in options:
            yield from _comment(options[dotted])
        yield f"{_key(name)} = {_item(value)}"
    for name, value in _fields(settings):
        dotted = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Settings):
            yield from ("", f"[{dotted}]")
            yield from _lines_of(value, dotted, root)
        elif isinstance(value, dict):
            yield from ("", f"[{dotted}]")
            if dotted in options:
                yield from _comment(options[dotted])
            yield from (f"{_key(key)} = {_item(each)}" for key, each in value.items())
        elif _is_tables(type(settings), name, value):
            for each in value:
                yield from ("", f"[[{dotted}]]")
                yield from _lines_of(each, dotted, root)


def _fields(settings: Settings) -> Iterator[tuple[str, Any]]:
    first = discriminator_of(type(settings))
    for name in sorted(type(settings).model_fields, key=lambda each: each != first):
        yield name, getattr(settings, name)


@functools.cache
def _choices_of_variants(root: str) -> dict[str, OptionInfo]:
    return {option.name: option for option in options_of(ExperimentConfig, root) if option.names_variant}


def _is_tables(model: type[Settings], name: str, value: Any) -> bool:
    return bool(value) and element_model(model.model_fields[name].annotation) is not None


def _comment(option: OptionInfo) -> Iterator[str]:
    notes = ", ".join(part for part in (option.range_text, option.unit) if part)
    words = f"{option.help} ({notes})" if notes else option.help
    line = "#"
    for word in words.split():
        if len(line) + len(word) + 1 > _COMMENT_WIDTH:
            yield line
            line = "#"
        line += f" {word}"
    yield line


def _item(value: Any) -> str:
    if isinstance(value, tuple):
        items = [_item(each) for each in value]
        if len(items) <= _INLINE_ITEMS:
            return f"[{', '.join(items)}]"
        return "[\n" + "".join(f"    {each},\n" for each in items) + "]"
    plain = value.value if isinstance(value, Enum) else value
    return tomlkit.item(_escaped(plain) if isinstance(plain, str) else plain).as_string()


def _key(name: str) -> str:
    return name if _BARE_NAME.fullmatch(name) else tomlkit.item(_escaped(name)).as_string()


def _escaped(text: str) -> str:
    return _SURROGATE.sub(lambda match: f"\x00{ord(match[0]):04x}", text)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _map_texts(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _map_texts(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_map_texts(each, change) for each in value]
    return value


def _lines_of_options(text: str) -> dict[str, int]:
    """Return the line of each dotted name, tables included; lists of tables are numbered as pydantic does."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE_LINE.match(line):
            table = _plain_name(header[2])
            for outer in sorted(counts, key=len, reverse=True):
                if table.startswith(f"{outer}."):
                    table = f"{outer}.{counts[outer]}{table[len(outer) :]}"
                    break
            if header[1] == "[[":
                counts[_plain_name(header[2])] = counts.get(_plain_name(header[2]), -1) + 1
                table = f"{table}.{counts[_plain_name(header[2])]}"
            found.setdefault(table, number)
        elif key := _KEY_LINE.match(line):
            name = _plain_name(key[1])
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _plain_name(written: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in written.split("."))


def _with_line(each: Problem, lines: dict[str, int], prefix: str) -> Problem:
    name = prefix + each.where
    while name and name not in lines:
        name = name.rpartition(".")[0]
    return replace(each, where=f"line {lines[name]}, {each.where}") if name else each


def _not_toml(where: str, why: str) -> ConfigurationError:
    return ConfigurationError("This is not a readable TOML file.", where=where, why=why)
