"""Every option of a configuration as a plain record: forms, `--set`, help and messages are made of these."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from metastudio.catalog.settings import Settings


class Kind(StrEnum):
    """What is entered: decides the editor of a form."""

    INTEGER = "integer"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"
    TEXTS = "texts"
    TABLE = "table"


@dataclass(frozen=True)
class OptionInfo:
    """One option.

    Attributes:
        name: Dotted, as in files and in `--set`: ``"algorithm.inner_lr"``.
        kind: What is entered.
        annotation: The Python type.
        default: The value where none is given; None where one must be given.
        title: What a form calls it.
        help: What happens when it is raised or switched on.
        unit: What a number counts.
        is_advanced: Hidden in forms until asked for.
        is_required: Whether a value must be given.
        choices: The allowed words of a `CHOICE` or `CHOICES`.
        minimum: Lowest value, or None.
        maximum: Highest value, or None.
        excludes_minimum: Whether the minimum itself is not allowed.
        excludes_maximum: Whether the maximum itself is not allowed.
        variant: The choice it belongs to (``"maml"``), where only that has it.
        names_variant: Whether it decides which other options there are.
    """

    name: str
    kind: Kind
    annotation: Any
    default: Any
    title: str
    help: str = ""
    unit: str = ""
    is_advanced: bool = False
    is_required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    excludes_minimum: bool = False
    excludes_maximum: bool = False
    variant: str = ""
    names_variant: bool = False

    @property
    def range_text(self) -> str:
        """The allowed values in words a person reads: ``"1 to 1024"``, ``"above 0, at most 100"``, or empty."""
        if self.choices:
            return " | ".join(self.choices)
        least, most = _number(self.minimum), _number(self.maximum)
        low = f"{'above' if self.excludes_minimum else 'at least'} {least}" if least else ""
        high = f"{'below' if self.excludes_maximum else 'at most'} {most}" if most else ""
        if low and high and not self.excludes_minimum and not self.excludes_maximum:
            return f"{least} to {most}"
        return ", ".join(part for part in (low, high) if part)


def options_of(model: type[Settings], prefix: str = "") -> tuple[OptionInfo, ...]:
    """Return the options of a model in the order of its declaration, those of nested models in their place.

    Where a field is one of several models, told apart by a name, the name comes first as a choice and the options of
    each model follow with its name as `variant`.
    """
    found: list[OptionInfo] = []
    for field_name, field in model.model_fields.items():
        name = f"{prefix}.{field_name}" if prefix else field_name
        variants = variants_of(field)
        if not variants:
            if field.title:
                found.append(_option(name, field))
            continue
        tag = discriminator_of(variants[0])
        if tag:
            found.append(_choice_of_variant(f"{name}.{tag}", field, variants, tag))
        for variant in variants:
            variant_name = str(tag_of(variant)) if len(variants) > 1 else ""
            found += [_of_variant(option, variant_name) for option in options_of(variant, name)]
    return tuple(found)


def variants_of(field: FieldInfo) -> tuple[type[Settings], ...]:
    """Return the models that a field may hold, one of them; empty where it holds a plain value."""
    kinds = get_args(field.annotation) if _is_union(field.annotation) else (field.annotation,)
    models = tuple(each for each in kinds if isinstance(each, type) and issubclass(each, Settings))
    return models if len(models) == len(kinds) else ()


def discriminator_of(model: type[Settings]) -> str:
    """Return the field whose single allowed word names the model (``"name"``, ``"kind"``); empty where it has none."""
    for name, field in model.model_fields.items():
        if not field.title and get_origin(field.annotation) is Literal and isinstance(field.default, str):
            return name
    return ""


def tag_of(model: type[Settings]) -> str:
    """Return the word that names the model among others; empty where it has none."""
    tag = discriminator_of(model)
    return str(model.model_fields[tag].default) if tag else ""


def element_model(annotation: Any) -> type[Settings] | None:
    """Return the model that a tuple holds any number of; None where it holds something else."""
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple and isinstance(arguments[0], type) and issubclass(arguments[0], Settings):
        return arguments[0]
    return None


def _option(name: str, field: FieldInfo) -> OptionInfo:
    kind, choices = _kind_and_choices(field.annotation)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    default = field.get_default(call_default_factory=True)
    low = next((each for each in field.metadata if isinstance(each, annotated_types.Ge | annotated_types.Gt)), None)
    high = next((each for each in field.metadata if isinstance(each, annotated_types.Le | annotated_types.Lt)), None)
    return OptionInfo(
        name=name,
        kind=kind,
        annotation=field.annotation,
        default=None if default is PydanticUndefined else default,
        title=field.title or name,
        help=field.description or "",
        unit=str(extra.get("unit", "")),
        is_advanced=bool(extra.get("advanced", False)),
        is_required=field.is_required(),
        choices=choices,
        minimum=_bound(low),
        maximum=_bound(high),
        excludes_minimum=isinstance(low, annotated_types.Gt),
        excludes_maximum=isinstance(high, annotated_types.Lt),
    )


def _bound(constraint: Any) -> float | None:
    for name in ("ge", "gt", "le", "lt"):
        if hasattr(constraint, name):
            return typing.cast("float", getattr(constraint, name))
    return None


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else f"{value:g}"


def _kind_and_choices(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return Kind.CHOICE, tuple(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return Kind.CHOICE, tuple(str(each.value) for each in annotation)
    plain = {bool: Kind.SWITCH, int: Kind.INTEGER, float: Kind.NUMBER, str: Kind.TEXT}
    if annotation in plain:
        return plain[annotation], ()
    if get_origin(annotation) is tuple and element_model(annotation) is None:
        _, choices = _kind_and_choices(get_args(annotation)[0])
        return (Kind.CHOICES if choices else Kind.TEXTS), choices
    return Kind.TABLE, ()


def _choice_of_variant(name: str, field: FieldInfo, variants: tuple[type[Settings], ...], tag: str) -> OptionInfo:
    what = name.split(".")[-2]
    return OptionInfo(
        name=name,
        kind=Kind.CHOICE,
        annotation=str,
        default=getattr(field.default, tag, None),
        title=what.capitalize(),
        help=f"Which {what} it is; the other options of [{name.rpartition('.')[0]}] depend on it.",
        choices=tuple(map(tag_of, variants)),
        names_variant=True,
    )


def _of_variant(option: OptionInfo, variant: str) -> OptionInfo:
    return replace(option, variant=option.variant or variant)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, types.UnionType}
