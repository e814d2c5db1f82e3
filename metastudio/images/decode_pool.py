"""Decodes many files beside each other, in processes of their own, straight into one file of pixels.

Processes, because Pillow's Python part holds the interpreter lock (the window would stutter), and because a decoder
that crashes on a broken file then takes only itself along.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for

from metastudio.catalog.data_spec import Preprocessing
from metastudio.errors import Problem
from metastudio.images.decoding import decode_file
from metastudio.images.image_index import ImageFile
from metastudio.images.perceptual_hash import perceptual_hash
from metastudio.images.problems import Cancelled, UnreadableImage, unreadable

_CHUNK_FILES = 128
_CHUNK_BYTES = 8_000_000
_POOL_PAYS_FILES = 1000
_POOL_PAYS_BYTES = 16_000_000
_MOST_WORKERS = 8


@dataclass(frozen=True)
class Wanted:
    """A file to decode, and the row of the file of pixels that it goes to."""

    row: int
    file: ImageFile


@dataclass(frozen=True)
class Read:
    """What came of a file: itself with its hash, its look and what was odd, or the problem that keeps it out."""

    row: int
    file: ImageFile
    oddities: tuple[str, ...] = ()
    problem: Problem | None = None
    perceptual_hash: int = 0


@dataclass(frozen=True)
class _Chunk:
    """Work for one process: some files, and where their rows go."""

    pixels: str
    preprocessing: Preprocessing
    wanted: tuple[Wanted, ...]

    def halves(self) -> tuple[_Chunk, _Chunk]:
        middle = len(self.wanted) // 2
        return (
            _Chunk(self.pixels, self.preprocessing, self.wanted[:middle]),
            _Chunk(self.pixels, self.preprocessing, self.wanted[middle:]),
        )


def decode_all(
    wanted: Sequence[Wanted],
    preprocessing: Preprocessing,
    pixels: str,
    *,
    on_read: Callable[[list[Read]], None],
    should_stop: Callable[[], bool],
) -> None:
    """Decode every file into its row of the file `pixels`; `on_read` gets the outcomes in any order.

    Raises:
        Cancelled: if `should_stop` says so.
        OSError: if the pixels cannot be written.
    """
    chunks = _chunks(wanted, preprocessing, pixels)
    workers = min(_MOST_WORKERS, _cores(), len(chunks))
    is_small = len(wanted) < _POOL_PAYS_FILES and sum(each.file.size_bytes for each in wanted) < _POOL_PAYS_BYTES
    if is_small or workers < 2:
        for chunk in chunks:
            if should_stop():
                raise Cancelled
            on_read(_decode_chunk(chunk))
        return
    broken = _in_processes(chunks, workers, on_read, should_stop)
    while broken:  # a decoder crashed: halve its chunk until the file is found
        chunk = broken.pop()
        if not _in_processes([chunk], 1, on_read, should_stop):
            continue
        if len(chunk.wanted) > 1:
            broken += chunk.halves()
        else:
            (lost,) = chunk.wanted
            reason = unreadable(lost.file.path, "damaged (its decoder crashed)").problem
            on_read([Read(lost.row, lost.file, problem=reason)])


def _in_processes(
    chunks: list[_Chunk], workers: int, on_read: Callable[[list[Read]], None], should_stop: Callable[[], bool]
) -> list[_Chunk]:
    """Decode chunks in a pool; return those that were lost because a process of it died."""
    lost: list[_Chunk] = []
    with _pool(workers) as pool:
        running: dict[Future[list[Read]], _Chunk] = {}
        waiting = list(reversed(chunks))
        while waiting or running:
            if should_stop():
                raise Cancelled
            while waiting and len(running) < 2 * workers:
                try:
                    running[pool.submit(_decode_chunk, waiting[-1])] = waiting[-1]
                except BrokenProcessPool:
                    lost, waiting = lost + waiting, []
                else:
                    waiting.pop()
            for done in wait(running, timeout=0.1, return_when=FIRST_COMPLETED).done:
                chunk = running.pop(done)
                try:
                    outcome = done.result()
                except BrokenProcessPool:
                    lost.append(chunk)
                else:
                    on_read(outcome)
    return lost


@contextlib.contextmanager
def _pool(workers: int):  # type: ignore[no-untyped-def]
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker() -> None:
    """Be quiet, and end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff talks to the terminal past everyone
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        threading.Thread(target=lambda: (wait_for([sentinel]), os._exit(1)), daemon=True).start()


def _decode_chunk(chunk: _Chunk) -> list[Read]:
    """Decode the files of a chunk, one after the other, and write their rows."""
    outcomes = []
    with open(chunk.pixels, "r+b", buffering=0) as pixels:  # noqa: PTH123 - a string all the way
        for each in chunk.wanted:
            try:
                decoded = decode_file(each.file.path, chunk.preprocessing)
            except UnreadableImage as error:
                outcomes.append(Read(each.row, each.file, problem=error.problem))
                continue
            content = decoded.pixels.tobytes()
            pixels.seek(each.row * len(content))
            pixels.write(content)
            look = perceptual_hash(decoded.pixels)
            outcomes.append(Read(each.row, decoded.file, decoded.oddities, perceptual_hash=look))
    return outcomes


def _chunks(wanted: Sequence[Wanted], preprocessing: Preprocessing, pixels: str) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    gathered: list[Wanted] = []
    size = 0
    for each in wanted:
        gathered.append(each)
        size += each.file.size_bytes
        if len(gathered) == _CHUNK_FILES or size > _CHUNK_BYTES:
            chunks.append(_Chunk(pixels, preprocessing, tuple(gathered)))
            gathered, size = [], 0
    if gathered:
        chunks.append(_Chunk(pixels, preprocessing, tuple(gathered)))
    return chunks


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
