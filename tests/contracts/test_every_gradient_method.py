"""Every method whose outer gradient goes through its inner steps has that gradient exact, in all that it learns."""

from __future__ import annotations

import pytest

from metastudio.catalog.menu import ALGORITHMS
from tests.unit.engine.algorithms.exactness import SMOOTH, assert_finite_differences_agree, some_episodes, stirred

GIVEN_OUTRIGHT = {"imaml"}  # no derivative of the loss; it has tests of its own
METHODS = [
    name for name, entry in ALGORITHMS.items() if entry.capabilities.is_second_order and name not in GIVEN_OUTRIGHT
]


@pytest.mark.parametrize("name", METHODS)
def test_the_gradient_of_everything_learned_agrees_with_finite_differences(name: str) -> None:
    learner = stirred(name, algorithm__inner_steps=2, algorithm__inner_lr=0.2, **SMOOTH)
    assert_finite_differences_agree(learner, some_episodes(1))
