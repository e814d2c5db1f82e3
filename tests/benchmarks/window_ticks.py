"""How usable the window stays while a job trains, how soon its curves follow, and what the window costs the worker.

Run by hand: ``python tests/benchmarks/window_ticks.py [--seconds 10] [--repeats 5] [--turns 45]``. Nothing else should
run on the machine. Prints medians of the repeats: how long the window takes to open; the ticks of a 16 ms precise
timer, idle and beside a job; from the line in the run's file to the painted curve. Then means of short alternating
turns: iterations a second beside the window, beside one that stands still, and at the window's own priority.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from PySide6.QtCore import QEventLoop, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting_runs import make_glyphs, tiny_experiment, waiting_run  # noqa: E402

from metastudio.gui.app import build_window, prefer_the_window  # noqa: E402
from metastudio.gui.main_window import MainWindow  # noqa: E402
from metastudio.gui.opening import open_project  # noqa: E402
from metastudio.gui.widgets.plot import MeasuredView  # noqa: E402
from metastudio.jobs.curves import Curves  # noqa: E402
from metastudio.jobs.job import Job  # noqa: E402
from metastudio.jobs.worker_command import NICENESS  # noqa: E402
from metastudio.runs.events import Event, OuterStep  # noqa: E402
from metastudio.runs.project import Project  # noqa: E402
from metastudio.runs.run_folder import RunFolder  # noqa: E402
from tests.benchmarks.plots import Stream  # noqa: E402
from tests.benchmarks.ticks import medians, summary, ticks_ms, wait_until  # noqa: E402

TURN_S = 2.0
AT_WORK_AFTER_S = 25.0
"""By then its tasks have moved to processes."""
OPENING = """
import time
began = time.perf_counter()
from PySide6.QtWidgets import QApplication
from metastudio.gui.app import build_frame, show_frame, take_up
app = QApplication([])
window = build_frame(app)
show_frame(app, window)
drawn = time.perf_counter() - began
take_up(window)
app.processEvents()
print(drawn, time.perf_counter() - began)
window.close()
"""


def measured(seconds: float, repeats: int) -> tuple[float, ...]:
    """Return median, 99th percentile and worst tick, each the median of the repeats."""
    return medians([summary(ticks_ms(seconds)) for _ in range(repeats)])


def let_follow(curves: Curves) -> None:
    """Let each iteration that comes follow the newest: one of the worker's would cut those that were added here."""
    add = curves.add

    def add_in_order(events: Iterable[Event]) -> None:
        taken, newest = [], curves.last_step.iteration if curves.last_step is not None else 0
        for event in events:
            if isinstance(event, OuterStep):
                newest += 1
                taken.append(event.model_copy(update={"iteration": newest}))
            else:
                taken.append(event)
        add(taken)

    curves.add = add_in_order  # type: ignore[method-assign]


class Delays:
    """How long after its line was in the file each iteration was painted in the plot of the outer loss, in ms."""

    def __init__(self, window: MainWindow, run: RunFolder) -> None:
        self.ms: list[float] = []
        self._plot = window.page("jobs").plots.outer
        self._path, self._offset = run.events_path, run.events_path.stat().st_size
        self._written: list[tuple[int, float]] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch_file)
        self._thread.start()
        _PAINTED.append(self._on_painted)

    def _watch_file(self) -> None:
        while not self._ends.wait(0.002):
            now = time.perf_counter()
            if self._path.stat().st_size > self._offset:
                with self._path.open("rb") as file:
                    file.seek(self._offset)
                    new = file.read()
                self._offset += len(new)
                self._written += [(iteration, now) for iteration in iterations_in(new)]

    def _on_painted(self, view: MeasuredView) -> None:
        curve = self._plot.curve("loss")
        if view is not self._plot.view or curve is None or not len(curve.x):
            return
        now = time.perf_counter()
        while self._written and self._written[0][0] <= curve.x[-1]:
            self.ms.append(1000 * (now - self._written.pop(0)[1]))

    def stop(self) -> list[float]:
        """End it and return them."""
        _PAINTED.remove(self._on_painted)
        self._ends.set()
        self._thread.join()
        return self.ms


