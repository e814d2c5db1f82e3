"""Ten thousand runs in one project: how long the table takes to open, to sort and to search, and what memory it takes.

Run by hand: ``python tests/benchmarks/ten_thousand_runs.py [--runs 10000] [--keep FOLDER]``. Nothing else should run
on the machine. Copies one small run so many times, each with numbers of its own, opens the Runs page on them, and
prints the ticks of the event loop meanwhile.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import psutil  # noqa: E402
from PySide6.QtCore import Qt  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting_runs import make_glyphs, tiny_experiment, waiting_run  # noqa: E402

from metastudio.gui.app import build_window  # noqa: E402
from metastudio.gui.main_window import MainWindow  # noqa: E402
from metastudio.gui.models.run_columns import ACCURACY, NAME  # noqa: E402
from metastudio.gui.opening import open_project  # noqa: E402
from metastudio.gui.pages.runs_page import RunsPage  # noqa: E402
from metastudio.runs.project import Project  # noqa: E402
from metastudio.runs.run_state import RunState, State, summary_of  # noqa: E402
from tests.benchmarks.ticks import Ticks, summary, wait_until  # noqa: E402


def make_runs(folder: Path, images: Path, count: int) -> None:
    """Make so many finished runs below `folder`, without the large files of a run, which the table never reads."""
    draw = random.Random(0)  # noqa: S311 - numbers of a benchmark
    first = waiting_run(folder, tiny_experiment(images))
    content = first.experiment_path.read_text(encoding="utf-8")
    told = summary_of(first.experiment())
    shutil.rmtree(first.path)
    for number in range(count):
        run = folder / f"20260101-{number // 3600:02}{number // 60 % 60:02}{number % 60:02}-maml-5w1s-{number:05x}"
        run.mkdir()
        (run / "experiment.toml").write_text(content.replace('"tiny"', f'"run {number}"'), encoding="utf-8")
        state = RunState(
            state=State.FINISHED,
            iteration=draw.randrange(100, 3000),
            iterations=3000,
            started_at=f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}+00:00",
            elapsed_s=draw.uniform(10, 5000),
            best_accuracy=draw.random(),
            best_ci95=0.01,
            summary=told.model_copy(update={"name": f"run {number}"}),
        )
        (run / "run.json").write_text(state.model_dump_json(), encoding="utf-8")
        if number % 10 == 0:
            (run / "notes.toml").write_text(f'text = "Note {number}"\ntags = ["paper"]\n', encoding="utf-8")


def took(what: str, act: Callable[[], object], until: Callable[[], object] = lambda: True) -> None:
    """Do something, wait for what it brings, and print how long that took and how usable the window was meanwhile."""
    ticks, began = Ticks(), time.perf_counter()
    act()
    wait_until(until, seconds=600)
    QApplication.processEvents()
    seconds = time.perf_counter() - began
    _, late, worst = summary(ticks.stop())
    print(f"{what:<44} {seconds:7.2f} s     ticks: p99 {late:6.1f}, worst {worst:6.1f} ms", flush=True)


def opened(window: MainWindow, project: Path, runs: int) -> RunsPage:
    """Open the page on the runs of a project, and return it."""
    open_project(window.studio, project)
    wait_until(lambda: not window.studio.project.is_busy)
    made: list[RunsPage] = []

    def make() -> None:
        made.append(RunsPage(window.studio))
        made[0].resize(1280, 760)
        made[0].show()

    took("first rows are seen", make, lambda: made[0].model.rows)
    took("all of them are there", lambda: None, lambda: len(made[0].model.rows) == runs and not made[0].is_reading)
    return made[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="Where the runs lie, to use them again.")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ten-thousand-"))
    os.environ |= {f"METASTUDIO_{name}": str(folder / name) for name in ("CACHE", "CONFIG", "HOME")}
    app = QApplication([])
    images = make_glyphs(folder / "images")
    project = Project.create(folder / "project", name="Many", draft=tiny_experiment(images))
    runs_folder = folder / "project" / "runs"
    runs_folder.mkdir(exist_ok=True)
    made = arguments.keep or runs_folder
    if not made.is_dir() or not any(made.iterdir()):
        made.mkdir(parents=True, exist_ok=True)
        make_runs(made, images, arguments.runs)
    if made != runs_folder:
        shutil.rmtree(runs_folder)
        runs_folder.symlink_to(made)
    del project
    window = build_window(app, settings_path=folder / "studio.ini")
    process = psutil.Process()
    before = process.memory_info().rss
    page = opened(window, folder / "project", arguments.runs)
    print(f"memory for {arguments.runs:,} runs: {(process.memory_info().rss - before) / 1e6:.0f} MB")
    header = page.table.horizontalHeader()
    took("sorted by accuracy", lambda: page.table.sortByColumn(ACCURACY, Qt.SortOrder.DescendingOrder))
    took("sorted by name", lambda: page.table.sortByColumn(NAME, Qt.SortOrder.AscendingOrder))
    took("searched for a word", lambda: page.model.set_search("42"))
    took("searched for tag:paper accuracy>90", lambda: page.model.set_search("tag:paper accuracy>90"))
    took("all again", lambda: page.model.set_search(""))
    took("looked at again", page.refresh, lambda: not page.is_reading)
    took("scrolled to the end", lambda: (page.table.scrollToBottom(), page.table.viewport().repaint()))
    print(f"({header.count()} columns, {os.cpu_count()} cores)")
    page.shut_down()
    page.close()
    window.close()


if __name__ == "__main__":
    main()
