"""Diagnosis of a sweep: findings and how to fix them. Depends only on NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from tb_lrfinder.analysis.descent import (
    above_noise,
    descends,
    first_increase,
    hides_much,
    is_hidden,
    visible_depth,
)
from tb_lrfinder.analysis.shape import MIN_CLARITY, Shape
from tb_lrfinder.analysis.trained_model import increase_of_trained_model
from tb_lrfinder.checks import check_choice, check_string, set_fields
from tb_lrfinder.formatting import loss_text, number_text, rate_text

ALREADY_TRAINED: Final = "already_trained"
"""Code of the finding that the loss only increases, and the suggestion is below the increase."""

NON_FINITE_EARLY: Final = "non_finite_early"
"""Code of the finding that the loss became NaN or infinite where the learning rate cannot be the cause."""

# Calibrated on recorded sweeps, see docs/suggestion.md.
MIN_STEPS: Final = 10
FEW_STEPS_PER_DECADE: Final = 8.0
GOOD_CLARITY: Final = 10.0
MAX_DISAGREEMENT: Final = 1.5  # decades
# In fewer rows, neither a descent nor an increase can be distinguished from noise, and a sweep that starts at
# a larger learning rate may well diverge in its first steps.
_MIN_CONCLUSIVE_ROWS: Final = 5
_HARMLESS_RATE: Final = 1e-2
_CHECK_THE_DATA: Final = (
    "Check the inputs and labels for NaN and infinity, and the loss function for `from_logits`, log(0) and "
    "division by zero."
)
_COMPARED_RULES: Final = ("mid_descent", "steepest", "valley", "minimum_tenth")


@dataclass(frozen=True)
class Finding:
    """A single finding about a sweep.

    Args:
        code: String. Identifier of the finding, such as `"never_diverged"`.
        severity: String. `"severe"` if it prevents a suggestion, otherwise `"mild"`.
        message: String. A description with the relevant numbers, and what to change.

    Raises:
        TypeError: If `code` or `message` is not a string.
        ValueError: If `severity` is unknown, or a string is empty.
    """

    code: str
    severity: Literal["severe", "mild"]
    message: str

    def __post_init__(self) -> None:
        set_fields(
            self,
            code=check_string("code", self.code),
            severity=check_choice("severity", self.severity, ("severe", "mild")),
            message=check_string("message", self.message),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a dict, in the format of the HTTP API."""
        return asdict(self)

    def __str__(self) -> str:
        return self.message


def diagnose(
    shape: Shape,
    suggested: Mapping[str, float | None],
    *,
    stop_reason: str | None = None,
    planned_steps: int | None = None,
    chance_loss: float | None = None,
) -> tuple[Finding, ...]:
    """Diagnose a sweep.

    Args:
        shape: The `Shape` of the sweep.
        suggested: Suggested learning rate of each rule, by name.
        stop_reason: Why the sweep stopped, one of `STOP_REASONS`; `None` if unknown.
        planned_steps: Number of steps of the complete ramp; `None` if unknown.
        chance_loss: Loss of a model that has learned nothing; `None` if unknown.

    Returns:
        The findings, any severe one first. If there is a severe finding, no learning rate is suggested.
    """
    severe = severe_finding(shape, chance_loss)
    increase = increase_of_trained_model(shape, chance_loss)
    has_descent = severe is None and increase is None
    is_trained = severe is None and increase is not None
    findings = [
        severe,
        _already_trained(shape, increase, chance_loss) if severe is None and increase is not None else None,
        _noisy(shape) if has_descent or (is_trained and hides_much(shape)) else None,
        _few_steps(shape) if severe is None else None,
        _starts_in_descent(shape) if has_descent else None,
        _never_diverged(shape, stop_reason) if has_descent else None,
        _rules_disagree(suggested) if has_descent else None,
        _gaps(shape),
        _incomplete(shape, stop_reason, planned_steps),
    ]
    return tuple(finding for finding in findings if finding is not None)


