"""The columns of one sweep, and the curves that are drawn from them. Needs only numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tb_lrfinder import metadata

Floats = NDArray[np.float64]

DEFAULT_SMOOTHING: Final = 0.3
"""Standard deviation of the Gaussian that smooths the loss, in decades of learning rate."""

DEFAULT_DELTA_WINDOW: Final = 20
"""Steps over which the loss delta is taken."""

# The Gaussian is cut off this many standard deviations from its centre, and sampled this finely.
_REACH: Final = 4.0
_CELLS_PER_DEVIATION: Final = 8
_MOST_CELLS: Final = 1 << 17
_FEW_ROWS: Final = 48  # up to here the sums over all pairs of rows are faster than the grid

# What is infinite as a float32.
_INFINITE: Final = 2.0**128


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """The rows of one sweep: what was recorded at each step of the ramp.

    Example:

    ```python
    finder.sweep.learning_rate[finder.sweep.loss.argmin()]
    ```

    Args:
        step: int64, the row's number in the ramp, from 0.
        learning_rate: float64, the learning rate that acted in the step (exactly a float32).
        loss: float64, the loss of the step's batch before its update.
        loss_delta: float64, the moving difference of the loss, see `loss_delta`.
        validation_loss: float64, NaN in the rows that have none.
    """

    step: NDArray[np.int64]
    learning_rate: Floats
    loss: Floats
    loss_delta: Floats
    validation_loss: Floats

    @classmethod
    def from_losses(
        cls,
        learning_rate: ArrayLike,
        loss: ArrayLike,
        validation_loss: ArrayLike | None = None,
        delta_window: int = DEFAULT_DELTA_WINDOW,
        *,
        step: ArrayLike | None = None,
    ) -> Sweep:
        """A sweep with its loss delta computed.

        Args:
            learning_rate: One per step; kept as the float32 that an optimizer holds.
            loss: One per step, any finite or non-finite number.
            validation_loss: One per step, NaN where none was taken. None: none at all.
            delta_window: Steps over which the loss delta is taken, at least 1.
            step: The number of each row. None: counted from 0.

        Raises:
            ValueError: The columns are not one-dimensional and equally long, or `delta_window` is below 1.
        """
        rates = _column("learning_rate", np.asarray(learning_rate, dtype=np.float32))
        losses = _column("loss", loss, len(rates))
        validation = np.full(len(rates), np.nan) if validation_loss is None else validation_loss
        return cls(
            step=_column("step", np.arange(len(rates)) if step is None else step, len(rates)).astype(
                np.int64
            ),
            learning_rate=rates,
            loss=losses,
            loss_delta=loss_delta(losses, delta_window),
            validation_loss=_column("validation_loss", validation, len(rates)),
        )

    def with_delta_window(self, delta_window: int) -> Sweep:
        """The same sweep with its loss delta taken over another number of steps."""
        delta = loss_delta(self.loss, delta_window)
        return Sweep(self.step, self.learning_rate, self.loss, delta, self.validation_loss)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name, in the order in which they are written."""
        return {name: getattr(self, name) for name in metadata.COLUMNS}

    def keys(self) -> tuple[str, ...]:
        """The names of the columns, so that `dict(sweep)` and `pandas.DataFrame(dict(sweep))` work."""
        return metadata.COLUMNS

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column by its name.

        Raises:
            KeyError: If there is no such column; names those that there are.
        """
        if name not in metadata.COLUMNS:
            raise KeyError(f"A sweep has no column {name!r}. It has {', '.join(metadata.COLUMNS)}.")
        return self.columns()[name]

    def __len__(self) -> int:
        return len(self.step)

    def __repr__(self) -> str:
        if not len(self):
            return "Sweep(0 steps)"
        first, last = self.learning_rate[0], self.learning_rate[-1]
        finite = self.loss[np.isfinite(self.loss)]
        losses = f"loss {finite.min():.4g} to {finite.max():.4g}" if len(finite) else "no finite loss"
        steps = "1 step" if len(self) == 1 else f"{len(self)} steps"
        return f"Sweep({steps}, learning rate {first:.3g} to {last:.3g}, {losses})"


assert tuple(field.name for field in fields(Sweep)) == metadata.COLUMNS


def loss_delta(loss: ArrayLike, window: int = DEFAULT_DELTA_WINDOW) -> Floats:
    """The moving difference of the loss: `(loss[i] - loss[i - window]) / window`.

    In the first `window` rows the window reaches back to row 0; row 0 itself has a delta of 0.

    Args:
        loss: One per step.
        window: Steps to look back, at least 1.

    Raises:
        ValueError: `window` is not a whole number of at least 1.
    """
    if isinstance(window, bool) or window != int(window) or window < 1:
        raise ValueError(
            f"`window` must be a whole number of at least 1, such as 20. Received window={window!r}."
        )
    losses = _column("loss", loss)
    delta = np.zeros(len(losses))
    with np.errstate(invalid="ignore", over="ignore"):
        delta[1:window] = (losses[1:window] - losses[:1]) / np.arange(1, len(losses))[: window - 1]
        delta[window:] = (losses[window:] - losses[:-window]) / window
    return delta


def smooth(learning_rate: ArrayLike, loss: ArrayLike, decades: float = DEFAULT_SMOOTHING) -> Floats:
    """The loss without its noise, as a function of the learning rate.

    Each value is the average of the loss under a Gaussian that is centred on its learning rate and measured
    in decades. So it means the same for 100 and for 10,000 steps, and does not lag behind as an average over
    past steps does. Spikes of one or two steps are taken out by a running median before, and the divergent
    tail is capped half a descent above the initial level, so that it cannot drag the minimum to the left.

    Example:

    ```python
    smoothed = smooth(sweep.learning_rate, sweep.loss)
    ```

    Args:
        learning_rate: Positive numbers, one per step.
        loss: One per learning rate. Rows in which it is NaN or infinite are NaN in the result; the other
            rows are smoothed as if these were not there.
        decades: Standard deviation of the Gaussian in decades of learning rate. 0 returns the losses.

    Returns:
        The smoothed loss, one per step.

    Raises:
        ValueError: The arguments are not one-dimensional and equally long, or `decades` is negative.
    """
    rates = _column("learning_rate", learning_rate)
    losses = _column("loss", loss, len(rates))
    if not 0 <= decades < math.inf:
        raise ValueError(
            f"`decades` must be 0 (no smoothing) or a positive number, such as 0.2. Received {decades!r}."
        )
    if decades == 0:
        return np.array(losses)
    smoothed = np.full(len(losses), np.nan)
    kept = usable(rates, losses)
    if kept.any():
        x = np.log10(rates[kept])
        calm = cap_divergence(despike(losses[kept]), initial_rows(x))
        smoothed[kept] = gaussian_average(x, calm, decades)
    return smoothed


def slope_per_decade(learning_rate: ArrayLike, smoothed: ArrayLike) -> Floats:
    """The slope of the smoothed loss per decade of learning rate: `d smoothed / d log10(learning_rate)`.

    NaN where the smoothed loss is NaN, and everywhere if the learning rate stands still.
    """
    rates = _column("learning_rate", learning_rate)
    values = _column("smoothed", smoothed, len(rates))
    slope = np.full(len(values), np.nan)
    kept = np.flatnonzero(usable(rates, values))
    x, y = np.log10(rates[kept]), values[kept]
    if len(x) > 1 and (np.diff(x) > 0).all():
        slope[kept] = np.gradient(y, x)
    elif len(x) > 1:  # rows at the same learning rate count as one
        distinct, group = np.unique(x, return_inverse=True)
        if len(distinct) > 1:
            slope[kept] = np.gradient(np.bincount(group, y) / np.bincount(group), distinct)[group]
    return slope


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


def _column(name: str, values: ArrayLike, length: int | None = None) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional. Received an array of shape {column.shape}.")
    if length is not None and len(column) != length:
        raise ValueError(
            f"`{name}` must have one value per learning rate, that is {length}. Received {len(column)}."
        )
    return column
