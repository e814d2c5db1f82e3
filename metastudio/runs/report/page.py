"""The one-page report of a run: what was tried, how it went, what came out, and how to do it again.

It is made of the run folder alone, needs no network, holds no script, and can be sent as it is.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from metastudio.catalog import experiment_file
from metastudio.catalog.data_spec import Part
from metastudio.catalog.entry import Entry, find
from metastudio.catalog.experiment import TargetClass, TargetTask
from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.images.decoding import read_file
from metastudio.images.fingerprints import index_fingerprint
from metastudio.images.problems import UnreadableImage
from metastudio.images.thumbnails import small_jpeg
from metastudio.runs.atomic import write_atomically
from metastudio.runs.events import Adapted, Validated
from metastudio.runs.report.chart import Chart, Series, chart
from metastudio.runs.report.curves import Point, RunStory, read_story, thinned
from metastudio.runs.run_folder import FrozenData, RunFolder
from metastudio.runs.run_state import State
from metastudio.runs.wording import duration, judged, percent

REPORT = "report.html"
_MOST_PICTURES = 8
_MOST_WARNINGS = 20
_PART_TITLES = {Part.META_TRAIN: "meta-train", Part.META_VAL: "meta-val", Part.META_TEST: "meta-test"}


@dataclass(frozen=True)
class ShownClass:
    """A class of a target task: its name, pictures as addresses of data, and how many are not shown."""

    name: str
    pictures: tuple[str, ...]
    not_shown: int


@dataclass(frozen=True)
class ShownTarget:
    """A target task as the page has it; `score` and `confusion` where the class of its queries was known.

    `confusion` has a row for each true class, with the number of queries that were answered with each class.
    """

    name: str
    classes: tuple[ShownClass, ...]
    adapted: Adapted | None
    score: str
    confusion: tuple[tuple[str, tuple[int, ...]], ...]


def write_report(run: RunFolder, to: Path | None = None) -> Path:
    """Write the report of a run and return where it lies: in the run's folder where no place is given.

    Raises:
        IntegrityError: if the run cannot be read.
        ResourceError: if the report cannot be written; an earlier one is whole.
    """
    path = to or run.path / REPORT
    write_atomically(path, report_html(run))
    return path


def report_html(run: RunFolder) -> str:
    """Return the page.

    Raises:
        IntegrityError: if the run cannot be read.
    """
    experiment, state, story, data = run.experiment(), run.state(), read_story(run.events_path), run.data()
    shown = run.effective_state()
    page: str = _template().render(
        run=run.name,
        title=run.notes().name or experiment.name,
        notes=run.notes(),
        experiment=experiment,
        state=state,
        unfinished="" if shown is State.FINISHED or shown.needs_worker else shown.value,
        method=find(ALGORITHMS, experiment.algorithm.name, "algorithm"),
        network=find(BACKBONES, experiment.backbone.name, "backbone"),
        best=percent(state.best_accuracy, state.best_ci95),
        evaluations=run.evaluations(),
        charts=[each for each in _charts(story) if each is not None],
        targets=[_shown_target(each, story.adapted.get(each.name)) for each in experiment.targets],
        parts=_parts(data),
        pictures=data.index.file_count,
        fingerprint=_fingerprint(data),
        warnings=story.warnings[-_MOST_WARNINGS:],
        settings=experiment_file.to_toml(experiment),
        duration=duration(state.elapsed_s),
    )
    return page


@cache
def _template() -> Any:
    text = files("metastudio.runs.report").joinpath("templates", "report.html").read_text("utf-8")
    page = Environment(
        loader=DictLoader({REPORT: text}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page.filters |= {"percent": percent, "paper": _paper}
    return page.get_template(REPORT)


# curves


def _charts(story: RunStory) -> Iterator[Chart | None]:
    loss = Series("loss on the queries of training episodes", "one", tuple(thinned(story.loss)))
    yield chart("Outer loss", [loss], unit=lambda value: f"{value:g}", x_title="iteration")
    validated = story.validated.values()
    series = [
        Series("training episodes", "quiet", tuple(thinned(story.after))),
        Series("before adaptation", "two", tuple(thinned(story.before))),
        Series("validation, with its 95 % interval", "one", tuple(map(_point, validated)), is_marked=True),
    ]
    yield chart("Accuracy", series, unit=lambda value: f"{100 * value:.0f} %", x_title="iteration")
    for name, event in story.adapted.items():
        steps = tuple(Point(step, loss, loss, loss) for step, loss in enumerate(event.losses))
        if len(steps) > 1:
            inner = Series("loss on the support pictures", "one", steps)
            yield chart(f"Adapting to {name}", [inner], unit=lambda value: f"{value:g}", x_title="inner step")


def _point(event: Validated) -> Point:
    half = event.ci95 or 0.0
    return Point(event.iteration, event.accuracy, event.accuracy - half, event.accuracy + half)


# target tasks


def _shown_target(target: TargetTask, adapted: Adapted | None) -> ShownTarget:
    rows = () if adapted is None else tuple(zip(adapted.classes, adapted.confusion, strict=False))
    return ShownTarget(
        target.name,
        tuple(map(_shown_class, target.classes)),
        adapted,
        judged(adapted) if adapted is not None else "",
        rows,
    )


def _shown_class(each: TargetClass) -> ShownClass:
    pictures = tuple(_data_addresses(each.support[:_MOST_PICTURES]))
    return ShownClass(each.name, pictures, len(each.support) - len(pictures))


def _data_addresses(paths: Sequence[str]) -> Iterator[str]:
    """Yield small pictures, each as an address that carries it; files that are gone or spoilt are left out."""
    for path in paths:
        try:
            small = small_jpeg(read_file(path)[0], path)
        except UnreadableImage:
            continue
        yield f"data:image/jpeg;base64,{base64.b64encode(small).decode('ascii')}"


# words


def _parts(data: FrozenData) -> list[tuple[str, int, int]]:
    """Return for each part its name, how many classes it has, and how many pictures."""
    classes, pictures = Counter(data.parts.values()), Counter[Part]()
    for each in data.index.classes:
        if each.name in data.parts:
            pictures[data.parts[each.name]] += len(each.files)
    return [(title, classes[part], pictures[part]) for part, title in _PART_TITLES.items()]


def _fingerprint(data: FrozenData) -> str:
    try:
        return index_fingerprint(data.index)
    except ValueError:  # its pictures were never read
        return ""


def _paper(entry: Entry) -> str:
    paper = entry.paper
    return f"{paper.authors}: {paper.title}, {paper.venue} {paper.year} ({paper.identifier})"
