"""Small pictures of files, decoded beside the window and kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRunnable, QThread, QThreadPool, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage, QPixmap

from metastudio.errors import Problem
from metastudio.errors import problem as make_problem
from metastudio.images.cache_space import THUMBNAILS
from metastudio.images.problems import UnreadableImage
from metastudio.paths import cache_folder

if TYPE_CHECKING:
    from metastudio.images.kept_thumbnails import KeptThumbnails

MOST_BYTES = 160 * 1024 * 1024
"""What the kept pictures may take in memory."""
_MOST_LOADERS = 2
_MOST_WAITING = 600
_TELL_EVERY_MS = 30
"""Hundreds arrive in a second, and every view looks at its rows each time it is told."""
_SIDES_PX = (32, 48, 64, 96, 128, 192, 256, 384, 512)

_Key = tuple[str, int]


@dataclass(frozen=True)
class Thumbnail:
    """What became of a file: its picture, or why there is none."""

    pixmap: QPixmap
    problem: Problem | None = None


class ThumbnailCache(QObject):
    """Loads the newest wish first, so that what is on the screen comes before what was scrolled past.

    Threads of a pool decode with Pillow (Qt's own reader refuses large files even scaled), or fetch what was made
    before from the disk: one or two, so that a core is left to the window that is being scrolled. `close` waits for
    them. What is kept in memory takes at most `MOST_BYTES`.

    Signals:
        loaded(object): a frozenset of paths that can be shown now, or never.
    """

    loaded = Signal(object)
    _arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[_Key, Thumbnail] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._waiting: deque[_Key] = deque()
        self._wanted: set[_Key] = set()
        self._done: list[tuple[_Key, QImage, Problem | None]] = []
        self._loaders = 0
        self._disk: KeptThumbnails | None = None
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(max(1, min(_MOST_LOADERS, QThread.idealThreadCount() - 1)))
        self._pool.setExpiryTimeout(500)
        self._arrived.connect(self._on_arrived)
        self._fresh: set[str] = set()
        self._telling = QTimer(self, singleShot=True, interval=_TELL_EVERY_MS)
        self._telling.timeout.connect(self._on_telling)

    def get(self, path: str, side_px: int) -> Thumbnail | None:
        """Return the thumbnail of a file, or None and begin to load it; `loaded` tells when.

        Args:
            path: The file.
            side_px: Longest side on the screen, before the screen's own scaling.
        """
        key = path, self._stored_px(side_px)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self._request(key)
        return next((self._kept[(path, side)] for side in _SIDES_PX if (path, side) in self._kept), None)

    @staticmethod
    def _stored_px(side_px: int) -> int:
        wanted = side_px * QGuiApplication.instance().devicePixelRatio()
        return next((side for side in _SIDES_PX if side >= wanted), _SIDES_PX[-1])

    def _request(self, key: _Key) -> None:
        with self._lock:
            if key in self._wanted:
                return
            self._wanted.add(key)
            self._waiting.append(key)
            if len(self._waiting) > _MOST_WAITING:
                self._wanted.discard(self._waiting.popleft())
            starts_loader = self._loaders < self._pool.maxThreadCount()
            self._loaders += starts_loader
        if starts_loader:
            self._pool.start(_Loader(self))

    def load_all(self) -> None:
        """Decode until nothing is waiting; runs in the pool's threads."""
        kept = self._on_disk()
        while True:
            with self._lock:
                if not self._waiting:
                    self._loaders -= 1
                    return
                path, side = key = self._waiting.pop()
            image, problem = QImage(), None
            try:
                pixels = kept.thumbnail(path, side)
                height, width = pixels.shape[:2]
                image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            except UnreadableImage as error:
                problem = error.problem
            except Exception as error:  # noqa: BLE001 - one file never stops the others
                problem = make_problem("unreadable", "{why}", where=path, why=error)
            with self._lock:
                self._done.append((key, image, problem))
                is_first = len(self._done) == 1
            if is_first:
                self._arrived.emit()

    def _on_disk(self) -> KeptThumbnails:
        from metastudio.images.kept_thumbnails import KeptThumbnails  # noqa: PLC0415 - Pillow loads beside the window

        with self._lock:
            if self._disk is None:
                self._disk = KeptThumbnails(cache_folder() / THUMBNAILS)
            return self._disk

    @Slot()
    def _on_arrived(self) -> None:
        with self._lock:
            done, self._done = self._done, []
            self._wanted.difference_update(key for key, _, _ in done)
        for key, image, problem in done:
            if (before := self._kept.pop(key, None)) is not None:
                self._bytes -= _bytes_of(before)
            self._kept[key] = Thumbnail(QPixmap.fromImage(image) if problem is None else QPixmap(), problem)
            self._bytes += _bytes_of(self._kept[key])
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= _bytes_of(dropped)
        self._fresh.update(path for (path, _), _, _ in done)
        if not self._telling.isActive():
            self._telling.start()

    @Slot()
    def _on_telling(self) -> None:
        fresh, self._fresh = frozenset(self._fresh), set()
        self.loaded.emit(fresh)

    @property
    def size_bytes(self) -> int:
        """What the kept pictures take."""
        return self._bytes

    def forget(self) -> None:
        """Let go of every picture that is kept or waited for; what is shown is loaded again."""
        with self._lock:
            self._wanted.difference_update(self._waiting)
            self._waiting.clear()
        self._kept.clear()
        self._bytes = 0

    def let_go_of_disk(self) -> None:
        """Close the file of thumbnails, so that it can be removed; it is opened again when it is wanted."""
        if self._disk is not None:
            self._disk.close()

    @Slot()
    def close(self) -> None:
        """Forget what is waiting, and wait for the file that is being decoded."""
        with self._lock:
            self._waiting.clear()
            self._wanted.clear()
        self._pool.waitForDone()
        self.let_go_of_disk()


def _bytes_of(thumbnail: Thumbnail) -> int:
    return thumbnail.pixmap.width() * thumbnail.pixmap.height() * thumbnail.pixmap.depth() // 8


class _Loader(QRunnable):
    """One of those that decode."""

    def __init__(self, cache: ThumbnailCache) -> None:
        super().__init__()
        self._cache = cache

    def run(self) -> None:
        self._cache.load_all()


def shared_thumbnails() -> ThumbnailCache:
    """Return the program's one cache, made when it is first wanted, closed when the program ends."""
    app = QGuiApplication.instance()
    cache = app.findChild(ThumbnailCache)
    if cache is None:
        cache = ThumbnailCache(app)
        app.aboutToQuit.connect(cache.close)
    return cache