_PAINTED: list = []


def hear_of_painting() -> None:
    """Let those in `_PAINTED` know of each plot that was painted; before a window is made."""
    paint = MeasuredView.paintEvent

    def paint_and_tell(view: MeasuredView, event: object) -> None:
        paint(view, event)
        for each in _PAINTED:
            each(view)

    MeasuredView.paintEvent = paint_and_tell  # type: ignore[method-assign]


def delays_ms(window: MainWindow, job: Job, seconds: float) -> list[float]:
    """Return how long each iteration of some seconds took from the file to the curve."""
    delays = Delays(window, job.run)
    ticks_ms(seconds)
    return delays.stop()


def iterations_in(lines: bytes) -> list[int]:
    """Return the iterations that some lines of a run's events tell of."""
    return [int(each) for each in re.findall(rb'"kind": "outer_step", "iteration": (\d+)', lines)]


def event_loop(seconds: float) -> None:
    """Let the window do what it does for some seconds."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def paces(job: Job, turns: int) -> None:
    """Print iterations a second beside the window, beside one that stands still, and beside it at its own priority."""
    worker = next(each for each in psutil.Process().children() if "train" in each.cmdline())
    kinds = {
        "beside a window that stands still": (NICENESS, time.sleep),
        "beside the window": (NICENESS, event_loop),
        "beside the window, at its priority": (0, event_loop),
    }
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    own_s = 0.0
    for turn in range(turns):
        for kind in list(kinds)[:: 1 if turn % 2 else -1]:
            niceness, let_pass = kinds[kind]
            set_priority(worker, niceness)
            event_loop(0.5)  # what came while nobody looked is taken up
            before, began, own = newest_iteration(job.run), time.perf_counter(), time.thread_time()
            let_pass(TURN_S)
            found[kind].append((newest_iteration(job.run) - before) / (time.perf_counter() - began))
            own_s += time.thread_time() - own if kind == "beside the window" else 0.0
    rates = {kind: np.array(values) for kind, values in found.items()}
    show_pace("beside the window", "beside a window that stands still", rates)
    show_pace("beside the window", "beside the window, at its priority", rates)
    print(f"(the window's thread has {own_s / turns / TURN_S:.1%} of a core)")


def show_pace(one: str, other: str, rates: dict[str, np.ndarray]) -> None:
    """Print how much slower one is than the other: means of turns, and the interval that drawing them anew gives."""
    picked = np.random.default_rng(0).integers(len(rates[one]), size=(1000, len(rates[one])))
    ratios = rates[one][picked].mean(1) / rates[other][picked].mean(1)
    slower = 1 - rates[one].mean() / rates[other].mean()
    print(f"{rates[one].mean():.1f} iterations a second {one}, {rates[other].mean():.1f} {other}:", end=" ")
    print(f"{slower:.1%} ± {1.96 * ratios.std():.1%} fewer")


def set_priority(worker: psutil.Process, niceness: int) -> None:
    """Give a worker, and the processes and the session that it leads, a priority."""
    for process in (worker, *worker.children(recursive=True)):
        for thread in process.threads():
            os.setpriority(os.PRIO_PROCESS, thread.id, niceness)
    group = Path(f"/proc/{worker.pid}/autogroup")
    if group.exists():
        group.write_text(str(niceness))


def newest_iteration(run: RunFolder) -> int:
    """Return the last iteration in a run's file."""
    with run.events_path.open("rb") as file:
        file.seek(max(0, run.events_path.stat().st_size - 65536))
        return iterations_in(file.read())[-1]


