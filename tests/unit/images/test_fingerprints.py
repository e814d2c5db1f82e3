from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from metastudio.catalog.data_spec import Layout
from metastudio.images.fingerprints import index_fingerprint, sha256_of
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex
from metastudio.images.problems import UnreadableImage

A, B = "a" * 64, "b" * 64


def index(**classes: tuple[str, ...]) -> ImageIndex:
    made = [
        ImageClass(name, tuple(ImageFile(f"/{name}/{number}", 1, 1, digest) for number, digest in enumerate(digests)))
        for name, digests in classes.items()
    ]
    return ImageIndex(("/d",), Layout.CLASS_FOLDERS, tuple(made))


def test_the_hash_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"abc")

    assert sha256_of(tmp_path / "a.png") == hashlib.sha256(b"abc").hexdigest()


def test_a_file_that_cannot_be_read_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="no longer there"):
        sha256_of(tmp_path / "gone.png")


def test_the_fingerprint_changes_with_classes_content_and_order_alone() -> None:
    first = index(mug=(A, B), cup=(A,))
    fingerprint = index_fingerprint(first)
    elsewhere = ImageIndex.from_json(json.loads(json.dumps(first.to_json()).replace("/mug/", "/elsewhere/")))

    assert index_fingerprint(elsewhere) == fingerprint
    others = [
        index(mug=(B, A), cup=(A,)),
        index(mug=(A,), cup=(A, B)),
        index(mug=(A, B), pot=(A,)),
        index(mug=(A, B), cup=(B,)),
        index(mug=(A, B)),
    ]
    assert fingerprint not in {index_fingerprint(each) for each in others}
    assert len({index_fingerprint(each) for each in others}) == len(others)


def test_a_name_that_is_no_text_has_a_fingerprint() -> None:
    assert index_fingerprint(index(**{"caf\udce9": (A,)})) != index_fingerprint(index(**{"café": (A,)}))


def test_there_is_no_fingerprint_before_the_files_were_read() -> None:
    with pytest.raises(ValueError, match="class 'mug' was not read yet"):
        index_fingerprint(index(mug=("",)))
