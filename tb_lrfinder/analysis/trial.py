"""The columns of one trial, a training at a fixed learning rate, and what they say. Needs only numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tb_lrfinder.analysis.averaging import Floats

TRIAL_COLUMNS: Final = ("epoch", "learning_rate", "loss")
"""Those that every trial has."""

VALIDATION_PREFIX: Final = "validation_"
"""Of the columns that were measured on validation data."""

DIVERGED_ABOVE: Final = 0.1
"""A trial has diverged when its last loss is above that of its first epoch by more than this share of it."""

DIVERGED_ABOVE_INITIAL: Final = 1.0
"""The same for the loss of the first batch, which is noisier: only what has more than doubled is worse."""

_VALIDATION_LOSS: Final = VALIDATION_PREFIX + "loss"


@dataclass(frozen=True, eq=False, repr=False)
class Trial:
    """The epochs of one trial: what was recorded at the end of each.

    Example:

    ```python
    trial = Trial.from_columns({"loss": [0.9, 0.4, 0.3], "validation_loss": [0.8, 0.5, 0.5]})
    trial.gap, trial.descent      # 0.2, 1.0
    ```

    Args:
        epoch: int64, from 0.
        learning_rate: float64, the learning rate that acted at the end of the epoch.
        loss: float64, the mean loss of the epoch's batches.
        validation_loss: float64, or None where no epoch has one; NaN in the epochs that have none.
        initial_loss: Float, the loss of the first batch before its update; None where it is not known. A
            training that diverges in its first epoch shows by this alone.
        metrics: float64 columns by name, those of the validation data as `"validation_accuracy"`.
    """

    epoch: NDArray[np.int64]
    learning_rate: Floats
    loss: Floats
    validation_loss: Floats | None = None
    initial_loss: float | None = None
    metrics: Mapping[str, Floats] = field(default_factory=dict)

    @classmethod
    def from_columns(cls, columns: Mapping[str, ArrayLike], *, initial_loss: float | None = None) -> Trial:
        """A trial from its columns by name.

        Args:
            columns: One value per epoch in each. Without `"epoch"` they are counted from 0; without
                `"learning_rate"` or `"loss"` these are NaN.
            initial_loss: The loss of the first batch, where it is known. An integer that is too large for a
                float counts as infinite.

        Raises:
            ValueError: The columns are not one-dimensional and equally long.
        """
        arrays = {name: np.asarray(values, np.float64) for name, values in columns.items()}
        length = max((values.size for values in arrays.values()), default=0)
        for name, values in arrays.items():
            if values.shape != (length,):
                raise ValueError(
                    f"The columns of a trial must be equally long lists of numbers. Received: {name!r} of "
                    f"shape {list(values.shape)}, where others have {length} values."
                )
        missing = np.full(length, math.nan)
        epoch = arrays.pop("epoch", np.arange(length))
        return cls(
            epoch=epoch.astype(np.int64),
            learning_rate=arrays.pop("learning_rate", missing),
            loss=arrays.pop("loss", missing),
            validation_loss=arrays.pop(_VALIDATION_LOSS, None),
            initial_loss=None if initial_loss is None else _as_float(initial_loss),
            metrics=arrays,
        )

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name, in the order in which they are shown."""
        named: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in TRIAL_COLUMNS}
        if self.validation_loss is not None:
            named[_VALIDATION_LOSS] = self.validation_loss
        return named | dict(self.metrics)

    @property
    def gap(self) -> float | None:
        """The final validation loss less the final loss: how much the model overfits. None without one."""
        if not len(self) or self.validation_loss is None:
            return None
        return _said(float(self.validation_loss[-1]) - float(self.loss[-1]))

    @property
    def descent(self) -> float | None:
        """How smoothly the loss descends: the share of its total variation that goes down.

        1 for a loss that never rises, about a half for one that only jitters. Non-finite losses are left
        out. None where fewer than two are left, or the loss never changes.
        """
        with np.errstate(over="ignore"):  # of losses that only a float64 holds
            changes = np.diff(self.loss[np.isfinite(self.loss)])
            variation = float(np.abs(changes).sum())
        if not 0 < variation < math.inf:
            return None
        return _said(-changes[changes < 0].sum() / variation)

    @property
    def diverged(self) -> bool:
        """Whether a loss is NaN or infinite, or the last one worse than where the training began.

        Worse is: above the mean loss of the first epoch by more than a tenth of it, or more than twice the
        loss of the first batch.
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
        """What the last epoch ended with: losses, gap, descent, metrics. None where there is none."""
        last = {name: float(values[-1]) if len(values) else None for name, values in self.columns().items()}
        said = {
            "loss": last.pop("loss"),
            "validation_loss": last.pop(_VALIDATION_LOSS, None),
            "gap": self.gap,
            "descent": self.descent,
        }
        return said | {name: last[name] for name in self.metrics if name not in said}

    def __len__(self) -> int:
        return len(self.epoch)

    def __repr__(self) -> str:
        epochs = "1 epoch" if len(self) == 1 else f"{len(self)} epochs"
        shown = ", ".join(
            f"{name} {value:.4g}" for name, value in self.final.items() if isinstance(value, float)
        )
        return f"Trial({epochs}{', ' + shown if shown else ''})"


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _said(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