def start_job(window: MainWindow, images: Path, **changes: int) -> Job:
    """Start a job that keeps every core busy and is heard ten times a second or more."""
    training = {
        "iterations": 1_000_000,
        "meta_batch_size": 4,
        "validate_every": 500,
        "checkpoint_every": 200,
        **changes,
    }
    experiment = tiny_experiment(images, training=training, backbone={"filters": 16})
    job = window.studio.jobs.enqueue(waiting_run(window.studio.runs_folder, experiment))
    wait_until(lambda: job.iteration > 20)
    return job


def long_history(job: Job) -> list[OuterStep]:
    """Return 20,000 noisy iterations that follow the job's newest, as a run of an hour has them."""
    newest, random = job.curves.last_step, np.random.default_rng(0)
    assert newest is not None
    noise = random.normal(size=(20_000, 2))
    changes = (
        {"iteration": newest.iteration + 1 + number, "loss": abs(1 + float(loss)), "gradient_norm": abs(float(norm))}
        for number, (loss, norm) in enumerate(noise)
    )
    return [newest.model_copy(update=each) for each in changes]


def opening_s(repeats: int) -> tuple[float, ...]:
    """Return how long a new process takes until the window is drawn, and until it is ready; medians."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    rows = [
        subprocess.run([sys.executable, "-c", OPENING], env=env, capture_output=True, check=True).stdout.split()
        for _ in range(repeats)
    ]
    return medians([tuple(map(float, row)) for row in rows])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--turns", type=int, default=45, help="of two seconds, for each of three paces")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="window-ticks-"))
    os.environ |= {f"METASTUDIO_{name}": str(folder / name) for name in ("CACHE", "CONFIG", "HOME")}
    app = QApplication([])
    hear_of_painting()
    drawn_s, ready_s = opening_s(arguments.repeats)
    print(f"window drawn after {drawn_s:.2f} s, ready after {ready_s:.2f} s (medians of {arguments.repeats})")
    images = make_glyphs(folder / "images")
    window = build_window(app, settings_path=folder / "studio.ini")
    prefer_the_window(window)
    window.show()
    Project.create(folder / "project", name="Ticks", draft=tiny_experiment(images))
    open_project(window.studio, folder / "project")
    window.show_page("jobs")
    wait_until(lambda: not window.studio.project.is_busy)
    print("                      median    p99   worst   (ms)")
    print("idle                  {:6.1f} {:6.1f}  {:6.1f}".format(*measured(arguments.seconds, arguments.repeats)))
    job = start_job(window, images)
    row = measured(arguments.seconds, arguments.repeats)
    print("job, plots redrawn    {:6.1f} {:6.1f}  {:6.1f}".format(*row))
    row = medians([summary(delays_ms(window, job, arguments.seconds)) for _ in range(arguments.repeats)])
    print("from line to curve    {:6.1f} {:6.1f}  {:6.1f}".format(*row))
    let_follow(job.curves)
    job.curves.add(long_history(job))
    row = measured(arguments.seconds, arguments.repeats)
    print("job, long run         {:6.1f} {:6.1f}  {:6.1f}".format(*row))
    (folder / "stream.jsonl").touch()
    plots = window.page("jobs").plots
    stream = Stream(plots, job.curves, folder / "stream.jsonl", per_second=1000, first=1)
    row = measured(arguments.seconds, arguments.repeats)
    stream.stop()
    print("and 1,000 events/s    {:6.1f} {:6.1f}  {:6.1f}".format(*row))
    print(f"({newest_iteration(job.run)} iterations meanwhile, {os.cpu_count()} cores)")
    window.studio.jobs.discard(job)
    wait_until(lambda: not window.studio.jobs.working)
    job = start_job(window, images, validate_every=10**6, checkpoint_every=10**6)  # which would make turns unequal
    event_loop(AT_WORK_AFTER_S)
    paces(job, arguments.turns)
    window.studio.jobs.discard(job)
    wait_until(lambda: not window.studio.jobs.working)
    window.close()


if __name__ == "__main__":
    main()
