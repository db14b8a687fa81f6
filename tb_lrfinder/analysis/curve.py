"""The columns of one sweep, and the curves that are drawn from them. Needs only numpy."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tb_lrfinder.analysis.averaging import (
    Floats,
    cap_divergence,
    despike,
    gaussian_average,
    initial_rows,
    usable,
)

COLUMNS: Final = ("step", "learning_rate", "loss", "loss_delta", "validation_loss")
"""Those of a sweep, in their order on disk."""

DEFAULT_SMOOTHING: Final = 0.3
"""Standard deviation of the Gaussian that smooths the loss, in decades of learning rate."""

DEFAULT_DELTA_WINDOW: Final = 20
"""Steps over which the loss delta is taken."""


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

    @cached_property
    def usable(self) -> Usable:
        """Its rows that can be reckoned with, kept for as long as it is: a smoothing is changed often."""
        return Usable.of(self.learning_rate, self.loss)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name, in the order in which they are written."""
        return {name: getattr(self, name) for name in COLUMNS}

    def keys(self) -> tuple[str, ...]:
        """The names of the columns, so that `dict(sweep)` and `pandas.DataFrame(dict(sweep))` work."""
        return COLUMNS

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column by its name.

        Raises:
            KeyError: If there is no such column; names those that there are.
        """
        if name not in COLUMNS:
            raise KeyError(f"A sweep has no column {name!r}. It has {', '.join(COLUMNS)}.")
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


assert tuple(field.name for field in fields(Sweep)) == COLUMNS


def loss_delta(loss: ArrayLike, window: int = DEFAULT_DELTA_WINDOW) -> Floats:
    """The moving difference of the loss: `(loss[i] - loss[i - window]) / window`.

    In the first `window` rows the window reaches back to row 0; row 0 itself has a delta of 0.

    Args:
        loss: One per step.
        window: Steps to look back, at least 1.

    Raises:
        ValueError: `window` is not a whole number of at least 1.
    """
    if isinstance(window, bool) or not 1 <= window < math.inf or window != int(window):
        raise ValueError(
            f"`window` must be a whole number of at least 1, such as 20. Received window={window!r}."
        )
    losses = _column("loss", loss)
    window = min(int(window), max(len(losses), 1))  # a longer one reaches back to row 0 just the same
    delta = np.zeros(len(losses))
    with np.errstate(invalid="ignore", over="ignore"):
        delta[1:window] = _difference(losses[1:window], losses[:1], np.arange(1, len(losses))[: window - 1])
        delta[window:] = _difference(losses[window:], losses[:-window], window)
    return delta


def last_loss_delta(losses: Sequence[float], window: int) -> float:
    """Return the last value of `loss_delta`, without computing the others."""
    steps = min(window, len(losses) - 1)
    return _difference(losses[-1], losses[-1 - steps], steps) if steps else 0.0


def _difference(loss: Any, earlier: Any, steps: Any) -> Any:
    return (loss - earlier) / steps


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
    return Usable.of(rates, _column("loss", loss, len(rates))).smoothed(decades)


@dataclass(frozen=True, eq=False)
class Usable:
    """The rows that can be reckoned with, and what is reckoned from them whatever the smoothing.

    Those whose loss and learning rate are finite as float32 numbers, so that their sums stay finite too.

    Args:
        all_rates: Learning rates of all rows.
        all_losses: Losses of all rows.
        rows: Which of them can be reckoned with.
        first: Which row of the sweep the first one is, where some were left out before it.
    """

    all_rates: Floats
    all_losses: Floats
    rows: NDArray[np.int64]
    first: int = 0

    @classmethod
    def of(cls, rates: Floats, losses: Floats, first: int = 0) -> Usable:
        """Those of two columns."""
        return cls(rates, losses, np.flatnonzero(usable(rates, losses)), first)

    @cached_property
    def log_rate(self) -> Floats:
        """Base-10 logarithm of their learning rates."""
        return np.asarray(np.log10(self.all_rates[self.rows]))

    @cached_property
    def calm(self) -> Floats:
        """Their losses without spikes and divergence: what is averaged."""
        return cap_divergence(despike(self.all_losses[self.rows]), initial_rows(self.log_rate))

    @cached_property
    def longest_descents(self) -> tuple[Sequence[int], Sequence[int]]:
        """See `longest_descents`, of their losses."""
        return longest_descents(self.all_losses[self.rows])

    def smoothed(self, decades: float) -> Floats:
        """See `smooth`."""
        if not 0 <= decades < math.inf:
            raise ValueError(
                f"`decades` must be 0 (no smoothing) or a positive number, such as 0.2. Received {decades!r}."
            )
        if decades == 0:
            return np.array(self.all_losses)
        smoothed = np.full(len(self.all_losses), np.nan)
        if len(self.rows):
            smoothed[self.rows] = gaussian_average(self.log_rate, self.calm, decades)
        return smoothed


def longest_descents(values: Floats) -> tuple[Sequence[int], Sequence[int]]:
    """Of the rows up to each one: the length of their longest strictly decreasing subsequence, and its end.

    The end is the row at which the first such subsequence ends. In O(n log n): `ends[k]` is the highest value
    with which a descent of `k + 1` rows ends so far.
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


def slope_per_decade(learning_rate: ArrayLike, smoothed: ArrayLike) -> Floats:
    """The slope of the smoothed loss per decade of learning rate: `d smoothed / d log10(learning_rate)`.

    NaN where the smoothed loss is NaN, and everywhere if the learning rate stands still.
    """
    rates = _column("learning_rate", learning_rate)
    values = _column("smoothed", smoothed, len(rates))
    slope = np.full(len(values), np.nan)
    kept = np.flatnonzero(usable(rates, values))
    slope[kept] = slope_over(np.log10(rates[kept]), values[kept])
    return slope


def slope_over(x: Floats, y: Floats) -> Floats:
    """The slope of `y` at each `x`, by differences to both neighbours; NaN everywhere if `x` stands still."""
    if len(x) < 2:
        return np.full(len(x), np.nan)
    steps = x[1:] - x[:-1]
    if not (steps > 0).all():  # rows at the same learning rate count as one
        distinct, group = np.unique(x, return_inverse=True)
        if len(distinct) < 2:
            return np.full(len(x), np.nan)
        return slope_over(distinct, np.bincount(group, y) / np.bincount(group))[group]
    between = (y[1:] - y[:-1]) / steps
    slope = np.empty(len(x))
    slope[0], slope[-1] = between[0], between[-1]
    slope[1:-1] = (steps[:-1] * between[1:] + steps[1:] * between[:-1]) / (steps[:-1] + steps[1:])
    return slope


def _column(name: str, values: ArrayLike, length: int | None = None) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional. Received an array of shape {column.shape}.")
    if length is not None and len(column) != length:
        raise ValueError(
            f"`{name}` must have one value per learning rate, that is {length}. Received {len(column)}."
        )
    return column
