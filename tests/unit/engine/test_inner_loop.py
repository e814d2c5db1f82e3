"""The inner loop takes partial derivatives: what a start was computed from is not what a step moves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metastudio.engine.inner_loop import Order, descend, gradient_descent

LR = 0.1


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("recomputes", [False, True])
def test_a_step_moves_each_part_by_its_own_gradient_although_one_was_made_of_the_other(
    order: Order, recomputes: bool
) -> None:
    body = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def loss(state: dict[str, Tensor], step: int) -> Tensor:
        return state["body"] ** 2 * state["head"]

    start = {"body": body, "head": 3 * body}
    after = descend(
        loss,
        start,
        adapted=("body", "head"),
        update=gradient_descent(LR),
        steps=2,
        order=order,
        recompute_for=(body,) if recomputes and order is Order.SECOND else None,
    )
    moved, head = body, 3 * body
    for _ in range(2):  # b' = b - lr 2 b h,  h' = h - lr b²
        moved, head = moved - LR * 2 * moved * head, head - LR * moved**2
    assert after["body"].item() == pytest.approx(moved.item())
    assert after["head"].item() == pytest.approx(head.item())
    (gradient,) = torch.autograd.grad(after["body"] + after["head"], body)
    (through_steps,) = torch.autograd.grad(moved + head, body)
    assert gradient.item() == pytest.approx(through_steps.item() if order is Order.SECOND else 1 + 3)
