"""The events of a run on disk."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from metastudio.runs.event_log import EventLog, read_events
from metastudio.runs.events import CheckpointSaved, InnerTrace, Notice, Validated, to_line

EVENTS = (
    Notice(code="ü", text='line\nbreak "and" quotes'),
    InnerTrace(iteration=1, task=0, support_losses=(1.0, float("nan")), query_losses=(float("inf"),)),
    Validated(iteration=2**40, accuracy=0.5, ci95=None, loss=1.0, episodes=1, is_best=True),
    CheckpointSaved(iteration=5, path="/odd/\udcff"),
)


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    with EventLog(tmp_path / "events") as log:
        for each in EVENTS:
            log.append(each)
    events, offset, torn = read_events(tmp_path / "events")
    assert [to_line(each) for each in events] == [to_line(each) for each in EVENTS]
    assert offset == (tmp_path / "events").stat().st_size
    assert torn == 0


def test_an_event_is_on_its_way_before_append_returns(tmp_path: Path) -> None:
    with EventLog(tmp_path / "events") as log:
        log.append(EVENTS[0])
        assert read_events(tmp_path / "events")[0] == EVENTS[:1]


def test_a_missing_log_has_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events", 7) == ((), 7, 0)


def test_a_torn_last_line_is_counted_and_read_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "events"
    line = to_line(EVENTS[0]).encode() + b"\n"
    path.write_bytes(line + line[:20])
    assert read_events(path) == (EVENTS[:1], len(line), 1)
    path.write_bytes(line + line)
    assert read_events(path, len(line)) == (EVENTS[:1], 2 * len(line), 0)


def test_a_new_worker_closes_the_line_that_a_dead_one_tore(tmp_path: Path) -> None:
    path = tmp_path / "events"
    line = to_line(EVENTS[0]).encode() + b"\n"
    path.write_bytes(line + line[:20])
    with EventLog(path) as log:
        log.append(EVENTS[1])
    events, offset, torn = read_events(path)
    assert [each.kind for each in events] == ["notice", "inner_trace"]
    assert (offset, torn) == (path.stat().st_size, 1)


def test_nothing_is_written_where_nothing_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(to_line(EVENTS[0]).encode() + b"\n")
    before = path.read_bytes()
    EventLog(path).close()
    assert path.read_bytes() == before


def test_a_block_of_nuls_and_unknown_kinds_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "events"
    line = to_line(EVENTS[0]).encode() + b"\n"
    path.write_bytes(line + b"\0" * 4096 + b"\n" + b'{"kind": "from-the-future", "x": 1}\n' + line + b"\0" * 100)
    events, offset, torn = read_events(path)
    assert events == (EVENTS[0], EVENTS[0])
    assert torn == 3
    assert offset == path.stat().st_size - 100


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_bytes_whatsoever_stop_a_reader(tmp_path_factory: object, content: bytes, cut: int) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "any-events"  # type: ignore[attr-defined]
    line = to_line(EVENTS[0]).encode() + b"\n"
    path.write_bytes(line + content[:cut] + b"\n" + line)
    events, offset, _ = read_events(path)
    assert events[0] == events[-1] == EVENTS[0]
    assert offset == path.stat().st_size


@given(st.lists(st.integers(1, 40), max_size=40))
def test_reading_bit_by_bit_gives_the_same_as_reading_at_once(tmp_path_factory: object, steps: list[int]) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "growing-events"  # type: ignore[attr-defined]
    whole = b"".join(to_line(each).encode() + b"\n" for each in EVENTS)
    offset, found = 0, []
    for end in [*steps_to(steps, len(whole)), len(whole)]:
        path.write_bytes(whole[:end])
        events, offset, _ = read_events(path, offset)
        found += events
    assert [to_line(each) for each in found] == [to_line(each) for each in EVENTS]


def steps_to(steps: list[int], length: int) -> list[int]:
    ends, end = [], 0
    for step in steps:
        end = min(length, end + step * 7)
        ends.append(end)
    return ends
