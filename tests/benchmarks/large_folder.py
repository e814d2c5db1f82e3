"""How the Images page bears 200,000 pictures in 2,000 classes: times, stalls of the event loop, memory, sizes on disk.

Run by hand::

    python -m tests.benchmarks.large_folder make FOLDER [--images 200000] [--classes 2000]
    python -m tests.benchmarks.large_folder measure FOLDER [--repeats 5] [--no-reading] [--home FOLDER]

Nothing else should run on the machine. The window is the real one, offscreen where no platform is named. Stalls are the
longest gap between two ticks of a 16 ms timer, medians of the repeats, beside an idle window in the same run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.benchmarks.many_pictures import bytes_below, make_tree

if TYPE_CHECKING:
    from PySide6.QtWidgets import QListView

    from metastudio.gui.documents.project_document import ProjectDocument
    from metastudio.gui.main_window import MainWindow

_OWN_FOLDERS = ("CACHE", "CONFIG", "HOME")
_SCROLL_S = 4.0
_MANY = 10_000


class Rows:
    """Numbers by name; each may be measured several times, and its median is shown."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, value: float) -> None:
        """Keep a number and say it, so that a long run shows how far it is."""
        self._values[name].append(value)
        print(f"   {name:<62} {value:12,.1f}", flush=True)

    @contextmanager
    def stall(self, name: str) -> Iterator[None]:
        """Keep the longest gap between two ticks while the body runs."""
        from tests.benchmarks.ticks import Ticks

        ticks = Ticks()
        try:
            yield
        finally:
            self.add(f"{name}, longest stall (ms)", max(ticks.stop()))
            self.add(f"{name}, most computed at once (ms)", max(ticks.own_ms))

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Keep how long the body holds up the event loop."""
        began, own = time.perf_counter(), time.thread_time()
        yield
        self.add(f"{name} (ms)", 1000 * (time.perf_counter() - began))
        self.add(f"{name}, computed (ms)", 1000 * (time.thread_time() - own))

    def show(self) -> None:
        """Print every median."""
        print("\n| what | median | of |\n|---|---|---|")
        for name, values in self._values.items():
            print(f"| {name} | {statistics.median(values):,.1f} | {len(values)} |")


def measure(folder: Path, home: Path, repeats: int, *, reads_all: bool) -> None:
    """Print the table."""
    from PySide6.QtWidgets import QApplication

    from metastudio.gui.app import build_window, prefer_the_window
    from tests.benchmarks.ticks import medians, summary, ticks_ms

    app, rows = QApplication([]), Rows()
    window = build_window(app, settings_path=home / "studio.ini")
    prefer_the_window(window)
    window.show()
    window.show_page("images")
    idle = medians([summary(ticks_ms(3)) for _ in range(repeats)])
    rows.add("idle window, longest stall (ms)", idle[2])
    rows.add("memory of the empty window (MB)", _memory_mb())
    for number in range(repeats):
        _forget_index()
        document = _new_project(window, home / f"project-{number}")
        _take_in(window, document, folder, rows)
        _cancel(document, rows)
    if reads_all:
        _check(document, rows)
    for _ in range(repeats):
        _scroll(window, document, rows)
        _search(window, rows)
        _change(window, document, rows)
    _save(document, rows)
    document.cancel_work()
    rows.add("memory at the end (MB)", _memory_mb())
    rows.add("highest memory of the window (MB)", _highest_memory_mb())
    window.close()
    for name, size in _on_disk(home).items():
        rows.add(f"{name} (MB)", size / 1e6)
    for _ in range(repeats if reads_all else 0):
        for name, value in _again(home, home / f"project-{repeats - 1}"):
            rows.add(name, value)
    rows.show()


def _new_project(window: MainWindow, folder: Path) -> ProjectDocument:
    from metastudio.gui.models.thumbnail_cache import shared_thumbnails
    from metastudio.gui.opening import create_project
    from tests.benchmarks.ticks import wait_until

    create_project(window.studio, folder)
    shared_thumbnails().forget()
    wait_until(lambda: not window.studio.project.is_busy)
    return window.studio.project


def _take_in(window: MainWindow, document: ProjectDocument, folder: Path, rows: Rows) -> None:
    """Drop the folder, and wait until its classes are listed."""
    from unit.gui.drops import drop_on, files_mime

    from tests.benchmarks.ticks import wait_until

    seen = _Moments()
    document.index_changed.connect(seen.on_index_changed)
    with rows.stall("from the drop to the list of classes"):
        with rows.held("drop returns after"):
            drop_on(window.page("images"), files_mime([folder]))
        wait_until(lambda: document.index.classes, 600)
        wait_until(lambda: seen.thumbnails_s, 60)
    rows.add("first thumbnails after the drop (ms)", 1000 * seen.thumbnails_s)
    rows.add("classes listed after the drop (s)", seen.index_s)
    seen.stop()


class _Moments:
    """When the first thumbnails and the classes were there, in seconds from its making."""

    def __init__(self) -> None:
        from metastudio.gui.models.thumbnail_cache import shared_thumbnails

        self.thumbnails_s = self.index_s = 0.0
        self._began = time.perf_counter()
        self._thumbnails = shared_thumbnails()
        self._thumbnails.loaded.connect(self.on_loaded)

    def on_loaded(self, _paths: object) -> None:
        self.thumbnails_s = self.thumbnails_s or time.perf_counter() - self._began

    def on_index_changed(self) -> None:
        self.index_s = self.index_s or time.perf_counter() - self._began

    def stop(self) -> None:
        self._thumbnails.loaded.disconnect(self.on_loaded)


def _cancel(document: ProjectDocument, rows: Rows) -> None:
    """Cancel the reading of the pictures a second after it began."""
    from tests.benchmarks.ticks import ticks_ms, wait_until

    wait_until(lambda: document.is_busy)
    ticks_ms(1)
    with rows.held("cancelling the reading"):
        document.cancel_work()


def _check(document: ProjectDocument, rows: Rows) -> None:
    """Let every picture be read, hashed and decoded, then compared."""
    from tests.benchmarks.ticks import wait_until

    kinds: list[tuple[str, float]] = []
    document.work_started.connect(lambda kind: kinds.append((kind, time.perf_counter())))
    document.work_ended.connect(lambda: kinds.append(("", time.perf_counter())))
    with rows.stall("scanning again, reading, comparing"):
        document.scan_folders()
        wait_until(lambda: any(kind == "compare" for kind, _ in kinds) and not document.is_busy, 7200)
    for (kind, began), (_, ended) in pairwise(kinds):
        if kind:
            rows.add(f"work '{kind}' (s)", ended - began)
    rows.add("health: problems found", len(document.image_problems()))


def _scroll(window: MainWindow, document: ProjectDocument, rows: Rows) -> None:
    """Scroll from top to bottom: the longest column of classes, the largest class, and all pictures as one grid."""
    from metastudio.gui.models.thumbnail_cache import shared_thumbnails
    from metastudio.gui.widgets.thumbnail_view import PictureView

    page = window.page("images")
    shared_thumbnails().forget()
    _scroll_view(page._board.columns[0].view, "scrolling the classes", rows)
    largest = max(document.used.classes, key=lambda each: len(each.files))
    page._pictures.show_class(largest.name)
    _scroll_view(page._pictures.view, "scrolling the largest class", rows)
    grid = PictureView()
    grid.resize(900, 700)
    grid.show()
    paths = [path for each in document.index.classes for path in each.file_list.paths]
    with rows.stall("laying out one grid of all pictures"):
        grid.set_paths(paths)
        _settle()
    _scroll_view(grid, "scrolling one grid of all pictures", rows)
    rows.add("thumbnails kept in memory (MB)", shared_thumbnails().size_bytes / 1e6)
    grid.close()
    grid.deleteLater()


def _scroll_view(view: QListView, name: str, rows: Rows) -> None:
    from PySide6.QtCore import QTimer

    from tests.benchmarks.ticks import wait_until

    bar = view.verticalScrollBar()
    bar.setValue(0)
    _settle()
    began = time.perf_counter()
    timer = QTimer()
    timer.timeout.connect(lambda: bar.setValue(int(bar.maximum() * (time.perf_counter() - began) / _SCROLL_S)))
    with rows.stall(name):
        timer.start(16)
        wait_until(lambda: bar.value() >= bar.maximum())
        timer.stop()


def _settle(seconds: float = 0.3) -> None:
    from tests.benchmarks.ticks import ticks_ms

    ticks_ms(seconds)


def _search(window: MainWindow, rows: Rows) -> None:
    """Type into the search of the split board, and sort."""
    board = window.page("images")._board
    with rows.stall("searching and sorting classes"):
        for text in ("c", "cl", "class-1", "class-19", ""):
            with rows.held("search for classes"):
                board.search.setText(text)
            _settle(0.1)
        for place in (1, 0):
            with rows.held("sorting classes"):
                board.order.setCurrentIndex(place)
            _settle(0.1)


def _change(window: MainWindow, document: ProjectDocument, rows: Rows) -> None:
    """Change the project and take it back, as a person would."""
    from metastudio.catalog.data_spec import Part
    from metastudio.gui import commands

    stack = window.studio.undo_stack
    some = [each.name for each in document.used.classes[:500]]
    paths = [file.path for each in document.used.classes for file in each.files[:5]][:_MANY]
    changes: dict[str, Callable[[], None]] = {
        "moving 500 classes": lambda: commands.move_classes(document, names=some, part=Part.META_TEST),
        "excluding 1 picture": lambda: commands.exclude_files(document, paths=paths[:1]),
        f"excluding {len(paths):,} pictures": lambda: commands.exclude_files(document, paths=paths),
        "excluding 500 classes": lambda: commands.exclude_classes(document, names=some),
        "letting go of the folder": lambda: commands.set_folders(document, folders=(), index=_nothing(), title="x"),
    }
    for name, change in changes.items():
        for doing, call in ((name, change), (f"undoing: {name}", stack.undo)):
            with rows.held(doing):
                call()
            _settle(0.05)
            document.cancel_work()


def _nothing() -> object:
    from metastudio.gui.documents.project_state import NO_IMAGES

    return NO_IMAGES


def _save(document: ProjectDocument, rows: Rows) -> None:
    """Save a split by hand with many pictures left out, the largest file that a project makes of such a tree."""
    from metastudio.catalog.data_spec import Part
    from metastudio.gui import commands
    from tests.benchmarks.ticks import wait_until

    saved: list[float] = []
    document.saved.connect(lambda: saved.append(time.perf_counter()))
    paths = [file.path for each in document.used.classes for file in each.files[:5]][:_MANY]
    with rows.stall("saving the project"):
        commands.exclude_files(document, paths=paths)
        commands.move_classes(document, names=[document.used.classes[0].name], part=Part.META_TEST)
        began = time.perf_counter()
        wait_until(lambda: saved)
    rows.add("saving the project, its pause of 0.6 s included (s)", saved[0] - began)
    rows.add("the project file (MB)", document.project.path.stat().st_size / 1e6)


def _again(home: Path, project: Path) -> Iterator[tuple[str, float]]:
    """Open the project in a process of its own, as the next morning."""
    command = [sys.executable, "-m", "tests.benchmarks.large_folder", "again", str(project), "--home", str(home)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    for line in said.splitlines():
        name, _, value = line.rpartition("\t")
        yield name, float(value)


def again(project: Path, home: Path) -> None:
    """Open a project and tell how long it took, a line each."""
    from PySide6.QtWidgets import QApplication

    from metastudio.gui.app import build_window, prefer_the_window
    from metastudio.gui.opening import open_project
    from tests.benchmarks.ticks import Ticks, wait_until

    app = QApplication([])
    window = build_window(app, settings_path=home / "studio.ini")
    prefer_the_window(window)
    window.show()
    window.show_page("images")
    _settle()
    moments, ticks = _Moments(), Ticks()
    open_project(window.studio, project)
    document = window.studio.project
    document.index_changed.connect(moments.on_index_changed)
    wait_until(lambda: moments.thumbnails_s and document.index.classes, 600)
    print(f"opened again: first thumbnails (ms)\t{1000 * moments.thumbnails_s}")
    print(f"opened again: classes listed (ms)\t{1000 * moments.index_s}")
    problems: list[int] = []
    document.work_ended.connect(lambda: problems.append(len(document.image_problems())))
    wait_until(lambda: problems and not document.is_busy, 600)
    _settle(1)
    wait_until(lambda: not document.is_busy, 600)
    print(f"opened again: everything known (s)\t{time.perf_counter() - moments._began}")
    print(f"opened again: longest stall (ms)\t{max(ticks.stop())}")
    print(f"opened again: most computed at once (ms)\t{max(ticks.own_ms)}")
    print(f"opened again: highest memory (MB)\t{_highest_memory_mb()}")
    window.close()


def _forget_index() -> None:
    """Let the next scan find nothing in the cache."""
    from metastudio import paths

    for each in (paths.cache_folder() / "indexes").glob("*"):
        each.unlink()


def _on_disk(home: Path) -> dict[str, int]:
    return {f"cache on the disk, {each.name}": _size_of(each) for each in sorted((home / "cache").iterdir())}


def _size_of(place: Path) -> int:
    return bytes_below(place) if place.is_dir() else place.stat().st_size


def _memory_mb() -> float:
    import psutil

    return psutil.Process().memory_info().rss / 1e6


def _highest_memory_mb() -> float:
    status = Path("/proc/self/status")  # getrusage counts the memory of the process that started this one
    if not status.exists():
        return float("nan")
    line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) / 1000


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "measure", "again"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--classes", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--no-reading", action="store_true", help="leave out what takes minutes: reading every picture, opening again"
    )
    parser.add_argument("--home", type=Path, help="where caches and projects go; a new temporary folder if not given")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    if arguments.what == "make":
        for count in make_tree(folder, images=arguments.images, classes=arguments.classes):
            print(f"\r{count:,} pictures", end="", flush=True)
        print(f", {bytes_below(folder) / 1e9:.1f} GB")
        return
    home = (arguments.home or Path(tempfile.mkdtemp(prefix="large-folder-"))).absolute()
    home.mkdir(parents=True, exist_ok=True)
    os.environ |= {f"METASTUDIO_{name}": str(home / name.lower()) for name in _OWN_FOLDERS}
    if arguments.what == "again":
        again(folder, home)
    else:
        measure(folder, home, arguments.repeats, reads_all=not arguments.no_reading)


if __name__ == "__main__":
    main()
