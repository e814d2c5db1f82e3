"""MAML and first-order MAML.

Finn, Abbeel, Levine: Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks, ICML 2017, arXiv:1703.03400.

Learn initial weights θ such that a few gradient steps on a task's support loss, θ' = θ - α ∇L_support(θ), give a low
query loss L_query(θ'). The outer gradient is taken with respect to θ: through the inner steps (MAML), or as if they had
been constants (first order).

How we differ: normalisation takes its statistics from the support set by default, so that queries do not see each other
(the paper's numbers are transductive); each episode permutes its labels.
"""

from __future__ import annotations

from metastudio.engine.algorithms.gradient_learner import GradientLearner
from metastudio.engine.inner_loop import Order


class MAML(GradientLearner):
    """Full second order: the outer gradient goes through every inner step, which moves every weight."""

    order = Order.SECOND


class FOMAML(GradientLearner):
    """First order: the query gradient at the adapted weights, as if they had been the initial ones."""

    order = Order.FIRST
