"""Which learning rate a sweep suggests, by several rules. Needs only numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import DEFAULT_SMOOTHING, Usable, loss_delta, slope_over, smooth
from tb_lrfinder.analysis.diagnosis import Finding, obstacle
from tb_lrfinder.analysis.shape import Shape

DEFAULT_RULE: Final = "mid_descent"

# Measured on tasks with known answers, see docs/suggestion.md. Shares of the descent from 0.1 to 0.3 do as
# well. With four times the budget the best learning rate is a third, and as the peak of a one-cycle schedule,
# which is met only in passing, three times as large.
_DESCENT_FROM: Final = 0.2
_LONG_TRAINING: Final = 1 / 3
_ONE_CYCLE: Final = 3.0


@dataclass(frozen=True)
class Rule:
    """A way to read a learning rate off a sweep.

    Args:
        name: What `suggest(rule=...)` takes.
        label: What people read.
        description: One sentence on what it does.
        formula: The same in signs; S is the smoothed loss, L the loss.
        source: The paper or project that it is from.
        function: From the shape of a sweep to a learning rate.
    """

    name: str
    label: str
    description: str
    formula: str
    source: str
    function: Callable[[Shape], float]


@dataclass(frozen=True)
class Ranges:
    """Learning rates for other uses than a short training at a constant one.

    Example:

    ```python
    ranges = finder.suggestion.ranges
    keras.optimizers.Adam(ranges.long_training)
    keras.optimizers.schedules.CosineDecay(  # one cycle: up to the peak in the first third, then down
        ranges.one_cycle_max / 25, 2 * steps // 3, warmup_target=ranges.one_cycle_max, warmup_steps=steps // 3
    )
    ```

    Args:
        long_training: For a constant learning rate over several times more epochs: a third of the suggestion.
        one_cycle_max: For the peak of a one-cycle schedule: three times the suggestion, but not more than the
            learning rate at which the smoothed loss is lowest.
        cyclical: Base and maximum for a cyclical learning rate (Smith 2015): from where the loss has come
            down by a tenth of its descent to `one_cycle_max`.
    """

    long_training: float
    one_cycle_max: float
    cyclical: tuple[float, float]


@dataclass(frozen=True, repr=False)
class Suggestion:
    """The learning rate that a rule suggests, or why there is none.

    Args:
        learning_rate: For a short training at a constant learning rate. None where there is none.
        rule: The rule's name.
        reason: Why there is none and what to change; None where there is one.
        ranges: Learning rates for other uses; from the default rule only.
    """

    learning_rate: float | None
    rule: str
    reason: str | None = None
    ranges: Ranges | None = None

    def to_json(self) -> dict[str, Any]:
        """As a plain dict, as the HTTP API answers it."""
        ranges = None
        if self.ranges is not None:
            ranges = vars(self.ranges) | {"cyclical": list(self.ranges.cyclical)}
        return {
            "rule": self.rule,
            "learning_rate": self.learning_rate,
            "reason": self.reason,
            "ranges": ranges,
        }

    def __str__(self) -> str:
        if self.learning_rate is None:
            return f"No learning rate by {self.rule}: {self.reason}"
        text = f"Learning rate {self.learning_rate:.3g} by {self.rule}"
        if self.ranges is not None:
            base, top = self.ranges.cyclical
            text += (
                f" (long training {self.ranges.long_training:.3g}, "
                f"one-cycle peak {self.ranges.one_cycle_max:.3g}, cyclical {base:.3g} to {top:.3g})"
            )
        return text

    def __repr__(self) -> str:
        return f"<{self}>"


def suggest(
    learning_rates: ArrayLike,
    losses: ArrayLike,
    rule: str = DEFAULT_RULE,
    *,
    smoothing: float = DEFAULT_SMOOTHING,
    skip_start: int = 0,
    skip_end: int = 0,
) -> Suggestion:
    """Reads a learning rate off the losses of a learning-rate sweep.

    Example:

    ```python
    suggestion = suggest(finder.sweep.learning_rate, finder.sweep.loss)
    suggestion.learning_rate         # a float, or None
    suggestion.reason                # why there is none
    ```

    Args:
        learning_rates: One per step, positive and rising.
        losses: The loss at each learning rate, before it changed the weights. NaN and infinite ones are left
            out.
        rule: Name of the rule, one of `RULES`.
        smoothing: Standard deviation of the Gaussian that smooths the loss, in decades of learning rate.
            0: none.
        skip_start: Rows that the rule leaves out at the start.
        skip_end: Rows that the rule leaves out at the end.

    Returns:
        The suggestion. Its `learning_rate` is None where the sweep does not show one, such as where the loss
        is flat, rises, or has too few rows; `reason` then says so and what to change.

    Raises:
        TypeError: An argument is not numeric.
        ValueError: The columns are not one-dimensional and equally long, the learning rates are not positive
            and rising, the rule is not known, or a number is negative.
    """
    rates, values = _numbers("learning_rates", learning_rates), _numbers("losses", losses)
    if rates.shape != values.shape:
        raise ValueError(
            "`learning_rates` and `losses` must be equally long. "
            f"Received {len(rates)} learning rates and {len(values)} losses."
        )
    wrong = np.flatnonzero(~(rates > 0) | np.isinf(rates))
    if len(wrong):
        raise ValueError(
            "`learning_rates` must be positive and finite. "
            f"Received {rates[wrong[0]]:g} at position {wrong[0]}; leave such rows out."
        )
    wrong = np.flatnonzero(np.diff(rates) < 0)
    if len(wrong):
        raise ValueError(
            "`learning_rates` must rise from step to step, as a ramp does. "
            f"Received {rates[wrong[0]]:g} and then {rates[wrong[0] + 1]:g} at position {wrong[0] + 1}; "
            "sort the rows by learning rate."
        )
    if len(rates) > 1 and rates[0] == rates[-1]:
        raise ValueError(
            f"`learning_rates` must rise, as a ramp does. Received {rates[0]:g} in all {len(rates)} rows; "
            "sweep from a small to a large learning rate."
        )
    if rule not in RULES:
        raise ValueError(f"`rule` must be one of {', '.join(map(repr, RULES))}. Received rule={rule!r}.")
    rows = kept_rows(len(rates), skip_start, skip_end)
    smoothed = smooth(rates, values, _checked_smoothing(smoothing))
    shape = Shape.measure(Usable.of(rates[rows], values[rows], rows.start), smoothed[rows], smoothing)
    return apply_rule(rule, shape, obstacle(shape))


def apply_rule(rule: str, shape: Shape, obstacle: Finding | None) -> Suggestion:
    """What one rule suggests from a measured sweep; nothing, where there is an obstacle."""
    if obstacle is not None:
        return Suggestion(None, rule, reason=obstacle.message)
    rate = RULES[rule].function(shape)
    return Suggestion(rate, rule, ranges=_ranges(shape, rate) if rule == DEFAULT_RULE else None)


def kept_rows(rows: int, skip_start: int, skip_end: int) -> slice:
    """The rows that are left when some are skipped at either end.

    Raises:
        ValueError: One of them is not a whole number of at least 0.
    """
    for name, value in (("skip_start", skip_start), ("skip_end", skip_end)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise ValueError(
                f"`{name}` must be a whole number of rows, 0 or more. Received {name}={value!r}."
            )
    return slice(min(skip_start, rows), max(rows - skip_end, 0))


def _ranges(shape: Shape, suggested: float) -> Ranges:
    # Where the loss falls off a cliff, the minimum may lie less than a step from the suggestion.
    top = min(_ONE_CYCLE * suggested, max(float(shape.learning_rate[shape.last_low]), suggested))
    return Ranges(
        long_training=suggested * _LONG_TRAINING,
        one_cycle_max=top,
        cyclical=(shape.fallen(0.1), top),
    )


def _mid_descent(shape: Shape) -> float:
    return shape.mean_fallen(_DESCENT_FROM)


def _steepest(shape: Shape) -> float:
    # The slope at the minimum needs the row after it, and nothing further.
    rows = slice(0, shape.low + 2)
    slope = slope_over(shape.log_rate[rows], shape.smoothed[rows])[: shape.low + 1]
    return float(shape.learning_rate[np.nanargmin(slope)])


def _valley(shape: Shape) -> float:
    length, last = shape.longest_descent
    third = (length - 1) / 3
    return float(shape.learning_rate[last - (length - 1) + int(third) + int(third / 2)])


def _minimum_tenth(shape: Shape) -> float:
    return float(shape.learning_rate[shape.low]) / 10


def _lowest_delta(shape: Shape) -> float:
    first = min(shape.delta_window, shape.low)  # before it the window is not full
    delta = loss_delta(shape.loss[: shape.low + 1], shape.delta_window)
    return float(shape.learning_rate[first + int(delta[first:].argmin())])


def _left_of_minimum(shape: Shape) -> float:
    return float(shape.learning_rate[shape.low]) / 2


_ALL: Final = (
    Rule(
        "mid_descent",
        "Mid-descent",
        "In the middle of the descent: the mean of where the smoothed loss has come down by 20 % to 100 %.",
        "mean of log10 lr(p) over p = 0.2 ... 1; lr(p) = where S comes down to L_initial - p (L_initial - "
        "min S) for good; L_initial = median L in the first fifth of the decades",
        "tb_lrfinder",
        _mid_descent,
    ),
    Rule(
        "steepest",
        "Steepest descent",
        "Where the smoothed loss falls fastest per decade of learning rate, up to its minimum.",
        "lr[argmin dS / d log10 lr]",
        "fastai (steep), pytorch-lr-finder",
        _steepest,
    ),
    Rule(
        "valley",
        "Valley",
        "In the middle of the longest descent: the most losses, neighbours or not, of which each is lower.",
        "lr[a + n/3 + n/6], n = length of the longest decreasing subsequence of L, a = its last row - n",
        "fastai (valley)",
        _valley,
    ),
    Rule(
        "minimum_tenth",
        "Minimum / 10",
        "A tenth of the learning rate at which the smoothed loss is lowest.",
        "lr[argmin S] / 10",
        "fastai (minimum)",
        _minimum_tenth,
    ),
    Rule(
        "lowest_delta",
        "Lowest delta",
        "Where the loss has fallen most over the last 20 steps, up to the minimum; without smoothing.",
        "lr[argmin (L[i] - L[i - 20]) / 20]",
        "keras_lr_finder",
        _lowest_delta,
    ),
    Rule(
        "left_of_minimum",
        "Left of the minimum",
        "A tiny bit left of the minimum: half of the learning rate at which the smoothed loss is lowest.",
        "lr[argmin S] / 2",
        "Smith 2018, arXiv:1803.09820",
        _left_of_minimum,
    ),
)
RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.name: rule for rule in _ALL})
"""The rules by name, the default first."""


def _numbers(name: str, values: ArrayLike) -> Floats:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`{name}` must be a list or an array of numbers. Received {values!r:.80}."
        ) from error
    if numbers.ndim != 1:
        raise ValueError(
            f"`{name}` must hold one number per step. Received an array of shape {numbers.shape}."
        )
    return numbers


def _checked_smoothing(smoothing: float) -> float:
    if isinstance(smoothing, bool) or not isinstance(smoothing, int | float | np.number):
        raise TypeError(
            f"`smoothing` must be a number of decades, such as 0.2. Received smoothing={smoothing!r}."
        )
    if not 0 <= smoothing < math.inf:
        raise ValueError(
            "`smoothing` must be 0 (none) or a positive number of decades, such as 0.2. "
            f"Received smoothing={smoothing!r}."
        )
    return float(smoothing)
