"""What was found in folders of images: files, their classes, and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from metastudio.catalog.data_spec import Layout, Part
from metastudio.errors import DataError, Message, Problem, Severity, did_you_mean
from metastudio.images.file_list import FileList, ImageFile, PathSet

__all__ = ["ImageClass", "ImageFile", "ImageIndex", "group_of"]


@dataclass(frozen=True)
class ImageClass:
    """The files of one class.

    Attributes:
        name: Path below the dropped folder, with "/" (``"Latin/character01"``), in Unicode's composed form.
        files: In the order of their paths; kept as a `FileList`, whatever they are given as.
        part: What the folders say about the split, where they say anything.
        group: The name without its last component (``"Latin"``).
    """

    name: str
    files: Sequence[ImageFile] = field(repr=False)
    part: Part | None = None
    group: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", FileList.of(self.files))

    @property
    def file_list(self) -> FileList:
        """The files as they are kept, for those who look at paths alone."""
        return cast(FileList, self.files)


@dataclass(frozen=True)
class ImageIndex:
    """Everything that was found in some folders, classes in the order of their names."""

    folders: tuple[str, ...]
    layout: Layout
    classes: tuple[ImageClass, ...] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def file_count(self) -> int:
        """Number of files of all classes."""
        return sum(len(each.files) for each in self.classes)

    def by_name(self, name: str) -> ImageClass:
        """Return the class called `name`.

        Raises:
            DataError: if there is none.
        """
        for each in self.classes:
            if each.name == name:
                return each
        known = [each.name for each in self.classes]
        raise DataError("There is no class '{name}'.", name=name, todo=did_you_mean(name, known).strip())

    def classes_of(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the class of each of the paths that the index has, in their order."""
        paths = tuple(paths)
        wanted = PathSet(paths)
        found: dict[str, str] = {}
        for each in self.classes:
            files = each.file_list
            found |= {files.folder + files.names[place]: each.name for place in wanted.places_in(files)}
        return {path: found[path] for path in paths if path in found}

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`, whose default ``ensure_ascii`` lets any name survive."""
        return {
            "folders": list(self.folders),
            "layout": self.layout.value,
            "classes": [
                {
                    "name": each.name,
                    "part": each.part,
                    "files": [[file.path, file.size_bytes, file.modified_ns, file.sha256] for file in each.files],
                }
                for each in self.classes
            ],
            "problems": [
                {
                    "code": each.code,
                    "severity": each.severity.value,
                    "where": each.where,
                    "message": [each.message.template, each.message.fields, each.message.one],
                    "todo": [each.todo.template, each.todo.fields],
                    "others": list(each.others),
                }
                for each in self.problems
            ],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImageIndex:
        """Return the index that `to_json` described.

        Raises:
            DataError: if `values` is something else.
        """
        try:
            return cls(
                folders=tuple(str(each) for each in values["folders"]),
                layout=Layout(values["layout"]),
                classes=tuple(
                    ImageClass(
                        name=str(each["name"]),
                        files=tuple(ImageFile(str(p), int(s), int(m), str(h)) for p, s, m, h in each["files"]),
                        part=None if each["part"] is None else Part(each["part"]),
                        group=group_of(each["name"]),
                    )
                    for each in values["classes"]
                ),
                problems=tuple(
                    Problem(
                        each["code"],
                        Message(*each["message"]),
                        Severity(each["severity"]),
                        each["where"],
                        Message(*each["todo"]),
                        tuple(each.get("others", ())),
                    )
                    for each in values["problems"]
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError("This is not a list of images.", why=f"{type(error).__name__}: {error}.") from error


def group_of(class_name: str) -> str:
    """Return the name without its last component: ``"Latin"`` of ``"Latin/character01"``."""
    return class_name.rpartition("/")[0]
