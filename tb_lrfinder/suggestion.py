"""Which learning rate a sweep suggests. Needs only numpy."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from tb_lrfinder.curve import DEFAULT_SMOOTHING, Floats, Shape, loss_delta, smooth
from tb_lrfinder.diagnosis import obstacle


@dataclass(frozen=True)
class Rule:
    """A way to read a learning rate off a sweep.

    Args:
        name: What `suggest(rule=...)` takes.
        label: What people read.
        description: One sentence on what it does.
        formula: The same as mathematics.
        source: The paper or project that it is from.
        function: From the shape of a sweep to the row of the suggested learning rate, or to the learning rate.
    """

    name: str
    label: str
    description: str
    formula: str
    source: str
    function: Callable[[Shape], float]


@dataclass(frozen=True)
class Ranges:
    """The learning rates for other uses than a short training at a constant one.

    Args:
        long_training: For a training several times longer.
        one_cycle_max: The peak of a one-cycle schedule.
        cyclical: Base and maximum of a cyclical learning rate.
    """

    long_training: float
    one_cycle_max: float
    cyclical: tuple[float, float]


@dataclass(frozen=True)
class Suggestion:
    """The learning rate that a rule suggests.

    Args:
        learning_rate: For a training at a constant learning rate. None where there is none.
        rule: The rule's name.
        reason: Why there is none, and what to do; None where there is one.
        ranges: Learning rates for other uses; only the default rule has them.
    """

    learning_rate: float | None
    rule: str
    reason: str | None = None
    ranges: Ranges | None = None

    def to_json(self) -> dict[str, Any]:
        """As in the HTTP API."""
        return {"rule": self.rule, "learning_rate": self.learning_rate, "reason": self.reason} | {
            "ranges": None
            if self.ranges is None
            else asdict(self.ranges) | {"cyclical": list(self.ranges.cyclical)}
        }

    def __str__(self) -> str:
        if self.learning_rate is None:
            return f"no suggestion: {self.reason}"
        return f"{self.learning_rate:.3g} ({self.rule})"


def suggest(
    learning_rates: ArrayLike,
    losses: ArrayLike,
    rule: str = "mid_descent",
    *,
    smoothing: float = DEFAULT_SMOOTHING,
    skip_start: int = 0,
    skip_end: int = 0,
) -> Suggestion:
    """The learning rate that a sweep suggests."""
    if rule not in RULES:
        raise ValueError(f"`rule` must be one of {', '.join(RULES)}. Received rule={rule!r}.")
    rates = np.asarray(learning_rates, dtype=np.float64)
    values = np.asarray(losses, dtype=np.float64)
    smoothed = smooth(rates, values, smoothing)
    rows = slice(skip_start, max(len(rates) - skip_end, skip_start))
    shape = Shape.measure(rates[rows], values[rows], smoothed[rows], smoothing)
    severe = obstacle(shape)
    return apply(rule, shape, severe.message if severe else None)


def apply(rule: str, shape: Shape, reason: str | None) -> Suggestion:
    """One rule's suggestion from a measured sweep, or none for `reason`."""
    if reason is not None:
        return Suggestion(None, rule, reason)
    rate = float(RULES[rule].function(shape))
    ranges = None
    if rule == DEFAULT_RULE:
        low = float(shape.learning_rate[shape.low])
        ranges = Ranges(rate / 3, min(rate * 2, low), (rate / 4, min(rate * 2, low)))
    return Suggestion(rate, rule, None, ranges)


def _mid_descent(shape: Shape) -> float:
    level = shape.initial - 0.2 * (shape.initial - shape.lowest)
    above = np.flatnonzero(shape.smoothed[: shape.low + 1] > level)
    start = min(int(above[-1]) + 1, shape.low) if len(above) else 0
    return float(10 ** ((shape.log_rate[start] + shape.log_rate[shape.low]) / 2))


def _steepest(shape: Shape) -> float:
    slope = np.gradient(shape.smoothed, shape.log_rate)
    return float(shape.learning_rate[slope.argmin()])


def _valley(shape: Shape) -> float:
    first, last = longest_descent(shape.smoothed)
    third = (last - first) / 3
    return float(shape.learning_rate[first + int(third) + int(third / 2)])


def _minimum_tenth(shape: Shape) -> float:
    return float(shape.learning_rate[shape.low] / 10)


def _lowest_delta(shape: Shape) -> float:
    return float(shape.learning_rate[loss_delta(shape.loss, 20).argmin()])


def _left_of_minimum(shape: Shape) -> float:
    return float(shape.learning_rate[shape.low] / 2)


def longest_descent(values: Floats) -> tuple[int, int]:
    """First and last row of the longest strictly decreasing subsequence, in O(n log n)."""
    tails: list[float] = []
    rows: list[int] = []
    starts: list[int] = []
    start_of: list[int] = []
    best = (0, 0)
    for row, value in enumerate((-values).tolist()):
        length = bisect_left(tails, value)
        start = starts[length - 1] if length else row
        if length == len(tails):
            tails.append(value)
            rows.append(row)
            starts.append(start)
            best = (start, row)
        else:
            tails[length], rows[length], starts[length] = value, row, start
        start_of.append(start)
    return best


RULES: Final = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule(
                "mid_descent",
                "Mid-descent",
                "Half way, on the log axis, between where the descent begins and where the loss is lowest.",
                "10 ** ((log10 lr_20% + log10 lr_min) / 2)",
                "tb_lrfinder",
                _mid_descent,
            ),
            Rule(
                "steepest",
                "Steepest descent",
                "Where the smoothed loss falls fastest per decade.",
                "argmin dS/dlog10(lr)",
                "fastai, pytorch-lr-finder",
                _steepest,
            ),
            Rule(
                "valley",
                "Valley",
                "The middle of the longest descent.",
                "lr at a half of the longest decreasing subsequence of S",
                "fastai",
                _valley,
            ),
            Rule(
                "minimum_tenth",
                "Minimum / 10",
                "A tenth of the learning rate at which the smoothed loss is lowest.",
                "lr[argmin S] / 10",
                "fastai",
                _minimum_tenth,
            ),
            Rule(
                "lowest_delta",
                "Lowest delta",
                "Where the loss fell most over the last 20 steps.",
                "argmin (L[i] - L[i-20]) / 20",
                "keras_lr_finder",
                _lowest_delta,
            ),
            Rule(
                "left_of_minimum",
                "Left of minimum",
                "A tiny bit left of the minimum.",
                "lr[argmin S] / 2",
                "Smith 2018",
                _left_of_minimum,
            ),
        )
    }
)

DEFAULT_RULE: Final = next(iter(RULES))
