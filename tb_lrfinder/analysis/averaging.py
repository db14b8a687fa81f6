"""Averages that noise, spikes and divergence cannot drag away. Needs only numpy."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The Gaussian is cut off this many standard deviations from its centre, and sampled this finely.
_REACH: Final = 4.0
_CELLS_PER_DEVIATION: Final = 8
_MOST_CELLS: Final = 1 << 17
_FEW_ROWS: Final = 48  # up to here the sums over all pairs of rows are faster than the grid

# What is infinite as a float32.
_INFINITE: Final = 2.0**128


def usable(rates: Floats, losses: Floats) -> NDArray[np.bool_]:
    """The rows that can be reckoned with: finite as float32 numbers, so that their sums stay finite too."""
    return (np.abs(losses) < _INFINITE) & (rates > 0) & (rates < _INFINITE)


def despike(losses: Floats) -> Floats:
    """A running median over five steps, over three in short sweeps."""
    if len(losses) < 3:
        return losses
    if len(losses) < 50:
        padded = np.concatenate([losses[:1], losses, losses[-1:]])
        return _median_of_three(padded[:-2], padded[1:-1], padded[2:])
    padded = np.concatenate([losses[1::-1], losses, losses[:-3:-1]])
    a, b, c, d, e = (padded[i : len(losses) + i] for i in range(5))
    # The median of five is that of the fifth, the larger of two minima and the smaller of two maxima.
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return _median_of_three(low, high, e)


def cap_divergence(losses: Floats, first_rows: int) -> Floats:
    """The losses with everything after the lowest capped half a descent above the initial level.

    Where there is no descent to speak of nothing is capped: there is no minimum to protect.
    """
    if len(losses) < 3:
        return losses
    low = int(losses.argmin())
    initial = median(losses[:first_rows])
    noise = noise_level(losses[: max(low, 20)])
    descent = initial - losses[low]
    if descent <= 4 * noise:
        return losses
    capped = np.array(losses)
    # In a noisy sweep the cap must not cut into the noise.
    np.minimum(capped[low:], initial + max(0.5 * descent, 4 * noise), out=capped[low:])
    return capped


def initial_rows(x: Floats) -> int:
    """How many rows say what the loss was before the learning rate was large enough to act.

    Those in the first fifth of the decades of `x`, but at least five where there are enough.
    """
    rows = len(x)
    return max(int(np.searchsorted(x, x[0] + (x[-1] - x[0]) / 5)), min(5, rows // 5), 1)


def noise_level(losses: Floats) -> float:
    """Standard deviation of the noise from row to row.

    By the median of how far each row is off the line between its neighbours, so that neither the slope of
    the curve nor its edges count.
    """
    if len(losses) < 3:
        return 0.0
    off = losses[1:-1] - (losses[:-2] + losses[2:]) / 2
    return 1.4826 / math.sqrt(1.5) * median(np.abs(off))


def median(values: Floats) -> float:
    """That of at least one number, as `np.median` has it, whose checks take longer than the sorting."""
    ordered, middle = np.sort(values), len(values) // 2
    if len(values) % 2:
        return float(ordered[middle])
    return float((ordered[middle - 1] + ordered[middle]) / 2)


def _median_of_three(a: Floats, b: Floats, c: Floats) -> Floats:
    return np.asarray(np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c)))


def gaussian_average(x: Floats, y: Floats, deviation: float) -> Floats:
    """The average of `y` under a Gaussian centred on each `x`, as an integral over `x`.

    The rows are shared out to the cells of a fine even grid first, so that the cost is that of two short
    convolutions, whatever the number of rows. A row weighs as much as the stretch of `x` it stands for,
    so that a ramp whose steps lie closer on the right, as a linear one's, does not shift the curve. Few rows
    are averaged as they are.
    """
    start = float(x.min())
    span = float(x.max()) - start
    if not span > 0:
        return np.full(len(y), y.mean())
    centre = median(y)  # keeps large offsets out of the sums
    stretch = _stretches(x, deviation)
    if len(y) <= _FEW_ROWS:
        weights = np.exp(-0.5 * ((x[:, None] - x) / deviation) ** 2) * stretch
        return np.asarray(weights @ (y - centre) / weights.sum(1) + centre)
    cells = int(min(max(span / deviation * _CELLS_PER_DEVIATION, 8), _MOST_CELLS)) + 1
    width = span / (cells - 1)
    position = np.minimum((x - start) / width, cells - 1)
    left = np.minimum(position.astype(np.int64), cells - 2)
    share = position - left

    def gridded(values: Floats) -> Floats:
        lower = np.bincount(left, (1 - share) * values, cells)
        return np.asarray(lower + np.bincount(left + 1, share * values, cells))

    reach = int(min(max(_REACH * deviation / width, 1), cells - 1))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * width / deviation) ** 2)
    weight = np.convolve(gridded(stretch), kernel)[reach : reach + cells]
    total = np.convolve(gridded(stretch * (y - centre)), kernel)[reach : reach + cells]
    known = np.flatnonzero(weight > 0)
    return np.asarray(np.interp(position, known, total[known] / weight[known]) + centre)


def _stretches(x: Floats, deviation: float) -> Floats:
    """How much of `x` each row stands for; rows at the same place share it. A deviation at most."""
    steps = x[1:] - x[:-1]
    if (steps > 0).all():
        # The gradient, without looking for what is not there.
        stretch = np.empty(len(x))
        stretch[0], stretch[1:-1], stretch[-1] = steps[0], (x[2:] - x[:-2]) / 2, steps[-1]
        return np.asarray(np.minimum(np.maximum(stretch, 1e-3 * deviation), deviation))
    distinct, place, count = np.unique(x, return_inverse=True, return_counts=True)
    stretch = np.clip(np.gradient(distinct), 1e-3 * deviation, deviation)
    return np.asarray((stretch / count)[place])
