"""A recorded sweep and the curves derived from it. Depends only on NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tb_lrfinder.analysis.averaging import Floats, usable_mask
from tb_lrfinder.analysis.usable_rows import UsableRows
from tb_lrfinder.checks import (
    check_column,
    check_delta_window,
    check_integer_column,
    check_smoothing,
    set_fields,
)
from tb_lrfinder.formatting import loss_text, rate_text

COLUMNS: Final = ("step", "learning_rate", "loss", "loss_delta", "validation_loss")
"""The columns of a sweep, in the order in which they are stored."""

DEFAULT_SMOOTHING: Final = 0.3
"""Default standard deviation of the Gaussian that smooths the loss, in decades of learning rate."""

DEFAULT_DELTA_WINDOW: Final = 20
"""Default window of the loss delta, in steps."""


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """The rows of a sweep: what was recorded at each step of the ramp.

    Example:

    ```python
    sweep = finder.sweep
    sweep.learning_rate[sweep.loss.argmin()]
    dict(sweep)      # the columns by name, as for `pandas.DataFrame(dict(sweep))`
    ```

    Args:
        step: int64 array. Index of the step in the ramp, starting at 0.
        learning_rate: float64 array. Learning rate used in the step, in float32 precision.
        loss: float64 array. Loss of the step's batch, before the update.
        loss_delta: float64 array. Moving difference of the loss, see `loss_delta()`.
        validation_loss: float64 array. NaN in rows without a validation loss.

    Raises:
        TypeError: If a column does not consist of numbers.
        ValueError: If the columns are not one-dimensional or differ in length.
    """

    step: NDArray[np.int64]
    learning_rate: Floats
    loss: Floats
    loss_delta: Floats
    validation_loss: Floats

    def __post_init__(self) -> None:
        rates = check_column("learning_rate", self.learning_rate)
        count = len(rates)
        set_fields(
            self,
            step=check_integer_column("step", self.step, length=count),
            learning_rate=rates,
            loss=check_column("loss", self.loss, length=count),
            loss_delta=check_column("loss_delta", self.loss_delta, length=count),
            validation_loss=check_column("validation_loss", self.validation_loss, length=count),
        )

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
        """Create a sweep from its losses and compute the loss delta.

        Example:

        ```python
        sweep = Sweep.from_losses([1e-3, 1e-2, 1e-1], [2.3, 1.9, 4.0])
        sweep.loss_delta      # 0, -0.4, 0.85
        ```

        Args:
            learning_rate: Array-like. Learning rate of each step; rounded to float32, as in an optimizer.
            loss: Array-like. Loss of each step; may be NaN or infinite.
            validation_loss: Array-like. Validation loss of each step, NaN where there is none. Defaults to
                `None`, no validation loss.
            delta_window: Integer. Window of the loss delta, in steps, at least 1. Defaults to `20`.
            step: Array-like. Index of each step. Defaults to `0, 1, 2, ...`.

        Returns:
            A `Sweep`.

        Raises:
            TypeError: If an argument does not consist of numbers.
            ValueError: If the columns are not one-dimensional or differ in length, or `delta_window` is less
                than 1.
        """
        rates = check_column("learning_rate", learning_rate)
        losses = check_column("loss", loss, length=len(rates))
        with np.errstate(over="ignore"):
            rounded = rates.astype(np.float32).astype(np.float64)
        return cls(
            step=np.arange(len(rates)) if step is None else step,  # type: ignore[arg-type]
            learning_rate=rounded,
            loss=losses,
            loss_delta=_loss_delta(losses, check_delta_window("delta_window", delta_window)),
            validation_loss=np.full(len(rates), np.nan) if validation_loss is None else validation_loss,  # type: ignore[arg-type]
        )

    def with_delta_window(self, delta_window: int) -> Sweep:
        """Return the sweep with the loss delta computed for another window.

        Args:
            delta_window: Integer. Window of the loss delta, in steps, at least 1.

        Raises:
            TypeError: If `delta_window` is not an integer.
            ValueError: If it is less than 1.
        """
        delta = _loss_delta(self.loss, check_delta_window("delta_window", delta_window))
        return Sweep(self.step, self.learning_rate, self.loss, delta, self.validation_loss)

    @cached_property
    def usable(self) -> UsableRows:
        """The usable rows, cached because the smoothing is changed often."""
        return UsableRows.of(self.learning_rate, self.loss)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, in the order in which they are stored."""
        return {name: getattr(self, name) for name in COLUMNS}

    def keys(self) -> tuple[str, ...]:
        """Return the column names, so that `dict(sweep)` and `pandas.DataFrame(dict(sweep))` work."""
        return COLUMNS

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column by name.

        Raises:
            KeyError: If there is no such column.
        """
        if name not in COLUMNS:
            raise KeyError(f"Unknown column {name!r}. The columns of a sweep are: {', '.join(COLUMNS)}")
        return self.columns()[name]

    def __len__(self) -> int:
        return len(self.step)

    def __repr__(self) -> str:
        if not len(self):
            return "Sweep(0 steps)"
        first, last = self.learning_rate[0], self.learning_rate[-1]
        finite = self.loss[np.isfinite(self.loss)]
        losses = (
            f"loss {loss_text(finite.min())} to {loss_text(finite.max())}"
            if len(finite)
            else "no finite loss"
        )
        steps = "1 step" if len(self) == 1 else f"{len(self)} steps"
        return f"Sweep({steps}, learning rate {rate_text(first, 3)} to {rate_text(last, 3)}, {losses})"


assert tuple(field.name for field in fields(Sweep)) == COLUMNS


def loss_delta(loss: ArrayLike, window: int = DEFAULT_DELTA_WINDOW) -> Floats:
    """Compute the loss delta, a moving difference: `(loss[i] - loss[i - window]) / window`.

    In the first `window` rows the window is truncated at row 0; the delta of row 0 is 0.

    Example:

    ```python
    loss_delta([2.0, 1.5, 0.5], window=1)      # 0, -0.5, -1
    ```

    Args:
        loss: Array-like. Loss of each step.
        window: Integer. Number of steps to look back, at least 1. Defaults to `20`.

    Returns:
        float64 array with the loss delta of each step.

    Raises:
        TypeError: If `loss` does not consist of numbers, or `window` is not an integer.
        ValueError: If `loss` is not one-dimensional, or `window` is less than 1.
    """
    return _loss_delta(check_column("loss", loss), check_delta_window("window", window))


def _loss_delta(losses: Floats, window: int) -> Floats:
    window = min(window, max(len(losses), 1))  # a longer window is truncated at row 0 as well
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
    """Smooth the loss as a function of the learning rate.

    Each value is a Gaussian-weighted average of the loss, centered on its learning rate, with a width in
    decades. The width therefore means the same for 100 and for 10,000 steps, and the average does not lag
    like one over past steps. A running median first removes spikes of one or two steps, and the divergent
    tail is capped at half a descent above the initial level, so that it cannot shift the minimum to the left.

    Example:

    ```python
    smoothed = smooth(sweep.learning_rate, sweep.loss)
    ```

    Args:
        learning_rate: Array-like. Learning rate of each step, positive.
        loss: Array-like. Loss of each step. Rows with a NaN or infinite loss are NaN in the result, and
            ignored in all other rows.
        decades: Float. Standard deviation of the Gaussian, in decades of learning rate, from 0 to 2. `0`
            disables smoothing. Defaults to `0.3`.

    Returns:
        float64 array with the smoothed loss of each step.

    Raises:
        TypeError: If an argument is not numeric.
        ValueError: If the arrays are not one-dimensional or differ in length, or `decades` is out of range.
    """
    rates = check_column("learning_rate", learning_rate)
    losses = check_column("loss", loss, length=len(rates))
    return UsableRows.of(rates, losses).smoothed(check_smoothing("decades", decades))


def slope_per_decade(learning_rate: ArrayLike, smoothed: ArrayLike) -> Floats:
    """Compute the slope of the smoothed loss per decade: `d smoothed / d log10(learning_rate)`.

    The slope is computed from the differences to both neighbors.

    Example:

    ```python
    slope = slope_per_decade(sweep.learning_rate, smooth(sweep.learning_rate, sweep.loss))
    ```

    Args:
        learning_rate: Array-like. Learning rate of each step, positive.
        smoothed: Array-like. Smoothed loss of each step.

    Returns:
        float64 array with the slope at each step, NaN where the smoothed loss is NaN, and everywhere if the
        learning rate is constant.

    Raises:
        TypeError: If an argument does not consist of numbers.
        ValueError: If the arrays are not one-dimensional or differ in length.
    """
    rates = check_column("learning_rate", learning_rate)
    values = check_column("smoothed", smoothed, length=len(rates))
    slope = np.full(len(values), np.nan)
    rows = np.flatnonzero(usable_mask(rates, values))
    slope[rows] = slope_over(np.log10(rates[rows]), values[rows])
    return slope


def slope_over(x: Floats, y: Floats) -> Floats:
    """Compute the slope of `y` at each `x` by central differences; NaN everywhere if `x` is constant."""
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
