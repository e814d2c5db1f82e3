"""Recipes: experiments with all numbers fixed, and what they reached. One TOML file each in `presets/`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from metastudio.errors import ConfigurationError, did_you_mean

_NORMALIZATION = frozenset({"normalization", "mean", "standard_deviation"})


@dataclass(frozen=True)
class Recipe:
    """One recipe.

    Attributes:
        name: What `--recipe` takes.
        title: What a list shows.
        summary: One sentence: for what, and how long it takes.
        algorithm: Which method it is for.
        measured: What it was measured to reach, with interval, protocol and machine; empty until it was.
        paper: What the paper reports, with its protocol; empty where there is none.
        values: Its part of the experiment, as plain values.
    """

    name: str
    title: str
    summary: str
    algorithm: str
    measured: str
    paper: str
    values: dict[str, Any]


@functools.cache
def recipes() -> tuple[Recipe, ...]:
    """Return every recipe that ships, quick ones first, then by name."""
    folder = resources.files("metastudio.catalog.presets")
    found = [
        _recipe(file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8")))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda recipe: (not recipe.name.startswith("quick-"), recipe.name)))


def find_recipe(name: str) -> Recipe:
    """Return the recipe called `name`.

    Raises:
        ConfigurationError: if there is none; it names the closest.
    """
    shelf = {recipe.name: recipe for recipe in recipes()}
    if name not in shelf:
        raise ConfigurationError(
            "There is no recipe called '{name}'.{hint}",
            name=name,
            hint=did_you_mean(name, shelf),
            todo="Known: {known}.",
            known=", ".join(shelf),
        )
    return shelf[name]


def with_recipe(values: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Return `values` with the recipe's tables in place of theirs; in `data`, only the options that it names.

    Where it says how pictures are prepared, it says how they are normalised too: not at all, unless it names it.
    """
    changed = dict(values)
    for table, content in recipe.values.items():
        changed[table] = _merged(_plain(values.get(table, {}), content), content) if table == "data" else content
    return changed


def _plain(data: Mapping[str, Any], content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `data` without normalisation, where `content` prepares pictures."""
    if "preprocessing" not in content:
        return data
    kept = {name: value for name, value in data.get("preprocessing", {}).items() if name not in _NORMALIZATION}
    return {**data, "preprocessing": kept}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        merged[name] = _merged(merged.get(name, {}), value) if isinstance(value, dict) else value
    return merged


def _recipe(name: str, content: dict[str, Any]) -> Recipe:
    said = content.pop("recipe")
    return Recipe(
        name=name,
        title=said["title"],
        summary=said["summary"],
        algorithm=content["algorithm"]["name"],
        measured=said.get("measured", ""),
        paper=said.get("paper", ""),
        values=content,
    )
