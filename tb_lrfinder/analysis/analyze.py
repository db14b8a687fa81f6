"""Analysis of a recorded sweep: smoothed loss, suggestions and diagnosis. Depends only on NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW, DEFAULT_SMOOTHING, Sweep
from tb_lrfinder.analysis.diagnosis import NON_FINITE_EARLY, Finding, diagnose, severe_finding
from tb_lrfinder.analysis.shape import Shape
from tb_lrfinder.analysis.stop_reasons import STOP_REASONS
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, RULES, Suggestion, apply_rule, remaining_rows
from tb_lrfinder.analysis.trained_model import increase_of_trained_model
from tb_lrfinder.analysis.usable_rows import UsableRows
from tb_lrfinder.checks import (
    check_delta_window,
    check_instance,
    check_integer,
    check_number,
    check_smoothing,
    check_string,
)


@dataclass(frozen=True, eq=False)
class Analysis:
    """The results of analyzing a sweep, see `analyze()`.

    Attributes:
        smoothed_loss: float64 array with one value per row of the sweep.
        suggestions: Dict of `Suggestion` by rule name.
        diagnosis: Tuple of `Finding`, any severe one first.
        minimum_learning_rate: Float. Learning rate at which the smoothed loss is lowest, or `None`.
        divergence_learning_rate: Float. Learning rate from which the loss stays above its initial level, or
            becomes NaN or infinite because of the learning rate; `None` if it did not diverge.
    """

    smoothed_loss: Floats
    suggestions: dict[str, Suggestion]
    diagnosis: tuple[Finding, ...]
    minimum_learning_rate: float | None
    divergence_learning_rate: float | None

    @property
    def suggestion(self) -> Suggestion:
        """The suggestion of the default rule."""
        return self.suggestions[DEFAULT_RULE]

    @property
    def severity(self) -> str | None:
        """The highest severity in the diagnosis: `"severe"`, `"mild"`, or `None`."""
        return self.diagnosis[0].severity if self.diagnosis else None

    def to_json(self) -> dict[str, Any]:
        """Return the results as a dict, in the format of the HTTP API."""
        return {
            "suggestion": self.suggestion.to_json(),
            "suggestions": {name: suggestion.to_json() for name, suggestion in self.suggestions.items()},
            "diagnosis": [finding.to_json() for finding in self.diagnosis],
            "minimum_learning_rate": self.minimum_learning_rate,
            "divergence_learning_rate": self.divergence_learning_rate,
        }


def analyze(
    sweep: Sweep,
    *,
    smoothing: float = DEFAULT_SMOOTHING,
    delta_window: int = DEFAULT_DELTA_WINDOW,
    skip_start: int = 0,
    skip_end: int = 0,
    stop_reason: str | None = None,
    planned_steps: int | None = None,
    chance_loss: float | None = None,
) -> Analysis:
    """Analyze a recorded sweep: smoothed loss, suggestions of all rules, and diagnosis.

    Malformed data never raises, such as an empty sweep, a loss that is always NaN, or a constant learning
    rate: the suggestions then have no learning rate, and their `reason` says why.

    Example:
    ```python
    analysis = analyze(finder.sweep, smoothing=0.3)
    analysis.suggestion.learning_rate
    ```

    Args:
        sweep: `Sweep`. The recorded rows.
        smoothing: Float. Standard deviation of the Gaussian that smooths the loss, in decades of learning
            rate, from 0 to 2. Defaults to `0.3`.
        delta_window: Integer. Window of the loss delta, in steps, at least 1; used by the rule
            `lowest_delta`. Defaults to `20`.
        skip_start: Integer. Number of rows that the rules ignore at the start. Defaults to `0`.
        skip_end: Integer. Number of rows that the rules ignore at the end. Defaults to `0`.
        stop_reason: String. Why the sweep stopped, such as `"diverged"`; see `LRFinder`. Defaults to `None`,
            unknown.
        planned_steps: Integer. Number of steps of the complete ramp. Defaults to `None`, unknown.
        chance_loss: Float. Loss of a model that has learned nothing, such as `math.log(10)` for ten classes.
            Only used if the loss does not decrease: a loss below it shows that the model is already trained.
            Defaults to `None`, unknown.

    Returns:
        An `Analysis`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.
    """
    check_instance("sweep", sweep, Sweep, "a Sweep")
    smoothing = check_smoothing("smoothing", smoothing)
    delta_window = check_delta_window("delta_window", delta_window)
    if stop_reason is not None:  # event files of other versions may contain unknown reasons
        check_string("stop_reason", stop_reason, "a string or None", may_be_empty=True)
    if planned_steps is not None:
        planned_steps = check_integer("planned_steps", planned_steps, or_none=True)
    if chance_loss is not None:
        chance_loss = check_number("chance_loss", chance_loss, or_none=True)
    usable = sweep.usable
    smoothed = usable.smoothed(smoothing)
    rows = remaining_rows(len(sweep), skip_start, skip_end)
    if skip_start or skip_end:
        usable = UsableRows.of(sweep.learning_rate[rows], sweep.loss[rows], rows.start)
    shape = Shape.measure(usable, smoothed[rows], smoothing, delta_window=delta_window)
    severe = severe_finding(shape, chance_loss)
    increase = increase_of_trained_model(shape, chance_loss)
    suggestions = {name: apply_rule(name, shape, severe, increase) for name in RULES}
    if stop_reason == "refused":  # whatever the rows look like, the learning rate had no effect
        reason = STOP_REASONS[stop_reason].capitalize() + "."
        suggestions = {name: Suggestion(None, name, reason=reason) for name in RULES}
    divergence = shape.divergence
    if severe is not None and severe.code == NON_FINITE_EARLY:
        divergence = None  # not caused by the learning rate
    elif divergence is None and stop_reason in ("diverged", "non_finite") and len(sweep):
        divergence = float(sweep.learning_rate[-1])  # the sweep stopped before the smoothed loss shows it
    return Analysis(
        smoothed_loss=smoothed,
        suggestions=suggestions,
        diagnosis=diagnose(
            shape,
            {name: one.learning_rate for name, one in suggestions.items()},
            stop_reason=stop_reason,
            planned_steps=planned_steps,
            chance_loss=chance_loss,
        ),
        minimum_learning_rate=float(shape.learning_rate[shape.minimum_row]) if len(shape.loss) else None,
        divergence_learning_rate=divergence,
    )
