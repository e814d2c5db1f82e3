"""Whether the pictures are still those that a run was made with."""

from __future__ import annotations

from metastudio.errors import DataError
from metastudio.images.image_folder import ImageIndex
from metastudio.images.image_store import ImageStore


def require_same_pictures(index: ImageIndex, store: ImageStore) -> None:
    """Compare what was read into `store` with the hashes of the run's snapshot, as far as it has any yet.

    Raises:
        DataError: if pictures are gone or have changed.
    """
    known = {each.path: each.sha256 for cls in index.classes for each in cls.files if each.sha256}
    read = {each.path: each.sha256 for cls in store.index.classes for each in cls.files}
    lost = [path for path, sha256 in known.items() if read.get(path) != sha256]
    if lost:
        raise DataError(
            "{count} of the pictures that this run was made with are gone or have changed.",
            one="1 of the pictures that this run was made with is gone or has changed.",
            count=len(lost),
            where=lost[0],
            todo="Put the old pictures back and try again, or start a new run with the new ones.",
        )
