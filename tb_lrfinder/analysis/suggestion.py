"""Suggestion rules: read a learning rate off a sweep. Depends only on NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import DEFAULT_SMOOTHING, loss_delta, slope_over
from tb_lrfinder.analysis.diagnosis import Finding, severe_finding
from tb_lrfinder.analysis.shape import Shape
from tb_lrfinder.analysis.trained_model import increase_of_trained_model, suggestion_below
from tb_lrfinder.analysis.usable_rows import UsableRows
from tb_lrfinder.checks import (
    check_choice,
    check_column,
    check_instance,
    check_integer,
    check_number,
    check_smoothing,
    check_string,
    set_fields,
)
from tb_lrfinder.formatting import rate_text

DEFAULT_RULE: Final = "mid_descent"

# Measured on tasks with known answers, see docs/suggestion.md. Other fractions of the descent, from 0.1 to
# 0.3, work as well. With four times the budget the best learning rate is a third, and as the peak of a
# one-cycle schedule, which is only reached briefly, three times as large.
_DESCENT_FROM: Final = 0.2
_LONG_TRAINING: Final = 1 / 3
_ONE_CYCLE: Final = 3.0

_NO_DESCENT: Final = (
    "The loss does not decrease, so this rule cannot be applied. The default rule suggests a learning rate "
    "below the increase of the loss, as for an already trained model."
)


@dataclass(frozen=True)
class Rule:
    """A rule that reads a learning rate off a sweep.

    Args:
        name: String. Name of the rule, as passed to `suggest(rule=...)`.
        label: String. Display name.
        description: String. What the rule does, in one sentence.
        formula: String. The rule as a formula; S is the smoothed loss, L the loss.
        source: String. Paper or project that the rule comes from.
        function: Callable that maps the `Shape` of a sweep to a learning rate.
    """

    name: str
    label: str
    description: str
    formula: str
    source: str
    function: Callable[[Shape], float]


@dataclass(frozen=True)
class Ranges:
    """Learning rates for uses other than a short training run at a constant learning rate.

    Example:

    ```python
    ranges = finder.suggestion.ranges
    keras.optimizers.Adam(ranges.long_training)
    keras.optimizers.schedules.CosineDecay(  # one cycle: up to the peak in the first third, then down
        ranges.one_cycle_max / 25, 2 * steps // 3, warmup_target=ranges.one_cycle_max, warmup_steps=steps // 3
    )
    ```

    Args:
        long_training: Float. Constant learning rate for a training run with several times as many epochs: one
            third of the suggestion.
        one_cycle_max: Float. Peak of a one-cycle schedule: three times the suggestion, but at most the last
            learning rate at which the smoothed loss is near its minimum.
        cyclical: Tuple of two floats. Base and maximum of a cyclical learning rate (Smith 2015): from the
            learning rate at which the loss has completed a tenth of its descent to `one_cycle_max`.

    Raises:
        TypeError: If an argument is not a number, or `cyclical` is not a pair of numbers.
        ValueError: If a number is not positive and finite.
    """

    long_training: float
    one_cycle_max: float
    cyclical: tuple[float, float]

    def __post_init__(self) -> None:
        given = self.cyclical
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise TypeError(f"`cyclical` must be a pair of numbers. Received: cyclical={given!r}")
        set_fields(
            self,
            long_training=check_number("long_training", self.long_training, above=0),
            one_cycle_max=check_number("one_cycle_max", self.one_cycle_max, above=0),
            cyclical=tuple(check_number(f"cyclical[{i}]", one, above=0) for i, one in enumerate(given)),
        )


@dataclass(frozen=True, repr=False)
class Suggestion:
    """The learning rate suggested by a rule, or the reason why there is none.

    Args:
        learning_rate: Float. Learning rate for a short training run at a constant learning rate, or `None` if
            there is no suggestion.
        rule: String. Name of the rule.
        reason: String. Why there is no suggestion and what to change; `None` if there is one.
        ranges: `Ranges`. Learning rates for other uses; only set by the default rule, if there is a descent.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `learning_rate` is not positive and finite.
    """

    learning_rate: float | None
    rule: str
    reason: str | None = None
    ranges: Ranges | None = None

    def __post_init__(self) -> None:
        if self.learning_rate is not None:
            rate = check_number("learning_rate", self.learning_rate, above=0, or_none=True)
            set_fields(self, learning_rate=rate)
        if self.reason is not None:
            reason = check_string("reason", self.reason, "a string or None", may_be_empty=True)
            set_fields(self, reason=reason)
        if self.ranges is not None:
            check_instance("ranges", self.ranges, Ranges, "a Ranges or None")
        set_fields(self, rule=check_string("rule", self.rule))

    def to_json(self) -> dict[str, Any]:
        """Return the suggestion as a dict, in the format of the HTTP API."""
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
            return f"No suggestion ({self.rule}): {self.reason}"
        text = f"Suggested learning rate {rate_text(self.learning_rate)} ({self.rule}"
        if self.ranges is not None:
            base, top = self.ranges.cyclical
            text += (
                f"; long training {rate_text(self.ranges.long_training)}, "
                f"one-cycle peak {rate_text(self.ranges.one_cycle_max)}, cyclical {rate_text(base)} to "
                f"{rate_text(top)}"
            )
        return text + ")"

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
    """Suggest a learning rate from the losses of a learning-rate sweep.

    Example:

    ```python
    suggestion = suggest(finder.sweep.learning_rate, finder.sweep.loss)
    suggestion.learning_rate         # a float, or None
    suggestion.reason                # why there is no suggestion, or None
    ```

    Args:
        learning_rates: Array-like. Learning rate of each step; positive and non-decreasing.
        losses: Array-like. Loss of each step, before its update. NaN and infinite losses are ignored.
        rule: String. Name of the rule, one of `RULES`. Defaults to `"mid_descent"`.
        smoothing: Float. Standard deviation of the Gaussian that smooths the loss, in decades of learning
            rate, from 0 to 2. `0` disables smoothing. Defaults to `0.3`.
        skip_start: Integer. Number of rows to ignore at the start. Defaults to `0`.
        skip_end: Integer. Number of rows to ignore at the end. Defaults to `0`.

    Returns:
        A `Suggestion`. Its `learning_rate` is `None` if the sweep does not support one, for example if the
        loss is flat, increases from the start, or has too few rows; `reason` then says why and what to
        change. If the loss increases without a descent, as that of an already trained model, only the default
        rule suggests a learning rate, far below the increase.

    Raises:
        TypeError: If an argument is not numeric.
        ValueError: If the arrays are not one-dimensional or differ in length, the learning rates are not
            positive and non-decreasing, the rule is unknown, or an argument is out of range.
    """
    rates = check_column("learning_rates", learning_rates)
    values = check_column("losses", losses, length=len(rates))
    _check_increasing(rates)
    rule = check_choice("rule", rule, RULES)
    smoothing = check_smoothing("smoothing", smoothing)
    rows = remaining_rows(len(rates), skip_start, skip_end)
    smoothed = UsableRows.of(rates, values).smoothed(smoothing)
    shape = Shape.measure(UsableRows.of(rates[rows], values[rows], rows.start), smoothed[rows], smoothing)
    return apply_rule(rule, shape, severe_finding(shape), increase_of_trained_model(shape))


def _check_increasing(rates: Floats) -> None:
    wrong = np.flatnonzero(~(rates > 0) | np.isinf(rates))
    if len(wrong):
        raise ValueError(
            "`learning_rates` must be positive and finite. "
            f"Received: learning_rates[{wrong[0]}]={rates[wrong[0]]:g}. Remove such rows."
        )
    wrong = np.flatnonzero(np.diff(rates) < 0)
    if len(wrong):
        raise ValueError(
            "`learning_rates` must not decrease from one step to the next. "
            f"Received: learning_rates[{wrong[0]}]={rates[wrong[0]]:g}, "
            f"learning_rates[{wrong[0] + 1}]={rates[wrong[0] + 1]:g}. Sort the rows by learning rate."
        )
    if len(rates) > 1 and rates[0] == rates[-1]:
        raise ValueError(
            f"`learning_rates` must increase. Received: learning_rates={rates[0]:g} in all {len(rates)} "
            "rows. Sweep from a small to a large learning rate."
        )


def apply_rule(
    rule: str, shape: Shape, severe: Finding | None, trained_increase: float | None = None
) -> Suggestion:
    """Apply a rule to the shape of a sweep.

    Args:
        rule: Name of the rule.
        shape: The `Shape` of the sweep.
        severe: The severe finding, which prevents a suggestion, or `None`.
        trained_increase: Learning rate from which the loss of an already trained model increases, or `None`.
            There is no descent that the rules could be applied to, so only the default one has a suggestion.
    """
    if severe is not None:
        return Suggestion(None, rule, reason=severe.message)
    if trained_increase is not None:
        if rule == DEFAULT_RULE:
            return Suggestion(suggestion_below(trained_increase), rule)
        return Suggestion(None, rule, reason=_NO_DESCENT)
    rate = RULES[rule].function(shape)
    return Suggestion(rate, rule, ranges=_ranges(shape, rate) if rule == DEFAULT_RULE else None)


def remaining_rows(rows: int, skip_start: int, skip_end: int) -> slice:
    """Return the slice of rows that remain after skipping rows at both ends.

    Raises:
        TypeError: If `skip_start` or `skip_end` is not an integer.
        ValueError: If one of them is negative.
    """
    start = check_integer("skip_start", skip_start, at_least=0)
    end = check_integer("skip_end", skip_end, at_least=0)
    return slice(min(start, rows), max(rows - end, 0))


def _ranges(shape: Shape, suggested: float) -> Ranges:
    # If the loss drops abruptly, the last low row may be less than one step away from the suggestion.
    top = min(_ONE_CYCLE * suggested, max(float(shape.learning_rate[shape.last_low_row]), suggested))
    return Ranges(
        long_training=suggested * _LONG_TRAINING,
        one_cycle_max=top,
        cyclical=(shape.learning_rate_at(0.1), top),
    )


def _mid_descent(shape: Shape) -> float:
    return shape.mean_learning_rate_from(_DESCENT_FROM)


def _steepest(shape: Shape) -> float:
    # The slope at the minimum depends on the row after it, but on no later rows.
    rows = slice(0, shape.minimum_row + 2)
    slope = slope_over(shape.log_rate[rows], shape.smoothed[rows])[: shape.minimum_row + 1]
    return float(shape.learning_rate[np.nanargmin(slope)])


def _valley(shape: Shape) -> float:
    length, last = shape.longest_descent
    third = (length - 1) / 3
    return float(shape.learning_rate[last - (length - 1) + int(third) + int(third / 2)])


def _minimum_tenth(shape: Shape) -> float:
    return float(shape.learning_rate[shape.minimum_row]) / 10


def _lowest_delta(shape: Shape) -> float:
    first = min(shape.delta_window, shape.minimum_row)  # in earlier rows the window is truncated
    delta = loss_delta(shape.loss[: shape.minimum_row + 1], shape.delta_window)
    return float(shape.learning_rate[first + int(delta[first:].argmin())])


def _left_of_minimum(shape: Shape) -> float:
    return float(shape.learning_rate[shape.minimum_row]) / 2


_ALL: Final = (
    Rule(
        "mid_descent",
        "Mid-descent",
        "The middle of the descent: the mean, on the logarithmic axis, of the learning rates at which the "
        "smoothed loss has completed 20 % to 100 % of its descent.",
        "mean of log10 lr(p) over p = 0.2 ... 1; lr(p) = the learning rate at which S reaches L_initial - p "
        "(L_initial - min S) and stays below; L_initial = median L in the first fifth of the decades",
        "tb_lrfinder",
        _mid_descent,
    ),
    Rule(
        "steepest",
        "Steepest descent",
        "Where the smoothed loss decreases fastest per decade of learning rate, up to its minimum.",
        "lr[argmin dS / d log10 lr]",
        "fastai (steep), pytorch-lr-finder",
        _steepest,
    ),
    Rule(
        "valley",
        "Valley",
        "The middle of the longest descent: the longest decreasing subsequence of the losses.",
        "lr[a + n/3 + n/6], n = length of the longest decreasing subsequence of L, a = its last row - n",
        "fastai (valley)",
        _valley,
    ),
    Rule(
        "minimum_tenth",
        "Minimum / 10",
        "One tenth of the learning rate at which the smoothed loss is lowest.",
        "lr[argmin S] / 10",
        "fastai (minimum)",
        _minimum_tenth,
    ),
    Rule(
        "lowest_delta",
        "Lowest delta",
        "Where the loss delta over 20 steps is lowest, up to the minimum; uses the unsmoothed loss.",
        "lr[argmin (L[i] - L[i - 20]) / 20]",
        "keras_lr_finder",
        _lowest_delta,
    ),
    Rule(
        "left_of_minimum",
        "Left of the minimum",
        "Slightly left of the minimum: half the learning rate at which the smoothed loss is lowest.",
        "lr[argmin S] / 2",
        "Smith 2018, arXiv:1803.09820",
        _left_of_minimum,
    ),
)
RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.name: rule for rule in _ALL})
"""The suggestion rules by name, starting with the default."""