def severe_finding(shape: Shape, chance_loss: float | None = None) -> Finding | None:
    """Return the severe finding that prevents a suggestion, or `None`."""
    rows = len(shape.loss)
    start = float(shape.learning_rate[0]) if rows else 0.0
    if not rows and shape.divergence is not None:
        return Finding(
            "never_finite",
            "severe",
            "The loss is NaN or infinite from the first step, where the learning rate is too small to be "
            f"the cause. {_CHECK_THE_DATA}",
        )
    if _ends_before_any_effect(shape):
        return _non_finite_early(shape)
    if rows < MIN_STEPS and shape.divergence is not None and not shape.divergence > 10 * start > 0:
        return _diverged_at_once(shape, shape.divergence)
    if rows < MIN_STEPS:
        before = "" if shape.divergence is None else " before the divergence"
        return Finding(
            "too_few_steps",
            "severe",
            f"Too few steps with a finite loss{before}: {rows}, and at least {MIN_STEPS} are needed. "
            "Increase `num_steps` (100 is a good value), or train for more batches.",
        )
    if not shape.learning_rate[-1] > shape.learning_rate[0]:
        return Finding(
            "no_ramp",
            "severe",
            f"The learning rate does not increase: it is {rate_text(shape.learning_rate[0])} at the first "
            f"step and {rate_text(shape.learning_rate[-1])} at the last. Sweep from a small to a large "
            "learning rate.",
        )
    if descends(shape) or is_hidden(shape) or increase_of_trained_model(shape, chance_loss) is not None:
        return None
    return _no_descent(shape, chance_loss)


def _ends_before_any_effect(shape: Shape) -> bool:
    """Whether the loss became NaN or infinite permanently, without a decrease or an increase before.

    A learning rate that is too large has visible effects: the loss increases until it overflows, or has
    decreased before.
    """
    if shape.first_non_finite_row is None or not len(shape.loss):
        return False
    if len(shape.loss) < len(shape.usable.rows):  # it increased before, see `Shape.divergence`
        return False
    last = float(shape.loss[-3:].max())
    if len(shape.loss) < _MIN_CONCLUSIVE_ROWS:
        start = float(shape.loss[0])
        return shape.learning_rate[-1] <= _HARMLESS_RATE and last <= start + abs(start) / 2
    if descends(shape):
        return False
    return last <= above_noise(shape)


def _non_finite_early(shape: Shape) -> Finding:
    row = shape.first_non_finite_row
    assert row is not None
    became = "NaN" if math.isnan(shape.usable.all_losses[row]) else "infinite"
    return Finding(
        NON_FINITE_EARLY,
        "severe",
        f"The loss became {became} at step {shape.usable.first + row}, at a learning rate of "
        f"{rate_text(shape.usable.all_rates[row])}, before the learning rate had any visible effect. "
        f"{_CHECK_THE_DATA}",
    )


def _no_descent(shape: Shape, chance_loss: float | None) -> Finding:
    start = float(shape.learning_rate[0])
    increase = first_increase(shape)
    if increase is not None and increase < 10 * start:
        return _diverged_at_once(shape, increase)
    lowest = loss_text(shape.minimum_loss)
    levels = f"it starts at {loss_text(shape.initial)} and its lowest smoothed value is {lowest}"
    if hides_much(shape):
        return Finding(
            "too_noisy",
            "severe",
            f"The loss is too noisy: {levels}, and with step-to-step noise of {number_text(shape.noise, 2)} "
            f"only a descent larger than {number_text(visible_depth(shape), 2)} can be distinguished from "
            "noise. Increase "
            "`num_steps` or `batches_per_step`, or use larger batches.",
        )
    if increase is not None:
        return Finding(
            "no_descent",
            "severe",
            f"The loss does not decrease before it increases: {levels}, and it increases from a learning "
            f"rate of {rate_text(increase)} onward. It starts no lower than that of a model that has learned "
            f"nothing, which is {number_text(chance_loss or math.nan, 2)}: check that the model can learn "
            "from this data, and that its weights are trainable.",
        )
    return Finding(
        "no_descent",
        "severe",
        f"The loss does not decrease: {levels}, a difference within the noise, up to a learning rate of "
        f"{rate_text(shape.learning_rate[-1])}. Increase `end_lr`; if that does not help, check that the "
        "model can learn from this data and that its weights are trainable.",
    )


def _already_trained(shape: Shape, increase: float, chance_loss: float | None) -> Finding:
    evidence = doubt = ""
    if chance_loss is None:
        doubt = " If the model is not trained, check that it can learn from this data."
    else:
        start, chance = number_text(shape.initial, 2), number_text(chance_loss, 2)
        evidence = f": it starts at {start}, compared to {chance} without any training"
    return Finding(
        ALREADY_TRAINED,
        "mild",
        f"The loss did not decrease at any learning rate, but increased from {rate_text(increase)} on, as is "
        f"usual for a model that is already trained{evidence}. The suggestion is 1/300 of that "
        "learning rate, and uncertain: compare it with other learning rates in short training runs, for "
        f"example with `run_trials`.{doubt}",
    )


def _diverged_at_once(shape: Shape, divergence: float) -> Finding:
    start = float(shape.learning_rate[0])
    return Finding(
        "diverged_at_once",
        "severe",
        f"The loss diverged immediately: the sweep starts at a learning rate of {rate_text(start)}, and from "
        f"{rate_text(divergence)} onward the loss increases or is not finite. {_decrease_start(start)}",
    )


