"""Converts batch losses into the rows of a sweep and decides when to stop. Independent of Keras."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tb_lrfinder.analysis.curve import Sweep, last_loss_delta
from tb_lrfinder.analysis.divergence import DivergenceWatch
from tb_lrfinder.storage.writer import SweepWriter


class Recorder:
    """The rows of a sweep while it runs.

    Args:
        rates: Learning rate of each step of the ramp.
        batches_per_step: Number of batches per row; their losses are averaged.
        first_batches: Number of batches of the first row; fewer after an unfinished gradient accumulation.
        watch: Decides when the loss has diverged; None never stops, not even for NaN.
        delta_window: Window of the loss delta, in steps.
        writer: Writes the rows to the event file; None keeps them in memory only.
        validate: Returns the validation loss of the current weights.
    """

    def __init__(
        self,
        rates: npt.NDArray[np.float64],
        *,
        batches_per_step: int = 1,
        first_batches: int | None = None,
        watch: DivergenceWatch | None = None,
        delta_window: int = 20,
        writer: SweepWriter | None = None,
        validate: Callable[[], float] | None = None,
    ) -> None:
        self._rates = rates
        self._batches_per_step = batches_per_step
        self._missing = first_batches or batches_per_step  # batches until the row is complete
        self._watch = watch
        self._delta_window = delta_window
        self._writer = writer
        self.validate = validate
        self._open_row: list[float] = []
        self._losses: list[float] = []
        self._validation_losses: list[float] = []
        self.stop_reason: str | None = None
        """Why the sweep is to stop, one of `STOP_REASONS`; None while it goes on."""

    def __len__(self) -> int:
        return len(self._losses)

    def add_batches(self, losses: Sequence[float]) -> None:
        """Add the losses of the batches of one execution. Those after the last row are ignored."""
        for index, loss in enumerate(losses):
            if self.stop_reason is not None:
                return
            self._open_row.append(loss)
            fatal = self._watch is not None and not math.isfinite(loss)
            if len(self._open_row) < self._missing and not fatal:
                continue
            # The current weights are those after the last batch, so only its row has a validation loss.
            validate = self.validate if index == len(losses) - 1 else None
            mean = (
                self._open_row[0] if len(self._open_row) == 1 else sum(self._open_row) / len(self._open_row)
            )
            self.add_row(mean, math.nan if validate is None else validate())

    def add_row(self, loss: float, validation_loss: float = math.nan) -> None:
        """Add the loss of one step of the ramp."""
        if self.stop_reason is not None:
            return
        step = len(self._losses)
        self._losses.append(loss)
        self._validation_losses.append(validation_loss)
        self._open_row, self._missing = [], self._batches_per_step
        if self._writer is not None:
            delta = last_loss_delta(self._losses, self._delta_window)
            self._writer.add(step, float(self._rates[step]), loss, delta, validation_loss)
        if self._watch is not None:
            if not math.isfinite(loss):
                self.stop_reason = "non_finite"
            elif self._watch.diverged(loss):
                self.stop_reason = "diverged"
        if self.stop_reason is None and step + 1 == len(self._rates):
            self.stop_reason = "completed"

    def sweep(self) -> Sweep:
        """The rows recorded so far."""
        return Sweep.from_losses(
            self._rates[: len(self)], self._losses, self._validation_losses, delta_window=self._delta_window
        )
