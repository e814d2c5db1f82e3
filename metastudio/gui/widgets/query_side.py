"""The queries of a try-out and all that is done to them: added, judged one by one, believed above a threshold."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QSlider, QVBoxLayout, QWidget

from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.documents.try_out import NONE_OF_THESE, TryOut
from metastudio.gui.models.query_list_model import QueryListModel
from metastudio.gui.models.shown_name import printable
from metastudio.gui.widgets.drop_files import dropped_files, pictures_of, save_image
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.query_view import QueryView
from metastudio.runs.statistics import wilson95


class QuerySide(QWidget):
    """The list of queries, the score above it, and below it the buttons that judge and the threshold.

    Signals:
        problems_found(object): a tuple of `Problem` about what was dropped.
        failed(object): the `MetaStudioError` for which pasted pixels could not be kept.

    Attributes:
        image_folder: Where pasted pixels are kept; None while no project is open.
    """

    problems_found = Signal(object)
    failed = Signal(object)

    def __init__(self, try_out: TryOut, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._try_out = try_out
        self.image_folder: Path | None = None
        self.score = label("", "quiet")
        self.add_button = QPushButton(self.tr("Add pictures…"))
        self.add_button.setToolTip(self.tr("Choose pictures to ask about, or drop them below"))
        self.add_button.clicked.connect(self._on_add_clicked)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP)
        head.addWidget(label(self.tr("Queries"), "section"))
        head.addWidget(self.score)
        head.addStretch(1)
        head.addWidget(self.add_button)

        self.model = QueryListModel(try_out, self)
        self.view = QueryView(self.model)
        self.view.accepted.connect(self._on_accepted)
        self.view.corrected.connect(self._on_corrected)
        self.view.removed.connect(try_out.remove_queries)
        self.view.files_dropped.connect(self._on_queries_dropped)
        self.view.selectionModel().selectionChanged.connect(self._show_judging)

        self.right_button = QPushButton(self.tr("Right"))
        self.right_button.setIcon(icon("mdi6.check", "good"))
        self.right_button.setToolTip(self.tr("The answer is right (Enter)"))
        self.right_button.clicked.connect(self._on_right_clicked)
        self.correct_button = QPushButton(self.tr("Correct"))
        self.correct_button.setIcon(icon("mdi6.pencil", "warning"))
        self.correct_button.setToolTip(self.tr("Say which class it is (1 to 9); the picture joins the support"))
        self.correct_menu = QMenu(self.correct_button)
        self.correct_menu.triggered.connect(self._on_correction_chosen)
        self.correct_button.setMenu(self.correct_menu)
        self.none_button = QPushButton(self.tr("None of these"))
        self.none_button.setIcon(icon("mdi6.close", "quiet"))
        self.none_button.setToolTip(self.tr("It belongs to no class here (0)"))
        self.none_button.clicked.connect(self._on_none_clicked)
        judging = QHBoxLayout()
        judging.setSpacing(theme.GAP)
        for button in (self.right_button, self.correct_button, self.none_button):
            judging.addWidget(button)
        judging.addStretch(1)

        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0, 99)
        self.threshold.setAccessibleName(self.tr("None of these below"))
        self.threshold.setToolTip(self.tr("An answer less sure than this counts as none of these classes"))
        self.threshold.valueChanged.connect(self._on_threshold_changed)
        self.threshold_text = label("", "quiet")
        self.threshold_text.setMinimumWidth(36)
        believing = QHBoxLayout()
        believing.setSpacing(theme.GAP)
        believing.addWidget(label(self.tr("None of these below")))
        believing.addWidget(self.threshold, 1)
        believing.addWidget(self.threshold_text)

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        column.addLayout(judging)
        column.addLayout(believing)
        self.setMinimumWidth(360)
        try_out.state_changed.connect(self._on_state_changed)
        try_out.adapted_changed.connect(self._show_queries)
        self._on_state_changed()
        self._show_threshold()

    # what the person does

    @Slot(object)
    def _on_queries_dropped(self, mime: QMimeData) -> None:
        QTimer.singleShot(0, self, lambda: self._take_queries(mime))

    def _take_queries(self, mime: QMimeData) -> None:
        dropped = dropped_files(mime)
        paths = [*dropped.pictures, *(path for folder in dropped.folders for path in pictures_of(folder))]
        if dropped.image is not None and self.image_folder is not None:
            try:
                paths.append(save_image(dropped.image, self.image_folder))
            except MetaStudioError as error:
                self.failed.emit(error)
        self._try_out.add_queries(paths)
        if dropped.problems:
            self.problems_found.emit(dropped.problems)

    @Slot()
    def _on_add_clicked(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, self.tr("Pictures to ask about"))
        self._try_out.add_queries(paths)

    @Slot(object)
    def _on_accepted(self, path: str) -> None:
        self._try_out.accept(path)
        self.view.go_on()

    @Slot(object, int)
    def _on_corrected(self, path: str, number: int) -> None:
        self._try_out.correct(path, self._try_out.class_names[number] if number >= 0 else NONE_OF_THESE)
        self.view.go_on()

    @Slot()
    def _on_right_clicked(self) -> None:
        for query in self.view.selected():
            self._try_out.accept(query.path)
        self.view.go_on()

    @Slot()
    def _on_none_clicked(self) -> None:
        for query in self.view.selected():
            self._try_out.correct(query.path, NONE_OF_THESE)
        self.view.go_on()

    @Slot(object)
    def _on_correction_chosen(self, action: object) -> None:
        for query in self.view.selected():
            self._try_out.correct(query.path, action.data())  # type: ignore[attr-defined]
        self.view.go_on()

    @Slot(int)
    def _on_threshold_changed(self, percent: int) -> None:
        self._try_out.set_threshold(percent / 100)
        self._show_threshold()

    # showing

    @Slot()
    def _on_state_changed(self) -> None:
        self.correct_menu.clear()
        for number, name in enumerate(self._try_out.class_names):
            shortcut = f"{number + 1}  " if number < 9 else ""
            self.correct_menu.addAction(shortcut + printable(name).replace("&", "&&")).setData(name)
        self._show_queries()

    @Slot()
    def _show_queries(self) -> None:
        self.model.refresh()
        right, total = self._try_out.score()
        if total:
            low, high = wilson95(right, total)
            self.score.setText(
                self.tr("{right} of {total} right: {share:.0f} % ({low:.0f} to {high:.0f} %)").format(
                    right=right, total=total, share=100 * right / total, low=100 * low, high=100 * high
                )
            )
            self.score.setToolTip(self.tr("In brackets: the 95 % interval (Wilson), wide while few are judged"))
        else:
            self.score.setText("")
        self._show_judging()

    @Slot()
    def _show_judging(self) -> None:
        queries = [each for each in self.view.selected() if each.answer is not None]
        why_not = "" if queries else self.tr("Select a picture that has an answer.")
        for button, tip in (
            (self.right_button, self.tr("The answer is right (Enter)")),
            (self.correct_button, self.tr("Say which class it is (1 to 9); the picture joins the support")),
            (self.none_button, self.tr("It belongs to no class here (0)")),
        ):
            button.setEnabled(bool(queries))
            button.setToolTip(why_not or tip)

    def _show_threshold(self) -> None:
        self.threshold_text.setText(f"{self.threshold.value()} %" if self.threshold.value() else self.tr("off"))
