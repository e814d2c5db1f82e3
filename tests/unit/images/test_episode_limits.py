from __future__ import annotations

from metastudio.catalog.data_spec import Layout, Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.errors import Problem, Severity
from metastudio.images.episode_limits import Feasible, feasible, limits, too_small
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex

TRAIN, VAL, TEST = Part
SPEC = EpisodeSpec(n_way=2, n_shot=1, n_query=15)


def index(**sizes: int) -> ImageIndex:
    classes = [
        ImageClass(name, tuple(ImageFile(f"/{name}/{n}", 1, 1) for n in range(size))) for name, size in sizes.items()
    ]
    return ImageIndex(("/d",), Layout.CLASS_FOLDERS, tuple(classes))


def split(train: str, val: str = "", test: str = "") -> dict[str, Part]:
    named = {TRAIN: train, VAL: val, TEST: test}
    return {name: part for part, names in named.items() for name in names.split()}


def limits_of(
    images: ImageIndex, parts: dict[str, Part], spec: EpisodeSpec, *, rotations_as_classes: bool = False
) -> tuple[Problem, ...]:
    """Return what stands against the episodes of any part."""
    shapes = {TRAIN: spec.for_training(), VAL: spec.for_test(), TEST: spec.for_test()}
    return tuple(
        each
        for part, shape in shapes.items()
        for each in limits(images, parts, part, shape, rotations_as_classes=rotations_as_classes)
    )


ENOUGH = index(a=20, b=20, c=20, d=20, e=20, f=16)


def test_enough_of_everything_is_no_problem() -> None:
    assert limits_of(ENOUGH, split("a b", "c d", "e f"), SPEC) == ()


def test_too_few_images_name_the_class_and_what_to_change() -> None:
    sizes = index(acer=10, b=12, c=20, d=20, e=20, f=20)

    (found,) = limits_of(sizes, split("acer b", "c d", "e f"), SPEC)

    assert (found.code, found.where, found.severity) == ("too-few-images", "acer", Severity.ERROR)
    assert str(found) == (
        "acer: Class 'acer' has 10 images, an episode takes 1 + 15 of each class. So it is with 1 others of "
        "meta-train. Lower the queries to 9, or leave it out."
    )


def test_a_class_with_fewer_images_than_shots_asks_for_fewer_shots() -> None:
    spec = EpisodeSpec(n_way=2, n_shot=5, n_query=1)

    (found,) = limits_of(index(a=5, b=9, c=9, d=9, e=9, f=9), split("a b", "c d", "e f"), spec)

    assert str(found).endswith("Lower the shots, or leave it out.")


def test_too_few_classes_say_how_many_there_are() -> None:
    spec = EpisodeSpec(n_way=3, n_shot=1, n_query=1)

    found = limits_of(ENOUGH, split("a b c", "d e", "f"), spec)

    assert [(each.code, each.message.fields["part"], each.severity) for each in found] == [
        ("too-few-classes", "meta-val", Severity.ERROR),
        ("too-few-classes", "meta-test", Severity.WARNING),
    ]
    assert "Lower the ways to 2" in str(found[0])
    assert "Lower the ways" not in str(found[1])


def test_training_may_have_another_shape_than_the_test() -> None:
    spec = EpisodeSpec(n_way=2, n_shot=1, n_query=15, train_n_way=5, train_n_query=3)
    parts = split("a b", "c d", "e f")

    assert [each.where for each in limits_of(ENOUGH, parts, spec)] == ["episodes.train_n_way"]
    assert limits_of(ENOUGH, parts, spec, rotations_as_classes=True) == ()


def test_a_part_without_classes_is_an_error_only_for_training() -> None:
    found = limits_of(ENOUGH, split("", "a b", ""), SPEC)

    assert [(each.code, each.message.fields["part"], each.severity) for each in found] == [
        ("no-classes", "meta-train", Severity.ERROR),
        ("no-classes", "meta-test", Severity.WARNING),
    ]


def test_what_is_feasible_names_the_class_that_limits_it() -> None:
    parts = split("a f", "c", "d")

    assert feasible(ENOUGH, parts, TRAIN) == Feasible(2, 16, "f")
    assert feasible(ENOUGH, parts, TRAIN, rotations_as_classes=True) == Feasible(8, 16, "f")
    assert feasible(ENOUGH, parts, VAL, rotations_as_classes=True) == Feasible(1, 20, "c")
    assert feasible(ENOUGH, {}, VAL) == Feasible(0, 0, "")


def test_the_classes_to_leave_out_are_those_below_k_plus_q() -> None:
    assert too_small(index(a=15, b=16, c=3), split("a b c"), TRAIN, SPEC) == ("a", "c")
