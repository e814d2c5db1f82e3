"""What plots cost: a million points panned, and 1,000 events a second drawn into the four plots of a job.

Run by hand: ``python tests/benchmarks/plots.py [--seconds 10] [--repeats 5]``. Nothing else should run on the machine.
Prints the time of a frame while a million points are panned (60 a second leave 16.7 ms), and which share of its time
the GUI thread spends on a stream of events, from the line in the file to the curve on the screen. Draws into the memory
of a screen (offscreen), as large as on a usual one.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

import numpy as np  # noqa: E402
from PySide6.QtCore import QObject, QTimer, Slot  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from metastudio.gui import theme  # noqa: E402
from metastudio.gui.settings import StudioSettings  # noqa: E402
from metastudio.gui.widgets.job_plots import JobPlots  # noqa: E402
from metastudio.gui.widgets.plot import Plot  # noqa: E402
from metastudio.gui.widgets.plotted import with_average  # noqa: E402
from metastudio.jobs.curves import Curves  # noqa: E402
from metastudio.runs.event_log import read_events  # noqa: E402
from metastudio.runs.events import OuterStep, Started, Validated, to_line  # noqa: E402
from tests.benchmarks.ticks import ticks_ms  # noqa: E402

POINTS = 1_000_000
FRAMES = 300
BATCHES_PER_S = 20
"""About as often as `JobThread` hands events on."""


def panned_ms(weight: float, *, points: int = POINTS) -> list[float]:
    """Return the times of frames in which a noisy curve of so many points is moved, raw and averaged lines together."""
    random = np.random.default_rng(0)
    plot = Plot("Outer loss", "iteration", "loss")
    plot.resize(900, 480)
    plot.show()
    loss = 2 * np.exp(-np.arange(points) / points * 3) + random.normal(size=points) * 0.2
    raw, average = with_average(np.arange(points, dtype=float), loss, weight, name="outer loss", index=0)
    plot.set_curve("raw", raw)
    plot.set_curve("loss", average)
    plot.refresh()
    QApplication.processEvents()
    plot.show_x(0.1 * points, 0.6 * points)
    frames = []
    for number in range(FRAMES):
        began = time.perf_counter()
        low = 0.1 * points + number * points / FRAMES / 4
        plot._box.setXRange(low, low + 0.5 * points, padding=0)
        plot.view.viewport().repaint()
        QApplication.processEvents()
        frames.append(1000 * (time.perf_counter() - began))
    plot.close()
    return frames


class Stream(QObject):
    """A run that grows by so many iterations a second, in a file; the GUI takes them up as it does from a job."""

    def __init__(self, plots: JobPlots, curves: Curves, path: Path, *, per_second: int, first: int) -> None:
        super().__init__()
        self._plots, self._curves, self._path = plots, curves, path
        self._count, self._next = per_second // BATCHES_PER_S, first
        self._offset = path.stat().st_size
        self._random = np.random.default_rng(1)
        self._ready: list[tuple[object, ...]] = []
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_batch)
        self._timer.start(1000 // BATCHES_PER_S)
        self._ends = threading.Event()
        self._reader = threading.Thread(target=self._write_and_read)
        self._reader.start()

    def _write_and_read(self) -> None:
        """Write events and read them again, beside the GUI thread, as worker and job thread do."""
        while not self._ends.wait(1 / BATCHES_PER_S):
            batch = steps(self._next, self._count, self._random)
            self._next += self._count
            with self._path.open("ab") as file:
                file.write("".join(f"{to_line(each)}\n" for each in batch).encode())
            events, self._offset, _ = read_events(self._path, self._offset)
            self._ready.append(events)

    @Slot()
    def _on_batch(self) -> None:
        while self._ready:
            self._curves.add(self._ready.pop(0))  # type: ignore[arg-type]
            self._plots.request_redraw()

    def stop(self) -> int:
        """End it and return how many iterations there are."""
        self._timer.stop()
        self._ends.set()
        self._reader.join()
        return self._next - 1


def steps(first: int, count: int, random: np.random.Generator) -> list[OuterStep]:
    """Return so many noisy iterations; of every tenth the accuracy before adaptation is known."""
    noise = random.normal(size=(count, 2))
    return [
        OuterStep(
            iteration=first + number,
            loss=abs(1 + float(noise[number, 0])),
            accuracy=min(1.0, abs(0.6 + 0.1 * float(noise[number, 1]))),
            accuracy_before=0.2 if number % 10 == 0 else None,
            gradient_norm=abs(float(noise[number, 1])),
            lr=0.001,
            tasks_per_s=100.0,
            memory_bytes=400_000_000,
            elapsed_s=0.001 * (first + number),
        )
        for number in range(count)
    ]


def streamed_share(folder: Path, *, history: int, seconds: float, per_second: int = 1000) -> tuple[float, float, float]:
    """Return the share of its time that the GUI thread works, and the 99th percentile and worst of its ticks."""
    curves = Curves()
    random = np.random.default_rng(2)
    curves.add([Started(iteration=0, iterations=10_000_000, device="cpu", executor="one", threads=1)])
    curves.add(steps(1, history, random))
    curves.add(
        Validated(iteration=each, accuracy=0.6, ci95=0.01, loss=1.0, episodes=600, is_best=False)
        for each in range(500, history, max(500, history // 200))
    )
    plots = JobPlots(StudioSettings(folder / "studio.ini"))
    plots.resize(1200, 700)
    plots.show()
    plots.show_curves(curves)
    QApplication.processEvents()
    path = folder / f"events-{history}.jsonl"
    path.touch()
    stream = Stream(plots, curves, path, per_second=per_second, first=history + 1)
    ticks_ms(1.0)
    began, worked = time.perf_counter(), time.thread_time()
    gaps = ticks_ms(seconds)
    share = (time.thread_time() - worked) / (time.perf_counter() - began)
    stream.stop()
    plots.stop()
    plots.close()
    return share, float(np.percentile(gaps, 99)), max(gaps)


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    app = QApplication([])
    gc.disable()  # as the studio does: no other thread may take widgets down (decision 0057)
    theme.apply_theme(app, "light")
    print(f"{POINTS:,} points panned      median    p99   worst   (ms a frame)")
    for weight in (0.0, 0.6, 0.9):
        rows = [panned_ms(weight) for _ in range(arguments.repeats)]
        median, late, worst = (
            statistics.median(each)
            for each in zip(*((np.median(row), np.percentile(row, 99), max(row)) for row in rows), strict=True)
        )
        print(f"smoothing {weight:<4}              {median:6.1f} {late:6.1f}  {worst:6.1f}")
    print("1,000 events a second    share of the GUI thread     ticks: p99   worst (ms)")
    with tempfile.TemporaryDirectory(prefix="plots-") as folder:
        for history in (1_000, 20_000, 200_000, POINTS):
            rows = [
                streamed_share(Path(folder), history=history, seconds=arguments.seconds)
                for _ in range(arguments.repeats)
            ]
            share, late, worst = (statistics.median(each) for each in zip(*rows, strict=True))
            print(f"after {history:>9,} iterations   {100 * share:6.1f} %                    {late:6.1f}  {worst:6.1f}")


if __name__ == "__main__":
    main()
