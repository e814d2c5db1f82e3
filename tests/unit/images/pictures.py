"""Folders and pictures for the tests of this folder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

from PIL import Image


def make_files(root: Path, counts: Mapping[str, int], *, suffix: str = ".png") -> Path:
    """Make folders with that many files each; for scanning, what is in a file does not matter."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / folder / f"{number}{suffix}").write_bytes(b"not looked at")
    return root


def make_pictures(root: Path, counts: Mapping[str, int], *, side: int = 12) -> Path:
    """Make folders with that many pictures each, every one of another grey."""
    level = 0
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            level += 1
            Image.new("L", (side, side), level % 251).save(root / folder / f"{number}.png")
    return root


def png_header(width: int, height: int) -> bytes:
    """Return a PNG whose header promises that size and whose body holds almost nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body
