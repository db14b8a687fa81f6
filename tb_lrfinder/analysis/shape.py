"""Measurements of a sweep that the rules and the diagnosis share. Depends only on NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from tb_lrfinder.analysis.averaging import (
    Floats,
    cap_divergence,
    despike,
    gaussian_average,
    initial_rows,
    median,
    noise_level,
)
from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW
from tb_lrfinder.analysis.usable_rows import UsableRows

MIN_CLARITY: Final = 3.5
"""Minimum clarity of a visible descent, see `Shape.clarity`. Reached by 1 in 50 sweeps of pure noise."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Measurements of a sweep that the rules and the diagnosis share.

    Rows with a NaN or infinite loss are excluded, as are rows from the divergence onward, where the loss
    carries no information about training.

    Args:
        usable: The usable rows, including those from the divergence onward.
        learning_rate: Learning rate of each row.
        log_rate: Base-10 logarithm of the learning rate.
        loss: Recorded loss of each row.
        smoothed: Smoothed loss of each row.
        initial: Loss before the learning rate is large enough to have an effect: the median of the first
            rows.
        initial_rows: Number of these rows.
        minimum_loss: Lowest smoothed loss.
        minimum_row: Row of the minimum, corrected for the bias of the smoothing, see `_refine_minimum`.
        noise: Standard deviation of the loss from row to row, before the descent.
        smoothed_noise: Standard deviation of the noise in the smoothed loss.
        depth: Difference between the mean of the rows to the left of the smoothed minimum and the minimum.
        depth_noise: Standard deviation of the depth caused by noise alone.
        divergence: Learning rate at which the smoothed loss exceeds its initial level after the descent, or
            from which the loss is permanently NaN or infinite; `None` if neither happens.
        ends_high: Whether the last losses exceed the initial level by more than noise, or are not finite.
        gaps: Number of rows without a finite loss that are followed by a finite loss.
        delta_window: Window of the loss delta, in steps.
    """

    usable: UsableRows
    learning_rate: Floats
    log_rate: Floats
    loss: Floats
    smoothed: Floats
    initial: float
    initial_rows: int
    minimum_loss: float
    minimum_row: int
    noise: float
    smoothed_noise: float
    depth: float
    depth_noise: float
    divergence: float | None
    ends_high: bool
    gaps: int
    delta_window: int

    @classmethod
    def measure(
        cls,
        usable: UsableRows,
        smoothed: Floats,
        smoothing: float,
        *,
        delta_window: int = DEFAULT_DELTA_WINDOW,
    ) -> Shape:
        """Measure a sweep.

        Args:
            usable: The usable rows of the sweep.
            smoothed: Smoothed loss of all rows.
            smoothing: Standard deviation of the Gaussian that smoothed the loss, in decades of learning rate.
            delta_window: Window of the loss delta, in steps.
        """
        if not len(usable.rows):
            return cls._empty(usable, delta_window)
        rows = usable.rows
        curve = _Curve(
            usable.all_rates[rows], usable.log_rate, usable.all_losses[rows], np.asarray(smoothed[rows])
        )
        descent = _Descent.measure(curve, smoothing)
        divergence = _non_finite_rate(usable)
        ends_high = divergence is not None or descent.is_exceeded_by(median(curve.loss[-5:]))
        diverged_row = descent.find_divergence(curve)
        if diverged_row is not None:
            divergence = float(curve.rate[diverged_row])
            curve = curve.until(max(diverged_row, 1))
        return cls(
            usable=usable,
            learning_rate=curve.rate,
            log_rate=curve.log_rate,
            loss=curve.loss,
            smoothed=curve.smoothed,
            initial=descent.initial,
            initial_rows=min(descent.initial_rows, len(curve.rate)),
            minimum_loss=float(curve.smoothed[curve.low]),
            minimum_row=_refine_minimum(curve, smoothing),
            noise=descent.noise,
            smoothed_noise=descent.smoothed_noise,
            depth=descent.depth,
            depth_noise=descent.depth_noise,
            divergence=divergence,
            ends_high=ends_high,
            gaps=usable.end - len(rows),
            delta_window=delta_window,
        )

    @classmethod
    def _empty(cls, usable: UsableRows, delta_window: int) -> Shape:
        """The shape of a sweep without usable rows."""
        return cls(
            usable=usable,
            learning_rate=np.empty(0),
            log_rate=np.empty(0),
            loss=np.empty(0),
            smoothed=np.empty(0),
            initial=math.nan,
            initial_rows=0,
            minimum_loss=math.nan,
            minimum_row=0,
            noise=0.0,
            smoothed_noise=0.0,
            depth=0.0,
            depth_noise=0.0,
            divergence=_non_finite_rate(usable),
            ends_high=True,
            gaps=0,
            delta_window=delta_window,
        )

    @property
    def first_non_finite_row(self) -> int | None:
        """Index, among all rows, of the row from which the loss is permanently NaN or infinite, or `None`."""
        end = self.usable.end
        return end if end < len(self.usable.all_losses) else None

    @property
    def clarity(self) -> float:
        """The depth of the descent divided by the depth that noise alone would produce."""
        if self.depth_noise > 0:
            return self.depth / self.depth_noise
        return math.inf if self.depth > 0 else 0.0

    @property
    def descent(self) -> float:
        """The decrease of the smoothed loss from the initial level to its minimum."""
        return self.initial - self.minimum_loss

    @property
    def longest_descent(self) -> tuple[int, int]:
        """Length of the longest strictly decreasing subsequence, and the row at which the first one ends."""
        lengths, lasts = self.usable.longest_descents
        end = len(self.loss) - 1  # rows from the divergence onward are excluded
        return lengths[end], lasts[end]

    @cached_property
    def last_low_row(self) -> int:
        """The last row of the valley around the minimum.

        That is the last row whose smoothed loss exceeds the minimum by at most two standard deviations of its
        noise. In a flat valley, or with much noise, the position of the minimum is random, but the end of the
        valley is not. Rows after an increase of the loss by half of its descent belong to another valley,
        such as that of a network that has diverged and is saturated.
        """
        above = self.smoothed - self.minimum_loss
        low = above <= 2 * self.smoothed_noise
        first = int(np.argmax(low))
        increased = above[first:] > max(self.descent / 2, 8 * self.smoothed_noise)
        end = first + int(np.argmax(increased)) if increased.any() else len(above)
        last = end - 1 - int(np.argmax(low[:end][::-1]))
        return max(last, self.minimum_row) if self.minimum_row < end else last

    @cached_property
    def _completed(self) -> Floats:
        """The fraction of the descent that is permanently completed at each row, up to the last low row."""
        highest_ahead = np.maximum.accumulate(self.smoothed[self.last_low_row :: -1])[::-1]
        completed = np.zeros(len(highest_ahead))
        if self.descent > 0:
            completed = np.clip((self.initial - highest_ahead) / self.descent, 0.0, 1.0)
        completed[-1] = 1.0
        return completed

    def learning_rate_at(self, fraction: float) -> float:
        """The learning rate at which a fraction of the descent is permanently completed."""
        row = int(np.argmax(self._completed >= fraction))
        if row == 0:
            return float(self.learning_rate[0])
        before, after = self._completed[row - 1 : row + 1]
        part = (fraction - before) / (after - before)
        return float(10 ** (self.log_rate[row - 1] + part * (self.log_rate[row] - self.log_rate[row - 1])))

    def mean_learning_rate_from(self, fraction: float) -> float:
        """The mean of `learning_rate_at` over all fractions from this one to 1, on the logarithmic axis."""
        later = np.flatnonzero(self._completed > fraction)
        fractions = np.append(fraction, self._completed[later])
        x = np.append(math.log10(self.learning_rate_at(fraction)), self.log_rate[later])
        total = np.diff(fractions) @ (x[:-1] + x[1:]) / 2
        return float(10 ** (total / (1 - fraction)))


@dataclass(frozen=True, eq=False)
class _Curve:
    """Columns of usable rows: learning rate, its base-10 logarithm, loss and smoothed loss."""

    rate: Floats
    log_rate: Floats
    loss: Floats
    smoothed: Floats

    @cached_property
    def low(self) -> int:
        """The row with the lowest smoothed loss."""
        return int(self.smoothed.argmin())

    def until(self, end: int) -> _Curve:
        """The rows before `end`."""
        return _Curve(self.rate[:end], self.log_rate[:end], self.loss[:end], self.smoothed[:end])


@dataclass(frozen=True)
class _Descent:
    """The descent of a curve and the noise that it stands out from. For the fields see `Shape`.

    The descent is as clear as its depth is large compared to the noise that remains in the two levels that it
    connects: the smoothed minimum, and the rows to its left that are outside of the reach of the smoothing.
    """

    initial: float
    initial_rows: int
    half_row: int
    """The first row at which half of the descent is completed."""
    noise: float
    smoothed_noise: float
    depth: float
    depth_noise: float

    @classmethod
    def measure(cls, curve: _Curve, smoothing: float) -> _Descent:
        x, smoothed, low = curve.log_rate, curve.smoothed, curve.low
        first_rows = initial_rows(x)
        initial = median(curve.loss[:first_rows])
        half = int(np.argmax(smoothed <= (initial + smoothed[low]) / 2))
        noise = noise_level(curve.loss[: max(half, 20, len(x) // 2)])
        # A moving average with this half-width averages over as many rows as the Gaussian.
        reach = math.sqrt(math.pi) * smoothing
        averaged = max(int(np.searchsorted(x, x[low] + reach) - np.searchsorted(x, x[low] - reach)), 1)
        before = min(max(int(np.searchsorted(x, x[low] - 3 * smoothing)), 5), low)
        return cls(
            initial=initial,
            initial_rows=first_rows,
            half_row=half,
            noise=noise,
            smoothed_noise=noise / math.sqrt(averaged),
            depth=float(smoothed[:before].mean() - smoothed[low]) if before else 0.0,
            depth_noise=noise * math.sqrt(1 / averaged + 1 / max(before, 1)),
        )

    def is_exceeded_by(self, loss: float) -> bool:
        """Whether a median of five losses is above the initial level by more than noise."""
        return loss > self.initial + 2.5 * self.noise

    def find_divergence(self, curve: _Curve) -> int | None:
        """The first row after the descent whose smoothed loss exceeds the initial level, or `None`."""
        if self.depth <= self.depth_noise:
            return None
        exceeds = curve.smoothed[self.half_row :] > self.initial + 3 * self.smoothed_noise
        if self.depth < MIN_CLARITY * self.depth_noise:  # noise may exceed the level, but not permanently
            exceeds = np.logical_and.accumulate(exceeds[::-1])[::-1]
        return self.half_row + int(np.argmax(exceeds)) if exceeds.any() else None


def _non_finite_rate(usable: UsableRows) -> float | None:
    """The learning rate from which the loss is permanently NaN or infinite, or `None`."""
    rates, end = usable.all_rates, usable.end
    return float(rates[end]) if end < len(rates) and 0 < rates[end] < math.inf else None


def _refine_minimum(curve: _Curve, smoothing: float) -> int:
    """Find the row of the minimum, as close to the minimum of the loss itself as the noise allows.

    A Gaussian that overlaps the start of a divergence shifts the minimum away from it, by up to two standard
    deviations. The minimum is therefore searched again in its neighborhood with narrower Gaussians, and moved
    if the loss there is lower by more than noise.
    """
    x, losses, low = curve.log_rate, curve.loss, curve.low
    spacing = float(x[-1] - x[0]) / len(x)
    for narrower in (smoothing / 3, smoothing / 9, smoothing / 27):
        if narrower < spacing / 3:
            break
        around = slice(
            int(np.searchsorted(x, x[low] - 10 * narrower)),
            int(np.searchsorted(x, x[low] + 10 * narrower, "right")),
        )
        near, values = x[around], losses[around]
        if len(near) < 3 or near[0] == near[-1] or not around.start <= low < around.stop:
            break  # the last only if the learning rates do not increase
        smoothed = gaussian_average(near, cap_divergence(despike(values), initial_rows(near)), narrower)
        inside = np.flatnonzero(np.abs(near - x[low]) <= 6 * narrower)
        found = int(inside[smoothed[inside].argmin()])
        rows = max(2 * math.sqrt(math.pi) * narrower * (len(near) - 1) / float(np.ptp(near)), 1.0)
        if smoothed[low - around.start] - smoothed[found] > 3 * noise_level(values) * math.sqrt(2 / rows):
            low = around.start + found
    return low
