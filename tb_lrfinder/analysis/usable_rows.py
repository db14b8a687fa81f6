"""The usable rows of a sweep, with a finite loss and a positive learning rate. Depends only on NumPy."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tb_lrfinder.analysis.averaging import (
    Floats,
    cap_divergence,
    despike,
    gaussian_average,
    initial_rows,
    usable_mask,
)


@dataclass(frozen=True, eq=False)
class UsableRows:
    """The usable rows of a sweep, and what is computed from them independently of the smoothing.

    Usable rows are those whose loss and learning rate are finite in float32, so that sums of them are finite
    too.

    Args:
        all_rates: Learning rates of all rows.
        all_losses: Losses of all rows.
        rows: Indices of the usable rows.
        first: Index in the sweep of the first of all rows, if some were skipped before it.
    """

    all_rates: Floats
    all_losses: Floats
    rows: NDArray[np.int64]
    first: int = 0

    @classmethod
    def of(cls, rates: Floats, losses: Floats, first: int = 0) -> UsableRows:
        """Select the usable rows of two columns."""
        return cls(rates, losses, np.flatnonzero(usable_mask(rates, losses)), first)

    @cached_property
    def log_rate(self) -> Floats:
        """Base-10 logarithm of the learning rates."""
        return np.asarray(np.log10(self.all_rates[self.rows]))

    @cached_property
    def denoised_loss(self) -> Floats:
        """The losses after removing spikes and capping the divergence: the input of the smoothing."""
        return cap_divergence(despike(self.all_losses[self.rows]), initial_rows(self.log_rate))

    @cached_property
    def longest_descents(self) -> tuple[Sequence[int], Sequence[int]]:
        """The result of `longest_descents` for the losses."""
        return longest_descents(self.all_losses[self.rows])

    @property
    def end(self) -> int:
        """Index of the row after the last usable one."""
        return int(self.rows[-1]) + 1 if len(self.rows) else 0

    def smoothed(self, decades: float) -> Floats:
        """The smoothed loss of all rows, see `tb_lrfinder.smooth`."""
        if decades == 0:
            return np.array(self.all_losses)
        smoothed = np.full(len(self.all_losses), np.nan)
        if len(self.rows):
            smoothed[self.rows] = gaussian_average(self.log_rate, self.denoised_loss, decades)
        return smoothed


def longest_descents(values: Floats) -> tuple[Sequence[int], Sequence[int]]:
    """Find the longest strictly decreasing subsequence of the values up to each row.

    Runs in O(n log n): `ends[k]` is the highest value with which a subsequence of `k + 1` rows ends so far.

    Returns:
        For each row, the length of the subsequence, and the row at which the first of that length ends.
    """
    ends: list[float] = []
    lengths, lasts = array("i"), array("i")
    longest = last = 0
    for row, value in enumerate((-values).tolist()):
        length = bisect_left(ends, value)
        if length == longest:
            ends.append(value)
            longest += 1
            last = row
        else:
            ends[length] = value
        lengths.append(longest)
        lasts.append(last)
    return lengths, lasts
