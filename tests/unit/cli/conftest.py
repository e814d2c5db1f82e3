"""Small folders of drawn pictures, and the command line as a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from metastudio.cli.app import main
from metastudio.images.sample_glyphs import make_sample_glyphs

SMALL = (
    "episodes.n_query=3",
    "backbone.filters=8",
    "data.preprocessing.image_size=20",
    "data.preprocessing.colour=grey",
    "training.iterations=6",
    "training.meta_batch_size=2",
    "training.validate_every=3",
    "training.checkpoint_every=3",
    "training.validation_episodes=4",
    "evaluation.episodes=4",
    "episodes.n_way=2",
)
"""Options that make a run of a second."""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it said with `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def metastudio(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Call the command line in this process."""

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(each) for each in arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def glyphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two alphabets of eight drawn characters, ten pictures each. Read only."""
    folder = tmp_path_factory.mktemp("glyphs")
    make_sample_glyphs(folder, alphabets=2, characters=8, drawers=10)
    return folder


@pytest.fixture
def small() -> list[str]:
    """The options of a run of a second, as arguments."""
    return [part for option in SMALL for part in ("--set", option)]
