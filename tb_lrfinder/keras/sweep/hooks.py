"""The hooks that Keras calls on an `LRFinder`."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from tb_lrfinder.keras import internals
from tb_lrfinder.keras.sweep.copies import CopyableFinder
from tb_lrfinder.keras.sweep.other_callbacks import OtherCallbacks
from tb_lrfinder.keras.sweep.outcome import SweepOutcome
from tb_lrfinder.keras.sweep.prepared_sweep import check_model
from tb_lrfinder.keras.sweep.sweep_fit import SweepFit
from tb_lrfinder.keras.sweep.then_train import ThenTrain


class SweepHooks(CopyableFinder):
    """A callback that runs a sweep, without the methods that its users call."""

    def set_model(self, model: Any) -> None:
        """Called by `fit` before any other hook."""
        if not isinstance(model, keras.Model):
            check_model(model)  # which raises the error
        super().set_model(model)
        if internals.method_of_keras(model) in ("evaluate", "predict"):
            return
        self._check_may_sweep()
        self._other_callbacks.unmute()  # after a fit that has failed before its first batch
        self._other_callbacks = OtherCallbacks.of(self)
        self._other_callbacks.check(self, SweepHooks)
        if self._settings.trains:
            self._then_train = ThenTrain(
                self, self._settings, self._other_callbacks, self._begin_fit, lambda: self._fit
            )
            return
        # Already here, because some callbacks act when training begins.
        self._other_callbacks.mute(self)
        self._runs_last = self._other_callbacks.run_last(self, self._end)

    def on_train_begin(self, logs: Any = None) -> None:
        """Take the snapshot of the model."""
        if self._fit is not None:
            self._fit.abandon("interrupted")  # an earlier sweep of this finder
        self._publish(SweepOutcome.none(self._settings.log_dir))
        if self._then_train is None:
            self._begin_fit()

    def on_test_begin(self, logs: Any = None) -> None:
        """Warn in `evaluate`, unless it is the validation of `fit`."""
        self._warn_outside_of_fit()

    def on_predict_begin(self, logs: Any = None) -> None:
        """Warn in `predict`."""
        self._warn_outside_of_fit()

    def _begin_fit(self) -> None:
        self._fit = SweepFit(
            self.model,
            self._settings,
            self,
            self._other_callbacks.callbacks,
            self._publish,
            self._release_fit,
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the sweep, or the next step with `per="epoch"`."""
        if self._fit is None or self._fit.has_stopped:
            return
        if self._fit.plan is not None:
            self._fit.begin_epoch()
            return
        try:
            self._begin(self._fit, epoch)
        except BaseException:
            if self._fit is not None:
                self._fit.close()  # nothing has been trained yet
            raise

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record the batches of the last execution."""
        if self._fit is not None:
            self._fit.end_execution()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the epoch with `per="epoch"`."""
        if self._fit is not None and self._then_train is None:
            self._fit.end_epoch(logs or {})

    def on_train_end(self, logs: Any = None) -> None:
        """End a sweep that has not completed."""
        if self._fit is not None:
            self._fit.stop("incomplete")
            if not self._runs_last and self._then_train is None:
                self._end()

    # Helpers of the hooks.

    def _begin(self, fit: SweepFit, epoch: int) -> None:
        fit.make_plan(self.params or {}, epoch)
        fit.start()

    def _end(self) -> None:
        """Finish the sweep, after all other callbacks."""
        if self._fit is not None:
            self._fit.end()

    def _warn_outside_of_fit(self) -> None:
        method = internals.method_of_keras(self.model)
        if method in ("evaluate", "predict"):
            warnings.warn(
                f"LRFinder does nothing in `{method}()`. Pass it to the callbacks of `fit()`.",
                UserWarning,
                stacklevel=2,
            )

    def _publish(self, outcome: SweepOutcome) -> None:
        self._outcome = outcome

    def _release_fit(self) -> None:
        trains_on = self._fit is not None and self._fit.trains_on
        self._fit = None
        if not trains_on:  # or they are called again from the next batch on
            self._other_callbacks.unmute()
