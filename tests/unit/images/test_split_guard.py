"""What leaks between parts beyond single pictures: groups that are divided, classes of one content."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from metastudio.catalog.data_spec import Layout, Part, RandomSplit
from metastudio.errors import Severity
from metastudio.images.class_split import split_classes
from metastudio.images.image_index import ImageClass, ImageFile, ImageIndex, group_of
from metastudio.images.split_guard import divided_groups, group_problems, same_content_problems

TRAIN, VAL, TEST = Part


def index(pictures: dict[str, list[str]]) -> ImageIndex:
    """Return classes of pictures, each named by its content."""
    classes = [
        ImageClass(
            name,
            tuple(ImageFile(f"/d/{name}/{number}.png", 1, 1, content) for number, content in enumerate(contents)),
            group=group_of(name),
        )
        for name, contents in pictures.items()
    ]
    return ImageIndex(("/d",), Layout.NESTED, tuple(classes))


def test_a_group_whose_classes_lie_in_several_parts_is_a_note() -> None:
    parts = {"Greek/a": TRAIN, "Greek/b": TRAIN, "Greek/c": TEST, "Latin/a": VAL, "mug": TRAIN}

    assert divided_groups(parts) == {"Greek": {TRAIN: 2, TEST: 1}}
    (note,) = group_problems(parts)
    assert (note.severity, note.where, note.others) == (Severity.NOTE, "Greek", ())
    assert str(note.message) == "The classes of Greek lie in several parts of the split."
    (both,) = group_problems({**parts, "Latin/b": TRAIN})
    assert str(both.message) == "The classes of 2 groups lie in several parts of the split: Greek, Latin."
    assert both.others == ("Latin",)


def test_whole_groups_and_classes_without_one_are_no_note() -> None:
    assert group_problems({"Greek/a": TRAIN, "Greek/b": TRAIN, "mug": TEST, "cup": TRAIN}) == ()


_names = st.lists(
    st.tuples(st.sampled_from(["", "A/", "B/", "C/x/", "C/y/"]), st.integers(0, 40)).map(
        lambda each: f"{each[0]}{each[1]}"
    ),
    min_size=1,
    max_size=60,
    unique=True,
)


@settings(deadline=None)
@given(
    names=_names,
    seed=st.integers(0, 2**32),
    weights=st.tuples(st.integers(1, 100), st.integers(0, 100), st.integers(0, 100)),
)
def test_a_split_in_whole_groups_divides_none_and_deals_every_class(
    names: list[str], seed: int, weights: tuple[int, int, int]
) -> None:
    shares = dict(zip(Part, (weight / sum(weights) for weight in weights), strict=True))
    split = RandomSplit(
        meta_train=shares[TRAIN], meta_val=shares[VAL], meta_test=shares[TEST], seed=seed, whole_groups=True
    )
    classes = index({name: ["x"] for name in names})

    parts = split_classes(classes, split)

    assert list(parts) == names
    assert divided_groups(parts) == {}
    groups = Counter(group_of(name) or name for name in names)
    wanted = [part for part in Part if shares[part] > 0]
    assert set(parts.values()) <= set(wanted)
    if len(groups) >= len(wanted):
        assert set(parts.values()) == set(wanted), "no part goes without"
    assert split_classes(index({name: ["x"] for name in reversed(names)}), split) == parts, "whatever the order"


def test_groups_of_one_size_are_dealt_close_to_the_shares() -> None:
    classes = index({f"{group}/{number}": ["x"] for group in range(50) for number in range(10)})

    counts = Counter(split_classes(classes, RandomSplit(whole_groups=True)).values())

    assert counts == {TRAIN: 320, VAL: 80, TEST: 100}


def test_two_classes_of_one_content_in_two_parts_are_a_warning() -> None:
    classes = index({"a": ["1", "2", "3", "4"], "b": ["1", "2", "9"], "c": ["5"]})

    (found,) = same_content_problems(classes, classes.classes, {"a": TRAIN, "b": TEST, "c": VAL})

    assert found.severity is Severity.WARNING
    assert str(found.message) == "Classes 'a' of meta-train and 'b' of meta-test show the same: 2 of 3 pictures."
    assert (found.where, found.others) == ("/d/a/0.png", ("/d/b/0.png",))


def test_few_shared_pictures_one_part_or_no_part_are_no_such_warning() -> None:
    few = index({"a": ["1", "2", "3", "4"], "b": ["1", "6", "7", "8"]})
    same = index({"a": ["1", "2"], "b": ["1", "2"]})

    assert same_content_problems(few, few.classes, {"a": TRAIN, "b": TEST}) == ()
    assert same_content_problems(same, same.classes, {"a": TRAIN, "b": TRAIN}) == ()
    assert same_content_problems(same, same.classes, {"a": TRAIN}) == ()


def test_pictures_that_only_look_alike_count_and_none_counts_twice() -> None:
    classes = index({"a": ["1", "2"], "b": ["1", "3"]})
    alike = [("/d/a/0.png", "/d/b/0.png"), ("/d/a/1.png", "/d/b/1.png")]

    (found,) = same_content_problems(classes, classes.classes, {"a": TRAIN, "b": TEST}, alike)

    assert "2 of 2 pictures" in str(found.message)


def test_one_picture_that_is_in_every_class_is_no_content_of_theirs() -> None:
    many = index({f"c{number:02}": ["blank", "blank2"] for number in range(30)})
    parts = {each.name: TRAIN if number % 2 else TEST for number, each in enumerate(many.classes)}

    assert same_content_problems(many, many.classes, parts) == ()
