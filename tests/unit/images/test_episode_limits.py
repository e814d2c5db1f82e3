from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastudio.catalog.data_spec import Layout, Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.errors import DataError, Problem, Severity
from metastudio.images.episode_draw import draw_episode
from metastudio.images.episode_limits import Feasible, Fit, feasible, limits, too_small
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

    def found(part: Part, **options: bool) -> tuple[int, int, str]:
        each = feasible(ENOUGH, parts, part, **options)
        return each.n_way, each.n_images, each.limiting_class

    assert found(TRAIN) == (2, 16, "f")
    assert found(TRAIN, rotations_as_classes=True) == (8, 16, "f")
    assert found(VAL, rotations_as_classes=True) == (1, 20, "c")
    assert feasible(ENOUGH, {}, VAL) == Feasible()
    assert (Feasible().n_way, Feasible().n_images, Feasible().limiting_class) == (0, 0, "")


def can_be_drawn(sizes: list[int], turns: int, n_way: int, needed: int) -> bool:
    """Say whether any N of the (turned) classes have the images, by counting them one by one."""
    ways = [size for size in sizes for _ in range(turns)]
    return sum(size >= needed for size in ways) >= n_way


@given(
    sizes=st.lists(st.integers(1, 12), max_size=8),
    turns=st.sampled_from((1, 4)),
    n_way=st.integers(2, 12),
    n_shot=st.integers(1, 8),
    n_query=st.integers(1, 8),
)
def test_the_region_is_what_a_count_by_hand_finds(
    sizes: list[int], turns: int, n_way: int, n_shot: int, n_query: int
) -> None:
    images = index(**{f"c{number}": size for number, size in enumerate(sizes)})
    region = feasible(images, {each.name: TRAIN for each in images.classes}, TRAIN, rotations_as_classes=turns == 4)
    needed = n_shot + n_query
    every_class_has_them = all(size >= needed for size in sizes)
    if not can_be_drawn(sizes, turns, n_way, needed):
        expected = Fit.NEVER
    else:
        expected = Fit.ALWAYS if every_class_has_them else Fit.WITHOUT_SMALL_CLASSES
    assert region.fit(n_way, n_shot, n_query) is expected
    assert region.count_below(needed) == sum(size < needed for size in sizes)
    assert region.ways_with(needed) == turns * sum(size >= needed for size in sizes)
    most = max((total for total in range(1, 14) if can_be_drawn(sizes, turns, n_way, total)), default=0)
    assert region.most_images(n_way) == most


@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=6), number=st.integers(0, 20), data=st.data())
def test_what_always_fits_can_be_drawn_and_what_never_fits_cannot(
    sizes: list[int], number: int, data: st.DataObject
) -> None:
    n_way, n_shot = data.draw(st.integers(2, 7)), data.draw(st.integers(1, 5))
    n_query = data.draw(st.integers(1, 5))
    fit = Feasible(tuple(sorted(sizes)), tuple(map(str, range(len(sizes))))).fit(n_way, n_shot, n_query)
    try:
        draw_episode(sizes, n_way, n_shot, n_query, seed=0, part=TRAIN, number=number)
    except DataError:
        assert fit is not Fit.ALWAYS
    else:
        assert fit is not Fit.NEVER


def test_the_classes_to_leave_out_are_those_below_k_plus_q() -> None:
    assert too_small(index(a=15, b=16, c=3), split("a b c"), TRAIN, SPEC) == ("a", "c")
