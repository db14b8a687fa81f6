"""Downsampling of long sweeps for display. Depends only on NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_lrfinder.analysis.averaging import Floats

# With fewer rows per bucket, downsampling would keep most of them anyway.
_ROWS_PER_BUCKET = 4


def rows_to_draw(
    learning_rate: Floats,
    columns: Sequence[NDArray[Any]],
    buckets: int,
    marked: Iterable[float] = (),
) -> NDArray[np.int64]:
    """Return the rows that are needed to draw a chart `buckets` pixels wide.

    Of the rows that fall on one pixel, the first, the lowest, the highest and the last are kept, as in the M4
    aggregation (Jugel et al. 2014): the line through them covers the same pixels as the line through all
    rows.

    Example:
    ```python
    rows = rows_to_draw(sweep.learning_rate, [sweep.loss], buckets=1000)
    plt.semilogx(sweep.learning_rate[rows], sweep.loss[rows])
    ```

    Args:
        learning_rate: Array. Learning rate of each row; non-decreasing.
        columns: Arrays that are drawn against the learning rate. NaN values are neither minimum nor maximum;
            a bucket of only NaN values stays a gap.
        buckets: Integer. Number of equal parts into which the logarithm of the learning rate is divided.
        marked: Learning rates whose neighboring rows are always kept.

    Returns:
        Sorted row indices; all rows if there are few.
    """
    count = len(learning_rate)
    if count <= _ROWS_PER_BUCKET * buckets:
        return np.arange(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.log10(learning_rate)  # a linear ramp may start at zero
    known = np.flatnonzero(np.isfinite(x))
    if not len(known):
        return np.array([0, count - 1])
    low, high = x[known[0]], x[known[-1]]
    edges = np.searchsorted(np.nan_to_num(x, neginf=low), np.linspace(low, high, buckets + 1)[1:-1])
    starts = np.unique(np.concatenate([[0], edges]))
    starts = starts[starts < count]
    ends = np.append(starts[1:], count)
    kept = [starts, ends - 1]
    for column in columns:
        lowest = np.where(np.isnan(column), np.inf, column)
        highest = np.where(np.isnan(column), -np.inf, column)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            extremes = start + lowest[start:end].argmin(), start + highest[start:end].argmax()
            kept.append(np.array(extremes))
    right = np.searchsorted(learning_rate, list(marked))
    kept += [np.clip(right - 1, 0, count - 1), np.clip(right, 0, count - 1)]
    return np.unique(np.concatenate(kept))
