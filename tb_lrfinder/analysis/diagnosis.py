"""What a sweep says about itself, and what to change. Needs only numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from tb_lrfinder.analysis.shape import LEAST_CLARITY, Shape

NON_FINITE_EARLY: Final = "non_finite_early"
"""The code of a loss that became NaN or infinite where the learning rate cannot be the reason."""

# Calibrated on recorded sweeps, see docs/suggestion.md.
FEWEST_STEPS: Final = 10
FEW_STEPS_PER_DECADE: Final = 8.0
GOOD_CLARITY: Final = 10.0
# Noise that can hide a descent of this share of the loss may hide what an untrained model learns. With more,
# the loss itself is hardly more than noise, as that of a model that is trained already.
HIDDEN_DESCENT: Final = (0.02, 0.2)
MOST_DISAGREEMENT: Final = 1.5  # decades
# In fewer rows than these neither a descent nor a rise can be told from noise, and a sweep that begins at a
# larger learning rate than this may well break in its first step.
_FEWEST_TELLING_ROWS: Final = 5
_HARMLESS_RATE: Final = 1e-2
_CHECK_THE_DATA: Final = (
    "Check the inputs and the labels for NaN and infinity, and the loss function: `from_logits`, log(0), a "
    "division by zero."
)
_COMPARED_RULES: Final = ("mid_descent", "steepest", "valley", "minimum_tenth")


@dataclass(frozen=True)
class Finding:
    """One thing that a sweep says about itself.

    Args:
        code: What it is, in a word, such as `"never_diverged"`.
        severity: `"severe"`: there is no suggestion because of it. `"mild"`: worth a look.
        message: A sentence with the numbers, and what to change.
    """

    code: str
    severity: Literal["severe", "mild"]
    message: str

    def to_json(self) -> dict[str, Any]:
        """As a plain dict, as the HTTP API answers it."""
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
    """Everything worth saying about a sweep.

    Args:
        shape: The sweep, measured.
        suggested: What each rule suggests.
        stop_reason: How the sweep ended, one of `STOP_REASONS`; None where it is not known.
        planned_steps: How many steps the ramp was to have.

    Returns:
        The findings, the severe one first. With a severe one there is no suggestion.
    """
    severe = obstacle(shape)
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


def obstacle(shape: Shape) -> Finding | None:
    """What makes a suggestion impossible, if anything does: a severe finding."""
    rows = len(shape.loss)
    start = float(shape.learning_rate[0]) if rows else 0.0
    if not rows and shape.divergence is not None:
        return Finding(
            "never_finite",
            "severe",
            "The loss is NaN or infinite from the first step on, before the learning rate could do any harm. "
            f"{_CHECK_THE_DATA}",
        )
    if _ends_before_any_effect(shape):
        return _non_finite_early(shape)
    if rows < FEWEST_STEPS and shape.divergence is not None and not shape.divergence > 10 * start > 0:
        return _diverged_at_once(shape, shape.divergence)
    if rows < FEWEST_STEPS:
        before = "" if shape.divergence is None else " before it diverged"
        return Finding(
            "too_few_steps",
            "severe",
            f"Too few steps: {rows} with a finite loss{before}, and a curve needs {FEWEST_STEPS} or more. "
            "Raise `num_steps` (100 is a good number), or train for more batches.",
        )
    if not shape.learning_rate[-1] > shape.learning_rate[0]:
        return Finding(
            "no_ramp",
            "severe",
            f"The learning rate does not rise: it is {_rate(shape.learning_rate[0])} at the first step and "
            f"{_rate(shape.learning_rate[-1])} at the last. Sweep from a small to a large one.",
        )
    if not _descends(shape) and not (_is_visible(shape.descent, shape) and _hidden(shape)):
        return _no_descent(shape)
    return None


def _is_visible(descent: float, shape: Shape) -> bool:
    return descent > 1e-6 * max(abs(shape.initial), abs(shape.lowest))  # about the resolution of a float32


def _descends(shape: Shape) -> bool:
    return _is_visible(shape.descent, shape) and shape.clarity >= LEAST_CLARITY


def _ends_before_any_effect(shape: Shape) -> bool:
    """Whether the loss became NaN or infinite for good, and had neither come down nor risen before.

    A learning rate that is too large shows: the loss rises until it overflows, or it had come down before.
    """
    if shape.non_finite_from is None or not len(shape.loss):
        return False
    if len(shape.loss) < len(shape.usable.rows):  # it rose before, see `Shape.divergence`
        return False
    last = float(shape.loss[-3:].max())
    if len(shape.loss) < _FEWEST_TELLING_ROWS:
        start = float(shape.loss[0])
        return shape.learning_rate[-1] <= _HARMLESS_RATE and last <= start + abs(start) / 2
    if _descends(shape):
        return False
    return last <= shape.initial + max(4 * shape.noise, 1e-6 * abs(shape.initial))


def _non_finite_early(shape: Shape) -> Finding:
    row = shape.non_finite_from
    assert row is not None
    became = "NaN" if math.isnan(shape.usable.all_losses[row]) else "infinite"
    return Finding(
        NON_FINITE_EARLY,
        "severe",
        f"The loss became {became} at step {shape.usable.first + row}, at a learning rate of "
        f"{_rate(shape.usable.all_rates[row])}, before the learning rate had any visible effect. "
        f"{_CHECK_THE_DATA}",
    )


def _hidden(shape: Shape) -> bool:
    """Whether noise may hide a descent, and the loss rises above it in the end.

    Then the learning rate acts, and the suggestion lies left of where it does too much.
    """
    least, most = HIDDEN_DESCENT
    visible = LEAST_CLARITY * shape.left_over
    return least * abs(shape.initial) < visible <= most * abs(shape.initial) and shape.ends_high


def _no_descent(shape: Shape) -> Finding:
    start = float(shape.learning_rate[0])
    risen = _first_rise(shape)
    if risen is not None and risen < 10 * start:
        return _diverged_at_once(shape, risen)
    seen = f"it starts at {shape.initial:.4g} and its lowest smoothed value is {shape.lowest:.4g}"
    visible = LEAST_CLARITY * shape.left_over
    if visible > HIDDEN_DESCENT[1] * abs(shape.initial):
        return Finding(
            "too_noisy",
            "severe",
            f"The loss is too noisy: {seen}, and with noise of {shape.noise:.2g} from step to step only a "
            f"descent of more than {visible:.2g} can be told from chance. Raise `num_steps` or "
            "`batches_per_step`, or use larger batches.",
        )
    if risen is not None:
        return Finding(
            "no_descent",
            "severe",
            f"The loss does not come down before it rises: {seen}, and it rises from a learning rate of "
            f"{_rate(risen)} on. So it is with a model that is already trained: try learning rates below "
            f"{_rate(risen / 10)} in short trainings and compare them. If the model is new, check that it "
            "can learn from this data.",
        )
    return Finding(
        "no_descent",
        "severe",
        f"The loss does not come down: {seen}, no more than chance, up to a learning rate of "
        f"{_rate(shape.learning_rate[-1])}. Raise `end_lr`; if that does not help, check that the model can "
        "learn from this data and that its weights are trainable.",
    )


def _first_rise(shape: Shape) -> float | None:
    """The learning rate from which on the loss is above its initial level by more than its noise."""
    above = shape.loss > shape.initial + max(4 * shape.noise, 1e-6 * abs(shape.initial))
    first = len(above) - int(np.argmin(above[::-1])) if not above.all() else 0
    return float(shape.learning_rate[first]) if first < len(above) else shape.divergence


def _diverged_at_once(shape: Shape, divergence: float) -> Finding:
    start = float(shape.learning_rate[0])
    return Finding(
        "diverged_at_once",
        "severe",
        f"The loss diverged at once: the sweep starts at a learning rate of {_rate(start)}, and from "
        f"{_rate(divergence)} on the loss rises or is not a number. {_lower_start(start)}",
    )


def _noisy(shape: Shape) -> Finding | None:
    if shape.clarity >= GOOD_CLARITY:
        return None
    if shape.clarity < LEAST_CLARITY:
        return Finding(
            "too_noisy",
            "mild",
            "The loss is so noisy that its descent does not show, which is less than "
            f"{LEAST_CLARITY * shape.left_over:.2g}: the suggestion rests on where the loss rises. Raise "
            "`num_steps` or `batches_per_step`, or use larger batches, and compare learning rates around it "
            "in short trainings.",
        )
    return Finding(
        "too_noisy",
        "mild",
        f"The loss is noisy: its descent of {shape.depth:.2g} is only {shape.clarity:.1f} times what noise "
        "alone would leave in the curve. Raise `num_steps` or `batches_per_step`, or use larger batches.",
    )


def _few_steps(shape: Shape) -> Finding | None:
    decades = float(shape.log_rate[-1] - shape.log_rate[0])
    per_decade = (len(shape.loss) - 1) / decades
    if per_decade >= FEW_STEPS_PER_DECADE:
        return None
    return Finding(
        "too_few_steps",
        "mild",
        f"Few steps: {len(shape.loss)} over {decades:.1f} decades of learning rate. Raise `num_steps` to "
        f"{math.ceil(12 * decades / 10) * 10} or more, or narrow the range.",
    )


def _starts_in_descent(shape: Shape) -> Finding | None:
    if shape.fallen(0.1) > shape.learning_rate[shape.initial_rows - 1]:
        return None
    return Finding(
        "at_edge",
        "mild",
        "The loss is already coming down at the start of the sweep, so that its initial level is not well "
        f"known. {_lower_start(float(shape.learning_rate[0]))}",
    )


def _never_diverged(shape: Shape, stop_reason: str | None) -> Finding | None:
    if shape.divergence is not None or stop_reason not in (None, "completed"):
        return None
    last = float(shape.learning_rate[-1])
    if shape.log_rate[-1] - shape.log_rate[shape.low] < 0.1:
        return Finding(
            "at_edge",
            "mild",
            f"The loss is still coming down at the end of the sweep, at a learning rate of {_rate(last)}, so "
            f"that a larger one may be better. Raise `end_lr` to {_rate(last * 10)} or more.",
        )
    return Finding(
        "never_diverged",
        "mild",
        f"The loss never diverged up to a learning rate of {_rate(last)}. Raise `end_lr` to "
        f"{_rate(last * 10)} to see where it does.",
    )


def _rules_disagree(suggested: Mapping[str, float | None]) -> Finding | None:
    rates = {name: rate for name in _COMPARED_RULES if (rate := suggested.get(name)) is not None}
    if len(rates) < 2:
        return None
    low, high = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    decades = math.log10(rates[high] / rates[low])
    if decades <= MOST_DISAGREEMENT:
        return None
    return Finding(
        "rules_disagree",
        "mild",
        f"The rules disagree by {decades:.1f} decades, from {_rate(rates[low])} ({low}) to "
        f"{_rate(rates[high])} ({high}). Compare some learning rates between them in short trainings.",
    )


def _gaps(shape: Shape) -> Finding | None:
    if not shape.gaps:
        return None
    return Finding(
        "nan_gaps",
        "mild",
        f"The loss is NaN or infinite in {shape.gaps} steps with finite ones after them; they are left out. "
        "Look for empty batches or a division by zero in the data or the loss.",
    )


def _incomplete(shape: Shape, stop_reason: str | None, planned_steps: int | None) -> Finding | None:
    ended = {
        "incomplete": "the training ended",
        "interrupted": "the training was interrupted",
        "failed": "the training raised an error",
    }.get(stop_reason or "")
    if ended is None or not len(shape.loss):
        return None
    of = f" of {planned_steps}" if planned_steps else ""
    return Finding(
        "incomplete",
        "mild",
        f"The ramp is incomplete: {ended} after {len(shape.loss) + shape.gaps}{of} steps, at a learning rate "
        f"of {_rate(shape.learning_rate[-1])}. Train for more epochs or lower `num_steps`, so that it is "
        "seen to the end.",
    )


def _lower_start(start: float) -> str:
    return f"Lower `start_lr` to {_rate(start / 1000)} or less."


def _rate(learning_rate: float) -> str:
    return f"{float(f'{learning_rate:.2g}'):g}"  # 100, not 1e+02
