"""A `fit` that trains the model after the sweep: `LRFinder(then="train")`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from tb_lrfinder.keras.sweep.other_callbacks import OtherCallbacks
from tb_lrfinder.keras.sweep.resumed_training import check_learning_rates, keep_learning_rate
from tb_lrfinder.keras.sweep.settings import Settings
from tb_lrfinder.keras.sweep.sweep_fit import SweepFit


class ThenTrain:
    """Leads from the sweep to the training, before and after all other callbacks.

    - The sweep begins after all other callbacks have seen `on_train_begin`, because `BackupAndRestore` loads
      a backup there. If it does, there is no sweep.
    - Callbacks that act on the training are muted from then until the first batch after the sweep.
    - The training begins after all other callbacks have seen the last batch of the sweep.
    - An epoch without a batch of the training has the value NaN for all other callbacks.

    Args:
        finder: The callback of the sweep.
        settings: Its arguments.
        others: The other callbacks of its `fit`.
        begin: Called to begin the sweep.
        fit: Returns the `SweepFit` from then until the training begins, and None otherwise.

    Raises:
        ValueError: If another callback sets the learning rate.
    """

    def __init__(
        self,
        finder: Any,
        settings: Settings,
        others: OtherCallbacks,
        begin: Callable[[], None],
        fit: Callable[[], SweepFit | None],
    ) -> None:
        self._finder = finder
        self._settings = settings
        self._others = others
        self._begin = begin
        self._fit = fit
        self._epoch = 0
        self._has_swept = self._has_trained = False  # in this `fit`; a `CallbackList` may be used again
        others.check_for_training(finder)
        others.run_around(
            finder,
            first={
                "on_train_begin": self._before_train_begin,
                "on_epoch_begin": self._before_epoch_begin,
                "on_train_batch_begin": self._before_train_batch_begin,
                "on_train_batch_end": self._before_train_batch_end,
                "on_epoch_end": self._before_epoch_end,
            },
            last={
                "on_train_begin": self._after_train_begin,
                "on_train_batch_end": self._after_train_batch_end,
                "on_epoch_end": self._after_epoch_end,
                "on_train_end": self._after_train_end,
            },
        )

    # Before all other callbacks.

    def _before_train_begin(self, logs: Any = None) -> None:
        self._has_swept = self._has_trained = False
        is_resumable = self._settings.log_dir is not None or not self._others.makes_backups(self._finder)
        check_learning_rates(self._finder.model, self._settings, is_resumable=is_resumable)

    def _before_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def _before_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._fit() is None:
            self._others.wake(self._epoch, batch, logs)

    def _before_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._fit() is None:
            self._has_trained = True

    def _before_epoch_end(self, epoch: int, logs: Any = None) -> None:
        fit = self._fit()
        if fit is not None:
            fit.end_epoch(dict(logs))  # which records the loss with per="epoch"
        elif not self._has_trained:  # the data ended with the sweep, which was only known in the next batch
            self._others.mute_until_training(self._finder)
        if not self._has_trained:
            logs.update(dict.fromkeys(logs, math.nan))

    # After all other callbacks.

    def _after_train_begin(self, logs: Any = None) -> None:
        if self._others.has_backup(self._finder):
            keep_learning_rate(self._finder.model, self._settings)
            return
        self._has_swept = True
        self._begin()
        self._others.mute_until_training(self._finder)

    def _after_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._train_after_the_sweep()

    def _after_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._train_after_the_sweep()
        if self._fit() is None:
            self._others.wake_for_epoch(epoch + 1)

    def _after_train_end(self, logs: Any = None) -> None:
        fit = self._fit()
        if fit is not None:
            fit.end()
        elif self._has_swept and not self._has_trained:
            warnings.warn(
                "The learning-rate sweep has used all batches of `fit()`, so the model has not been trained. "
                "Pass a larger `epochs` to `fit()`, or a smaller `num_steps` to `LRFinder`.",
                UserWarning,
                stacklevel=2,
            )

    def _train_after_the_sweep(self) -> None:
        fit = self._fit()
        if fit is not None and fit.has_stopped:
            fit.go_on()
            self._others.clear_progress_bars()
