"""One sweep inside one `fit`: from the snapshot before it to the restored model after it."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tb_lrfinder.analysis.analyze import Analysis, analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.ramp import ramp
from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.describe import describe
from tb_lrfinder.keras.fit_watch import in_one_line
from tb_lrfinder.keras.learning_rate import RampedLearningRate, accumulation_steps, leaf_optimizers
from tb_lrfinder.keras.sweep import trained_state
from tb_lrfinder.keras.sweep.plan import Plan, plan_batches, plan_epochs
from tb_lrfinder.keras.sweep.recorder import Recorder
from tb_lrfinder.keras.sweep.settings import Settings
from tb_lrfinder.keras.sweep.snapshot import Snapshot
from tb_lrfinder.keras.sweep.train_function import SweptTrainFunction, swept_train_function
from tb_lrfinder.keras.sweep.unbuilt import Unbuilt
from tb_lrfinder.keras.sweep.updates import UpdateCheck
from tb_lrfinder.keras.sweep.validation_loss import ValidationLoss
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.schema import SweepConfig, SweepResult
from tb_lrfinder.storage.writer import SweepWriter

_WORD_ABOVE_BYTES = 2**30


class SweepRun:
    """What `LRFinder` does to a model during one `fit`, and undoes.

    Args:
        model: A compiled model.
        settings: What was asked for.

    Raises:
        RuntimeError, TypeError, ValueError: If the model cannot be swept. Nothing has been changed then.
    """

    def __init__(self, model: Any, settings: Settings) -> None:
        self.model = model
        # Of several processes, which all see the same loss and decide the same, one writes and speaks.
        self.settings = settings if backend.is_first_process() else replace(settings, log_dir=None, verbose=0)
        backend.check()
        optimizer = getattr(model, "optimizer", None)
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise TypeError(
                f"LRFinder sweeps the learning rate of `model.optimizer`, and {type(model).__name__} has "
                f"{'none' if optimizer is None else type(optimizer).__name__}. "
                "Compile it with a keras.optimizers optimizer."
            )
        internals.check(model, leaf_optimizers(optimizer))
        self.plan: Plan | None = None
        self.log_dir: str | None = None
        self.is_written = True  # all of it, to `log_dir`
        self.stopped: str | None = None  # the stop reason, from when it is decided
        self.needs_restoring = False  # from the first batch until everything has been put back
        self.analysis: Analysis | None = None
        self.sweep: Sweep = Recorder(np.ones(1)).sweep()
        self.config: SweepConfig = {}
        self.result: SweepResult = {}
        self._snapshot: Snapshot | None = None
        self._swept: SweptTrainFunction | None = None
        self._recorder: Recorder | None = None
        self._writer: SweepWriter | None = None
        self._updates: UpdateCheck | None = None
        self._epoch_losses: list[float] = []
        self._on_error: Callable[[BaseException], None] = lambda error: None
        self._unbuilt: list[Unbuilt] = []  # the optimizers that only the sweep has built
        self._executions = 0
        self._iterations_before = 0
        self._per_execution: int | None = None  # what one execution adds to the optimizer's iterations

    @property
    def steps_done(self) -> int:
        """Rows recorded so far."""
        return len(self._recorder) if self._recorder is not None else 0

    @property
    def snapshot_bytes(self) -> int:
        """Memory that the snapshot takes."""
        return self._snapshot.num_bytes if self._snapshot is not None else 0

    def build_from(self, iterator: Any) -> None:
        """Give a model without variables the ones that its first batch would give it."""
        internals.symbolic_build(self.model, backend.batch_structure(iterator))

    def remember(self) -> None:
        """Take the snapshot of a built model."""
        optimizer = self.model.optimizer
        if not optimizer.built:
            self._unbuilt = [Unbuilt(each) for each in trained_state.find(optimizer).unbuilt]
            with keras.name_scope(optimizer.name, caller=optimizer):
                optimizer.build(self.model.trainable_variables)
        if self.settings.restore:
            self._snapshot = Snapshot(self.model)
        if self.snapshot_bytes > _WORD_ABOVE_BYTES:
            print(
                f"LR Finder: keeping {self.snapshot_bytes / 2**30:.1f} GB of weights and optimizer "
                "state in memory, to restore them after the sweep. LRFinder(..., restore=False) does without."
            )

    def make_plan(self, params: dict[str, Any], first_epoch: int) -> Plan:
        """Decide how long the sweep is.

        Args:
            params: The callback's: what `fit` knows of its own length.
            first_epoch: Index of the first epoch.

        Raises:
            ValueError: If `fit` is too short, or its length is asked for and not known.
        """
        settings, epochs = self.settings, int(params.get("epochs") or first_epoch + 1)
        if settings.per == "epoch":
            self.plan = plan_epochs(settings.num_steps, first_epoch, epochs)
        else:
            accumulation = accumulation_steps(self.model.optimizer)
            seen = internals.iterations(leaf_optimizers(self.model.optimizer)[0])
            self.plan = plan_batches(
                settings.num_steps,
                settings.batches_per_step * accumulation,
                seen % accumulation,
                params.get("steps"),
                first_epoch,
                epochs,
            )
        return self.plan

    def start(self, on_error: Callable[[BaseException], None]) -> None:
        """Attach to the model. From here on the next batch belongs to the sweep.

        Args:
            on_error: Called when a step of the sweep raises, or the sweep is refused.

        Raises:
            OSError: If `log_dir` cannot be written to.
            ValueError: If the validation data cannot be used.
        """
        settings, plan, model = self.settings, self.plan, self.model
        assert plan is not None
        self._on_error, self._updates = on_error, UpdateCheck(model)
        rates = ramp(settings.start_lr, settings.end_lr, plan.num_steps, settings.ramp)
        learning_rate = RampedLearningRate(model.optimizer, rates)
        validate = None
        if settings.validation_data is not None:
            validate = ValidationLoss(
                model, settings.validation_data, settings.validation_samples, settings.seed
            )
            validate()  # compiled, and known to work, before anything is written
        self.config = self._config(learning_rate.rates)
        if settings.log_dir is not None:
            self._writer = SweepWriter(settings.log_dir, self.config)
            self.log_dir = self._writer.log_dir
        self._recorder = Recorder(
            learning_rate.rates,
            batches_per_step=plan.batches_per_step,
            first_batches=plan.batches_per_step - plan.first_position,
            watch=None if settings.stop is None else settings.stop.watch(plan.num_steps),
            delta_window=settings.delta_window,
            writer=self._writer,
            validate=validate,
        )
        by_host = settings.per == "epoch"
        batches_per_step = 0 if by_host else plan.batches_per_step
        self._iterations_before = internals.iterations(leaf_optimizers(model.optimizer)[0])
        self.needs_restoring = True
        with backend.device_scope(model):
            self._swept = swept_train_function(
                model, learning_rate, settings.monitor, batches_per_step, plan.first_position, on_error
            )
        self._swept.attach()

    def begin_epoch(self) -> None:
        """Set the learning rate of the epoch, where a step is an epoch."""
        if self.settings.per == "epoch" and self._swept is not None and self._recorder is not None:
            self._swept.set_step(len(self._recorder))
            self._epoch_losses = []

    def end_execution(self) -> None:
        """Take the losses of the batches that have just run; stop where they say so.

        Raises:
            RuntimeError, TypeError, ValueError: If it is no sweep. The model has been restored then.
        """
        if self._swept is None or self._recorder is None or self.stopped is not None:
            return
        self._executions += 1
        if self._per_execution is None:
            internals.sync(self.model)
            now = internals.iterations(leaf_optimizers(self.model.optimizer)[0])
            self._per_execution = now - self._iterations_before
        try:
            self._record(self._swept, self._recorder)
        except BaseException as error:
            self._on_error(error)
            raise
        self._stop_if_decided()

    def _record(self, swept: SweptTrainFunction, recorder: Recorder) -> None:
        losses = swept.take_losses()
        if self._updates is not None and backend.is_traced(self.model) and not swept.uses_learning_rate:
            raise self._updates.never_asked()
        if self.settings.per == "batch":
            recorder.add_batches(losses)
            return
        self._epoch_losses += losses
        if self.settings.stop is not None and not all(map(math.isfinite, losses)):
            self.model.stop_training = True  # the epoch's row follows when it ends

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Take the loss of the epoch, where a step is an epoch.

        Raises:
            ValueError: If the epoch has no loss by the name asked for.
        """
        if self.settings.per != "epoch" or self._recorder is None or self.stopped is not None:
            return
        monitor = self.settings.monitor
        if monitor not in logs:
            error = ValueError(
                f"The epoch has no loss named {monitor!r}, only {', '.join(map(repr, logs)) or 'nothing'}. "
                "Pass LRFinder(..., monitor=...) with one of these."
            )
            self._on_error(error)
            raise error
        validate = self._recorder.validate
        own = validate() if validate is not None else logs.get(f"val_{monitor}", math.nan)
        # What a train step returns without a metric is the last batch's, or that of an untouched tracker.
        averaged = self._swept is None or self._swept.losses_are_averaged or not self._epoch_losses
        loss = float(logs[monitor]) if averaged else float(np.mean(self._epoch_losses))
        self._recorder.add_row(loss, float(own))
        self._stop_if_decided()

    def stop(self, reason: str, message: str | None = None) -> None:
        """End the sweep: detach, restore, compute and write what it says. A second call does nothing.

        Raises:
            RuntimeError: If the optimizer has trained nothing, after all that has been done.
            RestoreError: If a part of the model could not be put back. The sweep has ended all the same.
        """
        if self.stopped is not None:
            return
        error = self._error_after(reason)
        if error is not None:
            reason, message = "refused", in_one_line(error)
        try:
            self.restore()
        finally:
            self._conclude(reason, message)
        if error is not None:
            self._on_error(error)
            raise error

    def _conclude(self, reason: str, message: str | None) -> None:
        self.stopped = reason
        if self._recorder is not None:
            self.sweep = self._recorder.sweep()
        self.analysis = analyze(
            self.sweep,
            smoothing=self.settings.smoothing,
            delta_window=self.settings.delta_window,
            stop_reason=reason,
            planned_steps=None if self.plan is None else self.plan.num_steps,
        )
        self.result = {
            "stop_reason": reason,
            "end_time": time.time(),
            "steps": len(self.sweep),
            "message": message,
            **self.analysis.to_json(),  # type: ignore[typeddict-item]
        }
        if self._writer is not None:
            self._writer.close(self.result)
            self.log_dir, self.is_written = self._writer.log_dir, self._writer.error is None

    def _error_after(self, reason: str) -> RuntimeError | None:
        """Why it was no sweep; None where it was, or cannot be told."""
        if self._updates is None or not self.steps_done:
            return None
        internals.sync(self.model)
        return self._updates.error_after(reason)

    def restore(self) -> None:
        """Leave the model as it was. May be called again, and again, as long as nothing else trains it.

        Raises:
            RestoreError: If a part of it could not be put back; all others have been.
        """
        try:
            self.detach()
        except Exception:
            # On JAX the variables are brought up to date first, and one of them may refuse. All that
            # counts then is what is put back now.
            if self._snapshot is None:
                raise
            internals.drop_state(self.model)
            self.detach()
        if self._snapshot is not None and self._swept is not None:
            self._snapshot.restore()
        self.needs_restoring = False

    def restore_for_good(self) -> None:
        """The same at the very end of the `fit`, until when Keras needs an optimizer that is built.

        Raises:
            RestoreError: See `restore`.
        """
        self.restore()
        if self._snapshot is not None:
            for unbuilt in self._unbuilt:
                unbuilt.restore()

    def detach(self) -> None:
        """Take the sweep out of the model, whose variables stay as they are. May be called again."""
        internals.sync(self.model)
        if self._swept is not None:
            self._swept.detach()

    def created(self) -> list[str]:
        """Variables that the sweep has created, and to which nothing can be put back."""
        return [] if self._snapshot is None else self._snapshot.created_since()

    def trained_since(self) -> bool:
        """Whether something else has trained the model after the last batch of a sweep that was cut short.

        The optimizer counts every batch, and knows of more than the sweep has had.
        """
        if self._per_execution is None:
            return False
        internals.sync(self.model)
        now = internals.iterations(leaf_optimizers(self.model.optimizer)[0])
        # One more than those whose end a callback has seen.
        return now - self._iterations_before > self._per_execution * (self._executions + 1)

    def forget(self) -> None:
        """Let go of the snapshot, when nothing can change the model any more."""
        self._snapshot = None

    def _stop_if_decided(self) -> None:
        assert self._recorder is not None
        if self._recorder.stop_reason is not None:
            self.model.stop_training = True
            self.stop(self._recorder.stop_reason)

    def _config(self, rates: npt.NDArray[np.float64]) -> SweepConfig:
        settings, plan = self.settings, self.plan
        assert plan is not None
        return {
            "schema_version": schema.SCHEMA_VERSION,
            "id": uuid.uuid4().hex[:16],
            "start_time": time.time(),
            **describe(self.model, internals.batch_size_of_fit(self.model)),  # type: ignore[typeddict-item]
            "ramp": settings.ramp,
            "per": settings.per,
            "start_lr": float(rates[0]),
            "end_lr": float(rates[-1]),
            "num_steps": plan.num_steps,
            "batches_per_step": plan.batches_per_step,
            "delta_window": settings.delta_window,
            "smoothing": settings.smoothing,
            "seed": settings.seed,
        }
