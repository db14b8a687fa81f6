"""The `fit` that a sweep runs in: starts the sweep, and ends it however the `fit` ends."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.fit_watch import in_one_line, reason_of
from tb_lrfinder.keras.sweep import closing_message
from tb_lrfinder.keras.sweep.apply_in_fit import apply_in_fit
from tb_lrfinder.keras.sweep.first_batch import BuildingTrainFunction
from tb_lrfinder.keras.sweep.fit_guard import FitGuard
from tb_lrfinder.keras.sweep.outcome import ModelState, SweepOutcome
from tb_lrfinder.keras.sweep.plan import Plan
from tb_lrfinder.keras.sweep.prepared_sweep import PreparedSweep, check_model, make_plan
from tb_lrfinder.keras.sweep.running_sweep import RunningSweep
from tb_lrfinder.keras.sweep.settings import Settings
from tb_lrfinder.keras.sweep.snapshot import RestoreError
from tb_lrfinder.keras.sweep.start_lr import with_start_lr
from tb_lrfinder.storage.schema import SweepResult

_WITHOUT_ERROR: Final = ("completed", "diverged", "non_finite", "incomplete")


class SweepFit:
    """Restores the model when the sweep ends, once more at the end of `fit`, and never later.

    Within `fit`, the model is restored again at the very end, because Keras or another callback may have set
    weights since the end of the sweep. After `fit`, a model that has been restored once is left alone: it may
    have been trained.

    Args:
        model: A compiled model.
        settings: The arguments of `LRFinder`.
        finder: The callback of the sweep.
        callbacks: The `CallbackList` of the `fit`; None if not found.
        publish: Called with the results when the sweep has ended.
        release: Called when nothing is left to do.

    Raises:
        RuntimeError, TypeError, ValueError: If the model cannot be swept; the model is unchanged.
    """

    def __init__(
        self,
        model: Any,
        settings: Settings,
        finder: Any,
        callbacks: Any | None,
        publish: Callable[[SweepOutcome], None],
        release: Callable[[], None],
    ) -> None:
        self._optimizers = check_model(model, settings.optimizer)
        settings = with_start_lr(settings, self._optimizers)
        self._model = model
        # All processes see the same losses and make the same decisions; only the first writes and prints.
        self._settings = (
            settings if backend.is_first_process() else replace(settings, log_dir=None, verbose=0)
        )
        self._finder = finder
        self._publish = publish
        self._release = release
        self._prepared: PreparedSweep | None = None  # from when the model is built
        # Layers that `fit` has not built on the other backends are not used.
        if internals.is_built(model) or not backend.trains_unbuilt_models():
            self._prepared = PreparedSweep(model, self._settings, self._optimizers)
        self._running: RunningSweep | None = None  # from the first batch
        self._outcome: SweepOutcome | None = None  # from the end of the sweep
        self._is_over = False
        self._is_outdated = False  # whether the model was trained after an interrupted sweep
        self.trains_on = False
        """Whether the sweep is over, and the `fit` goes on to train the model."""
        self.plan: Plan | None = None  # from the first epoch
        self._guard = FitGuard(model, callbacks, self.fail, self._on_other_training)

    @property
    def has_stopped(self) -> bool:
        """Whether the sweep has ended."""
        return self._outcome is not None

    @property
    def num_rows(self) -> int:
        """Number of recorded rows."""
        return 0 if self._running is None else self._running.num_rows

    @property
    def snapshot_bytes(self) -> int:
        """Memory use of the snapshot."""
        return 0 if self._prepared is None else self._prepared.snapshot_bytes

    def make_plan(self, params: dict[str, Any], first_epoch: int) -> Plan:
        """Plan the length of the sweep, see `make_plan`."""
        self.plan = make_plan(self._optimizers.described, self._settings, params, first_epoch)
        if self.plan.requested_steps is not None:
            warnings.warn(closing_message.shortened(self.plan), UserWarning, stacklevel=2)
        return self.plan

    def start(self) -> None:
        """Start the sweep with the next batch; a model that is not built is built first.

        Raises:
            OSError: If `log_dir` cannot be written to.
            ValueError: If the validation data cannot be used.
        """
        if self._prepared is None:
            BuildingTrainFunction(self._model, self._prepare_and_start, self.fail).attach()
            return
        try:
            self._start(self._prepared)
        except BaseException as error:
            if self._running is not None:  # the event file exists
                self.fail(error)
            raise

    def begin_epoch(self) -> None:
        """Set the learning rate of the epoch with `per="epoch"`."""
        if self._running is not None and self._outcome is None:
            self._running.begin_epoch()

    def end_execution(self) -> None:
        """Record the batches of the last execution, and end the sweep if they say so.

        Raises:
            RuntimeError, TypeError, ValueError: If the train step cannot be swept. The model has been
                restored then.
        """
        if self._running is not None and self._outcome is None:
            self._record(self._running, self._running.end_execution)

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Record the epoch with `per="epoch"`, and end the sweep if it says so.

        Raises:
            ValueError: If the epoch has no loss named `monitor`. The model has been restored then.
        """
        if self._running is not None and self._outcome is None:
            self._record(self._running, self._running.end_epoch, logs)

    def stop(self, reason: str, message: str | None = None) -> None:
        """End the sweep: restore the model, and write the results. Does nothing if it has ended.

        Raises:
            RuntimeError: If the optimizer has not trained the model.
            RestoreError: If a part of the model could not be restored. The sweep has ended all the same.
        """
        if self._outcome is not None:
            return
        error = None if self._running is None else self._running.error_after(reason)
        if error is not None:
            reason, message = "refused", in_one_line(error)
        try:
            if self._running is not None:
                self._running.restore()
        finally:
            self._conclude(reason, message)
        if error is not None:
            self.fail(error)
            raise error

    def end(self) -> None:
        """Finish the `fit`, after all other callbacks, or after an error."""
        # Since the end of the sweep, Keras may have set averaged weights, or another callback its best ones.
        self._restore_finally()
        created = [] if self._prepared is None else self._prepared.created_variables()
        if self._running is not None and self._ended_without_error:
            self._running.keep_train_function()
        self.close()
        self._report()
        if created:
            warnings.warn(closing_message.created(created), RuntimeWarning, stacklevel=2)

    def go_on(self) -> None:
        """Leave the rest of the `fit` to the training, after all other callbacks have seen the sweep end.

        The training starts with the state before the sweep and the suggested learning rate. From here on,
        nothing restores the model.

        Raises:
            RestoreError: If a part of the model could not be restored.
        """
        assert self._prepared is not None
        assert self._running is not None
        assert self._outcome is not None
        self._running.restore()  # again, as in `end`
        self._prepared.restore_for_training()
        created = self._prepared.created_variables()
        self.trains_on = True
        self.close()
        self._model.reset_metrics()
        has_suggestion = self._outcome.has_suggestion
        if has_suggestion:
            outcome = self._outcome
            apply_in_fit(self._model, outcome.optimizers, outcome.suggestions, self._settings.verbose)
        internals.keep_variables(self._model)
        self._report()
        if not has_suggestion:
            warnings.warn(closing_message.trains_without_suggestion(), UserWarning, stacklevel=2)
        if created:
            warnings.warn(closing_message.created(created), RuntimeWarning, stacklevel=2)

    def fail(self, error: BaseException) -> None:
        """End the sweep because the `fit` ends with an error or Ctrl-C: restore at once."""
        if self._is_over:
            return  # the error has been reported by an inner call
        self._model.stop_training = True  # in case the error is caught
        try:
            self.stop(*reason_of(error))
            self.end()
        except Exception as second:
            if not isinstance(error, RestoreError):  # which is complete
                warnings.warn(closing_message.not_restored(error, second), RuntimeWarning, stacklevel=2)
        finally:
            self._guard.prevent_averaged_weights()

    def abandon(self, reason: str, message: str | None = None) -> bool:
        """End a sweep whose `fit` has ended unnoticed. Return whether that has restored the model."""
        if self._guard.fit_is_running():  # called by another callback
            self._model.stop_training = True
            self.stop(reason, message)
            return False
        outdated = self._needs_restoring and self._running is not None and self._running.trained_since()
        if outdated and self._prepared is not None:
            self._prepared.release()
            self._is_outdated = True
        restored = self._needs_restoring and not outdated
        try:
            self.stop(reason, message)
            if restored:
                self._restore_finally()  # once more, if that has just failed
        except Exception:
            self.close()
            raise
        self.close()
        self._report()
        if outdated:
            warnings.warn(closing_message.trained_since(), UserWarning, stacklevel=3)
        return restored

    def close(self) -> None:
        """Release everything of a `fit` that has ended."""
        if self._prepared is not None:
            self._prepared.release()
        self._guard.release()
        self._is_over = True
        self._release()

    @property
    def _ended_without_error(self) -> bool:
        return self._outcome is not None and self._outcome.stop_reason in _WITHOUT_ERROR

    @property
    def _needs_restoring(self) -> bool:
        return self._running is not None and self._running.needs_restoring

    def _prepare_and_start(self) -> None:
        self._prepared = PreparedSweep(self._model, self._settings, self._optimizers)
        self._start(self._prepared)

    def _start(self, prepared: PreparedSweep) -> None:
        assert self.plan is not None
        self._running = RunningSweep(prepared, self.plan, self.fail)
        self._running.attach()
        self._running.begin_epoch()

    def _record(self, running: RunningSweep, record: Callable[..., None], *arguments: Any) -> None:
        try:
            record(*arguments)
        except BaseException as error:
            self.fail(error)
            raise
        if running.stop_reason is None:
            return
        if self._settings.trains:
            assert self._prepared is not None
            self._prepared.leave_random_state()  # which determines the batches that follow
        else:
            self._model.stop_training = True
        self.stop(running.stop_reason)

    def _conclude(self, reason: str, message: str | None) -> None:
        running, settings = self._running, self._settings
        sweep = Sweep.from_losses([], []) if running is None else running.sweep
        analysis = analyze(
            sweep,
            smoothing=settings.smoothing,
            delta_window=settings.delta_window,
            stop_reason=reason,
            planned_steps=None if self.plan is None else self.plan.num_steps,
            chance_loss=None if running is None else running.config.get("chance_loss"),
        )
        result: SweepResult = {
            "stop_reason": reason,
            "end_time": time.time(),
            "steps": len(sweep),
            "message": message,
            **analysis.to_json(),  # type: ignore[typeddict-item]
        }
        writer = None if running is None else running.writer
        # Known before the file is closed, which may take long and be interrupted.
        self._outcome = SweepOutcome(
            requested_log_dir=settings.log_dir,
            log_dir=None if writer is None else writer.log_dir,
            stop_reason=reason,
            sweep=sweep,
            analysis=analysis,
            optimizers=self._optimizers.expected if running is None else running.optimizers_in_use,
            planned_steps=None if self.plan is None else self.plan.num_steps,
            model_state=self._model_state,
            config={} if running is None else running.config,
            result=result,
        )
        self._publish(self._outcome)
        if writer is not None:
            writer.close(result)
            self._update_outcome(log_dir=writer.log_dir, is_written=writer.error is None)

    def _update_outcome(self, **changes: Any) -> None:
        assert self._outcome is not None
        self._outcome = replace(self._outcome, **changes)
        self._publish(self._outcome)

    @property
    def _model_state(self) -> ModelState:
        if not self._settings.restore:
            return "kept"
        if self.trains_on:
            return "trains_on"
        if self._is_outdated:
            return "trained_since"
        return "partly_restored" if self._needs_restoring else "restored"

    def _restore_finally(self) -> None:
        if self._running is not None:
            self._running.restore()
        if self._prepared is not None:
            self._prepared.unbuild_optimizer()

    def _on_other_training(self) -> None:
        """Called before anything but the steps of this `fit` trains the model."""
        if self._guard.fit_is_running():
            error = RuntimeError(
                closing_message.trained_by(self._guard.running_callback(besides=self._finder))
            )
            self._model.stop_training = True  # in case the error is caught
            self.stop("failed", in_one_line(error))
            raise error
        if self.abandon("interrupted"):
            warnings.warn(closing_message.interrupted(), UserWarning, stacklevel=2)

    def _report(self) -> None:
        self._update_outcome(model_state=self._model_state)
        assert self._outcome is not None
        # First print: a warning may be an error.
        if self._settings.verbose:
            print(closing_message.closing_lines(self._outcome))
        if self._outcome.stop_reason == "incomplete":
            warnings.warn(closing_message.incomplete(self._outcome), UserWarning, stacklevel=3)
