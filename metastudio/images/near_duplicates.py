"""Pictures that look the same though their bytes differ: scaled, saved again, a little brighter.

Perceptual hashes find candidates, the pixels decide. The hash alone does not do: drawn characters on white are nearly
empty, and thousands of different ones are within six bits (decision 0050 has the numbers).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from metastudio.images.image_store import ImageStore
from metastudio.images.problems import Cancelled

MOST_BITS = 6
"""Hashes that differ in more bits are of different pictures; `close_pairs` relies on it being 6 at most."""
LEAST_CORRELATION = 0.97
"""Pictures whose pixels, each picture's mean taken off, correlate less are different."""
_LEAST_CONTRAST = 4.0
"""Grey levels: below this standard deviation a picture is of one colour, and looks like every other such one."""
_BYTES = 8
_BLOCK_PAIRS = 4096


def near_duplicates(
    store: ImageStore,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[tuple[str, ...], ...]:
    """Return groups of files that look the same, in the order of the store; the first is what the others look like.

    Copies byte by byte are no matter of this module: only the first of them is compared.

    Raises:
        Cancelled: if `should_stop` says so.
    """
    stops = should_stop or (lambda: False)
    files = [file for each in store.index.classes for file in each.files]
    _, distinct = np.unique([file.sha256 for file in files], return_index=True)
    rows = np.sort(distinct)
    rows = rows[_has_contrast(store.images, rows, stops)]
    hashes, first, of_hash = np.unique(store.perceptual_hashes[rows], return_index=True, return_inverse=True)
    same_hash = np.stack([first[of_hash], np.arange(len(rows))], axis=1)
    accepted = [_alike(store.images, rows[same_hash[same_hash[:, 0] != same_hash[:, 1]]], stops)]
    for pairs in close_pairs(hashes, on_progress=on_progress, should_stop=stops):
        accepted.append(_alike(store.images, rows[first[pairs]], stops))
    return tuple(tuple(files[row].path for row in group) for group in _groups(np.concatenate(accepted)))


def close_pairs(
    hashes: NDArray[np.uint64],
    *,
    most_bits: int = MOST_BITS,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[NDArray[np.int64]]:
    """Yield the pairs of hashes (n,) that differ in few bits, as positions (p, 2), every pair once.

    Not all pairs are compared: six bits spoil at most six of eight bytes, so only hashes that share two bytes can be
    close. For each two bytes the hashes are sorted by them, and compared with those that follow as long as these agree.

    Raises:
        ValueError: if `most_bits` is above 6.
        Cancelled: if `should_stop` says so.
    """
    if most_bits > _BYTES - 2:
        raise ValueError(f"hashes {most_bits} bits apart may share less than two bytes")
    mixed = _mixed_bytes(hashes)
    choices = list(itertools.combinations(range(_BYTES), 2))
    for done, (one, two) in enumerate(choices):
        if on_progress is not None:
            on_progress(done, len(choices))
        keys = mixed[:, one].astype(np.uint16) << 8 | mixed[:, two]
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        earlier = np.arange(len(keys))
        for step in range(1, len(keys)):
            earlier = earlier[earlier + step < len(keys)]
            earlier = earlier[keys[earlier] == keys[earlier + step]]
            if not earlier.size:
                break
            if should_stop():
                raise Cancelled
            left, right = order[earlier], order[earlier + step]
            is_close = np.bitwise_count(hashes[left] ^ hashes[right]) <= most_bits
            left, right = left[is_close], right[is_close]
            agrees = mixed[left] == mixed[right]
            is_new = agrees[:, : two + 1].sum(axis=1) == 2  # else an earlier choice of bytes had them
            if is_new.any():
                yield np.stack([left[is_new], right[is_new]], axis=1)


def _mixed_bytes(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the bits of hashes (n,) as bytes (n, 8), each with a bit of every row and column of the picture.

    Whole rows would not do: the margins of drawings are empty, and thousands would share them.
    """
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, _BYTES), axis=1).reshape(-1, _BYTES, _BYTES)
    row = np.arange(_BYTES)
    diagonal = (row[:, None] + row[None, :]) % _BYTES
    return np.packbits(bits[:, row[:, None], diagonal], axis=1).reshape(-1, _BYTES)


def _has_contrast(images: NDArray[np.uint8], rows: NDArray[np.int64], stops: Callable[[], bool]) -> NDArray[np.bool_]:
    """Return for each of the rows (n,) whether its picture shows anything."""
    shows = np.empty(len(rows), bool)
    for begin in range(0, len(rows), _BLOCK_PAIRS):
        if stops():
            raise Cancelled
        block = images[rows[begin : begin + _BLOCK_PAIRS]]
        shows[begin : begin + _BLOCK_PAIRS] = (
            block.reshape(len(block), -1).std(axis=1, dtype=np.float32) >= _LEAST_CONTRAST
        )
    return shows


def _alike(images: NDArray[np.uint8], pairs: NDArray[np.int64], stops: Callable[[], bool]) -> NDArray[np.int64]:
    """Return those of the pairs of rows (p, 2) whose pictures correlate, the earlier row first."""
    kept = [np.empty((0, 2), np.int64)]
    for begin in range(0, len(pairs), _BLOCK_PAIRS):
        if stops():
            raise Cancelled
        block = np.sort(pairs[begin : begin + _BLOCK_PAIRS], axis=1)
        left, right = (_normalised(images[block[:, side]]) for side in (0, 1))
        kept.append(block[np.einsum("pd,pd->p", left, right) >= LEAST_CORRELATION])
    return np.concatenate(kept)


def _normalised(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pictures (p, H, W, C) as vectors (p, H*W*C) of length 1 and mean 0."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return flat


def _groups(pairs: NDArray[np.int64]) -> list[list[int]]:
    """Bring pairs of rows (p, 2) together: every row is listed once, behind the earliest that it looks like.

    So no group wanders from picture to picture, as the frames of a film would let it.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    listed: set[int] = set()
    for earlier, row in sorted(map(tuple, pairs.tolist())):
        if row not in listed:
            groups[earlier].append(row)
            listed.add(row)
    return [[earlier, *rows] for earlier, rows in groups.items()]
