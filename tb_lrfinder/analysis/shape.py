"""What every rule and every diagnosis asks of a sweep, measured once. Needs only numpy."""

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
from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW, Usable

LEAST_CLARITY: Final = 3.5
"""What makes a descent visible, see `Shape.clarity`. So clear is 1 in 50 sweeps of nothing but noise."""


@dataclass(frozen=True, eq=False)
class Shape:
    """What every rule and every diagnosis asks of a sweep, measured once.

    Rows whose loss is NaN or infinite are not in it, nor are rows from the divergence on: what the loss does
    there says nothing about training.

    Args:
        usable: What it was measured from.
        learning_rate: Of each row.
        log_rate: Its base-10 logarithm.
        loss: As recorded.
        smoothed: The smoothed loss.
        initial: The loss before the learning rate is large enough to act: the median of the first rows.
        initial_rows: How many these are.
        lowest: The lowest smoothed loss.
        low: The row of the minimum, freed of the smoothing's pull, see `_undragged_minimum`.
        noise: Standard deviation of the loss from row to row, before the descent.
        smoothed_noise: What is left of it in the smoothed loss.
        depth: How far the smoothed minimum is below the mean of the rows on its left.
        left_over: Standard deviation of the depth that noise alone would leave.
        divergence: The learning rate at which the smoothed loss rose above its initial level after the
            descent, or the loss became NaN or infinite for good; None where neither happened.
        ends_high: Whether the last losses are above the initial level by more than noise, or not finite.
        gaps: Number of rows without a finite loss that have one with it after them.
        delta_window: Steps over which the loss delta is taken.
    """

    usable: Usable
    learning_rate: Floats
    log_rate: Floats
    loss: Floats
    smoothed: Floats
    initial: float
    initial_rows: int
    lowest: float
    low: int
    noise: float
    smoothed_noise: float
    depth: float
    left_over: float
    divergence: float | None
    ends_high: bool
    gaps: int
    delta_window: int

    @classmethod
    def measure(
        cls,
        usable: Usable,
        smoothed: Floats,
        smoothing: float,
        *,
        delta_window: int = DEFAULT_DELTA_WINDOW,
    ) -> Shape:
        """Measures a sweep, from its rows and their smoothed loss."""
        learning_rate, loss, kept = usable.all_rates, usable.all_losses, usable.rows
        rates, losses, calm, x = learning_rate[kept], loss[kept], smoothed[kept], usable.log_rate
        divergence = None
        end = int(kept[-1]) + 1 if len(kept) else 0
        if end < len(loss) and 0 < learning_rate[end] < math.inf:
            divergence = float(learning_rate[end])
        if not len(kept):
            nothing = math.nan
            return cls(
                usable,
                x,
                x,
                x,
                x,
                nothing,
                0,
                nothing,
                0,
                0.0,
                0.0,
                0.0,
                0.0,
                divergence,
                True,
                0,
                delta_window,
            )
        gaps = end - len(kept)
        first_rows = initial_rows(x)
        initial = median(losses[:first_rows])
        low = int(calm.argmin())
        half = int(np.argmax(calm <= (initial + calm[low]) / 2))
        noise = noise_level(losses[: max(half, 20, len(losses) // 2)])
        # The descent is as clear as its depth is large against the noise that is left in the two levels that
        # it joins: the smoothed minimum, and the rows on its left that the smoothing keeps apart from it.
        reach = math.sqrt(math.pi) * smoothing  # an even window of this half-width averages as much
        averaged = max(int(np.searchsorted(x, x[low] + reach) - np.searchsorted(x, x[low] - reach)), 1)
        before = min(max(int(np.searchsorted(x, x[low] - 3 * smoothing)), 5), low)
        left_over = noise * math.sqrt(1 / averaged + 1 / max(before, 1))
        depth = float(calm[:before].mean() - calm[low]) if before else 0.0
        ends_high = divergence is not None or median(losses[-5:]) > initial + 2.5 * noise
        if depth > left_over:
            risen = calm[half:] > initial + 3 * noise / math.sqrt(averaged)
            if depth < LEAST_CLARITY * left_over:  # noise may do that, but not for good
                risen = np.logical_and.accumulate(risen[::-1])[::-1]
            if risen.any():
                end = half + int(np.argmax(risen))
                divergence = float(rates[end])
                rates, x, losses, calm = (column[: max(end, 1)] for column in (rates, x, losses, calm))
                low = int(calm.argmin())
        return cls(
            usable=usable,
            learning_rate=rates,
            log_rate=x,
            loss=losses,
            smoothed=calm,
            initial=initial,
            initial_rows=min(first_rows, len(rates)),
            lowest=float(calm[low]),
            low=_undragged_minimum(x, losses, low, smoothing),
            noise=noise,
            smoothed_noise=noise / math.sqrt(averaged),
            depth=depth,
            left_over=left_over,
            divergence=divergence,
            ends_high=ends_high,
            gaps=gaps,
            delta_window=delta_window,
        )

    @property
    def non_finite_from(self) -> int | None:
        """The row of all rows from which on the loss is NaN or infinite for good; None where it is not."""
        rows = self.usable.rows
        end = int(rows[-1]) + 1 if len(rows) else 0
        return end if end < len(self.usable.all_losses) else None

    @property
    def clarity(self) -> float:
        """The depth of the descent as a multiple of what noise alone would leave."""
        if self.left_over > 0:
            return self.depth / self.left_over
        return math.inf if self.depth > 0 else 0.0

    @property
    def descent(self) -> float:
        """By how much the smoothed loss goes down, from the initial level to its lowest."""
        return self.initial - self.lowest

    @property
    def longest_descent(self) -> tuple[int, int]:
        """Length of the longest strictly decreasing subsequence, and the row at which the first one ends."""
        lengths, lasts = self.usable.longest_descents
        end = len(self.loss) - 1  # rows from the divergence on are not in it
        return lengths[end], lasts[end]

    @cached_property
    def last_low(self) -> int:
        """The last row whose smoothed loss is above the lowest by no more than two deviations of its noise.

        In a flat valley, or where noise is large, the lowest row is where chance has put it. What comes after
        the loss has clearly risen by half of its descent is another valley, such as that of a network that
        has diverged and is saturated.
        """
        above = self.smoothed - self.lowest
        same = above <= 2 * self.smoothed_noise
        first = int(np.argmax(same))
        risen = above[first:] > max(self.descent / 2, 8 * self.smoothed_noise)
        end = first + int(np.argmax(risen)) if risen.any() else len(above)
        last = end - 1 - int(np.argmax(same[:end][::-1]))
        return max(last, self.low) if self.low < end else last

    @cached_property
    def _share_fallen(self) -> Floats:
        """The share of the descent that is done for good at each row, up to the last low one."""
        ahead = np.maximum.accumulate(self.smoothed[self.last_low :: -1])[::-1]
        share = np.zeros(len(ahead))
        if self.descent > 0:
            share = np.clip((self.initial - ahead) / self.descent, 0.0, 1.0)
        share[-1] = 1.0
        return share

    def fallen(self, share: float) -> float:
        """The learning rate at which this share of the descent is done for good, up to the last low row."""
        row = int(np.argmax(self._share_fallen >= share))
        if row == 0:
            return float(self.learning_rate[0])
        before, after = self._share_fallen[row - 1 : row + 1]
        part = (share - before) / (after - before)
        return float(10 ** (self.log_rate[row - 1] + part * (self.log_rate[row] - self.log_rate[row - 1])))

    def mean_fallen(self, first_share: float) -> float:
        """The mean of `fallen` over all shares from this one to the whole, on the logarithmic axis."""
        further = np.flatnonzero(self._share_fallen > first_share)
        share = np.append(first_share, self._share_fallen[further])
        x = np.append(math.log10(self.fallen(first_share)), self.log_rate[further])
        total = np.diff(share) @ (x[:-1] + x[1:]) / 2
        return float(10 ** (total / (1 - first_share)))


def _undragged_minimum(x: Floats, losses: Floats, low: int, smoothing: float) -> int:
    """The row of the minimum, as near to where the loss itself is lowest as the noise allows.

    A Gaussian that reaches over the edge of a divergence pushes the minimum away from it, by up to two of its
    standard deviations. So the minimum is looked for again around it under narrower ones, and moved where the
    loss is lower by more than chance.
    """
    spacing = float(x[-1] - x[0]) / len(x)
    for narrower in (smoothing / 3, smoothing / 9, smoothing / 27):
        if narrower < spacing / 3:
            break
        around = slice(
            int(np.searchsorted(x, x[low] - 10 * narrower)),
            int(np.searchsorted(x, x[low] + 10 * narrower, "right")),
        )
        near, values = x[around], losses[around]
        if len(near) < 3 or near[0] == near[-1]:
            break
        calm = gaussian_average(near, cap_divergence(despike(values), initial_rows(near)), narrower)
        inside = np.flatnonzero(np.abs(near - x[low]) <= 6 * narrower)
        found = int(inside[calm[inside].argmin()])
        rows = max(2 * math.sqrt(math.pi) * narrower * (len(near) - 1) / float(np.ptp(near)), 1.0)
        if calm[low - around.start] - calm[found] > 3 * noise_level(values) * math.sqrt(2 / rows):
            low = around.start + found
    return low
