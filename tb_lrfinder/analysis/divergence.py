"""When a sweep has diverged, decided while it runs."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Divergence:
    """Settings of the criterion that ends a sweep.

    The running median of the losses is compared with how far it has moved before. A sweep has diverged
    when the median is above its lowest value by more than `factor` times the range that it covered until
    a window ago (`best + factor * (initial - best)`, where the loss only fell), or when, after a clear
    fall, it has stayed above all values before it for a sixth of the sweep.

    Differences only, so that it holds for negative losses too; the median, so that a few bad batches do
    not decide; the range of the past, so that data in an order that makes the loss drift do not either.

    Args:
        factor: How many times its former range the loss must rise. Above 1.
        burn_in: Steps at the start during which nothing is decided. `None` is four windows, a fifth of
            the sweep.
        window: Losses that the median is taken over. `None` is a twentieth of the sweep, at least 3
            and at most 51.

    Raises:
        ValueError: If a value is out of its range.
    """

    factor: float = 2.5
    burn_in: int | None = None
    window: int | None = None

    def __post_init__(self) -> None:
        if not self.factor > 1:
            raise ValueError(f"`factor` must be above 1. Received: factor={self.factor!r}")
        if self.burn_in is not None and self.burn_in < 1:
            raise ValueError(f"`burn_in` must be at least 1 or None. Received: burn_in={self.burn_in!r}")
        if self.window is not None and self.window < 1:
            raise ValueError(f"`window` must be at least 1 or None. Received: window={self.window!r}")

    def watch(self, num_steps: int) -> DivergenceWatch:
        """Start to watch a sweep of `num_steps` steps."""
        window = self.window or min(max(num_steps // 20 | 1, 3), 51)
        burn_in = 4 * window if self.burn_in is None else self.burn_in
        return DivergenceWatch(self.factor, burn_in, window, patience=max(num_steps // 6, 3))


class DivergenceWatch:
    """Sees the losses of one sweep one after the other and says when it has diverged."""

    def __init__(self, factor: float, burn_in: int, window: int, patience: int) -> None:
        self._factor = factor
        self._burn_in = burn_in
        self._window = window
        self._patience = patience
        self._recent: deque[float] = deque(maxlen=window)  # losses
        self._lagging: deque[float] = deque(maxlen=window)  # medians not yet part of the past
        self._changes: deque[float] = deque(maxlen=2 * window)  # from one loss to the next, in the burn-in
        self._steps = 0
        self._lowest, self._highest = math.inf, -math.inf
        self._past_lowest, self._past_highest = math.inf, -math.inf  # until a window ago
        self._bottom = math.inf  # lowest level after the burn-in
        self._summit = -math.inf  # highest level before the bottom
        self._steps_above_summit = 0

    def diverged(self, loss: float) -> bool:
        """Take the loss of the next step; return whether the sweep has diverged by now."""
        self._steps += 1
        burning_in = self._steps <= self._burn_in
        if burning_in and self._recent:
            self._changes.append(abs(loss - self._recent[-1]))
        self._recent.append(loss)
        if len(self._recent) < self._window:
            return False
        level = median(self._recent)
        self._remember(level)
        if burning_in:
            return False
        if level < self._bottom:
            self._bottom, self._summit = level, self._highest
        # Where the loss has not moved yet its range says nothing: the noise of the batches does.
        noise = 3 * median(self._changes) if self._changes else 0.0
        fell = self._summit - self._bottom > noise
        scale = max(self._past_highest - self._past_lowest, noise)
        if scale <= 0:  # no range and no noise: nothing to compare with
            return False
        self._steps_above_summit = self._steps_above_summit + 1 if fell and level > self._summit else 0
        return level - self._lowest > self._factor * scale or self._steps_above_summit >= self._patience

    def _remember(self, level: float) -> None:
        if len(self._lagging) == self._lagging.maxlen:
            self._past_lowest = min(self._past_lowest, self._lagging[0])
            self._past_highest = max(self._past_highest, self._lagging[0])
        self._lagging.append(level)
        self._lowest = min(self._lowest, level)
        self._highest = max(self._highest, level)
