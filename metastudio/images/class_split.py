"""Which classes are learnt from, which choose the best checkpoint, and which give the final number."""

from __future__ import annotations

import json
import random
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from metastudio.catalog.data_spec import FolderSplit, ListedSplit, ManualSplit, Part, RandomSplit, Split
from metastudio.errors import DataError, Problem, did_you_mean, problem
from metastudio.images.image_index import ImageIndex, group_of


def split_classes(index: ImageIndex, split: Split) -> dict[str, Part]:
    """Return the part of each class, in the order of the index; classes that no part takes are left out.

    Raises:
        DataError: if lists name classes that are not there or are in two parts, or if the folders say nothing; with all
            problems at once.
    """
    names = [each.name for each in index.classes]
    match split:
        case RandomSplit():
            parts = _dealt_whole(names, split) if split.whole_groups else _dealt(names, split)
        case ListedSplit():
            parts = _listed(names, split)
        case FolderSplit():
            parts = _by_folder(index)
        case ManualSplit():
            parts = _by_hand(names, split)
    return {name: parts[name] for name in names if name in parts}


def _dealt(names: list[str], split: RandomSplit) -> dict[str, Part]:
    """Deal shuffled names; every part with a share gets a class before any gets a second."""
    shares = {Part.META_TRAIN: split.meta_train, Part.META_VAL: split.meta_val, Part.META_TEST: split.meta_test}
    wanted = sorted((part for part in Part if shares[part] > 0), key=lambda part: -shares[part])[: len(names)]
    counts = dict.fromkeys(wanted, 1)
    for _ in range(len(names) - len(wanted)):
        counts[max(wanted, key=lambda part: shares[part] * len(names) - counts[part])] += 1
    shuffled = sorted(names)
    random.Random(split.seed).shuffle(shuffled)  # noqa: S311 - dealt, not secret
    parts: dict[str, Part] = {}
    for part in Part:
        for _ in range(counts.get(part, 0)):
            parts[shuffled.pop()] = part
    return parts


def _dealt_whole(names: list[str], split: RandomSplit) -> dict[str, Part]:
    """Deal shuffled groups, each to the part that lacks most; every part with a share gets one before any a second."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        groups[group_of(name) or name].append(name)
    shuffled = sorted(groups)
    random.Random(split.seed).shuffle(shuffled)  # noqa: S311 - dealt, not secret
    shares = {Part.META_TRAIN: split.meta_train, Part.META_VAL: split.meta_val, Part.META_TEST: split.meta_test}
    wanted = sorted((part for part in Part if shares[part] > 0), key=lambda part: -shares[part])[: len(shuffled)]
    lacks = {part: shares[part] * len(names) for part in wanted}
    parts: dict[str, Part] = {}
    for number, group in enumerate(shuffled):
        part = wanted[number] if number < len(wanted) else max(wanted, key=lacks.__getitem__)
        lacks[part] -= len(groups[group])
        parts |= dict.fromkeys(groups[group], part)
    return parts


def _listed(names: list[str], split: ListedSplit) -> dict[str, Part]:
    by_ending = _by_ending(names)
    parts: dict[str, Part] = {}
    problems: list[Problem] = []
    for part, path in zip(Part, (split.meta_train, split.meta_val, split.meta_test), strict=True):
        if not path:
            continue
        for wanted in read_class_list(path):
            fitting = by_ending.get(_components(wanted), [])
            if len(fitting) != 1:
                problems.append(_not_one(wanted, fitting, names, path))
            elif parts.setdefault(fitting[0], part) is not part:
                problems.append(
                    problem(
                        "class-in-two-lists",
                        "'{name}' is also in the list of {other}.",
                        where=path,
                        todo="Name it in one list only.",
                        name=wanted,
                        other=parts[fitting[0]].label,
                    )
                )
    if problems:
        raise DataError("The lists of classes do not fit the images.", problems=problems)
    return parts


def _by_ending(names: list[str]) -> dict[tuple[str, ...], list[str]]:
    """Return the classes that trailing components may mean; a whole name means that class alone."""
    by_ending: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in names:
        components = _components(name)
        for start in range(1, len(components)):
            by_ending[components[start:]].append(name)
    return by_ending | {_components(name): [name] for name in names}


def _components(name: str) -> tuple[str, ...]:
    return tuple(part for part in unicodedata.normalize("NFC", name).replace("\\", "/").split("/") if part)


def _by_folder(index: ImageIndex) -> dict[str, Part]:
    parts = {each.name: each.part for each in index.classes if each.part}
    if Part.META_TRAIN not in parts.values():
        raise DataError(
            "The folders do not say which classes are learnt from.",
            where=", ".join(index.folders),
            todo="Name folders 'train', 'val' and 'test' with class folders in them, or deal the classes at random.",
        )
    return parts


def _by_hand(names: list[str], split: ManualSplit) -> dict[str, Part]:
    known = set(names)
    unknown = [name for name in split.parts if name not in known]
    if unknown:
        raise DataError(
            "The split names classes that are not there.",
            problems=[_not_one(name, (), names, "data.split.parts") for name in unknown],
        )
    return split.parts


def _not_one(wanted: str, fitting: Sequence[str], names: list[str], path: str) -> Problem:
    if fitting:
        return problem(
            "class-ambiguous",
            "'{name}' could be {candidates}.",
            where=path,
            todo="Write more of its path.",
            name=wanted,
            candidates=" or ".join(f"'{each}'" for each in fitting),
        )
    return problem(
        "class-unknown",
        "There is no class '{name}'.{hint}",
        where=path,
        name=wanted,
        hint=did_you_mean(wanted, names),
    )


def read_class_list(path: str | Path) -> tuple[str, ...]:
    """Return the class names that a file lists, in its order, each once.

    JSON is a list of names, or ``{alphabet: [character]}``, whose keys become components of the name, or several such
    objects under keys that do not. Anything else is text, one name a line; ``#`` begins a comment.

    Raises:
        DataError: if the file cannot be read, is not text, or its JSON is something else.
    """
    try:
        text = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataError("The list of classes cannot be read.", where=str(path), why=f"{why}.") from error
    if Path(path).suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(text)
            if isinstance(value, dict) and value and all(isinstance(each, dict) for each in value.values()):
                named = [name for each in value.values() for name in _names_in(each, ())]
            else:
                named = list(_names_in(value, ()))
        except (ValueError, RecursionError) as error:
            raise DataError(
                "The list of classes is not JSON as expected.",
                where=str(path),
                why=f"{error}.",
                todo='Write ["class", …] or {"alphabet": ["character", …]}.',
            ) from error
    else:
        named = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return tuple(dict.fromkeys(named))


def class_list_text(names: Sequence[str]) -> str:
    """Return the text of a list that `read_class_list` reads again, whatever the names: JSON, one name a line."""
    return json.dumps(list(names), indent=0, ensure_ascii=True) + "\n"


def _names_in(value: Any, above: tuple[str, ...]) -> Iterator[str]:
    match value:
        case str():
            yield "/".join((*above, value))
        case list():
            for each in value:
                if not isinstance(each, str):
                    raise ValueError(f"{each!r} stands where a name belongs")
                yield from _names_in(each, above)
        case dict():
            for key, below in value.items():
                yield from _names_in(below, (*above, key))
        case _:
            raise ValueError(f"{value!r} stands where names belong")
