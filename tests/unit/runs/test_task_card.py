"""Task cards: what is written is read again, anything else is refused in words, and nothing in one is trusted."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from unit.images.pictures import make_pictures

from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.errors import DataError
from metastudio.images.fingerprints import sha256_of
from metastudio.images.problems import Cancelled
from metastudio.runs.task_card import MOST_BYTES, MOST_PICTURES, ReadCard, card_of, open_card, parse_card, save_card


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> TargetTask:
    folder = make_pictures(tmp_path_factory.mktemp("images"), {"mug": 3, "cup": 2, "who": 1}, side=90)
    mug, cup, who = (tuple(str(path) for path in sorted((folder / name).iterdir())) for name in ("mug", "cup", "who"))
    classes = (TargetClass(name="mug", support=mug[:2], query=mug[2:]), TargetClass(name="☕ שלום", support=cup))
    return TargetTask(name="My cups", classes=classes, unlabelled=who)


@pytest.fixture(scope="module")
def card(task: TargetTask) -> bytes:
    return card_of(task)[0]


def rezipped(card: bytes, **changes: bytes | None) -> bytes:
    """Return the card with entries changed, added, or left out; `text` is the task, others are by their names."""
    with zipfile.ZipFile(io.BytesIO(card)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries |= {"task.json" if name == "text" else name: content for name, content in changes.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            if content is not None:
                archive.writestr(name, content)
    return buffer.getvalue()


def with_values(card: bytes, **values: object) -> bytes:
    with zipfile.ZipFile(io.BytesIO(card)) as archive:
        text = json.loads(archive.read("task.json"))
    return rezipped(card, text=json.dumps(text | values).encode())


def refusal(content: bytes) -> str:
    with pytest.raises(DataError) as refused:
        parse_card(content)
    return str(refused.value)


def test_what_is_written_is_read_again_without_any_path(task: TargetTask, card: bytes, tmp_path: Path) -> None:
    assert save_card(task, tmp_path / "my.taskcard") == ()
    read = open_card(tmp_path / "my.taskcard")
    files = [path for each in task.classes for path in (*each.support, *each.query)] + list(task.unlabelled)
    hashes = {sha256_of(path): path for path in files}
    assert read.card.task(hashes) == task
    assert read.thumbnails.keys() == hashes.keys()
    assert all(max(pixels.shape[:2]) <= 64 and pixels.shape[2] == 3 for pixels in read.thumbnails.values())
    assert str(Path(files[0]).parent).encode() not in card
    assert (tmp_path / "my.taskcard").stat().st_size < 20_000


def test_the_same_task_gives_the_same_card(task: TargetTask, card: bytes) -> None:
    assert card_of(task)[0] == card


def test_what_is_not_found_is_left_out_of_the_task(task: TargetTask, card: bytes) -> None:
    found = parse_card(card).card.task({})
    assert [(each.name, each.support, each.query) for each in found.classes] == [
        ("mug", (), ()),
        ("☕ שלום", (), ()),
    ]


def test_an_unreadable_picture_is_left_out_with_its_reason(task: TargetTask, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"<html>")
    worse = task.model_copy(update={"unlabelled": (str(bad), str(tmp_path / "gone.png"))})
    content, problems = card_of(worse)
    assert [each.where for each in problems] == [str(bad), str(tmp_path / "gone.png")]
    assert parse_card(content).card.unlabelled == ()
    with pytest.raises(DataError, match="No picture"):
        card_of(TargetTask(name="x", unlabelled=(str(bad),)))


def test_a_copy_of_a_picture_is_in_the_card_once(task: TargetTask, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(task.classes[0].support[0]).read_bytes())
    doubled = task.model_copy(update={"unlabelled": (str(copy),)})
    content, problems = card_of(doubled)
    assert parse_card(content).card.unlabelled == ()
    assert [(each.code, each.where) for each in problems] == [("picture-twice", str(copy))]


def test_too_many_pictures_are_refused_before_one_is_read() -> None:
    paths = tuple(f"/nowhere/{number}.png" for number in range(MOST_PICTURES + 1))
    with pytest.raises(DataError, match=f"at most {MOST_PICTURES}"):
        card_of(TargetTask(name="x", unlabelled=paths))


def test_making_a_card_can_be_cancelled(task: TargetTask, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with pytest.raises(Cancelled):
        save_card(
            task,
            tmp_path / "x.taskcard",
            on_progress=lambda done, total: told.append((done, total)),
            should_stop=lambda: len(told) == 2,
        )
    assert told == [(1, 6), (2, 6)]
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_belong_in_a_card_is_refused_by_name(card: bytes) -> None:
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 64)).save(jpeg, "JPEG")
    assert "'../evil.jpg'" in refusal(rezipped(card, **{"../evil.jpg": b"x"}))
    assert "thumbnail of no picture" in refusal(rezipped(card, **{f"thumbnails/{'0' * 64}.jpg": jpeg.getvalue()}))
    assert "no task.json" in refusal(rezipped(card, text=None))


def test_limits_hold_before_anything_is_unpacked(card: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(card)) as archive:
        name = next(each for each in archive.namelist() if each.startswith("thumbnails/"))
    assert "too big" in refusal(rezipped(card, text=b" " * 50_000_000))
    assert "too big" in refusal(rezipped(card, **{name: b"\xff\xd8\xff" + b"0" * 10_000_000}))
    assert "entries" in refusal(rezipped(card, **{f"{number}": b"" for number in range(MOST_PICTURES + 9)}))
    assert "larger than" in refusal(b"x" * (MOST_BYTES + 1))
    large = tmp_path / "large.taskcard"
    with large.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(DataError, match="larger than"):
        open_card(large)
    assert refusal(rezipped(card, text=b"[" * 100_000))


def test_a_thumbnail_is_a_small_jpeg_and_nothing_else(card: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(card)) as archive:
        name = next(each for each in archive.namelist() if each.startswith("thumbnails/"))
    for size, kind, reason in (((64, 64), "PNG", "no JPEG"), ((3000, 3000), "JPEG", "too large")):
        buffer = io.BytesIO()
        Image.new("L", size).save(buffer, kind)
        assert reason in refusal(rezipped(card, **{name: buffer.getvalue()[:31_000]}))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"version": 2}, "newer MetaStudio"),
        ({"kind": "something"}, "kind"),
        ({"command": "rm"}, "command"),
        ({"name": ""}, "name"),
        ({"classes": [{"name": "a"}, {"name": "a"}]}, "same name"),
        ({"unlabelled": [{"sha256": "../../etc", "size_bytes": 1, "name": "x"}]}, "sha256"),
        ({"unlabelled": [{"sha256": "0" * 64, "size_bytes": -1, "name": "x"}]}, "size_bytes"),
        ({"unlabelled": [{"sha256": "0" * 64, "size_bytes": 1, "name": "x"}] * 2}, "twice"),
    ],
)
def test_wrong_values_are_named(card: bytes, values: dict[str, object], reason: str) -> None:
    assert reason in refusal(with_values(card, **values))


def read_or_refused(content: bytes) -> ReadCard | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return parse_card(content)
        except DataError:
            return None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_card_or_an_error_in_words(content: bytes) -> None:
    assert read_or_refused(content) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_card_with_altered_bytes_is_a_card_or_an_error_in_words(card: bytes, data: st.DataObject) -> None:
    altered = bytearray(card)
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(card) - 1))] = data.draw(st.integers(0, 255))
    first = data.draw(st.integers(0, 20))
    last = data.draw(st.integers(len(card) - 200, len(card)))
    read_or_refused(bytes(altered[first:last]))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("name", "classes", "x")), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(("kind", "version", "name", "classes", "unlabelled")), _VALUES))
def test_any_task_in_a_card_is_taken_or_refused_in_words(card: bytes, values: dict[str, object]) -> None:
    read_or_refused(with_values(card, **values))
