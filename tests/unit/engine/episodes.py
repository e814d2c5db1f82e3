"""Small episodes and learners for the tests of the engine."""

from __future__ import annotations

import torch

from metastudio.catalog.experiment import ExperimentConfig
from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.episode import Episode, LabelledImages


def make_episode(
    *, n_way: int = 3, n_shot: int = 2, n_query: int = 2, size: int = 16, channels: int = 1, seed: int = 0
) -> Episode:
    """Return an episode of random images in float64; classes differ in brightness, so there is something to learn."""
    random = torch.Generator().manual_seed(seed)

    def labelled(count: int) -> LabelledImages:
        labels = torch.arange(n_way).repeat_interleave(count)
        images = torch.rand(len(labels), channels, size, size, generator=random, dtype=torch.float64)
        return LabelledImages(images + labels[:, None, None, None] / n_way, labels)

    return Episode(labelled(n_shot), labelled(n_query), tuple(f"class {label}" for label in range(n_way)))


def make_learner(algorithm: str = "maml", *, n_way: int = 3, seed: int = 0, **values: object) -> MetaLearner:
    """Return a small learner in float64 with a head and a normalisation that do something; `values` are dotted options.

    Those of a frozen network too, which are buffers.
    """
    experiment: dict[str, object] = {
        "seed": seed,
        "algorithm": {"name": algorithm},
        "backbone": {"filters": 4},
        "episodes": {"n_way": n_way},
        "data": {"preprocessing": {"image_size": 16, "colour": "grey"}},
    }
    for name, value in values.items():
        section, _, option = name.partition("__")
        experiment[section] = {**experiment[section], option: value}  # type: ignore[dict-item]
    learner = build_learner(ExperimentConfig.model_validate(experiment), train_classes=n_way).double()
    random = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, parameter in learner.named_parameters():
            if "head" in name or "norms" in name:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=random, dtype=torch.float64))
        for name, buffer in learner.named_buffers():
            if "norms" in name and name.endswith((".weight", ".bias")):
                buffer.add_(0.3 * torch.randn(buffer.shape, generator=random, dtype=torch.float64))
    return learner
