"""The menus and shortcuts of the window, as one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from metastudio.gui.widgets.icons import icon

if TYPE_CHECKING:
    from metastudio.gui.main_window import MainWindow


def _tr(text: str) -> str:
    return QCoreApplication.translate("Actions", text)


def _add(
    menu: QMenu,
    text: str,
    on_triggered: Callable[[], object],
    shortcut: QKeySequence | QKeySequence.StandardKey | str = "",
    icon_name: str = "",
) -> QAction:
    action = QAction(text, menu)
    if icon_name:
        action.setIcon(icon(icon_name))
    if shortcut:
        action.setShortcut(QKeySequence(shortcut))
    action.triggered.connect(on_triggered)
    menu.addAction(action)
    return action


def build_menus(window: MainWindow) -> None:
    """Give the window its menu bar."""
    standard = QKeySequence.StandardKey
    bar = window.menuBar()

    project = bar.addMenu(_tr("&Project"))
    _add(project, _tr("&New project…"), window.on_new_project, standard.New, "mdi6.folder-plus-outline")
    _add(project, _tr("&Open project…"), window.on_open_project, standard.Open, "mdi6.folder-open-outline")
    _add(project, _tr("Open the &sample project"), window.on_open_sample, "", "mdi6.shape-outline")
    project.addSeparator()
    _add(project, _tr("Open the project's &folder"), window.on_open_folder, "", "mdi6.folder-outline")
    project.addSeparator()
    _add(project, _tr("&Quit"), window.close, "Ctrl+Q")

    edit = bar.addMenu(_tr("&Edit"))
    undo = window.studio.undo_stack.createUndoAction(window, _tr("Undo"))
    undo.setShortcuts(QKeySequence.keyBindings(standard.Undo))
    undo.setIcon(icon("mdi6.undo"))
    redo = window.studio.undo_stack.createRedoAction(window, _tr("Redo"))
    redo.setShortcuts([*QKeySequence.keyBindings(standard.Redo), QKeySequence("Ctrl+Y")])
    redo.setIcon(icon("mdi6.redo"))
    edit.addActions([undo, redo])

    view = bar.addMenu(_tr("&View"))
    for number, door in enumerate(window.doors, start=1):
        action = _add(view, door.title, window.on_page_action, f"Ctrl+{number}", door.icon_name)
        action.setData(door.key)
    view.addSeparator()
    _add_look(view, window)

    help_menu = bar.addMenu(_tr("&Help"))
    _add(help_menu, _tr("&User guide"), window.on_help, standard.HelpContents, "mdi6.help-circle-outline")
    _add(help_menu, _tr("&Keyboard"), window.on_keyboard, "Ctrl+F1", "mdi6.keyboard-outline")
    _add(help_menu, _tr("&About MetaStudio"), window.on_about, "", "mdi6.information-outline")


def _add_look(view: QMenu, window: MainWindow) -> None:
    look = view.addMenu(_tr("&Colours"))
    group = QActionGroup(look)
    modes = {"system": _tr("As the system has them"), "light": _tr("Light"), "dark": _tr("Dark")}
    for mode, text in modes.items():
        action = _add(look, text, window.on_theme_action)
        action.setData(mode)
        action.setCheckable(True)
        action.setChecked(mode == window.studio.appearance.mode)
        group.addAction(action)
    window.theme_actions = group
    _add(view, _tr("Light or &dark"), window.on_theme_toggled, "Ctrl+Shift+L")
    view.addSeparator()
    _add(view, _tr("&Larger letters"), window.on_larger, QKeySequence.StandardKey.ZoomIn)
    _add(view, _tr("&Smaller letters"), window.on_smaller, QKeySequence.StandardKey.ZoomOut)
    _add(view, _tr("&Normal letters"), window.on_normal_size, "Ctrl+0")
    view.addSeparator()
    _add(view, _tr("&Full screen"), window.on_full_screen, QKeySequence.StandardKey.FullScreen)
