"""How the classes are dealt to meta-train, meta-val and meta-test: at random, by lists, as the folders say, by hand."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.data_spec import FolderSplit, ListedSplit, ManualSplit, Part, RandomSplit, Split
from metastudio.errors import DataError, problem
from metastudio.gui import theme
from metastudio.gui.widgets.class_column import PART_MARKS
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.gui.widgets.problem_strip import ProblemStrip
from metastudio.gui.widgets.spin_box import spin_box
from metastudio.gui.wording import counted
from metastudio.images.class_split import split_classes
from metastudio.images.image_index import ImageIndex, group_of
from metastudio.images.split_guard import divided_groups

_KINDS = (RandomSplit, ListedSplit, FolderSplit, ManualSplit)


class SplitDialog(QDialog):
    """Lets the person choose a split, and shows what it gives before it is taken.

    Args:
        index: The classes to deal.
        split: The split there is.
        parts: What it gives, where a split by hand begins.
        parent: The window it belongs to.
    """

    def __init__(self, index: ImageIndex, split: Split, parts: dict[str, Part], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index = index
        self._parts = parts
        self.setWindowTitle(self.tr("Make a split"))
        self.setMinimumWidth(520)
        self._choices = QButtonGroup(self)
        self._stack = QStackedWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.EDGE, theme.EDGE, theme.EDGE, theme.GROUP)
        column.setSpacing(theme.GROUP)
        intro = self.tr(
            "The model learns from meta-train, meta-val chooses its best state, and meta-test stays unseen for the "
            "final number. No class is in two of them."
        )
        column.addWidget(WrappingLabel(intro, "quiet"))
        choices = QHBoxLayout()
        choices.setSpacing(theme.GROUP)
        titles = (self.tr("At random"), self.tr("By lists"), self.tr("As the folders say"), self.tr("By hand"))
        for number, title in enumerate(titles):
            button = QRadioButton(title)
            self._choices.addButton(button, number)
            choices.addWidget(button)
        choices.addStretch(1)
        column.addLayout(choices)
        for page in (self._random_page(split), self._lists_page(split), self._folders_page(), self._manual_page()):
            self._stack.addWidget(page)
        column.addWidget(self._stack)
        self._result = label("", "section")
        self._result.setAccessibleName(self.tr("Classes of each part"))
        column.addWidget(self._result)
        self._groups = label("", "quiet")
        column.addWidget(self._groups)
        self._problems = ProblemStrip(most=4)
        column.addWidget(self._problems)
        column.addStretch(1)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._take = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._take.setText(self.tr("Split"))
        theme.set_role(self._take, "primary")
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        column.addWidget(self._buttons)
        if not any(each.part for each in index.classes):
            folders = self._choices.button(_KINDS.index(FolderSplit))
            folders.setEnabled(False)
            folders.setToolTip(self.tr("There are no folders called train, val and test."))
        self._choices.button(_KINDS.index(type(split))).setChecked(True)
        self._choices.idToggled.connect(self._on_changed)
        self._on_changed()

    def split(self) -> Split:
        """Return the chosen split."""
        kind = _KINDS[self._choices.checkedId()]
        if kind is RandomSplit:
            train, val = self._train.value() / 100, self._val.value() / 100
            return RandomSplit(
                meta_train=train,
                meta_val=val,
                meta_test=round(max(0.0, 1 - train - val), 2),
                seed=self._seed.value(),
                whole_groups=self._whole.isChecked(),
            )
        if kind is ListedSplit:
            train, val, test = (edit.text().strip() for edit in self._lists)
            return ListedSplit(meta_train=train, meta_val=val, meta_test=test)
        return FolderSplit() if kind is FolderSplit else ManualSplit(parts=self._parts)

    def _random_page(self, split: Split) -> QWidget:
        given = split if isinstance(split, RandomSplit) else RandomSplit()
        page, grid = _grid_page()
        self._train = _spin(round(100 * given.meta_train), 1, 100, " %")
        self._val = _spin(round(100 * given.meta_val), 0, 99, " %")
        self._test = label("")
        self._seed = _spin(given.seed, 0, 2**31 - 1, "")
        again = QPushButton(self.tr("Deal again"))
        again.setToolTip(self.tr("Take the next seed"))
        again.clicked.connect(self._on_again_clicked)
        for row, (title, widget) in enumerate(
            (
                (self.tr("● meta-train"), self._train),
                (self.tr("◐ meta-val"), self._val),
                (self.tr("○ meta-test"), self._test),
                (self.tr("Seed"), self._seed),
            )
        ):
            grid.addWidget(label(title), row, 0)
            grid.addWidget(widget, row, 1)
            widget.setAccessibleName(title)
        grid.addWidget(again, 3, 2)
        self._whole = QCheckBox(self.tr("Keep groups whole: no alphabet or domain lies in two parts"))
        self._whole.setChecked(given.whole_groups)
        has_groups = any(each.group for each in self._index.classes)
        self._whole.setEnabled(has_groups)
        if not has_groups:
            self._whole.setToolTip(self.tr("No class lies in a folder with others: there are no groups."))
        self._whole.toggled.connect(self._on_changed)
        grid.addWidget(self._whole, 4, 0, 1, 4)
        for spin in (self._train, self._val, self._seed):
            spin.valueChanged.connect(self._on_changed)
        return page

    def _lists_page(self, split: Split) -> QWidget:
        given = (split.meta_train, split.meta_val, split.meta_test) if isinstance(split, ListedSplit) else ("", "", "")
        page, grid = _grid_page()
        self._lists = []
        titles = (self.tr("● meta-train"), self.tr("◐ meta-val"), self.tr("○ meta-test"))
        for row, (title, text) in enumerate(zip(titles, given, strict=True)):
            edit = QLineEdit(text)
            edit.setPlaceholderText(self.tr("a .json or .txt file that names classes"))
            edit.setAccessibleName(title)
            edit.textChanged.connect(self._on_changed)
            browse = QPushButton(self.tr("Browse…"))
            browse.setAccessibleName(self.tr("Browse for the list of {part}").format(part=title))
            browse.clicked.connect(self._on_browse_clicked)
            edit.setProperty("browse", browse)
            self._lists.append(edit)
            grid.addWidget(label(title), row, 0)
            grid.addWidget(edit, row, 1)
            grid.addWidget(browse, row, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 0)
        hint = self.tr('JSON: ["class", …] or {"alphabet": ["character", …]}. Text: one class a line.')
        grid.addWidget(WrappingLabel(hint, "caption"), 3, 0, 1, 3)
        return page

    def _folders_page(self) -> QWidget:
        page, grid = _grid_page()
        text = self.tr(
            "Folders called train, val and test, with a folder for each class in them, say which part it is."
        )
        grid.addWidget(WrappingLabel(text), 0, 0, 1, 4)
        return page

    def _manual_page(self) -> QWidget:
        page, grid = _grid_page()
        text = self.tr(
            "Begins with the parts as they are now. Then drag classes between the columns, or select some and press M."
        )
        grid.addWidget(WrappingLabel(text), 0, 0, 1, 4)
        return page

    def _about_groups(self, parts: dict[str, Part]) -> str:
        """Return how many groups lie in several parts; nothing where there are none."""
        groups = {group_of(name) for name in parts} - {""}
        if not groups:
            return ""
        divided = len(divided_groups(parts))
        if not divided:
            return self.tr("Every group of classes lies in one part.")
        one, many = (
            self.tr("1 group of {all} lies in several parts."),
            self.tr("{count} groups of {all} lie in several parts."),
        )
        return counted(divided, one, many, all=f"{len(groups):,}")

    @Slot()
    def _on_again_clicked(self) -> None:
        self._seed.setValue(self._seed.value() + 1)

    @Slot()
    def _on_browse_clicked(self) -> None:
        edit = next(each for each in self._lists if each.property("browse") is self.sender())
        path, _ = QFileDialog.getOpenFileName(
            self, self.tr("List of classes"), edit.text(), self.tr("Lists (*.json *.txt);;All files (*)")
        )
        if path:
            edit.setText(path)

    @Slot()
    def _on_changed(self) -> None:
        self._stack.setCurrentIndex(self._choices.checkedId())
        self._val.setMaximum(max(0, 100 - self._train.value()))
        self._test.setText(f"{100 - self._train.value() - self._val.value()} %")
        problems, parts = (), {}
        lacks_list = _KINDS[self._choices.checkedId()] is ListedSplit and not self._lists[0].text().strip()
        if lacks_list:
            problems = (problem("no-list", self.tr("Choose the list of the classes to learn from.")),)
        else:
            try:
                parts = split_classes(self._index, self.split())
            except DataError as error:
                whole = problem("split", str(error.what), where=error.where, todo=str(error.todo))
                problems = error.problems or (whole,)
        counts = Counter(parts.values())
        unused = len(self._index.classes) - len(parts)
        shown = [f"{PART_MARKS[part]} {counts[part]:,}" for part in Part]
        if parts and unused:
            shown.append(self.tr("{count} not used").format(count=f"{unused:,}"))
        self._result.setText("     ".join(shown) if parts else "")
        self._groups.setText(self._about_groups(parts))
        self._problems.set_problems(problems)
        self._take.setEnabled(bool(parts))
        self._take.setToolTip("" if parts else self.tr("What is wrong stands above."))


def _grid_page() -> tuple[QWidget, QGridLayout]:
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.GAP)
    grid.setVerticalSpacing(theme.GAP)
    grid.setColumnStretch(3, 1)
    grid.setAlignment(Qt.AlignmentFlag.AlignTop)
    return page, grid


def _spin(value: int, low: int, high: int, suffix: str) -> QSpinBox:
    spin = spin_box(low, high, suffix=suffix)
    spin.setValue(value)
    return spin
