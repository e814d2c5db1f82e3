"""The seven doors of the rail, and the page that lies behind each."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from metastudio.gui.pages.page import Page
from metastudio.gui.widgets.rail import Door


def doors() -> tuple[Door, ...]:
    """Return the seven pages, in the order of the journey."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("Doors", text)

    return (
        Door("images", tr("Images"), "mdi6.image-multiple-outline"),
        Door("tasks", tr("Tasks"), "mdi6.view-grid-outline"),
        Door("learn", tr("Learn"), "mdi6.school-outline"),
        Door("jobs", tr("Jobs"), "mdi6.play-circle-outline"),
        Door("runs", tr("Runs"), "mdi6.format-list-bulleted"),
        Door("try_it", tr("Try it"), "mdi6.target"),
        Door("hand_over", tr("Hand over"), "mdi6.package-variant-closed"),
    )


def page_type(key: str) -> type[Page]:
    """Return the class of a page; its module is imported only now, so that the window opens at once."""
    if key == "images":
        from metastudio.gui.pages.images_page import ImagesPage as Wanted
    elif key == "tasks":
        from metastudio.gui.pages.tasks_page import TasksPage as Wanted
    elif key == "learn":
        from metastudio.gui.pages.learn_page import LearnPage as Wanted
    elif key == "jobs":
        from metastudio.gui.pages.jobs_page import JobsPage as Wanted
    elif key == "runs":
        from metastudio.gui.pages.runs_page import RunsPage as Wanted
    elif key == "try_it":
        from metastudio.gui.pages.try_it_page import TryItPage as Wanted
    else:
        from metastudio.gui.pages.hand_over_page import HandOverPage as Wanted
    return Wanted
