"""What a sweep says about itself, and what to change. Needs only numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from tb_lrfinder.curve import Floats, Shape

FEWEST_STEPS = 10
FEW_STEPS = 40


@dataclass(frozen=True)
class Finding:
    """One thing that a sweep says about itself.

    Args:
        code: What it is, in one word with underscores, such as `"no_descent"`.
        severity: `"severe"`: there is no suggestion because of it. `"mild"`: worth a look.
        message: A sentence with the numbers and what to change.
    """

    code: str
    severity: Literal["severe", "mild"]
    message: str

    def to_json(self) -> dict[str, Any]:
        """As in the HTTP API."""
        return asdict(self)


def obstacle(shape: Shape) -> Finding | None:
    """What makes a suggestion from this sweep impossible, if anything does."""
    steps = len(shape.loss)
    if steps < FEWEST_STEPS:
        return Finding(
            "too_few_steps",
            "severe",
            f"Only {steps} steps have a finite loss, too few to see a curve: sweep at least {FEWEST_STEPS} steps, "
            "better 100.",
        )
    drop = shape.initial - shape.lowest
    if not drop > 4 * shape.smoothed_noise or not drop > 1e-6 * max(abs(shape.initial), abs(shape.lowest)):
        return Finding(
            "no_descent",
            "severe",
            f"The loss does not go down: it starts at {shape.initial:.4g} and its smoothed minimum is "
            f"{shape.lowest:.4g}. Check that the model can learn the data, or sweep a wider range of learning rates.",
        )
    return None


def diagnose(
    shape: Shape,
    suggested: Mapping[str, float | None] | None = None,
    *,
    stop_reason: str | None = None,
    planned_steps: int | None = None,
) -> tuple[Finding, ...]:
    """Everything worth saying about a sweep, the severe first."""
    severe = obstacle(shape)
    if severe:
        return (severe,)
    findings = []
    if stop_reason in (None, "completed") and not shape.diverged:
        findings.append(
            Finding(
                "never_diverged",
                "mild",
                f"The loss never diverged up to a learning rate of {shape.learning_rate[-1]:.3g}: raise `end_lr` to see where "
                "it does.",
            )
        )
    return tuple(findings)


def spread(values: Floats) -> float:
    """The largest of positive numbers over the smallest."""
    return float(np.max(values) / np.min(values))
