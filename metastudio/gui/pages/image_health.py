"""What is wrong with the pictures: the rows, what cures them, and the way back from every cure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QVBoxLayout, QWidget

from metastudio.errors import Problem, Severity
from metastudio.gui import theme
from metastudio.gui.documents.cures import Cure, are_alike, cures_for, left_out_text, ways_back
from metastudio.gui.models.class_model import class_of_file
from metastudio.gui.widgets.cure_panel import MOST_PICTURES, ComparedPicture, CurePanel
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.problem_tree import ProblemTree
from metastudio.gui.wording import counted

if TYPE_CHECKING:
    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.studio import Studio

_LIMITS = ("too-few-images", "too-few-classes", "no-classes")
"""What the images do not allow; shown here too, for it is cured by moving or excluding classes."""


class ImageHealth(QWidget):
    """Lists problems; a chosen row shows its pictures and cures, each of which is one step with a way back.

    Signals:
        problem_activated(object): the person wants to see what this `Problem` is about.
    """

    problem_activated = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._document: ProjectDocument | None = None
        self._heading = label("", "section")
        self.tree = ProblemTree()
        self.tree.problem_activated.connect(self.problem_activated)
        self.tree.problems_chosen.connect(self._on_problems_chosen)
        self.tree.menu_wanted.connect(self._on_menu_wanted)
        self.cures = CurePanel()
        self.cures.cure_wanted.connect(self.apply_cure)
        self.left_out = QPushButton()
        theme.set_role(self.left_out, "status")
        self.left_out.setToolTip(self.tr("What the project does not take as it lies on the disk, and the way back"))
        self.left_out.clicked.connect(self._on_left_out_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        column.addWidget(self._heading)
        column.addWidget(self.tree)
        column.addWidget(self.cures)
        column.addWidget(self.left_out, 0, Qt.AlignmentFlag.AlignLeft)

    def show_problems(self, document: ProjectDocument | None) -> None:
        """Show what is wrong with the images of a project now."""
        self._document = document
        problems = document.image_problems() if document is not None else ()
        limits = [] if document is None else [each for each in document.problems() if each.code in _LIMITS]
        self.tree.set_problems((*problems, *limits))
        self.show_summary()
        self.tree.setVisible(bool(self.tree.problems()))
        self._on_problems_chosen(self.tree.chosen())
        text = left_out_text(document) if document is not None else ""
        self.left_out.setText(text)
        self.left_out.setVisible(bool(text))

    def show_summary(self) -> None:
        """Say how many problems are listed; that nothing is wrong is said once everything has been looked at."""
        self._heading.setText(self._summary())

    def _summary(self) -> str:
        """Return how many problems there are, and apart from them how many notes, which are no fault."""
        problems = self.tree.problems()
        if not problems and self._document is not None and self._document.is_busy:
            return self.tr("Nothing found so far")
        notes = sum(each.severity is Severity.NOTE for each in problems)
        text = self.tr("Nothing is wrong")
        if wrong := len(problems) - notes:
            text = counted(wrong, self.tr("1 problem"), self.tr("{count} problems"))
        return text + (counted(notes, self.tr(" · 1 note"), self.tr(" · {count} notes")) if notes else "")

    @Slot(object)
    def apply_cure(self, cure: Cure) -> None:
        """Do what a cure does, and say so with a way back."""
        stack = self._studio.undo_stack
        before, had_focus = stack.index(), self.cures.isAncestorOf(QApplication.focusWidget() or self)
        cure.apply()
        if had_focus and self.tree.isVisible():
            self.tree.setFocus(Qt.FocusReason.OtherFocusReason)
        if stack.index() != before:
            self._studio.toast_step(cure.done, severity="good")

    @Slot(object)
    def _on_problems_chosen(self, problems: tuple[Problem, ...]) -> None:
        """Offer what can be done about a row, with the pictures side by side where it is about pictures alike."""
        if self._document is None or not problems:
            self.cures.show_cures(())
            return
        compared: list[ComparedPicture] = []
        if len(problems) == 1 and are_alike(problems[0]):
            index = self._document.state.arranged
            for path in (problems[0].where, *problems[0].others):
                is_shown = len(compared) < MOST_PICTURES  # the others are only counted
                compared.append(ComparedPicture(path, (class_of_file(index, path) or "") if is_shown else ""))
        self.cures.show_cures(cures_for(self._document, problems), compared)

    @Slot(object)
    def _on_menu_wanted(self, place: QPoint) -> None:
        if self._document is not None:
            self._pop_up(cures_for(self._document, self.tree.chosen()), place)

    @Slot()
    def _on_left_out_clicked(self) -> None:
        if self._document is not None:
            place = self.left_out.mapToGlobal(self.left_out.rect().bottomLeft())
            self._pop_up(ways_back(self._document), place)

    def _pop_up(self, cures: Sequence[Cure], place: QPoint) -> None:
        if not cures:
            return
        menu = QMenu(self)
        for each in cures:
            menu.addAction(each.title.replace("&", "&&"), _applier(self, each))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)


def _applier(health: ImageHealth, cure: Cure) -> Callable[[], None]:
    return lambda: health.apply_cure(cure)
