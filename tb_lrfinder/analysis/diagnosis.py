"""Diagnosis of a sweep: findings and how to fix them. Depends only on NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from tb_lrfinder.analysis.shape import MIN_CLARITY, Shape
from tb_lrfinder.checks import check_choice, check_string, set_fields
from tb_lrfinder.formatting import loss_text, number_text, rate_text

NON_FINITE_EARLY: Final = "non_finite_early"
"""Code of the finding that the loss became NaN or infinite where the learning rate cannot be the cause."""

# Calibrated on recorded sweeps, see docs/suggestion.md.
MIN_STEPS: Final = 10
FEW_STEPS_PER_DECADE: Final = 8.0
GOOD_CLARITY: Final = 10.0
# Noise that can hide a descent of these fractions of the loss may hide what an untrained model learns. With
# more noise, the loss itself is hardly more than noise, like that of an already trained model.
HIDDEN_DESCENT: Final = (0.02, 0.2)
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
) -> tuple[Finding, ...]:
    """Diagnose a sweep.

    Args:
        shape: The `Shape` of the sweep.
        suggested: Suggested learning rate of each rule, by name.
        stop_reason: Why the sweep stopped, one of `STOP_REASONS`; `None` if unknown.
        planned_steps: Number of steps of the complete ramp; `None` if unknown.

    Returns:
        The findings, any severe one first. If there is a severe finding, no learning rate is suggested.
    """
    severe = severe_finding(shape)
    findings = [
        severe,
        None if severe else _noisy(shape),
        None if severe else _few_steps(shape),
        None if severe else _starts_in_descent(shape),
        None if severe else _never_diverged(shape, stop_reason),
        None if severe else _rules_disagree(suggested),
        _gaps(shape),
        _incomplete(shape, stop_reason, planned_steps),
    ]
    return tuple(finding for finding in findings if finding is not None)


def severe_finding(shape: Shape) -> Finding | None:
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
    if not _descends(shape) and not (_is_visible(shape.descent, shape) and _hidden(shape)):
        return _no_descent(shape)
    return None


def _is_visible(descent: float, shape: Shape) -> bool:
    return descent > 1e-6 * max(abs(shape.initial), abs(shape.minimum_loss))  # about the precision of float32


def _descends(shape: Shape) -> bool:
    return _is_visible(shape.descent, shape) and shape.clarity >= MIN_CLARITY


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
    if _descends(shape):
        return False
    return last <= shape.initial + max(4 * shape.noise, 1e-6 * abs(shape.initial))


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


def _hidden(shape: Shape) -> bool:
    """Whether noise may hide a descent while the loss ends above its initial level.

    The learning rate then has an effect, and the suggestion is to the left of where that effect is harmful.
    """
    least, most = HIDDEN_DESCENT
    visible = MIN_CLARITY * shape.depth_noise
    return least * abs(shape.initial) < visible <= most * abs(shape.initial) and shape.ends_high


def _no_descent(shape: Shape) -> Finding:
    start = float(shape.learning_rate[0])
    increase = _first_increase(shape)
    if increase is not None and increase < 10 * start:
        return _diverged_at_once(shape, increase)
    lowest = loss_text(shape.minimum_loss)
    levels = f"it starts at {loss_text(shape.initial)} and its lowest smoothed value is {lowest}"
    visible = MIN_CLARITY * shape.depth_noise
    if visible > HIDDEN_DESCENT[1] * abs(shape.initial):
        return Finding(
            "too_noisy",
            "severe",
            f"The loss is too noisy: {levels}, and with step-to-step noise of {number_text(shape.noise, 2)} "
            f"only a descent larger than {number_text(visible, 2)} can be distinguished from noise. Increase "
            "`num_steps` or `batches_per_step`, or use larger batches.",
        )
    if increase is not None:
        return Finding(
            "no_descent",
            "severe",
            f"The loss does not decrease before it increases: {levels}, and it increases from a learning "
            f"rate of {rate_text(increase)} onward. This is typical of an already trained model: compare "
            f"short training runs at learning rates below {rate_text(increase / 10)}. If the model is "
            "untrained, check that it can learn from this data.",
        )
    return Finding(
        "no_descent",
        "severe",
        f"The loss does not decrease: {levels}, a difference within the noise, up to a learning rate of "
        f"{rate_text(shape.learning_rate[-1])}. Increase `end_lr`; if that does not help, check that the "
        "model can learn from this data and that its weights are trainable.",
    )


def _first_increase(shape: Shape) -> float | None:
    """The learning rate from which the loss stays above its initial level by more than its noise."""
    above = shape.loss > shape.initial + max(4 * shape.noise, 1e-6 * abs(shape.initial))
    first = len(above) - int(np.argmin(above[::-1])) if not above.all() else 0
    return float(shape.learning_rate[first]) if first < len(above) else shape.divergence


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
            "The loss is so noisy that a descent smaller than "
            f"{number_text(MIN_CLARITY * shape.depth_noise, 2)} is hidden: the suggestion is based on where "
            "the loss increases. Increase `num_steps` or `batches_per_step`, or use larger batches, and "
            "compare nearby learning rates in short training runs.",
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
