"""Judging the states of an inner loop at every step, for its curves."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812

from metastudio.engine.algorithms.base import Classifier, accuracy_of
from metastudio.engine.backbones.network import Weights
from metastudio.engine.inner_loop import InnerLosses, Watcher
from metastudio.engine.tasks.episode import LabelledImages


def judged(
    classifier: Callable[[Weights, int], Classifier],
    support: LabelledImages,
    query: LabelledImages | None,
    trace: InnerLosses,
) -> Watcher:
    """Return a watcher that fills `trace` with losses and accuracies on support and, where given, query."""

    def watch(state: Weights, step: int) -> None:
        judge(classifier(state, step), support, query, trace)

    return watch


def judge(classifier: Classifier, support: LabelledImages, query: LabelledImages | None, trace: InnerLosses) -> None:
    """Add one point to every curve of `trace`."""
    logits = classifier.logits(support.images)
    trace.support_losses.append(float(F.cross_entropy(logits, support.labels)))
    trace.support_accuracies.append(accuracy_of(logits, support.labels))
    if query is not None and len(query):
        logits = classifier.logits(query.images)
        trace.query_losses.append(float(F.cross_entropy(logits, query.labels)))
        trace.query_accuracies.append(accuracy_of(logits, query.labels))