def _noisy(shape: Shape) -> Finding | None:
    if shape.clarity >= GOOD_CLARITY:
        return None
    if shape.clarity < MIN_CLARITY:
        return Finding(
            "too_noisy",
            "mild",
            f"The loss is so noisy that a descent smaller than {number_text(visible_depth(shape), 2)} is "
            "hidden: the suggestion is based on where the loss increases. Increase `num_steps` or "
            "`batches_per_step`, or use larger batches, and compare nearby learning rates in short training "
            "runs.",
        )
    return Finding(
        "too_noisy",
        "mild",
        f"The loss is noisy: its descent of {number_text(shape.depth, 2)} is only {shape.clarity:.1f} times "
        "what noise alone would produce. Increase `num_steps` or `batches_per_step`, or use larger batches.",
    )


def _few_steps(shape: Shape) -> Finding | None:
    decades = float(shape.log_rate[-1] - shape.log_rate[0])
    per_decade = (len(shape.loss) - 1) / decades
    if per_decade >= FEW_STEPS_PER_DECADE:
        return None
    return Finding(
        "too_few_steps",
        "mild",
        f"Few steps: {len(shape.loss)} over {decades:.1f} decades of learning rate. Increase `num_steps` to "
        f"at least {math.ceil(12 * decades / 10) * 10}, or narrow the range.",
    )


def _starts_in_descent(shape: Shape) -> Finding | None:
    if shape.learning_rate_at(0.1) > shape.learning_rate[shape.initial_rows - 1]:
        return None
    return Finding(
        "at_edge",
        "mild",
        "The loss is already decreasing at the start of the sweep, so its initial level is uncertain. "
        f"{_decrease_start(float(shape.learning_rate[0]))}",
    )


def _never_diverged(shape: Shape, stop_reason: str | None) -> Finding | None:
    if shape.divergence is not None or stop_reason not in (None, "completed"):
        return None
    last = float(shape.learning_rate[-1])
    if shape.log_rate[-1] - shape.log_rate[shape.minimum_row] < 0.1:
        return Finding(
            "at_edge",
            "mild",
            f"The loss is still decreasing at the end of the sweep, at a learning rate of {rate_text(last)}, "
            f"so a larger learning rate may be better. Increase `end_lr` to at least {rate_text(last * 10)}.",
        )
    return Finding(
        "never_diverged",
        "mild",
        f"The loss did not diverge up to a learning rate of {rate_text(last)}. Increase `end_lr` to "
        f"{rate_text(last * 10)} to see where it does.",
    )


def _rules_disagree(suggested: Mapping[str, float | None]) -> Finding | None:
    rates = {name: rate for name in _COMPARED_RULES if (rate := suggested.get(name)) is not None}
    if len(rates) < 2:
        return None
    low, high = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    decades = math.log10(rates[high] / rates[low])
    if decades <= MAX_DISAGREEMENT:
        return None
    return Finding(
        "rules_disagree",
        "mild",
        f"The rules disagree by {decades:.1f} decades, from {rate_text(rates[low])} ({low}) to "
        f"{rate_text(rates[high])} ({high}). Compare learning rates between them in short training runs.",
    )


def _gaps(shape: Shape) -> Finding | None:
    if not shape.gaps:
        return None
    if shape.gaps == 1:
        where = "1 step that is followed by finite losses; this step is ignored"
    else:
        where = f"{shape.gaps} steps that are followed by finite losses; these steps are ignored"
    return Finding(
        "nan_gaps",
        "mild",
        f"The loss is NaN or infinite in {where}. Check for empty batches or a division by zero in the data "
        "or the loss.",
    )


def _incomplete(shape: Shape, stop_reason: str | None, planned_steps: int | None) -> Finding | None:
    ended = {
        "incomplete": "training ended",
        "interrupted": "training was interrupted",
        "failed": "training raised an error",
    }.get(stop_reason or "")
    if ended is None or not len(shape.loss):
        return None
    of = f" of {planned_steps}" if planned_steps else ""
    return Finding(
        "incomplete",
        "mild",
        f"The ramp is incomplete: {ended} after {len(shape.loss) + shape.gaps}{of} steps, at a learning rate "
        f"of {rate_text(shape.learning_rate[-1])}. Train for more epochs or decrease `num_steps` so that the "
        "ramp is completed.",
    )


def _decrease_start(start: float) -> str:
    return f"Decrease `start_lr` to {rate_text(start / 1000)} or less."
