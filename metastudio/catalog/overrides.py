"""Single options set by hand on top of an experiment: `algorithm.inner_lr=0.1`."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.options import Kind, OptionInfo, options_of
from metastudio.catalog.validation import closest_option, wrong_experiment
from metastudio.errors import Problem, problem


def with_overrides(values: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return `values` with each ``dotted.name=value`` put in; the given ones stay as they are.

    A value is read as TOML, and as plain text where it is none, so that words need no quotes; lists may be given as
    ``a,b``. Another algorithm (or split …) begins with its own defaults.

    Raises:
        ConfigurationError: if a name is unknown or a part has no ``=``; it lists all of them.
    """
    known: dict[str, OptionInfo] = {option.name: option for option in options_of(ExperimentConfig)}
    problems: list[Problem] = []
    chosen: list[tuple[OptionInfo, Any]] = []
    for override in overrides:
        name, equals, text = override.partition("=")
        name = name.strip()
        if name not in known:
            hint = closest_option(name, ExperimentConfig)
            problems.append(problem("unknown-option", "There is no option of this name.{hint}", where=name, hint=hint))
        elif not equals:
            problems.append(problem("no-value", "No value is given; write {name}=VALUE.", where=name, name=name))
        else:
            chosen.append((known[name], _value(text.strip(), known[name])))
    if problems:
        raise wrong_experiment(tuple(problems), where="--set")
    changed = copy.deepcopy(dict(values))
    choices = {option.name: option for option in known.values() if option.names_variant}
    for option, value in sorted(chosen, key=lambda each: each[0].name not in choices):
        *tables, last = option.name.split(".")
        table = changed
        for step in tables:
            table = table.setdefault(step, {})
        if option.name in choices:
            if table.get(last, option.default) != value:
                table.clear()
        else:
            for choice in choices.values():
                if choice.name.rpartition(".")[0] == ".".join(tables):
                    table.setdefault(choice.name.rpartition(".")[2], choice.default)
        table[last] = value
    return changed


def _value(text: str, option: OptionInfo) -> Any:
    if option.kind is Kind.TEXT and not text.startswith(("'", '"')):
        return text
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        value = text
    if option.kind in {Kind.TEXTS, Kind.CHOICES} and not isinstance(value, list):
        return [part.strip() for part in str(value).split(",") if part.strip()]
    return value
