"""What a data set is, in one short text: the same pictures in the same classes and order, wherever they lie."""

from __future__ import annotations

import hashlib
import os

from metastudio.images.decoding import read_file
from metastudio.images.image_index import ImageIndex


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the hash of a file's bytes.

    Raises:
        UnreadableImage: if it cannot be read.
    """
    return read_file(os.fspath(path))[1].sha256


def index_fingerprint(index: ImageIndex) -> str:
    """Return a hash over the names of the classes and the hashes of their files; folders and times do not matter.

    Equal fingerprints mean equal rows of the store, so that the same episodes are drawn.

    Raises:
        ValueError: if a file was not read yet, so that its hash is not known.
    """
    total = hashlib.sha256()
    for each in index.classes:
        total.update(each.name.encode("utf-8", "surrogateescape") + b"\0")
        for file in each.files:
            if not file.sha256:
                raise ValueError(f"a file of class '{each.name}' was not read yet: open the store first")
            total.update(bytes.fromhex(file.sha256))
        total.update(b"\n")
    return total.hexdigest()
