"""The columns of one sweep, and the curves that are drawn from them. Needs only numpy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tb_lrfinder import metadata

Floats = NDArray[np.float64]

DEFAULT_SMOOTHING: Final = 0.15
"""Standard deviation of the Gaussian that smooths the loss, in decades of learning rate."""

DEFAULT_DELTA_WINDOW: Final = 20
"""Steps over which the loss delta is taken."""

# The Gaussian is cut off this many standard deviations from its centre, and sampled this finely.
_REACH: Final = 4.0
_CELLS_PER_DEVIATION: Final = 8
_MOST_CELLS: Final = 1 << 17


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
            step=_column("step", np.arange(len(rates)) if step is None else step, len(rates)).astype(np.int64),
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
        raise ValueError(f"`window` must be a whole number of at least 1, such as 20. Received window={window!r}.")
    losses = _column("loss", loss)
    delta = np.zeros(len(losses))
    with np.errstate(invalid="ignore", over="ignore"):
        delta[1:window] = (losses[1:window] - losses[:1]) / np.arange(1, len(losses))[: window - 1]
        delta[window:] = (losses[window:] - losses[:-window]) / window
    return delta


def smooth(learning_rate: ArrayLike, loss: ArrayLike, decades: float = DEFAULT_SMOOTHING) -> Floats:
    """The loss without its noise, as a function of the learning rate.

    A Gaussian centred on each step and measured in decades of learning rate, so that it means the same for
    100 and for 10,000 steps and does not shift the curve, as moving averages over past steps do. Under the
    Gaussian a line is fitted, which keeps the ends of the curve and uneven ramps right. Single spikes are
    taken out by a running median before, and the divergent tail is capped, so that it cannot drag the minimum.

    Args:
        learning_rate: Positive, ascending.
        loss: One per learning rate. Where it is NaN or infinite, so is the result NaN; the other rows are
            smoothed as if these were not there.
        decades: Standard deviation of the Gaussian in decades of learning rate. 0 returns the losses.

    Raises:
        ValueError: The arguments are not equally long, or `decades` is negative.
    """
    rates = _column("learning_rate", learning_rate)
    losses = _column("loss", loss, len(rates))
    if not 0 <= decades < np.inf:
        raise ValueError(f"`decades` must be 0 (no smoothing) or a positive number, such as 0.15. Received {decades!r}.")
    if decades == 0:
        return losses.copy()
    smoothed = np.full(len(losses), np.nan)
    usable = np.isfinite(losses) & (rates > 0)
    if usable.any():
        smoothed[usable] = _local_lines(np.log10(rates[usable]), cap_divergence(despike(losses[usable])), decades)
    return smoothed


def slope_per_decade(learning_rate: ArrayLike, smoothed: ArrayLike) -> Floats:
    """The slope of the smoothed loss per decade of learning rate: `d smoothed / d log10(learning_rate)`.

    NaN where the smoothed loss is NaN, and where the learning rate stands still.
    """
    rates = _column("learning_rate", learning_rate)
    values = _column("smoothed", smoothed, len(rates))
    slope = np.full(len(values), np.nan)
    usable = np.flatnonzero(np.isfinite(values) & (rates > 0))
    if len(usable) > 1:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.gradient(values[usable], np.log10(rates[usable]))
        slope[usable] = np.where(np.isfinite(found), found, np.nan)
    return slope


def despike(losses: Floats) -> Floats:
    """A running median over five steps (three in short sweeps): takes out spikes of one or two steps."""
    if len(losses) < 3:
        return losses
    if len(losses) < 50:
        padded = np.concatenate([losses[:1], losses, losses[-1:]])
        return _median_of_three(padded[:-2], padded[1:-1], padded[2:])
    padded = np.concatenate([losses[:2][::-1], losses, losses[-2:][::-1]])
    a, b, c, d, e = (padded[i : len(losses) + i] for i in range(5))
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return _median_of_three(low, high, e)


def cap_divergence(losses: Floats) -> Floats:
    """The losses with the tail after the minimum capped half a descent above the initial level."""
    if len(losses) < 3:
        return losses
    low = int(losses.argmin())
    initial = initial_level(losses)
    cap = initial + 0.5 * max(initial - losses[low], 0.0)
    capped = losses.copy()
    np.minimum(capped[low:], cap, out=capped[low:])
    return capped


def initial_level(losses: Floats) -> float:
    """The loss before the learning rate is large enough to change it: the median of the first tenth."""
    return float(np.median(losses[: max(5, len(losses) // 10)]))


def _median_of_three(a: Floats, b: Floats, c: Floats) -> Floats:
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))


def _local_lines(x: Floats, y: Floats, deviation: float) -> Floats:
    """Fits a line to `y` under a Gaussian around each `x`, and reads it there.

    The rows are shared out to the cells of a fine even grid first, so that the cost is that of five short
    convolutions, whatever the number of rows.
    """
    start, span = x.min(), np.ptp(x)
    if not span > 0:
        return np.full(len(y), y.mean())
    cells = int(min(max(span / deviation * _CELLS_PER_DEVIATION, 8), _MOST_CELLS)) + 1
    width = span / (cells - 1)
    position = np.clip((x - start) / width, 0, cells - 1)
    left = np.minimum(position.astype(np.int64), cells - 2)
    share = position - left

    def gridded(values: Floats) -> Floats:
        lower = np.bincount(left, (1 - share) * values, cells)
        return np.asarray(lower + np.bincount(left + 1, share * values, cells))

    centre = float(np.median(y))  # keeps large offsets out of the sums
    count, total = gridded(np.ones(len(x))), gridded(y - centre)
    reach = int(min(max(_REACH * deviation / width, 1), cells - 1))
    offset = np.arange(-reach, reach + 1) * width / deviation
    weight = np.exp(-0.5 * offset**2)

    def convolved(values: Floats, kernel: Floats) -> Floats:
        return np.convolve(values, kernel)[reach : reach + cells]

    # Moments of the rows around each cell; a convolution turns its kernel round, hence the minus.
    s0 = convolved(count, weight)
    s1 = convolved(count, -offset * weight)
    s2 = convolved(count, offset**2 * weight)
    t0 = convolved(total, weight)
    t1 = convolved(total, -offset * weight)
    determinant = s0 * s2 - s1 * s1
    with np.errstate(divide="ignore", invalid="ignore"):
        line = (s2 * t0 - s1 * t1) / determinant
        mean = t0 / s0
    # Where all the rows in reach are at one place there is no line, only a mean.
    fitted = np.where(determinant > 1e-9 * s0 * s0, line, mean)
    known = np.flatnonzero(s0 > 1e-12)
    return np.interp(position, known, fitted[known]) + centre


def _column(name: str, values: ArrayLike, length: int | None = None) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional. Received an array of shape {column.shape}.")
    if length is not None and len(column) != length:
        raise ValueError(f"`{name}` must have one value per learning rate, that is {length}. Received {len(column)}.")
    return column


@dataclass(frozen=True, eq=False)
class Shape:
    """What every rule and every diagnosis asks of a sweep, measured once.

    Only rows with a finite loss and a positive learning rate are in it.

    Args:
        learning_rate, log_rate: The rows' learning rates, and their base-10 logarithms.
        loss: The losses as recorded.
        smoothed: The losses smoothed.
        initial: The loss before the learning rate is large enough to change it.
        low: The row where the smoothed loss is lowest.
        noise: Standard deviation of the loss about its smoothed curve.
        smoothed_noise: What is left of the noise in the smoothed loss.
    """

    learning_rate: Floats
    log_rate: Floats
    loss: Floats
    smoothed: Floats
    initial: float
    low: int
    noise: float
    smoothed_noise: float

    @classmethod
    def measure(cls, learning_rate: Floats, loss: Floats, smoothed: Floats, smoothing: float) -> Shape:
        """From the columns of a sweep and its smoothed loss."""
        usable = np.isfinite(loss) & (learning_rate > 0) & np.isfinite(smoothed)
        rates, losses, curve = learning_rate[usable], loss[usable], smoothed[usable]
        x = np.log10(rates)
        if len(rates) < 3:
            return cls(rates, x, losses, curve, float(losses[0]) if len(losses) else np.nan, 0, 0.0, 0.0)
        low = int(curve.argmin())
        before = losses[: max(low, 5)]
        noise = 1.4826 * float(np.median(np.abs(np.diff(before)))) / np.sqrt(2) if len(before) > 1 else 0.0
        per_decade = (len(rates) - 1) / max(x[-1] - x[0], 1e-12)
        averaged = max(2 * np.sqrt(np.pi) * smoothing * per_decade, 1.0)
        return cls(rates, x, losses, curve, initial_level(losses), low, noise, noise / float(np.sqrt(averaged)))

    @property
    def lowest(self) -> float:
        """The lowest smoothed loss."""
        return float(self.smoothed[self.low])

    @property
    def diverged(self) -> bool:
        """Whether the loss rose above its initial level after its minimum."""
        return self.divergence is not None

    @property
    def divergence(self) -> int | None:
        """The first row after the minimum in which the smoothed loss is above the initial level."""
        above = np.flatnonzero(self.smoothed[self.low :] > self.initial)
        return self.low + int(above[0]) if len(above) else None
