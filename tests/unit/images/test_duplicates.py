from __future__ import annotations

from metastudio.catalog.data_spec import Layout, Part
from metastudio.images.duplicates import duplicates
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex


def index(**classes: dict[str, str]) -> ImageIndex:
    """An index from {class: {path: content}}."""
    made = [
        ImageClass(name, tuple(ImageFile(path, 1, 1, content) for path, content in files.items()))
        for name, files in classes.items()
    ]
    return ImageIndex(("/d",), Layout.CLASS_FOLDERS, tuple(made))


def test_different_pictures_are_no_problem() -> None:
    assert duplicates(index(mug={"/m1": "a", "/m2": "b"}, cup={"/c1": "c"})) == ()


def test_a_picture_twice_in_a_class_names_both_files() -> None:
    (found,) = duplicates(index(mug={"/m1": "a", "/m2": "a", "/m3": "a"}, cup={"/c1": "c"}))

    assert (found.code, found.where, found.message.fields["other"]) == ("duplicate-in-class", "/m1", "/m2")
    assert found.message.fields["count"] == 3
    assert found.others == ("/m2", "/m3")


def test_a_picture_in_two_classes_names_both_files() -> None:
    (found,) = duplicates(index(mug={"/m1": "a"}, cup={"/c1": "a"}))

    assert (found.code, found.where, found.message.fields["other"]) == ("duplicate-across-classes", "/m1", "/c1")


def test_a_picture_in_two_parts_is_a_leak() -> None:
    parts = {"mug": Part.META_TRAIN, "cup": Part.META_TEST}

    (found,) = duplicates(index(mug={"/m1": "a"}, cup={"/c1": "a"}), parts)

    assert (found.code, found.where, found.message.fields["other"]) == ("duplicate-across-parts", "/m1", "/c1")
    assert "meta-train and meta-test" in str(found)


def test_files_that_were_not_read_are_not_compared() -> None:
    assert duplicates(index(mug={"/m1": "", "/m2": ""})) == ()
