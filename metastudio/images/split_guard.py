"""What leaks between the parts of a split beyond single pictures: classes of one content, groups that are divided."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from metastudio.catalog.data_spec import Part
from metastudio.errors import Problem, Severity, problem
from metastudio.images.image_index import ImageClass, ImageIndex, group_of
from metastudio.images.problems import some_of

DIVIDED: Final = "group-across-parts"
"""Code of the note on groups whose classes lie in several parts."""
_SAME_FROM: Final = 0.5
_MOST_CLASSES_OF_A_PICTURE: Final = 20


def divided_groups(parts: Mapping[str, Part]) -> dict[str, dict[Part, int]]:
    """Return the groups (alphabets, domains …) whose classes lie in several parts: how many in each, in its order."""
    counts: dict[str, Counter[Part]] = defaultdict(Counter)
    for name, part in parts.items():
        if group := group_of(name):
            counts[group][part] += 1
    order = list(Part)
    return {group: {part: own[part] for part in order if own[part]} for group, own in counts.items() if len(own) > 1}


def group_problems(parts: Mapping[str, Part]) -> tuple[Problem, ...]:
    """Return a note on the groups that are divided, if any: `where` and `others` are the groups."""
    groups = list(divided_groups(parts))
    if not groups:
        return ()
    names = [group.rpartition("/")[2] for group in groups]
    return (
        problem(
            DIVIDED,
            "The classes of {count} groups lie in several parts of the split: {names}.",
            one="The classes of {names} lie in several parts of the split.",
            where=groups[0],
            others=groups[1:],
            todo="That is no fault; keep groups whole to be tested on alphabets or domains that nobody learnt from.",
            severity=Severity.NOTE,
            count=len(groups),
            names=some_of(names),
        ),
    )


def same_content_problems(
    twins: ImageIndex,
    classes: Sequence[ImageClass],
    parts: Mapping[str, Part],
    look_alikes: Iterable[Sequence[str]] = (),
) -> tuple[Problem, ...]:
    """Return a problem for every two classes in different parts of which at least half the pictures are the same.

    `twins` holds the files that are there more than once, with their hashes; `look_alikes` are groups of paths that
    show nearly the same. `where` and `others` are the first picture that both have.
    """
    names = twins.classes_of(path for group in look_alikes for path in group)
    places: dict[object, dict[str, str]] = defaultdict(dict)
    for each in twins.classes:
        for path, sha256 in zip(each.file_list.paths, each.file_list.known_hashes, strict=True):
            if sha256:
                places[sha256].setdefault(each.name, path)
    for number, group in enumerate(look_alikes):
        for path in group:
            if path in names:
                places[number].setdefault(names[path], path)
    return tuple(_same_content(places.values(), {each.name: len(each.files) for each in classes}, parts))


def _same_content(
    places: Iterable[Mapping[str, str]], sizes: Mapping[str, int], parts: Mapping[str, Part]
) -> Iterator[Problem]:
    shared: dict[tuple[str, str], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for own in places:
        if len(own) > _MOST_CLASSES_OF_A_PICTURE:  # an empty page or a logo is no content of a class
            continue
        for pair in combinations(sorted(own), 2):
            if parts.get(pair[0]) != parts.get(pair[1]) and all(name in parts for name in pair):
                for paths, name in zip(shared[pair], pair, strict=True):
                    paths.append(own[name])
    for (name, other), both in sorted(shared.items()):
        count = min(len(set(paths)) for paths in both)
        smaller = min(sizes.get(name, 0), sizes.get(other, 0))
        if smaller < 2 or count < _SAME_FROM * smaller:
            continue
        yield problem(
            "duplicate-class-across-parts",
            "Classes '{name}' of {part} and '{other}' of {other_part} show the same: {count} of {smaller} pictures.",
            where=both[0][0],
            others=(both[1][0],),
            todo="Merge them, or put them into one part.",
            severity=Severity.WARNING,
            name=name,
            other=other,
            part=parts[name].label,
            other_part=parts[other].label,
            count=count,
            smaller=smaller,
        )
