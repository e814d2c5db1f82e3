"""The one-page report: what it says, what it survives, and that nothing in it is fetched or executed."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from waiting_runs import make_glyphs, tiny_experiment, waiting_run

from metastudio.catalog.experiment import ExperimentConfig, TargetClass, TargetTask
from metastudio.runs.event_log import EventLog
from metastudio.runs.events import Adapted, Evaluated, Event, Notice, OuterStep, Started, Validated
from metastudio.runs.report.chart import Series, chart
from metastudio.runs.report.curves import Point, read_story, thinned
from metastudio.runs.report.page import report_html, write_report
from metastudio.runs.run_folder import Notes, RunFolder

EVIL = "<script>alert('x')</script>"


def step(iteration: int, loss: float, *, before: float | None = None) -> OuterStep:
    return OuterStep(
        iteration=iteration,
        loss=loss,
        accuracy=0.5,
        accuracy_before=before,
        gradient_norm=1.0,
        lr=0.001,
        tasks_per_s=10.0,
        memory_bytes=1,
        elapsed_s=1.0,
    )


def validated(iteration: int, accuracy: float) -> Validated:
    return Validated(iteration=iteration, accuracy=accuracy, ci95=0.01, loss=1.0, episodes=60, is_best=True)


def started(iteration: int) -> Started:
    return Started(iteration=iteration, iterations=100, device="cpu", executor="loop", threads=1, resumed=iteration > 0)


def tell(run: RunFolder, *events: Event) -> None:
    with EventLog(run.events_path) as log:
        for each in events:
            log.append(each)


@pytest.fixture
def experiment(tmp_path: Path) -> ExperimentConfig:
    folder = make_glyphs(tmp_path / "glyphs")
    pictures = tuple(str(each) for each in sorted(folder.rglob("*.png"))[:3])
    target = TargetTask(
        name=EVIL,
        classes=(
            TargetClass(name="there", support=pictures),
            TargetClass(name="half", support=(pictures[0], str(tmp_path / "gone.png"))),
        ),
    )
    return tiny_experiment(folder).model_copy(update={"targets": (target,)})


@pytest.fixture
def run(tmp_path: Path, experiment: ExperimentConfig) -> RunFolder:
    return waiting_run(tmp_path / "runs", experiment)


class _Page(HTMLParser):
    """Collects what a browser would do with a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in {"src", "href", "srcset", "action"}]
        assert not any(name.startswith("on") for name, _ in attributes)


def test_a_run_is_told_on_one_page(run: RunFolder) -> None:
    run.write_notes(Notes(name="My <b>best</b> run", text="Note & more", tags=("leaves",)))
    matrix = ((2, 1), (0, 3))
    tell(
        run,
        started(0),
        *(step(number, 2.0 / number, before=0.2 if number == 1 else None) for number in range(1, 41)),
        validated(20, 0.7),
        validated(40, 0.8),
        Notice(code="x", text="Mind the gap", severity="warning"),
        Adapted(
            target=EVIL, losses=(1.5, 0.25), accuracy=5 / 6, queries=6, classes=("there", "half"), confusion=matrix
        ),
    )
    run.write_evaluation(
        Evaluated(
            iteration=40,
            statistics="support",
            is_transductive=False,
            accuracy=0.912,
            ci95=0.006,
            accuracy_before=0.2,
            ci95_before=0.01,
            episodes=600,
            n_way=5,
            n_shot=1,
            n_query=15,
        )
    )

    html = report_html(run)

    said = re.sub(r"\s+", " ", html)
    for words in (
        "My &lt;b&gt;best&lt;/b&gt; run",
        "Note &amp; more",
        "91.2 % ± 0.6",
        "600",
        "each picture alone",
        "Mind the gap",
        "5 of 6 queries right: 83.3 %",
        "1.500 before",
        "metastudio train experiment.toml",
        'class="count right">2</td>',
        'class="count">1</td>',
        "Finn",  # the paper's first author
    ):
        assert words in said, words
    assert said.count("<svg") == 3
    assert said.count("<img") == 4
    assert "1 more, or no longer there" in said


def test_nothing_on_the_page_is_fetched_or_executed(run: RunFolder) -> None:
    run.write_notes(Notes(name=EVIL, text=EVIL, tags=(EVIL,)))
    tell(run, started(0), step(1, 1.0), Notice(code="x", text=EVIL, severity="warning"))

    page = _Page(report_html(run))

    assert "script" not in page.tags
    assert all(each.startswith("data:image/jpeg;base64,") for each in page.addresses)
    assert "default-src 'none'" in report_html(run)


def test_a_run_that_has_only_begun_has_a_report_too(run: RunFolder) -> None:
    html = report_html(run)

    assert "queued" in html
    assert "not measured" in html
    assert "It was not adapted to." in html
    assert "<svg" not in html


def test_the_report_lies_in_the_run_and_is_written_as_a_whole(run: RunFolder, tmp_path: Path) -> None:
    assert write_report(run) == run.path / "report.html"
    assert write_report(run, tmp_path / "mine.html").read_text("utf-8").endswith("</html>\n")


def test_what_was_trained_twice_counts_the_second_time(run: RunFolder) -> None:
    tell(run, started(0), step(1, 1.0), step(2, 2.0), step(3, 3.0), validated(3, 0.1), started(1), step(2, 20.0))

    story = read_story(run.events_path)

    assert story.loss == {1: 1.0, 2: 20.0}
    assert story.validated == {}


def test_thinning_loses_no_extreme() -> None:
    values = dict.fromkeys(range(100000), 0.0) | {777: 9.0, 99_999: -4.0, 5: float("nan"), 6: float("inf")}

    points = thinned(values)

    assert len(points) <= 240
    assert max(each.high for each in points) == 9.0
    assert min(each.low for each in points) == -4.0
    assert points[-1].x == 99_999


def test_a_curve_of_one_value_and_none_at_all_are_drawn() -> None:
    flat = Series("flat", "one", (Point(5, 0.3, 0.3, 0.3),))

    drawn = chart("t", [flat, Series("empty", "two", ())], unit=str, x_title="iteration")

    assert drawn is not None
    assert [each.name for each in drawn.series] == ["flat"]
    assert all(drawn.top <= tick.place <= drawn.bottom for tick in drawn.y_ticks)
    assert chart("t", [Series("empty", "two", ())], unit=str, x_title="iteration") is None
