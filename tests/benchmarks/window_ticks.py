"""How usable the window stays while a job trains: the ticks of a 16 ms precise timer, idle and beside a running job.

Run by hand: ``python tests/benchmarks/window_ticks.py [--seconds 10] [--repeats 5]``. Nothing else should run on the
machine. Prints medians of the repeats, and how long the window took to open.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import numpy as np  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting_runs import make_glyphs, tiny_experiment, waiting_run  # noqa: E402

from metastudio.gui.app import build_window  # noqa: E402
from metastudio.gui.main_window import MainWindow  # noqa: E402
from metastudio.gui.opening import open_project  # noqa: E402
from metastudio.jobs.job import Job  # noqa: E402
from metastudio.runs.events import OuterStep  # noqa: E402
from metastudio.runs.project import Project  # noqa: E402
from tests.benchmarks.ticks import medians, summary, ticks_ms, wait_until  # noqa: E402

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
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="window-ticks-"))
    os.environ |= {f"METASTUDIO_{name}": str(folder / name) for name in ("CACHE", "CONFIG", "HOME")}
    app = QApplication([])
    drawn_s, ready_s = opening_s(arguments.repeats)
    print(f"window drawn after {drawn_s:.2f} s, ready after {ready_s:.2f} s (medians of {arguments.repeats})")
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
