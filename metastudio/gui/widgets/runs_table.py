"""The table of runs: sorted by a click, its columns chosen and moved by the person and remembered."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QToolButton, QWidget

from metastudio.gui import theme
from metastudio.gui.models.run_columns import NAME, STARTED
from metastudio.gui.models.run_rows import RunRow
from metastudio.gui.models.runs_table_model import ROW_ROLE, RunsTableModel
from metastudio.gui.settings import StudioSettings
from metastudio.gui.widgets.icons import icon
from metastudio.runs.run_folder import RunFolder

_KEY = "runs/columns"


class RunsTable(QTableView):
    """A view of a `RunsTableModel`.

    Attributes:
        columns_button: Opens the choice of columns; a right click on the header does so too.
    """

    def __init__(self, model: RunsTableModel, settings: StudioSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs, self._settings = model, settings
        self.setModel(model)
        self.setSortingEnabled(True)
        self.sortByColumn(STARTED, Qt.SortOrder.DescendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(theme.CONTROL_HEIGHT)
        self.setFont(theme.font(is_tabular=True))
        self.setAccessibleName(self.tr("Runs"))
        self.setMinimumHeight(96)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(False)
        header.setSectionsMovable(True)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._on_menu_wanted)
        header.sectionMoved.connect(self._keep_columns)
        for place, column in enumerate(model.columns):
            self.setColumnWidth(place, column.width_px)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        self._menu = self._columns_menu()
        self.columns_button = QToolButton()
        self.columns_button.setIcon(icon("mdi6.view-column-outline"))
        self.columns_button.setToolTip(self.tr("Choose columns"))
        self.columns_button.setAccessibleName(self.tr("Choose columns"))
        self.columns_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.columns_button.setMenu(self._menu)
        self._take_columns()

    # which columns

    def _columns_menu(self) -> QMenu:
        menu = QMenu(self)
        for place, column in enumerate(self._runs.columns):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setData(place)
            action.setEnabled(place != NAME)
            action.toggled.connect(self._on_column_toggled)
        menu.addSeparator()
        menu.addAction(self.tr("As at first"), self._on_usual_wanted)
        return menu

    def _actions(self) -> list[QAction]:
        return [each for each in self._menu.actions() if each.isCheckable()]

    def _take_columns(self) -> None:
        """Show the columns that were kept, in their order, or else the usual ones."""
        columns = self._runs.columns
        places = {each.key: place for place, each in enumerate(columns)}
        kept = [each for each in self._settings.text(_KEY, "").split(",") if each in places]
        shown = kept or [each.key for each in columns if each.is_usual]
        header = self.horizontalHeader()
        header.blockSignals(True)
        for target, key in enumerate([*shown, *(each.key for each in columns if each.key not in shown)]):
            header.moveSection(header.visualIndex(places[key]), target)
        header.blockSignals(False)
        for action in self._actions():
            place = int(action.data())
            is_shown = columns[place].key in shown or place == NAME
            action.blockSignals(True)
            action.setChecked(is_shown)
            action.blockSignals(False)
            self.setColumnHidden(place, not is_shown)

    @Slot()
    def _keep_columns(self) -> None:
        header = self.horizontalHeader()
        places = [header.logicalIndex(each) for each in range(header.count())]
        shown = [self._runs.columns[place].key for place in places if not self.isColumnHidden(place)]
        self._settings.keep(_KEY, ",".join(shown))

    @Slot(bool)
    def _on_column_toggled(self, is_shown: bool) -> None:
        self.setColumnHidden(int(self.sender().data()), not is_shown)  # type: ignore[attr-defined]
        self._keep_columns()

    @Slot()
    def _on_usual_wanted(self) -> None:
        self._settings.keep(_KEY, "")
        self._take_columns()

    @Slot(QPoint)
    def _on_menu_wanted(self, spot: QPoint) -> None:
        self._menu.popup(self.horizontalHeader().mapToGlobal(spot))

    # what is chosen

    def chosen(self) -> list[RunRow]:
        """Return the chosen rows, in the order of the table."""
        indexes = sorted(self.selectionModel().selectedRows(), key=lambda each: each.row())
        return [each.data(ROW_ROLE) for each in indexes]

    def choose(self, runs: list[RunFolder]) -> None:
        """Choose exactly these runs, all at once: whoever listens hears of no choice between."""
        wanted, selection = set(runs), QItemSelection()
        for place, row in enumerate(self._runs.shown):
            if row.run in wanted:
                index = self._runs.index(place, NAME)
                selection.select(index, index)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().select(selection, flags)
