"""What a run told, thinned to what a page can show: no extreme is lost, however long the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metastudio.runs.event_log import each_event
from metastudio.runs.events import Adapted, Notice, OuterStep, Started, Validated

_MOST_POINTS = 240


@dataclass(frozen=True)
class Point:
    """A stretch of iterations: where it ends, the mean of its values, the lowest and the highest of them."""

    x: int
    mean: float
    low: float
    high: float


@dataclass
class RunStory:
    """What the report needs of a run's events; of an iteration that was trained twice, the second time.

    Attributes:
        loss: Outer loss by iteration.
        after: Accuracy on the queries of the training episodes by iteration, in [0, 1].
        before: The same before adaptation, on traced iterations.
        validated: The validations by iteration.
        adapted: The target tasks that were adapted to, by name.
        warnings: What a person was told to know.
    """

    loss: dict[int, float] = field(default_factory=dict)
    after: dict[int, float] = field(default_factory=dict)
    before: dict[int, float] = field(default_factory=dict)
    validated: dict[int, Validated] = field(default_factory=dict)
    adapted: dict[str, Adapted] = field(default_factory=dict)
    warnings: list[Notice] = field(default_factory=list)


def read_story(events_path: Path) -> RunStory:
    """Return what the events of a run tell, read one after another."""
    story = RunStory()
    for event in each_event(events_path):
        match event:
            case OuterStep():
                story.loss[event.iteration] = event.loss
                story.after[event.iteration] = event.accuracy
                if event.accuracy_before is not None:
                    story.before[event.iteration] = event.accuracy_before
            case Validated():
                story.validated[event.iteration] = event
            case Adapted():
                story.adapted[event.target] = event
            case Notice(severity="warning"):
                story.warnings.append(event)
            case Started():
                _forget_after(story, event.iteration)
            case _:
                pass
    return story


def _forget_after(story: RunStory, iteration: int) -> None:
    """Leave out what came after the checkpoint from which the run went on."""
    values: Sequence[dict[int, float] | dict[int, Validated]]
    values = (story.loss, story.after, story.before, story.validated)
    for each in values:
        for late in [key for key in each if key > iteration]:
            del each[late]


def thinned(values: Mapping[int, float], *, most: int = _MOST_POINTS) -> list[Point]:
    """Return at most so many points, in the order of iterations; numbers that are none are left out."""
    known = sorted((x, y) for x, y in values.items() if abs(y) < float("inf"))
    size = max(1, -(-len(known) // most))
    return [_point(known[start : start + size]) for start in range(0, len(known), size)]


def _point(stretch: Sequence[tuple[int, float]]) -> Point:
    values = [y for _, y in stretch]
    return Point(stretch[-1][0], sum(values) / len(values), min(values), max(values))
