"""A power law between learning rate and batch size. Depends only on NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_NEAR: Final = 0.15  # an exponent at most this far from a rule
_UNCERTAIN: Final = 0.25  # half of the distance of the rules
_SCATTERED: Final = 2.0


@dataclass(frozen=True)
class PowerLaw:
    """The law `learning_rate = coefficient * batch_size ** exponent`, fitted by least squares in log-log.

    Args:
        exponent: Float. Exponent of the batch size.
        coefficient: Float. Learning rate at a batch size of 1.
        error: Float. Standard error of the exponent; `None` if there are as many suggestions as parameters.
        deviation: Float. The largest factor between the median suggestion of a batch size and the law.
    """

    exponent: float
    coefficient: float
    error: float | None
    deviation: float

    def at(self, batch_size: float) -> float:
        """The learning rate of the law at a batch size."""
        return float(self.coefficient * batch_size**self.exponent)

    def describe(self) -> str:
        """The law in words, with its uncertainty."""
        error = "" if self.error is None else f" (standard error {self.error:.2f})"
        return f"learning_rate ~ batch_size ** {self.exponent:.2f}{error}: {self._verdict()}"

    def _verdict(self) -> str:
        if self.deviation > _SCATTERED:
            return (
                f"no power law, as the suggestions are up to {self.deviation:.1f} times off it. Use the "
                "suggestion of each batch size, and more `repeats`"
            )
        if self.error is None:
            return "its uncertainty is unknown with two suggestions. Add batch sizes or `repeats`"
        if self.error > _UNCERTAIN:
            return "too uncertain to name a scaling rule. Add batch sizes or `repeats`"
        return _named(self.exponent)


def _named(exponent: float) -> str:
    if abs(exponent - 1) <= _NEAR:
        return "near the linear scaling rule (Goyal et al., 2017)"
    if abs(exponent - 0.5) <= _NEAR:
        return "near the square-root scaling rule"
    if abs(exponent) <= _NEAR:
        return "the learning rate hardly depends on the batch size"
    if exponent > 1:
        return "steeper than the linear scaling rule"
    if exponent > 0.5:
        return "between the square-root and the linear scaling rule"
    if exponent > 0:
        return "less than the square-root scaling rule"
    return "the learning rate decreases with the batch size, which is unusual. Check the curves"


def fit_power_law(batch_sizes: Sequence[int], learning_rates: Sequence[float]) -> PowerLaw | None:
    """Fit a power law to suggestions.

    Args:
        batch_sizes: Batch size of each suggestion; a size may occur several times.
        learning_rates: The suggestions.

    Returns:
        The power law, or `None` with fewer than two batch sizes.
    """
    x, y = np.log(np.asarray(batch_sizes, np.float64)), np.log(np.asarray(learning_rates, np.float64))
    if len(set(batch_sizes)) < 2:
        return None
    centered = x - x.mean()
    exponent = float(centered @ y / (centered @ centered))
    intercept = float(y.mean() - exponent * x.mean())
    residuals = y - intercept - exponent * x
    spare = len(x) - 2
    error = math.sqrt(float(residuals @ residuals) / spare / float(centered @ centered)) if spare else None
    medians = [float(np.median(residuals[x == each])) for each in np.unique(x)]
    return PowerLaw(exponent, math.exp(intercept), error, math.exp(max(map(abs, medians))))
