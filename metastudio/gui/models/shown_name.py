"""Names of files and classes as they can be shown: any bytes, any direction of writing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence


def printable(name: str) -> str:
    """Return a name with what is no character (undecodable bytes, line ends, controls) written out."""
    if name.isprintable():  # as nearly every name is; a surrogate is not
        return name
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def isolated(name: str) -> str:
    """Return a name for the middle of a sentence, whose direction of writing stays within it."""
    return f"\u2068{printable(name)}\u2069"


def groups_told_apart(names: Iterable[str]) -> dict[str, str]:
    """Return for each class what is shown of the folders around it, so that classes of one short name differ.

    Of `all/alphabetA/character01` beside `all/alphabetB/character01` that is `alphabetA`: the components in which their
    paths differ. Of a class that shares its short name with no other it is the folder around it, if there is one.
    """
    alike: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for name in names:
        *folders, short = name.split("/")
        alike[short].append(tuple(folders))
    found = {}
    for short, paths in alike.items():
        if len(paths) == 1:
            found["/".join((*paths[0], short))] = printable(paths[0][-1]) if paths[0] else ""
            continue
        before = _shared_length(paths)
        rests = [path[before:] for path in paths]
        after = _shared_length([rest[::-1] for rest in rests])
        for path, rest in zip(paths, rests, strict=True):
            found["/".join((*path, short))] = printable("/".join(rest[: len(rest) - after]))
    return found


def _shared_length(paths: Sequence[Sequence[str]]) -> int:
    """Return with how many components all of the paths begin."""
    columns = zip(*paths, strict=False)
    return next((number for number, parts in enumerate(columns) if len(set(parts)) > 1), min(map(len, paths)))
