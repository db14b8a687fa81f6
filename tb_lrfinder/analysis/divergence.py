"""Detection of divergence while a sweep is running."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

from tb_lrfinder.checks import check_integer, check_number, set_fields


@dataclass(frozen=True)
class Divergence:
    """Criterion that stops a sweep when the loss diverges.

    The criterion is based on the running median of the loss. A sweep has diverged if the running median
    exceeds its lowest value by more than `factor` times the range that it covered up to one window ago
    (`best + factor * (initial - best)` if the loss has only decreased), or if, after a clear decrease, it has
    stayed above all values before the minimum for a sixth of the sweep.

    Only differences are used, so the criterion also works for negative losses. The median makes it robust to
    a few bad batches, and the past range makes it robust to drift caused by the order of the data.

    Example:

    ```python
    finder = LRFinder("logs/adam", stop=Divergence(factor=4.0))
    ```

    Args:
        factor: Float. Multiple of its previous range by which the loss must increase; greater than 1.
            Defaults to `2.5`.
        burn_in: Integer. Number of initial steps in which divergence is not checked, at least 1. Defaults to
            `None`, which is four windows, a fifth of the sweep.
        window: Integer. Window of the running median, in steps, at least 1. Defaults to `None`, which is a
            twentieth of the sweep, at least 3 and at most 51.

    Raises:
        TypeError: If `factor` is not a number, or another argument is not an integer.
        ValueError: If an argument is out of range.
    """

    factor: float = 2.5
    burn_in: int | None = None
    window: int | None = None

    def __post_init__(self) -> None:
        set_fields(self, factor=check_number("factor", self.factor, above=1))
        for name in ("burn_in", "window"):
            value = getattr(self, name)
            if value is not None:
                set_fields(self, **{name: check_integer(name, value, at_least=1, or_none=True)})

    def watch(self, num_steps: int) -> DivergenceWatch:
        """Create the detector for one sweep.

        Args:
            num_steps: Integer. Number of steps of the sweep.
        """
        num_steps = check_integer("num_steps", num_steps, at_least=1)
        window = self.window or min(max(num_steps // 20 | 1, 3), 51)
        burn_in = 4 * window if self.burn_in is None else self.burn_in
        return DivergenceWatch(self.factor, burn_in, window, max_steps_above=max(num_steps // 6, 3))


class DivergenceWatch:
    """Detector that processes the losses of one sweep step by step.

    Args:
        factor: See `Divergence`.
        burn_in: See `Divergence`.
        window: See `Divergence`.
        max_steps_above: Number of steps that the median may stay above all values before the minimum.
    """

    def __init__(self, factor: float, burn_in: int, window: int, max_steps_above: int) -> None:
        self._factor = factor
        self._burn_in = burn_in
        self._window = window
        self._max_steps_above = max_steps_above
        self._recent: deque[float] = deque(maxlen=window)  # losses
        self._lagging: deque[float] = deque(maxlen=window)  # medians of the last window
        self._changes: deque[float] = deque(
            maxlen=2 * window
        )  # from one loss to the next, during the burn-in
        self._steps = 0
        self._lowest, self._highest = math.inf, -math.inf
        self._past_lowest, self._past_highest = math.inf, -math.inf  # up to one window ago
        self._minimum = math.inf  # lowest median after the burn-in
        self._peak = -math.inf  # highest median before the minimum
        self._steps_above_peak = 0

    def diverged(self, loss: float) -> bool:
        """Add the loss of the next step; return whether the sweep has diverged."""
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
        if level < self._minimum:
            self._minimum, self._peak = level, self._highest
        # As long as the loss has not moved, its range is meaningless; use the noise of the batches instead.
        noise = 3 * median(self._changes) if self._changes else 0.0
        has_decreased = self._peak - self._minimum > noise
        scale = max(self._past_highest - self._past_lowest, noise)
        if scale <= 0:  # without range and noise there is nothing to compare with
            return False
        above = has_decreased and level > self._peak
        self._steps_above_peak = self._steps_above_peak + 1 if above else 0
        return level - self._lowest > self._factor * scale or self._steps_above_peak >= self._max_steps_above

    def _remember(self, level: float) -> None:
        if len(self._lagging) == self._lagging.maxlen:
            self._past_lowest = min(self._past_lowest, self._lagging[0])
            self._past_highest = max(self._past_highest, self._lagging[0])
        self._lagging.append(level)
        self._lowest = min(self._lowest, level)
        self._highest = max(self._highest, level)
