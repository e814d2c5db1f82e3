"""How hard the classes of a project or of a target task are to tell apart: asked for, kept, and narrowed to a scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel
from PySide6.QtCore import QObject, Signal, Slot

from metastudio.catalog.data_spec import Part
from metastudio.catalog.experiment import TargetClass
from metastudio.errors import MetaStudioError
from metastudio.images.image_index import ImageClass
from metastudio.runs.class_map import PICTURES_OF_A_CLASS, ClassMap, compared
from metastudio.runs.questions import AskClassDistances, ClassDistancesAnswer, ClassPictures, Progress

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.jobs.session_thread import SessionThread
    from metastudio.runs.run_folder import RunFolder

Scope = Part | str | None
"""Which classes: those of a part, those of the target task of this name, or all of the project."""

_Sources = Mapping[str, ImageClass | TargetClass]
"""Where the pictures of each class come from."""


@dataclass(frozen=True)
class _Measured:
    """A map, and what it was made of."""

    map: ClassMap
    sources: _Sources


class Difficulty(QObject):
    """Asks for a map of the classes, and keeps one for each model; nothing is asked unless a person wants it.

    All classes of the project are compared at once, so that another part is shown without asking again.

    Attributes:
        run: Whose model's features are compared; None compares raw pixels.
        scope: Which classes are looked at.
        map: The newest map of these, or None.
        classes: They as they are now, by name.
        newer: How many of them are not on the map, or have other pictures there.
        reason: Why the last question was not answered, as a sentence; else empty.

    Signals:
        changed(): `map`, `reason` or what is newer than the map is another.
        progressed(object): a `Progress` while a question is being answered, None when it no longer is.
    """

    changed = Signal()
    progressed = Signal(object)

    def __init__(self, session: SessionThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._document: ProjectDocument | None = None
        self._measured: dict[tuple[str, str], _Measured] = {}
        self._asked: tuple[tuple[str, str], _Sources] | None = None
        self._number = 0
        self.run: RunFolder | None = None
        self.scope: Scope = None
        self.map: ClassMap | None = None
        self.classes: _Sources = {}
        self.newer = 0
        self.reason = ""
        session.answered.connect(self._on_session_answered)
        session.failed.connect(self._on_session_failed)
        session.progressed.connect(self._on_session_progressed)

    # what there is

    @property
    def is_busy(self) -> bool:
        """Whether a question is being answered."""
        return bool(self._number)

    def is_of_target(self) -> bool:
        """Return whether the scope is a target task."""
        return isinstance(self.scope, str) and not isinstance(self.scope, Part)

    def files(self, name: str) -> tuple[str, ...]:
        """Return the compared pictures of a class."""
        found = self._measured.get(self._key())
        return _compared(found.sources[name]) if found is not None and name in found.sources else ()

    def project_map(self) -> ClassMap | None:
        """Return the map of all classes of the project with the chosen model, if there is one."""
        found = self._measured.get((self._run_path(), ""))
        return found.map if found is not None else None

    def _key(self) -> tuple[str, str]:
        return self._run_path(), f"target {self.scope}" if self.is_of_target() else ""

    def _run_path(self) -> str:
        return str(self.run.path) if self.run is not None else ""

    def _classes_now(self) -> _Sources:
        document = self._document
        if document is None:
            return {}
        if self.is_of_target():
            task = next((each for each in document.targets if each.name == self.scope), None)
            return {each.name: each for each in task.classes if each.support or each.query} if task is not None else {}
        parts, scope = document.parts, self.scope
        return {each.name: each for each in document.used.classes if scope is None or parts.get(each.name) is scope}

    # changing it

    def set_document(self, document: ProjectDocument | None) -> None:
        """Look at another project; maps of the one before are gone."""
        self.cancel()
        self._document = document
        self._measured.clear()
        self.scope = None
        self.refresh()

    def set_run(self, run: RunFolder | None) -> None:
        """Look through another model; None compares raw pixels."""
        if run != self.run:
            self.cancel()
            self.run = run
            self.refresh()

    def set_scope(self, scope: Scope) -> None:
        """Look at other classes."""
        if scope != self.scope:
            self.scope = scope
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Narrow the map to the classes that there are now."""
        self.classes = self._classes_now()
        found = self._measured.get(self._key())
        self.map = found.map.among(self.classes.keys()) if found is not None else None
        known = found.sources if found is not None else None
        self.newer = sum(known.get(name) != each for name, each in self.classes.items()) if known is not None else 0
        self.reason = ""
        self.changed.emit()

    # asking

    @Slot()
    def measure(self) -> None:
        """Ask for the map."""
        if self._document is None or self.is_busy:
            return
        sources = self.classes if self.is_of_target() else {each.name: each for each in self._document.used.classes}
        self._asked = self._key(), sources
        self.reason = ""
        question = AskClassDistances(
            classes=tuple(ClassPictures(name=name, files=_compared(each)) for name, each in sources.items()),
            preprocessing=self._document.experiment.data.preprocessing,
            run=self._run_path(),
        )
        self._number = self._session.ask(question)
        self.progressed.emit(Progress(phase="waiting"))

    @Slot()
    def cancel(self) -> None:
        """Leave off with the question; what was there before stays."""
        if self._number:
            self._session.cancel(self._number)
            self._end()

    def _end(self) -> None:
        self._number, self._asked = 0, None
        self.progressed.emit(None)

    @Slot(object, object)
    def _on_session_answered(self, number: int, answer: BaseModel) -> None:
        if number != self._number or not isinstance(answer, ClassDistancesAnswer) or self._asked is None:
            return
        key, sources = self._asked
        self._end()
        self._measured[key] = _Measured(ClassMap.of(answer), sources)
        self.refresh()

    @Slot(object, object)
    def _on_session_failed(self, number: int, error: MetaStudioError) -> None:
        if number and number == self._number:
            self._end()
            self.reason = " ".join(filter(None, (str(error.what), error.why, str(error.todo))))
            self.changed.emit()

    @Slot(object, object)
    def _on_session_progressed(self, number: int, progress: Progress) -> None:
        if number and number == self._number:
            self.progressed.emit(progress)


def _compared(source: ImageClass | TargetClass) -> tuple[str, ...]:
    if isinstance(source, TargetClass):
        return (*source.support, *source.query)[:PICTURES_OF_A_CLASS]
    return compared(source.files)
