"""A sweep between its first batch and its end."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.ramp import ramp
from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.chance_loss import chance_loss
from tb_lrfinder.keras.describe import describe
from tb_lrfinder.keras.learning_rate import total_iterations
from tb_lrfinder.keras.sweep.plan import Plan
from tb_lrfinder.keras.sweep.prepared_sweep import PreparedSweep
from tb_lrfinder.keras.sweep.recorder import Recorder
from tb_lrfinder.keras.sweep.train_functions import TrainFunctionSource
from tb_lrfinder.keras.sweep.updates import UpdateCheck
from tb_lrfinder.keras.sweep.validation_loss import ValidationLoss
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.schema import SweepConfig
from tb_lrfinder.storage.writer import SweepWriter


class RunningSweep:
    """Changes the learning rate of a model batch by batch, and records the losses.

    Args:
        prepared: The sweep before its first batch.
        plan: Its length.
        on_error: Called with each error of a training step.

    Raises:
        OSError: If `log_dir` cannot be written to.
        ValueError: If the validation data cannot be used. The model is unchanged then.
    """

    def __init__(
        self, prepared: PreparedSweep, plan: Plan, on_error: Callable[[BaseException], None]
    ) -> None:
        model, settings = prepared.model, prepared.settings
        self.plan = plan
        self.needs_restoring = False  # from the first batch until everything is restored
        self._model = model
        self._settings = settings
        self._prepared = prepared
        self._optimizers = prepared.optimizers
        self._updates = UpdateCheck(model, self._optimizers)
        assert settings.start_lr is not None  # see `with_start_lr`
        rates = ramp(settings.start_lr, settings.end_lr, plan.num_steps, settings.ramp)
        self._source = TrainFunctionSource(
            model,
            self._optimizers.all,
            rates,
            settings.monitor,
            0 if settings.per == "epoch" else plan.batches_per_step,
        )
        validate = None
        if settings.validation_data is not None:
            validate = ValidationLoss(
                model, settings.validation_data, settings.validation_samples, settings.seed
            )
            validate()  # compiled, and known to work, before anything is written
        with backend.device_scope(model):
            self._train_function = self._source.begin(plan.first_position, on_error)
        self.config = self._make_config(self._train_function.rates)
        self.writer = None if settings.log_dir is None else SweepWriter(settings.log_dir, self.config)
        self._recorder = Recorder(
            self._train_function.rates,
            batches_per_step=plan.batches_per_step,
            first_batches=plan.batches_per_step - plan.first_position,
            watch=None if settings.stop is None else settings.stop.watch(plan.num_steps),
            delta_window=settings.delta_window,
            writer=self.writer,
            validate=validate,
        )
        self._epoch_losses: list[float] = []
        self._executions = 0
        self._iterations_before = total_iterations(*self._optimizers.all)
        self._iterations_per_execution: int | None = None  # known after the first one

    @property
    def num_rows(self) -> int:
        """Number of recorded rows."""
        return len(self._recorder)

    @property
    def stop_reason(self) -> str | None:
        """Why the sweep is to stop; None while it goes on."""
        return self._recorder.stop_reason

    @property
    def sweep(self) -> Sweep:
        """The recorded rows."""
        return self._recorder.sweep()

    @property
    def optimizers_in_use(self) -> tuple[str, ...]:
        """Names of the swept optimizers that have trained the model, the reference first."""
        return self._updates.names_in_use

    def attach(self) -> None:
        """Start: the next batch belongs to the sweep."""
        self.needs_restoring = True
        with backend.device_scope(self._model):
            self._train_function.attach()

    def begin_epoch(self) -> None:
        """Set the learning rate of the epoch with `per="epoch"`."""
        if self._settings.per == "epoch":
            self._train_function.set_step(len(self._recorder))
            self._epoch_losses = []

    def end_execution(self) -> None:
        """Record the losses of the batches of the last execution.

        Raises:
            RuntimeError, TypeError, ValueError: If the train step cannot be swept.
        """
        self._executions += 1
        if self._iterations_per_execution is None:
            internals.sync(self._model)
            now = total_iterations(*self._optimizers.all)
            self._iterations_per_execution = now - self._iterations_before
            self._source.note_trace()
        losses = self._train_function.take_losses()
        if backend.is_traced(self._model) and not self._train_function.uses_learning_rate:
            raise self._updates.unused_learning_rate()
        error = self._updates.error_of_new_optimizer() if self._executions == 1 else None
        if error is not None:
            raise error
        if self._settings.per == "batch":
            self._recorder.add_batches(losses)
            return
        self._epoch_losses += losses
        is_fatal = self._settings.stop is not None and not all(map(math.isfinite, losses))
        if is_fatal and not self._settings.trains:
            self._model.stop_training = True  # the row of the epoch follows at its end

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Record the loss of the epoch with `per="epoch"`.

        Raises:
            ValueError: If the epoch has no loss named `monitor`.
        """
        if self._settings.per != "epoch":
            return
        monitor = self._train_function.monitor
        if monitor not in logs:
            raise ValueError(
                f"`monitor` must be one of the logs of the epoch: {', '.join(map(repr, logs)) or 'none'}. "
                f"Received: monitor={monitor!r}"
            )
        validate = self._recorder.validate
        validation_loss = validate() if validate is not None else logs.get(f"val_{monitor}", math.nan)
        # A value that a train step returns without a metric is that of the last batch, not the mean.
        averaged = self._train_function.losses_are_averaged or not self._epoch_losses
        loss = float(logs[monitor]) if averaged else float(np.mean(self._epoch_losses))
        self._recorder.add_row(loss, float(validation_loss))

    def error_after(self, reason: str) -> RuntimeError | None:
        """Why the sweep is invalid, if the optimizer has not trained the model; None if it is valid."""
        if not self.num_rows:
            return None
        try:
            internals.sync(self._model)
        except Exception:  # on JAX; `restore` names the variable
            return None
        return self._updates.error_after(reason)

    def restore(self) -> None:
        """Restore the model. Idempotent, as long as nothing else trains it.

        Raises:
            RestoreError: If a part of it could not be restored; all others have been.
        """
        try:
            self._detach()
        except Exception:
            # On JAX the variables are updated first, and one of them may fail. All that counts is what is
            # restored now.
            if not self._prepared.can_restore:
                raise
            internals.drop_state(self._model)
            self._detach()
        self._prepared.restore()
        self.needs_restoring = False

    def keep_train_function(self) -> None:
        """Keep the train function for the next sweep of the restored model, which then needs no new trace."""
        self._source.keep()

    def trained_since(self) -> bool:
        """Whether something else has trained the model since the last batch of an interrupted sweep."""
        if self._iterations_per_execution is None:
            return False
        internals.sync(self._model)
        now = total_iterations(*self._optimizers.all)
        # One execution may have ended without a call of `end_execution`.
        return now - self._iterations_before > self._iterations_per_execution * (self._executions + 1)

    def _detach(self) -> None:
        internals.sync(self._model)
        self._train_function.detach()

    def _make_config(self, rates: npt.NDArray[np.float64]) -> SweepConfig:
        settings = self._settings
        return {
            "schema_version": schema.SCHEMA_VERSION,
            "id": uuid.uuid4().hex[:16],
            "start_time": time.time(),
            **describe(  # type: ignore[typeddict-item]
                self._model, internals.batch_size_of_fit(self._model), self._optimizers.described
            ),
            "chance_loss": chance_loss(self._model) if settings.monitor == "loss" else None,
            "ramp": settings.ramp,
            "per": settings.per,
            "start_lr": float(rates[0]),
            "end_lr": float(rates[-1]),
            "num_steps": self.plan.num_steps,
            "batches_per_step": self.plan.batches_per_step,
            "delta_window": settings.delta_window,
            "smoothing": settings.smoothing,
            "seed": settings.seed,
        }
