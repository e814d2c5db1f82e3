"""From raw values to a checked experiment: every problem at once, each with its option's dotted name and a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.options import (
    discriminator_of,
    element_model,
    options_of,
    tag_of,
    variants_of,
)
from metastudio.catalog.settings import Settings
from metastudio.errors import ConfigurationError, Problem, did_you_mean, problem

_SENTENCES = {
    "missing": "It must be given.",
    "greater_than": "It must be above {gt}, not {value}.",
    "greater_than_equal": "It must be at least {ge}, not {value}.",
    "less_than": "It must be below {lt}, not {value}.",
    "less_than_equal": "It must be at most {le}, not {value}.",
    "literal_error": "It must be one of {expected}, not {value}.",
    "enum": "It must be one of {expected}, not {value}.",
    "int_type": "It must be a whole number, not {value}.",
    "int_parsing": "It must be a whole number, not {value}.",
    "int_from_float": "It must be a whole number, not {value}.",
    "float_type": "It must be a number, not {value}.",
    "float_parsing": "It must be a number, not {value}.",
    "finite_number": "It must be a finite number, not {value}.",
    "bool_type": "It must be true or false, not {value}.",
    "bool_parsing": "It must be true or false, not {value}.",
    "string_type": "It must be a text, not {value}.",
    "string_unicode": "It must be a text that can be written as UTF-8.",
    "string_too_short": "It must not be empty.",
    "string_too_long": "It must have at most {max_length} characters.",
    "too_short": "It must name at least one.",
    "tuple_type": "It must be a list, not {value}.",
    "model_type": "It must be a table of options, not {value}.",
    "model_attributes_type": "It must be a table of options, not {value}.",
}
_LONGEST_VALUE = 60


def parse_experiment(values: Mapping[str, Any], *, where: str = "") -> ExperimentConfig:
    """Return the experiment that plain values describe.

    Args:
        values: As read from TOML; what is left out has its default.
        where: The file they come from, for the message.

    Raises:
        ConfigurationError: with all problems, not only the first.
    """
    try:
        return ExperimentConfig.model_validate(values)
    except ValidationError as error:
        problems = problems_of(error, ExperimentConfig)
        raise wrong_experiment(problems, where=where) from error


def wrong_experiment(problems: tuple[Problem, ...], *, where: str = "") -> ConfigurationError:
    """Return the error that lists what is wrong with an experiment."""
    count = len(problems)
    return ConfigurationError(
        "The experiment has a problem." if count == 1 else "The experiment has {count} problems.",
        count=count,
        where=where,
        problems=problems,
    )


def problems_of(error: ValidationError, model: type[Settings]) -> tuple[Problem, ...]:
    """Return what is wrong, one `Problem` for each error; `where` is the option's dotted name in `model`."""
    return tuple(_problem(dict(each), model) for each in error.errors(include_url=False))


def _problem(error: dict[str, Any], model: type[Settings]) -> Problem:
    holder, name = _locate(error["loc"], model)
    kind = str(error["type"])
    context = {str(key): value for key, value in error.get("ctx", {}).items()}
    if kind == "extra_forbidden":
        return _unknown_option(name, holder, model)
    if kind == "union_tag_invalid":
        tag = str(context["discriminator"]).strip("'")
        value = str(context["tag"])
        known = [each.strip().strip("'") for each in str(context["expected_tags"]).split(",")]
        return problem(
            "unknown-choice",
            "There is no '{value}' here.{hint}",
            where=f"{name}.{tag}",
            todo="Known: {known}.",
            value=value,
            hint=did_you_mean(value, known),
            known=", ".join(known),
        )
    if kind == "union_tag_not_found":
        tag = str(context["discriminator"]).strip("'")
        return problem("missing-choice", "It must be given.", where=f"{name}.{tag}")
    if kind == "value_error":
        return problem("wrong-value", "{text}.", where=name, text=_sentence(str(context.get("error", error["msg"]))))
    expected = [each.strip("'") for each in re.split(r", | or ", context.get("expected", "")) if each]
    return problem(
        "wrong-value",
        _SENTENCES.get(kind, "{text}.") + "{hint}",
        where=name,
        **context,
        value=_shown(error["input"]),
        text=_sentence(str(error["msg"])),
        hint=did_you_mean(str(error["input"]), expected),
    )


def _unknown_option(name: str, holder: type[Settings] | None, model: type[Settings]) -> Problem:
    prefix, dot, last = name.rpartition(".")
    variant = tag_of(holder) if holder is not None else ""
    siblings = holder.model_fields if holder is not None else ()
    if near := did_you_mean(last, siblings):
        hint = near.replace("'", f"'{prefix}{dot}", 1)
    else:
        hint = "" if variant else closest_option(name, model)
    return problem(
        "unknown-option",
        "'{variant}' has no option of this name.{hint}" if variant else "There is no option of this name.{hint}",
        where=name,
        hint=hint,
        variant=variant,
    )


def closest_option(name: str, model: type[Settings]) -> str:
    """Return `` Did you mean 'x'?`` for a name that no option has; an option that ends in it comes first."""
    names = [option.name for option in options_of(model) if option.name != name]
    same_end = [each for each in names if each.rpartition(".")[2] == name.rpartition(".")[2]]
    if same_end and "." not in name:
        return f" Did you mean '{same_end[0]}'?"
    return did_you_mean(name, names)


def _locate(location: tuple[int | str, ...], model: type[Settings]) -> tuple[type[Settings] | None, str]:
    """Return the model that holds the option, and the option's dotted name; tags of unions are no part of it."""
    names: list[str] = []
    holder: type[Settings] | None = model
    current: tuple[type[Settings], ...] = (model,)
    for step in location:
        if len(current) > 1:  # pydantic names the variant here
            current = tuple(each for each in current if tag_of(each) == step)
            continue
        names.append(str(step))
        if isinstance(step, int):
            continue
        holder = current[0] if current else None
        field = holder.model_fields.get(step) if holder is not None else None
        element = element_model(field.annotation) if field is not None else None
        current = (element,) if element is not None else variants_of(field) if field is not None else ()
    if len(current) == 1 and location and location[-1] == tag_of(current[0]) and discriminator_of(current[0]):
        holder = current[0]
    return holder, ".".join(names)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _sentence(text: str) -> str:
    text = text.removeprefix("Value error, ").rstrip(".")
    return text[:1].upper() + text[1:]
