"""Every method whose outer gradient goes through its inner steps has that gradient exact, in all that it learns."""

from __future__ import annotations

import pytest

from metastudio.catalog.menu import ALGORITHMS
from metastudio.engine.algorithms.gradient_learner import FEATURES, GradientLearner
from metastudio.engine.inner_loop import Order
from tests.unit.engine.algorithms.exactness import SMOOTH, assert_finite_differences_agree, some_episodes, stirred
from tests.unit.engine.episodes import make_episode, make_learner

METHODS = [name for name, entry in ALGORITHMS.items() if entry.capabilities.is_second_order]


@pytest.mark.parametrize("name", METHODS)
def test_the_gradient_of_everything_learned_agrees_with_finite_differences(name: str) -> None:
    learner = stirred(name, algorithm__inner_steps=2, algorithm__inner_lr=0.2, **SMOOTH)
    assert_finite_differences_agree(learner, some_episodes(1))


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_what_a_card_says_of_its_cost_is_what_the_method_does(name: str) -> None:
    learner, said = make_learner(name), ALGORITHMS[name].capabilities
    is_gradient_learner = isinstance(learner, GradientLearner)
    assert said.is_second_order == (is_gradient_learner and learner.order is Order.SECOND)
    keeps_features = is_gradient_learner and FEATURES in learner.initial_state(make_episode().support)
    assert said.adapts_little == keeps_features
