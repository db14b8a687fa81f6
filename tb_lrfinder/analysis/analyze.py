"""Everything that is computed from a recorded sweep, in one call. Needs only numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW, DEFAULT_SMOOTHING, Sweep, Usable
from tb_lrfinder.analysis.diagnosis import NON_FINITE_EARLY, Finding, diagnose, obstacle
from tb_lrfinder.analysis.shape import Shape
from tb_lrfinder.analysis.stop_reasons import STOP_REASONS
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, RULES, Suggestion, apply_rule, kept_rows


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a sweep says.

    Args:
        smoothed_loss: One per row of the sweep.
        suggestions: By rule.
        diagnosis: What is worth saying about the sweep, the severe first.
        minimum_learning_rate: Where the smoothed loss is lowest.
        divergence_learning_rate: Where the loss rose above its initial level for good, or became NaN or
            infinite by what the learning rate did.
    """

    smoothed_loss: Floats
    suggestions: dict[str, Suggestion]
    diagnosis: tuple[Finding, ...]
    minimum_learning_rate: float | None
    divergence_learning_rate: float | None

    @property
    def suggestion(self) -> Suggestion:
        """That of the default rule."""
        return self.suggestions[DEFAULT_RULE]

    @property
    def severity(self) -> str | None:
        """The worst of the diagnosis: `"severe"`, `"mild"`, or None."""
        return self.diagnosis[0].severity if self.diagnosis else None

    def to_json(self) -> dict[str, Any]:
        """The keys of the same names in the HTTP API."""
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
) -> Analysis:
    """Everything that a recorded sweep says.

    Odd data do not raise, such as no rows, only NaN, or a learning rate that stands still: there is no
    suggestion then, and its `reason` says why.

    Example:
    ```python
    analysis = analyze(finder.sweep, smoothing=0.3)
    analysis.suggestion.learning_rate
    ```

    Args:
        sweep: The rows of the sweep.
        smoothing: Standard deviation of the Gaussian that smooths the loss, in decades of learning rate.
        delta_window: Steps over which the loss delta is taken, for the rule of the lowest one.
        skip_start: Rows that the rules leave out at the start.
        skip_end: Rows that the rules leave out at the end.
        stop_reason: How the sweep ended, one of `STOP_REASONS`; None where it is not known.
        planned_steps: How many steps the ramp was to have; None where it is not known.

    Raises:
        ValueError: A setting is negative, or `delta_window` is below 1.
    """
    usable = sweep.usable
    smoothed = usable.smoothed(smoothing)
    rows = kept_rows(len(sweep), skip_start, skip_end)
    if skip_start or skip_end:
        usable = Usable.of(sweep.learning_rate[rows], sweep.loss[rows], rows.start)
    shape = Shape.measure(usable, smoothed[rows], smoothing, delta_window=delta_window)
    hindered = obstacle(shape)
    suggestions = {name: apply_rule(name, shape, hindered) for name in RULES}
    if stop_reason == "refused":  # whatever the rows look like, the learning rate had no part in them
        reason = STOP_REASONS[stop_reason].capitalize() + "."
        suggestions = {name: Suggestion(None, name, reason=reason) for name in RULES}
    divergence = shape.divergence
    if hindered is not None and hindered.code == NON_FINITE_EARLY:
        divergence = None  # not the learning rate's doing
    elif divergence is None and stop_reason in ("diverged", "non_finite") and len(sweep):
        divergence = float(sweep.learning_rate[-1])  # it was stopped before the smoothed loss shows it
    return Analysis(
        smoothed_loss=smoothed,
        suggestions=suggestions,
        diagnosis=diagnose(
            shape,
            {name: one.learning_rate for name, one in suggestions.items()},
            stop_reason=stop_reason,
            planned_steps=planned_steps,
        ),
        minimum_learning_rate=float(shape.learning_rate[shape.low]) if len(shape.loss) else None,
        divergence_learning_rate=divergence,
    )
