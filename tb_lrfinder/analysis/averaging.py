"""Robust smoothing: averages that resist noise, spikes and divergence. Depends only on NumPy."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Truncation of the Gaussian, in standard deviations, and grid cells per standard deviation.
_REACH: Final = 4.0
_CELLS_PER_DEVIATION: Final = 8
_MOST_CELLS: Final = 1 << 17
_FEW_ROWS: Final = 48  # up to this number, sums over all pairs of rows are faster than the grid

# Numbers of at least this size are infinite in float32.
_FLOAT32_INFINITY: Final = 2.0**128


def usable_mask(rates: Floats, losses: Floats) -> NDArray[np.bool_]:
    """Mask of the usable rows: finite in float32, so that sums of them are finite too."""
    return (np.abs(losses) < _FLOAT32_INFINITY) & (rates > 0) & (rates < _FLOAT32_INFINITY)


def despike(losses: Floats) -> Floats:
    """Running median over five steps, or three in short sweeps."""
    if len(losses) < 3:
        return losses
    if len(losses) < 50:
        padded = np.concatenate([losses[:1], losses, losses[-1:]])
        return _median_of_three(padded[:-2], padded[1:-1], padded[2:])
    padded = np.concatenate([losses[1::-1], losses, losses[:-3:-1]])
    a, b, c, d, e = (padded[i : len(losses) + i] for i in range(5))
    # The median of five values is the median of the fifth, the larger minimum and the smaller maximum of two
    # pairs of the others.
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return _median_of_three(low, high, e)


def cap_divergence(losses: Floats, first_rows: int) -> Floats:
    """Losses of which everything after the lowest is capped at half a descent above the initial level.

    Without a significant descent nothing is capped, because there is no minimum to protect.
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
    # In a noisy sweep the cap must stay above the noise.
    np.minimum(capped[low:], initial + max(0.5 * descent, 4 * noise), out=capped[low:])
    return capped


def initial_rows(x: Floats) -> int:
    """Number of rows that define the initial level.

    The learning rate is not yet large enough to have an effect there: these are the rows in the first fifth
    of the decades of `x`, but at least five if there are enough.
    """
    rows = len(x)
    return max(int(np.searchsorted(x, x[0] + (x[-1] - x[0]) / 5)), min(5, rows // 5), 1)


def noise_level(losses: Floats) -> float:
    """Standard deviation of the noise from row to row.

    Estimated from the median deviation of each row from the line between its neighbors, so that neither the
    slope nor the edges of the curve matter.
    """
    if len(losses) < 3:
        return 0.0
    deviation = losses[1:-1] - (losses[:-2] + losses[2:]) / 2
    return 1.4826 / math.sqrt(1.5) * median(np.abs(deviation))


def median(values: Floats) -> float:
    """Median of a non-empty array. Faster than `np.median`, whose checks take longer than the sort."""
    ordered, middle = np.sort(values), len(values) // 2
    if len(values) % 2:
        return float(ordered[middle])
    return float((ordered[middle - 1] + ordered[middle]) / 2)


def _median_of_three(a: Floats, b: Floats, c: Floats) -> Floats:
    return np.asarray(np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c)))


def gaussian_average(x: Floats, y: Floats, deviation: float) -> Floats:
    """Average of `y` under a Gaussian centered on each `x`, as an integral over `x`.

    The rows are first distributed to the cells of a fine, even grid, so the cost is that of two short
    convolutions, independently of the number of rows. Each row is weighted by the interval of `x` that it
    represents, so that a ramp with unevenly spaced steps, such as a linear one, does not shift the curve. A
    small number of rows is averaged without the grid.
    """
    start = float(x.min())
    span = float(x.max()) - start
    if not span > 0:
        return np.full(len(y), y.mean())
    center = median(y)  # keeps large offsets out of the sums
    interval = _intervals(x, deviation)
    if len(y) <= _FEW_ROWS:
        weights = np.exp(-0.5 * ((x[:, None] - x) / deviation) ** 2) * interval
        return np.asarray(weights @ (y - center) / weights.sum(1) + center)
    cells = int(min(max(span / deviation * _CELLS_PER_DEVIATION, 8), _MOST_CELLS)) + 1
    width = span / (cells - 1)
    position = np.minimum((x - start) / width, cells - 1)
    left = np.minimum(position.astype(np.int64), cells - 2)
    share = position - left

    def on_grid(values: Floats) -> Floats:
        lower = np.bincount(left, (1 - share) * values, cells)
        return np.asarray(lower + np.bincount(left + 1, share * values, cells))

    reach = int(min(max(_REACH * deviation / width, 1), cells - 1))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * width / deviation) ** 2)
    weight = np.convolve(on_grid(interval), kernel)[reach : reach + cells]
    total = np.convolve(on_grid(interval * (y - center)), kernel)[reach : reach + cells]
    known = np.flatnonzero(weight > 0)
    return np.asarray(np.interp(position, known, total[known] / weight[known]) + center)


def _intervals(x: Floats, deviation: float) -> Floats:
    """Length of the interval of `x` that each row represents, at most a deviation. Equal `x` share it."""
    steps = x[1:] - x[:-1]
    if (steps > 0).all():
        # As `np.gradient`, without its checks.
        interval = np.empty(len(x))
        interval[0], interval[1:-1], interval[-1] = steps[0], (x[2:] - x[:-2]) / 2, steps[-1]
        return np.asarray(np.minimum(np.maximum(interval, 1e-3 * deviation), deviation))
    distinct, place, count = np.unique(x, return_inverse=True, return_counts=True)
    interval = np.clip(np.gradient(distinct), 1e-3 * deviation, deviation)
    return np.asarray((interval / count)[place])
