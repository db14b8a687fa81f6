"""A recorded trial, a training run at a fixed learning rate. Depends only on NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.checks import (
    check_column,
    check_instance,
    check_integer_column,
    check_number,
    check_string,
    set_fields,
)
from tb_lrfinder.formatting import loss_text

TRIAL_COLUMNS: Final = ("epoch", "learning_rate", "loss")
"""The columns that every trial has."""

VALIDATION_PREFIX: Final = "validation_"
"""Prefix of the columns that were measured on validation data."""

DIVERGED_ABOVE: Final = 0.1
"""A trial has diverged if its last loss exceeds that of the first epoch by more than this fraction."""

DIVERGED_ABOVE_INITIAL: Final = 1.0
"""The same for the loss of the first batch, which is noisier: the loss must have more than doubled."""

_VALIDATION_LOSS: Final = VALIDATION_PREFIX + "loss"


@dataclass(frozen=True, eq=False, repr=False)
class Trial:
    """The epochs of a trial: what was recorded at the end of each epoch.

    Example:

    ```python
    trial = Trial.from_columns({"loss": [0.9, 0.4, 0.3], "validation_loss": [0.8, 0.5, 0.5]})
    trial.gap, trial.descent      # 0.2, 1.0
    ```

    Args:
        epoch: int64 array. Epoch index, starting at 0.
        learning_rate: float64 array. Learning rate used at the end of the epoch.
        loss: float64 array. Mean loss over the batches of the epoch.
        validation_loss: float64 array, NaN in epochs without a validation loss. Defaults to `None`, no epoch
            has one.
        initial_loss: Float. Loss of the first batch, before its update; needed to detect divergence within
            the first epoch. Defaults to `None`, unknown.
        metrics: Dict of float64 arrays by name; validation metrics are named `"validation_accuracy"`.
            Defaults to no metrics.

    Raises:
        TypeError: If a column does not consist of numbers, or `initial_loss` is not a number.
        ValueError: If the columns are not one-dimensional or differ in length.
    """

    epoch: NDArray[np.int64]
    learning_rate: Floats
    loss: Floats
    validation_loss: Floats | None = None
    initial_loss: float | None = None
    metrics: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        epoch = check_integer_column("epoch", self.epoch, one_per="epoch")
        set_fields(self, epoch=epoch, metrics=_checked_columns("metrics", self.metrics, len(epoch)))
        for name in ("learning_rate", "loss", "validation_loss"):
            values = getattr(self, name)
            if values is not None or name != "validation_loss":
                column = check_column(name, values, length=len(epoch), one_per="epoch")
                set_fields(self, **{name: column})
        if self.initial_loss is not None:
            loss = check_number("initial_loss", self.initial_loss, finite=False, or_none=True)
            set_fields(self, initial_loss=loss)

    @classmethod
    def from_columns(cls, columns: Mapping[str, ArrayLike], *, initial_loss: float | None = None) -> Trial:
        """Create a trial from its columns.

        Args:
            columns: Mapping from column names to arrays with one value per epoch. A missing `"epoch"`
                defaults to `0, 1, 2, ...`; a missing `"learning_rate"` or `"loss"` to NaN.
            initial_loss: Float. Loss of the first batch, may be NaN or infinite. Defaults to `None`, unknown.

        Returns:
            A `Trial`.

        Raises:
            TypeError: If `columns` is not a mapping, or a column does not consist of numbers.
            ValueError: If the columns are not one-dimensional or differ in length.
        """
        arrays = _checked_columns("columns", columns)
        length = max(map(len, arrays.values()), default=0)
        for name, values in arrays.items():
            check_column(f"columns[{name!r}]", values, length=length, one_per="epoch")
        missing = np.full(length, math.nan)
        return cls(
            epoch=check_integer_column("columns['epoch']", arrays.pop("epoch", np.arange(length))),
            learning_rate=arrays.pop("learning_rate", missing),
            loss=arrays.pop("loss", missing),
            validation_loss=arrays.pop(_VALIDATION_LOSS, None),
            initial_loss=initial_loss,
            metrics=arrays,
        )

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, in display order."""
        named: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in TRIAL_COLUMNS}
        if self.validation_loss is not None:
            named[_VALIDATION_LOSS] = self.validation_loss
        return named | dict(self.metrics)

    @property
    def gap(self) -> float | None:
        """Final validation loss minus final loss: a measure of overfitting. `None` without validation."""
        if not len(self) or self.validation_loss is None:
            return None
        return _finite_or_none(float(self.validation_loss[-1]) - float(self.loss[-1]))

    @property
    def descent(self) -> float | None:
        """How smoothly the loss decreases: the fraction of its total variation that is downward.

        1 if the loss never increases, about 0.5 if it only fluctuates. Non-finite losses are ignored. `None`
        if fewer than two losses remain, or the loss is constant.
        """
        with np.errstate(over="ignore"):  # losses near the limit of float64
            changes = np.diff(self.loss[np.isfinite(self.loss)])
            variation = float(np.abs(changes).sum())
        if not 0 < variation < math.inf:
            return None
        return _finite_or_none(-changes[changes < 0].sum() / variation)

    @property
    def diverged(self) -> bool:
        """Whether any loss is NaN or infinite, or the last loss is larger than at the start of training.

        Larger means: more than 10 % above the mean loss of the first epoch, or more than twice the loss of
        the first batch.
        """
        if not len(self):
            return False
        if not np.isfinite(self.loss).all():
            return True
        first, last = float(self.loss[0]), float(self.loss[-1])
        if last - first > DIVERGED_ABOVE * abs(first):
            return True
        initial = self.initial_loss
        return initial is not None and last - initial > DIVERGED_ABOVE_INITIAL * abs(initial)

    @property
    def final(self) -> dict[str, float | None]:
        """The final values: losses, gap, descent and metrics. `None` for values that do not exist."""
        last = {name: float(values[-1]) if len(values) else None for name, values in self.columns().items()}
        values = {
            "loss": last.pop("loss"),
            "validation_loss": last.pop(_VALIDATION_LOSS, None),
            "gap": self.gap,
            "descent": self.descent,
        }
        return values | {name: last[name] for name in self.metrics if name not in values}

    def __len__(self) -> int:
        return len(self.epoch)

    def __repr__(self) -> str:
        epochs = "1 epoch" if len(self) == 1 else f"{len(self)} epochs"
        final = [f"{name} {loss_text(value)}" for name, value in self.final.items() if value is not None]
        return f"Trial({', '.join([epochs, *final])})"


def _checked_columns(name: str, columns: Any, length: int | None = None) -> dict[str, Floats]:
    check_instance(name, columns, Mapping, "a mapping from names to columns")  # type: ignore[type-abstract]
    for key in columns:
        check_string(name, key, "a mapping from strings to columns", may_be_empty=True)
    return {
        key: check_column(f"{name}[{key!r}]", values, length=length, one_per="epoch")
        for key, values in columns.items()
    }


def _finite_or_none(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
