"""Progress bar of one or several sweeps."""

from __future__ import annotations

from typing import Any

import keras

from tb_lrfinder.keras.sweep.lr_finder import LRFinder


class SweepProgress:
    """One progress bar over the steps of all sweeps. A sweep that stops early completes its part.

    Args:
        num_sweeps: Number of sweeps.
    """

    def __init__(self, num_sweeps: int) -> None:
        self._num_sweeps = num_sweeps
        self._started = 0
        self._steps = 0  # of each sweep; those of the first one are the unit
        self._bar: Any = None

    def callback(self, finder: LRFinder) -> keras.callbacks.Callback:
        """The callback of the next sweep, to be placed after its finder."""
        self._started += 1
        return _Progress(self, finder)

    def update(self, finder: LRFinder) -> None:
        """Show the progress of the current sweep."""
        done, planned = finder.progress
        if not planned:
            return
        has_ended = finder.stop_reason is not None
        if self._bar is None:
            self._steps = planned
            self._bar = keras.utils.Progbar(planned * self._num_sweeps, unit_name="step")
        is_last = self._started == self._num_sweeps
        part = 1.0 if has_ended and not is_last else done / planned
        current = round((self._started - 1 + part) * self._steps)
        self._bar.update(current, finalize=has_ended and is_last)


class _Progress(keras.callbacks.Callback):
    """Updates the progress bar after each batch of a sweep."""

    def __init__(self, progress: SweepProgress, finder: LRFinder) -> None:
        super().__init__()
        self._progress = progress
        self._finder = finder

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._progress.update(self._finder)
