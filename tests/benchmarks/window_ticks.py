"""How usable the window stays while a job trains: the ticks of a 16 ms precise timer, idle and beside a running job.

Run by hand: ``python tests/benchmarks/window_ticks.py [--seconds 10] [--repeats 5]``. Nothing else should run on the
machine. Prints medians of the repeats, and how long the window took to open.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import numpy as np  # noqa: E402
from PySide6.QtCore import QCoreApplication, QEventLoop, Qt, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting_runs import make_glyphs, tiny_experiment, waiting_run  # noqa: E402

from metastudio.gui.app import build_window  # noqa: E402
from metastudio.gui.main_window import MainWindow  # noqa: E402
from metastudio.gui.opening import open_project  # noqa: E402
from metastudio.jobs.job import Job  # noqa: E402
from metastudio.runs.events import OuterStep  # noqa: E402
from metastudio.runs.project import Project  # noqa: E402

TICK_MS = 16
OPENING = """
import time
began = time.perf_counter()
from PySide6.QtWidgets import QApplication
from metastudio.gui.app import build_window
app = QApplication([])
window = build_window(app)
window.show()
app.processEvents()
print(time.perf_counter() - began)
window.close()
"""


def ticks_ms(seconds: float) -> list[float]:
    """Return the times between the ticks of a precise timer in the event loop, in milliseconds."""
    loop, timer, gaps = QEventLoop(), QTimer(), []
    last = time.perf_counter()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(1000 * (now - last))
        last = now

    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(TICK_MS)
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
    timer.stop()
    return gaps[1:]


def measured(seconds: float, repeats: int) -> tuple[float, float, float]:
    """Return median, 99th percentile and worst tick, each the median of the repeats."""
    rows = []
    for _ in range(repeats):
        gaps = ticks_ms(seconds)
        rows.append((float(np.median(gaps)), float(np.percentile(gaps, 99)), max(gaps)))
    return tuple(statistics.median(each) for each in zip(*rows, strict=True))  # type: ignore[return-value]


def wait_until(condition, seconds: float = 120) -> None:
    """Let the event loop run until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)


def start_job(window: MainWindow, images: Path) -> Job:
    """Start a job that keeps every core busy and is heard ten times a second or more."""
    training = {"iterations": 1_000_000, "meta_batch_size": 4, "validate_every": 500, "checkpoint_every": 200}
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


def opening_s(repeats: int) -> float:
    """Return the median time from the first import until the window is drawn, in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    times = [
        float(subprocess.run([sys.executable, "-c", OPENING], env=env, capture_output=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="window-ticks-"))
    os.environ |= {f"METASTUDIO_{name}": str(folder / name) for name in ("CACHE", "CONFIG", "HOME")}
    app = QApplication([])
    print(f"window drawn after {opening_s(arguments.repeats):.2f} s (median of {arguments.repeats})")
    images = make_glyphs(folder / "images")
    window = build_window(app, settings_path=folder / "studio.ini")
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
    job.curves.add(long_history(job))
    row = measured(arguments.seconds, arguments.repeats)
    print("the same, long run    {:6.1f} {:6.1f}  {:6.1f}".format(*row))
    print(f"({job.iteration} iterations meanwhile, {os.cpu_count()} cores)")
    window.studio.jobs.discard(job)
    wait_until(lambda: not window.studio.jobs.working)
    window.close()


if __name__ == "__main__":
    main()
