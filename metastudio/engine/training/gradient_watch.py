"""Says when outer gradients explode or are cut, once each, with what to do about it."""

from __future__ import annotations

import statistics
from collections import deque

from metastudio.runs import events

_USUAL_OF = 50
_LEAST_USUAL = 10
_TIMES_USUAL = 50.0
"""A gradient so many times as long as the usual one is no spread of tasks any more."""


class GradientWatch:
    """Looks at the length of each outer gradient before clipping.

    Args:
        clip: The longest allowed, 0 for no limit.
    """

    def __init__(self, clip: float) -> None:
        self._clip = clip
        self._recent: deque[float] = deque(maxlen=_USUAL_OF)
        self._has_said = False

    def notice(self, iteration: int, norm: float) -> events.Notice | None:
        """Return what there is to say about the gradient of an iteration; None for nearly all of them."""
        usual = statistics.median(self._recent) if len(self._recent) >= _LEAST_USUAL else norm
        self._recent.append(norm)
        if self._has_said:
            return None
        if self._clip and norm > self._clip:
            self._has_said = True
            text = f"The gradient of iteration {iteration} was {norm:.3g} long and was cut to {self._clip:g}."
            return events.Notice(code="gradient-clipped", text=f"{text} Later ones are cut without a word.")
        if not self._clip and norm > _TIMES_USUAL * usual:
            self._has_said = True
            text = (
                f"The gradient of iteration {iteration} is {norm / usual:,.0f} times as long as usual. Where that "
                f"happens again, clip the gradient at about {10 * usual:.2g}, lower the inner learning rate, "
                "or take first-order gradients."
            )
            return events.Notice(code="gradient-explodes", text=text, severity="warning")
        return None
