"""What the folders mean: which component of a path names a class, which a part, and which classes are one."""

# ruff: noqa: PTH118, PTH119, PTH120

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from metastudio.catalog.data_spec import Layout, Part
from metastudio.errors import Problem, Severity, problem
from metastudio.images.class_health import class_problems
from metastudio.images.file_list import FileList, ImageFile
from metastudio.images.folder_walk import Held
from metastudio.images.image_index import ImageClass, ImageIndex, group_of
from metastudio.images.part_names import PART_NAMES
from metastudio.images.problems import some_of


@dataclass(frozen=True)
class Found:
    """A class as one folder shows it, before equal names are brought together."""

    name: str
    part: Part | None
    root: str
    files: Sequence[ImageFile]


def found_classes(
    held: list[tuple[str, list[Held]]], layout: Layout, problems: list[Problem], depths: Mapping[str, int]
) -> list[Found]:
    """Name the class of every folder that holds pictures: by its path below a root, or the beginning of it.

    `depths` says for a root how many components of the path count; those that say a part are no components.
    """
    looks_for_parts = layout in (Layout.AUTO, Layout.SPLIT_FOLDERS)
    roots_are_parts = (
        looks_for_parts
        and len({PART_NAMES.get(_name(root).lower()) for root, _ in held} - {None}) > 1
        and all(_name(root).lower() in PART_NAMES and any(each.below for each in folders) for root, folders in held)
    )
    found: list[Found] = []
    for root, folders in held:
        levels = _part_levels(folders, is_asked=layout is Layout.SPLIT_FOLDERS) if looks_for_parts else set()
        has_classes = any(each.below for each in folders)
        for each in folders:
            part = PART_NAMES[_name(root).lower()] if roots_are_parts else None
            components = list(each.below)
            for depth in range(len(each.below)):
                if each.below[:depth] in levels and part is None:
                    part = PART_NAMES[each.below[depth].lower()]
                    del components[depth]
            if not components and (has_classes or part):
                problems.append(_loose(os.path.join(root, *each.below), len(each.files)))
                continue
            if layout is Layout.CLASS_FOLDERS:
                components = components[:1]
            if root in depths:
                components = components[: depths[root]]
            name = "/".join(components) or _name(root)
            found.append(Found(unicodedata.normalize("NFC", name), part, root, each.files))
    return found


def _name(root: str) -> str:
    return os.path.basename(root) or root


def _part_levels(folders: list[Held], *, is_asked: bool) -> set[tuple[str, ...]]:
    """Return the folders (as components below the root) whose subfolders are train, val and test with classes in them.

    A folder counts if all its subfolders with pictures are called like parts, at least two parts are there (one, where
    the person says so), and each holds class folders.
    """
    children: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for each in folders:
        for depth in range(len(each.below)):
            children[each.below[:depth]].add(each.below[depth])
    return {
        parent
        for parent, names in children.items()
        if all(name.lower() in PART_NAMES and (*parent, name) in children for name in names)
        and len({PART_NAMES[name.lower()] for name in names}) >= (1 if is_asked else 2)
    }


def _loose(folder: str, count: int) -> Problem:
    return problem(
        "loose-images",
        "{count} pictures lie beside the class folders and belong to no class.",
        one="1 picture lies beside the class folders and belongs to no class.",
        where=folder,
        todo="Put them into a class folder, or leave them out.",
        severity=Severity.WARNING,
        count=count,
    )


def index_of(roots: tuple[str, ...], found: list[Found], layout: Layout, problems: list[Problem]) -> ImageIndex:
    """Bring equal names together, and say what is odd about the whole."""
    by_name: dict[str, list[Found]] = defaultdict(list)
    for each in found:
        by_name[each.name].append(each)
    classes = []
    order = list(Part)
    for name in sorted(by_name):
        same = by_name[name]
        parts = sorted({each.part for each in same if each.part}, key=order.index)
        files = FileList.together([_in_order(each.files) for each in same])
        classes.append(ImageClass(name, files, parts[0] if parts else None, group_of(name)))
    problems += _name_problems(by_name)
    if layout is Layout.AUTO:
        layout = _recognised(classes)
    if not classes:
        problems.append(
            problem(
                "no-images",
                "No pictures were found.",
                where=roots[0] if roots else "",
                todo="A data set is a folder with one folder of pictures for each class.",
            )
        )
    problems += class_problems(classes)
    return ImageIndex(roots, layout, tuple(classes), tuple(problems))


def _in_order(files: Sequence[ImageFile]) -> FileList:
    """Return files in the order of their paths, as a walk gives them already."""
    return files if isinstance(files, FileList) else FileList.of(sorted(files, key=lambda file: file.path))


def _recognised(classes: list[ImageClass]) -> Layout:
    if any(each.part for each in classes):
        return Layout.SPLIT_FOLDERS
    return Layout.NESTED if any("/" in each.name for each in classes) else Layout.CLASS_FOLDERS


def _name_problems(by_name: dict[str, list[Found]]) -> Iterator[Problem]:
    in_two_parts = sorted(name for name, same in by_name.items() if len({each.part for each in same}) > 1)
    in_two_roots = sorted(name for name, same in by_name.items() if len({each.root for each in same}) > 1)
    if in_two_parts:
        yield problem(
            "class-in-two-parts",
            "{count} classes lie in two parts; each was put whole into the first: {names}.",
            one="1 class lies in two parts and was put whole into the first: {names}.",
            where=in_two_parts[0],
            todo="Parts must hold different classes. Deal them at random if the folders split pictures, not classes.",
            severity=Severity.WARNING,
            count=len(in_two_parts),
            names=some_of(in_two_parts),
        )
    merged = [name for name in in_two_roots if name not in in_two_parts]
    if merged:
        yield problem(
            "class-in-two-folders",
            "{count} classes have the same name in several folders and were taken as one: {names}.",
            one="1 class has the same name in several folders and was taken as one: {names}.",
            where=merged[0],
            others=merged[1:],
            todo="If they show different things, add the folder above them instead, or rename one of them.",
            severity=Severity.WARNING,
            count=len(merged),
            names=some_of(merged),
        )
    one_form = [name for name, same in by_name.items() if _has_two_spellings(same)]
    if one_form:
        yield problem(
            "class-spelt-twice",
            "{count} classes are spelt in two Unicode forms and were taken as one: {names}.",
            one="1 class is spelt in two Unicode forms and was taken as one: {names}.",
            where=one_form[0],
            severity=Severity.WARNING,
            count=len(one_form),
            names=some_of(one_form),
        )


def _has_two_spellings(same: list[Found]) -> bool:
    """Say whether folders of one root and part come under one name only because their spelling was composed."""
    places = Counter((each.root, each.part) for each in same)
    folders = {os.path.dirname(each.files[0].path) for each in same}
    spelt = {unicodedata.normalize("NFC", folder) for folder in folders}
    return max(places.values()) > 1 and len(spelt) < len(folders)
