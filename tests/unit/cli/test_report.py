"""How events look in the terminal."""

from __future__ import annotations

import json

import pytest

from metastudio.cli import report as module
from metastudio.cli.report import Report
from metastudio.errors import DataError, Severity, problem
from metastudio.runs import events
from metastudio.runs.wording import percent

STARTED = events.Started(iteration=10, iterations=20, device="cpu", executor="one_by_one", threads=1, resumed=True)


def step(iteration: int) -> events.OuterStep:
    return events.OuterStep(
        iteration=iteration,
        loss=0.5,
        accuracy=0.25,
        gradient_norm=1,
        lr=0.1,
        tasks_per_s=40,
        memory_bytes=0,
        elapsed_s=1,
    )


VALIDATED = events.Validated(
    iteration=12,
    accuracy=0.9,
    ci95=0.012,
    accuracy_before=0.2,
    ci95_before=None,
    loss=1,
    episodes=100,
    is_best=True,
)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, set by hand."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("accuracy", "ci95", "text"),
    [(0.975, 0.0032, "97.5 % ± 0.3"), (1.0, 0.0, "100.0 % ± 0.0"), (0.5, None, "50.0 % ± n/a"), (None, None, "n/a")],
)
def test_an_accuracy_is_never_shown_without_its_interval(accuracy: float | None, ci95: float | None, text: str) -> None:
    assert percent(accuracy, ci95) == text


def test_plain_progress_comes_every_few_seconds_with_the_time_left(
    capsys: pytest.CaptureFixture[str], seconds: list[float]
) -> None:
    with Report() as report:
        report.event(STARTED)
        for iteration in range(11, 17):
            seconds[0] += 2
            report.event(step(iteration))
        report.event(VALIDATED)
        seconds[0] += 100
        report.event(step(17))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "Going on from iteration 10 of 20 on cpu (one_by_one, 1 threads, 0 parameters)",
        "training 11/20 loss 0.500, 40 tasks/s, 18 s left",
        "training 14/20 loss 0.500, 40 tasks/s, 12 s left",
        "iteration 12: validation 90.0 % ± 1.2 (before adaptation 20.0 % ± n/a), 100 episodes, the best so far",
        "training 17/20 loss 0.500, 40 tasks/s, validation 90.0 % ± 1.2, 48 s left",
    ]


def test_the_pace_tells_its_share_of_the_machine(capsys: pytest.CaptureFixture[str], seconds: list[float]) -> None:
    with Report() as report:
        report.event(STARTED)
        report.event(events.Capacity(task_flops=0.5e9, machine_flops=100e9))
        seconds[0] += 100
        report.event(step(12))
    assert "40 tasks/s, 20 GFLOP/s (20 % of the machine)," in capsys.readouterr().out


def test_a_terminal_gets_one_bar_at_a_time_and_is_left_clean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with Report() as report:
        report.progress("reading images", 3, 10)
        assert report._bars is not None
        assert [task.description for task in report._bars.tasks] == ["reading images"]
        report.event(STARTED)
        report.event(step(11))
        [bar] = report._bars.tasks
        assert (bar.description, bar.completed, bar.total) == ("training", 11, 20)
        report.progress("looking", 3, 0)
        assert [task.total for task in report._bars.tasks] == [None]
        report.event(events.Finished(outcome="finished", iteration=20, best_accuracy=0.9, best_ci95=0.01))
        assert report._bars.tasks == []
    assert "Finished at iteration 20; best validation 90.0 % ± 1.0" in capsys.readouterr().out


def test_as_json_nothing_but_json_lines_come(capsys: pytest.CaptureFixture[str]) -> None:
    with Report(as_json=True) as report:
        report.say("for people")
        report.event(STARTED)
        report.progress("x", 1, 2)
        report.counter("reading")(1, 2)
        report.problems([problem("odd", "Odd \udcff.", where="a\udcff", severity=Severity.WARNING)])
        report.tell(kind="run", path="/odd/\udcff")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["kind"] for each in lines] == ["started", "preparing", "problem", "run"]
    assert lines[3]["path"] == "/odd/\udcff"


def test_many_problems_are_cut_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    Report().problems([problem("odd", "Odd {n}.", n=number) for number in range(25)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "✗ Odd 0."
    assert lines[-1] == "… and 5 more."
    assert len(lines) == 21


@pytest.mark.parametrize("event", [VALIDATED, events.Adapted(target="t", losses=(1.5, 0.5), accuracy=0.5, queries=4)])
def test_judged_pictures_have_an_interval_too(event: events.Event, capsys: pytest.CaptureFixture[str]) -> None:
    Report().event(event)
    said = capsys.readouterr().out
    assert "±" in said or "2 of 4 queries right: 50.0 % (95 % interval 15.0 to 85.0 %)" in said


def test_an_error_becomes_an_event_with_its_problems() -> None:
    error = DataError("No {thing}.", thing="images", where="/x", todo="Add some.", problems=[problem("a", "First.")])
    event = events.failed(error)
    assert (event.code, event.what, event.where, event.why, event.todo, event.exit_code) == (
        "MS-300",
        "No images.",
        "/x",
        "First.",
        "Add some.",
        3,
    )
