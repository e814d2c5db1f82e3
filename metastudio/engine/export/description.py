"""What an export says about itself: labels, preprocessing, configuration, model card."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.catalog.entry import Entry, find
from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.engine.adaptation import AdaptedTask, TrainedLearner
from metastudio.engine.transfer_note import transfer_note
from metastudio.runs.checkpoint_files import iteration_of
from metastudio.runs.run_folder import RunFolder
from metastudio.runs.run_state import versions
from metastudio.runs.statistics import wilson95

LABELS = "labels.json"
PREPROCESSING = "preprocessing.json"
CONFIG = "config.json"
CARD = "README.md"


def template(name: str) -> bytes:
    """Return a file that exports carry unchanged."""
    return files("metastudio.engine.export").joinpath("templates", name).read_bytes()


def preprocessing_module() -> bytes:
    """Return the file that prepares pictures, word for word as training uses it."""
    return files("metastudio.images").joinpath("preprocessing.py").read_bytes()


def labels_json(adapted: AdaptedTask) -> bytes:
    """Return the names of the classes in the order of the logits; ASCII, so that any name survives."""
    return _json({"classes": list(adapted.loaded.classes)})


def preprocessing_json(trained: TrainedLearner) -> bytes:
    """Return how pictures are prepared, known normalisations in numbers."""
    preprocessing = trained.experiment.data.preprocessing
    mean, deviation = preprocessing.moments or ((), ())
    return _json({**preprocessing.model_dump(mode="json"), "mean": mean, "standard_deviation": deviation})


def config_json(adapted: AdaptedTask) -> bytes:
    """Return what the network is made of and where it comes from."""
    trained, experiment = adapted.trained, adapted.trained.experiment
    preprocessing = experiment.data.preprocessing
    return _json(
        {
            "made_with": versions(),
            "target_task": adapted.target.name,
            "n_way": len(adapted.loaded.classes),
            "shots": adapted.loaded.shots(),
            "input": {
                "shape": ["batch", preprocessing.channels, preprocessing.image_size, preprocessing.image_size],
                "type": "float32",
                "range": preprocessing.input_range,
            },
            "algorithm": experiment.algorithm.model_dump(mode="json"),
            "backbone": experiment.backbone.model_dump(mode="json"),
            "inner_steps": adapted.inner_steps,
            "normalization_statistics": "support",
            "run": trained.run.name,
            "iteration": iteration_of(trained.checkpoint),
        }
    )


def model_card(adapted: AdaptedTask, *, how_to_run: str) -> bytes:
    """Return the model card, in Markdown."""
    trained, loaded = adapted.trained, adapted.loaded
    preprocessing = trained.experiment.data.preprocessing
    rows = [f"| {_cell(name)} | {shots} |" for name, shots in zip(loaded.classes, loaded.shots(), strict=True)]
    steps = f", {adapted.inner_steps} inner steps" if adapted.inner_steps else ""
    return _filled(
        "model_card.md",
        trained,
        title=_cell(adapted.target.name),
        class_count=len(loaded.classes),
        support_count=len(loaded.support),
        class_rows="\n".join(rows),
        how_to_run=how_to_run,
        channels=preprocessing.channels,
        numbers=_numbers(preprocessing),
        side=preprocessing.image_size,
        adapted_with=f"{len(loaded.support)} pictures{steps}",
        query_score=_query_score(adapted),
        compared=transfer_note(adapted) or "not measured: too few pictures of each class",
    )


def _numbers(preprocessing: Preprocessing) -> str:
    least, most = preprocessing.input_range
    if preprocessing.moments is None:
        return f"values in [{least:g}, {most:g}]"
    mean, deviation = (", ".join(f"{each:g}" for each in numbers) for numbers in preprocessing.moments)
    return f"values in [{least:.3g}, {most:.3g}] (pixels in [0, 1], less {mean}, divided by {deviation})"


def checkpoint_card(trained: TrainedLearner) -> bytes:
    """Return the card of an exported checkpoint, in Markdown."""
    return _filled("checkpoint_card.md", trained, title=_cell(trained.experiment.name))


def _filled(name: str, trained: TrainedLearner, **fields: object) -> bytes:
    experiment = trained.experiment
    text = Template(template(name).decode()).substitute(
        version=versions()["metastudio"],
        method=_with_paper(find(ALGORITHMS, experiment.algorithm.name, "algorithm")),
        backbone=_with_paper(find(BACKBONES, experiment.backbone.name, "backbone")),
        run=trained.run.name,
        iteration=iteration_of(trained.checkpoint),
        trained_on=_trained_on(trained),
        validation=_validation(trained.run),
        test=_test(trained.run),
        **fields,
    )
    return text.encode("utf-8", "backslashreplace")


def _with_paper(entry: Entry) -> str:
    paper = entry.paper
    return f"{entry.title} ({paper.authors}: {paper.title}, {paper.venue} {paper.year}, {paper.identifier})"


def _trained_on(trained: TrainedLearner) -> str:
    parts = trained.data.parts
    count = Counter(parts.values())[Part.META_TRAIN]
    some = [name for name, part in parts.items() if part is Part.META_TRAIN][:5]
    return f"{count} classes ({', '.join(map(_cell, some))}{' …' if count > len(some) else ''})"


def _validation(run: RunFolder) -> str:
    state, episodes = run.state(), run.experiment().episodes.for_test()
    if state.best_accuracy is None:
        return "not measured"
    return f"{_percent(state.best_accuracy, state.best_ci95)}, {episodes.n_way}-way {episodes.n_shot}-shot"


def _test(run: RunFolder) -> str:
    measured = [
        f"{_percent(each.accuracy, each.ci95)}, {each.n_way}-way {each.n_shot}-shot, {each.episodes} episodes, "
        f"`{each.statistics}` statistics ({'transductive' if each.is_transductive else 'each picture alone'})"
        for each in run.evaluations()
    ]
    return "<br>".join(measured) or "not measured"


def _query_score(adapted: AdaptedTask) -> str:
    if adapted.query_accuracy is None or adapted.loaded.query is None:
        return "not measured"
    count = len(adapted.loaded.query)
    right = round(adapted.query_accuracy * count)
    low, high = wilson95(right, count)
    return f"{right} of {count} right ({right / count:.1%}, 95 % interval {low:.1%} to {high:.1%})"


def _percent(accuracy: float, ci95: float | None) -> str:
    return f"{accuracy:.2%}" + (" (interval not known)" if ci95 is None else f" ± {100 * ci95:.2f}")


def _cell(text: str) -> str:
    """Return any name as one harmless line of Markdown."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    for mark in "\\`*_[]|#":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=True, allow_nan=False, indent=1).encode("ascii") + b"\n"
