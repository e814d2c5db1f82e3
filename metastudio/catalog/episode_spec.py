"""The shape of an episode: how many ways, shots and queries."""

from __future__ import annotations

from pydantic import field_validator

from metastudio.catalog.settings import Settings, option


class EpisodeSpec(Settings):
    """N-way K-shot with Q queries a class; training may use another N and Q than the test."""

    n_way: int = option(5, title="Ways", help="Classes in a task; more are harder.", unit="classes", ge=2, le=1000)
    n_shot: int = option(
        1, title="Shots", help="Support images of each class; more make it easier.", unit="images", ge=1, le=1000
    )
    n_query: int = option(
        15,
        title="Queries",
        help="Images of each class that the adapted model is asked about; more make each task's score steadier.",
        unit="images",
        ge=1,
        le=1000,
    )
    train_n_way: int = option(
        0,
        title="Ways in training",
        help="Classes in a training task, 0 for the same as at test; more than at test helps methods that compare.",
        unit="classes",
        ge=0,
        le=1000,
        advanced=True,
    )
    train_n_query: int = option(
        0,
        title="Queries in training",
        help="Queries of each class in a training task, 0 for the same as at test; fewer are faster.",
        unit="images",
        ge=0,
        le=1000,
        advanced=True,
    )

    @field_validator("train_n_way")
    @classmethod
    def _has_something_to_tell_apart(cls, value: int) -> int:
        if value == 1:
            raise ValueError("a task of 1 class has nothing to tell apart: take 2 or more, or 0 for as many as at test")
        return value

    def for_training(self) -> EpisodeSpec:
        """Return the shape of a training episode, in the plain three numbers."""
        return EpisodeSpec(
            n_way=self.train_n_way or self.n_way, n_shot=self.n_shot, n_query=self.train_n_query or self.n_query
        )

    def for_test(self) -> EpisodeSpec:
        """Return the shape of a validation or test episode, in the plain three numbers."""
        return EpisodeSpec(n_way=self.n_way, n_shot=self.n_shot, n_query=self.n_query)
