"""The `LRTrial` callback."""

from __future__ import annotations

import math
import os
import time
import uuid
import warnings
from types import TracebackType
from typing import Any

import keras
import numpy as np

from tb_lrfinder.analysis.trial import TRIAL_COLUMNS, VALIDATION_PREFIX, Trial
from tb_lrfinder.checks import check_integer, check_log_dir, check_string, check_verbose
from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.callback_order import run_first
from tb_lrfinder.keras.describe import describe
from tb_lrfinder.keras.fit_watch import WatchedTrainFunction, fit_is_running, reason_of
from tb_lrfinder.keras.learning_rate import (
    last_applied_lr,
    reference_optimizer,
    round_to_float32,
    schedule_name,
)
from tb_lrfinder.keras.trials.closing_message import closing_message, written_to
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.schema import TrialConfig, TrialResult
from tb_lrfinder.storage.writer import TrialWriter


class LRTrial(keras.callbacks.Callback):
    """Callback that records a training run with the learning rate of each epoch.

    The LR Finder tab shows trials next to the sweeps, so that learning rates can be compared by their final
    loss. Training itself is not affected.

    Example:

    ```python
    for learning_rate in (1e-4, 1e-3, 1e-2, 1e-1):
        model = make_model(learning_rate=learning_rate)
        trial = LRTrial(f"logs/trials/{learning_rate:g}")
        model.fit(x, y, validation_data=validation, epochs=10, callbacks=[trial])
        trial.trial.gap     # the final validation loss minus the final loss
    ```

    Keras does not notify callbacks of an error or Ctrl-C between two batches, so the tab marks such a trial
    as interrupted after a minute. Use `with LRTrial(...) as trial:` around `fit` to record the reason
    immediately.

    Args:
        log_dir: String or path. Directory or URL where the event file of this trial is written. If it
            already contains a run, the trial is written to `log_dir/2`, `log_dir/3`, ... instead. Defaults
            to `None`, which writes nothing.
        monitor: String. Name of the loss, for models with a custom `train_step`. Defaults to `"loss"`.
        seed: Integer. Distinguishes repeated trials; does not seed anything. Defaults to `None`.
        verbose: `0` or `1`. Whether to print a summary at the end. Defaults to `1`.

    Attributes:
        trial: `Trial` with the columns `epoch`, `learning_rate`, `loss`, `validation_loss` and metrics, and
            the properties `gap`, `descent` and `diverged`.
        stop_reason: `"completed"`, `"stopped"` (by another callback), `"diverged"`, `"interrupted"` or
            `"failed"`; `None` before and during training.
        log_dir: The directory the trial was written to.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.
    """

    stop_reason: str | None
    log_dir: str | None

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        *,
        monitor: str = "loss",
        seed: int | None = None,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        self._requested_log_dir = check_log_dir(log_dir)
        self._monitor = check_string("monitor", monitor, "the name of a loss")
        self._verbose = check_verbose(verbose)
        if seed is not None:
            seed = check_integer("seed", seed, at_least=0, or_none=True)
        self._extra_config: TrialConfig = {"seed": seed}
        self._callback_list: Any = None  # the callbacks of the same fit
        self._initial_loss: float | None = None
        self._writer: TrialWriter | None = None
        self._watched: WatchedTrainFunction | None = None
        self._reset()

    @property
    def trial(self) -> Trial:
        """The epochs recorded so far."""
        return Trial.from_columns(self._columns, initial_loss=self._initial_loss)

    def set_model(self, model: Any) -> None:
        """Called at the start of `fit`."""
        super().set_model(model)
        self._callback_list = internals.callback_list(self)
        if self._callback_list is not None:
            # Other callbacks may set the learning rate of the next epoch when an epoch ends.
            run_first(self._callback_list, self, on_epoch_end=lambda epoch, logs: self._read_learning_rate())

    def on_train_begin(self, logs: Any = None) -> None:
        """Start recording."""
        self._end("interrupted", None)  # a previous training run that did not end
        self._reset()
        optimizer = getattr(self.model, "optimizer", None)
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise TypeError(
                "LRTrial requires a model that is compiled with a keras.optimizers.Optimizer. "
                f"Received: {type(self.model).__name__} with model.optimizer={optimizer!r}"
            )
        if self._requested_log_dir is not None and backend.is_first_process():
            self._writer = TrialWriter(
                self._requested_log_dir, self._config(), is_running=fit_is_running(self.model)
            )
            self.log_dir = self._writer.log_dir
        self._running = True
        self._watched = WatchedTrainFunction(self.model, self._fail)
        self._watched.attach()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the epoch."""
        if not self._running:
            return
        try:
            self._record(epoch, logs or {})
        except Exception as error:
            self._give_up(error)

    def on_train_end(self, logs: Any = None) -> None:
        """Finish recording."""
        planned = (self.params or {}).get("epochs")
        last = int(self._columns["epoch"][-1]) + 1 if len(self.trial) else 0
        reason = "stopped" if planned is not None and last < planned else "completed"
        self._end("diverged" if self.trial.diverged else reason, None)

    def __enter__(self) -> LRTrial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(*reason_of(error))

    def _read_learning_rate(self) -> None:
        if self._running:
            self._last_learning_rate = last_applied_lr(reference_optimizer(self.model.optimizer))

    def _record(self, epoch: int, logs: dict[str, Any]) -> None:
        if self._monitor not in logs:
            raise ValueError(
                f"`monitor` must be one of the logs of the epoch ({', '.join(map(repr, logs)) or 'none'}). "
                f"Received: monitor={self._monitor!r}"
            )
        if self._callback_list is None:
            self._read_learning_rate()
        loss, others = float(logs[self._monitor]), _other_columns(logs, self._monitor)
        row = {"epoch": float(epoch), "learning_rate": self._last_learning_rate, "loss": loss, **others}
        recorded = len(self._columns["epoch"])
        if recorded == 0:
            self._initial_loss = self._loss_of_first_batch()
        for name in others:
            self._columns.setdefault(name, [math.nan] * recorded)
        for name, values in self._columns.items():
            values.append(row.get(name, math.nan))
        if self._writer is None:
            return
        if recorded == 0:
            self._writer.update_config(
                {**self._known_after_first_epoch(epoch), "initial_loss": self._initial_loss}
            )
        self._writer.add(epoch, self._last_learning_rate, loss, others)
        self._writer.flush_local()

    def _loss_of_first_batch(self) -> float | None:
        logs = self._watched.first_logs if self._watched is not None else None
        if not isinstance(logs, dict) or self._monitor not in logs:
            return None
        return float(keras.ops.convert_to_numpy(logs[self._monitor]))

    def _config(self) -> TrialConfig:
        schedule = schedule_name(self.model.optimizer)
        if schedule is None and self._callback_list is not None:
            changing = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
            names = [type(c).__name__ for c in self._callback_list.callbacks if isinstance(c, changing)]
            schedule = "+".join(names) or None
        rate = internals.current_learning_rate(reference_optimizer(self.model.optimizer))
        return {
            "schema_version": schema.SCHEMA_VERSION,
            "id": uuid.uuid4().hex[:16],
            "start_time": time.time(),
            "learning_rate": round_to_float32(rate),
            "schedule": schedule,
            **describe(self.model, internals.batch_size_of_fit(self.model)),
            **self._extra_config,
            **self._planned(first_epoch=0),
        }

    def _known_after_first_epoch(self, epoch: int) -> TrialConfig:
        """Values that are unknown before: the model may not be built, and callbacks may set the rate."""
        known = self._planned(first_epoch=epoch)
        known["parameters"] = describe(self.model, None)["parameters"]
        if schedule_name(self.model.optimizer) is None:
            known["learning_rate"] = round_to_float32(self._last_learning_rate)
        return known

    def _planned(self, first_epoch: int) -> TrialConfig:
        """The number of epochs, without those before `initial_epoch`."""
        planned = (self.params or {}).get("epochs")
        return {} if planned is None else {"epochs": planned - first_epoch}

    def _fail(self, error: BaseException) -> None:
        self._end(*reason_of(error))

    def _give_up(self, error: Exception) -> None:
        """Stop recording after an error, which must not interrupt training."""
        message = f"Recording the trial failed: {error}"
        warnings.warn(f"LRTrial: {message}. Training continues.", RuntimeWarning, stacklevel=3)
        self._end("failed", message)

    def _end(self, reason: str, message: str | None) -> None:
        """Finish recording. Idempotent."""
        if not self._running:
            return
        self._running = False
        self.stop_reason = reason
        self._callback_list = None
        if self._watched is not None:
            self._watched.detach()
            self._watched = None
        if self._writer is not None:
            result: TrialResult = {
                "stop_reason": reason,
                "end_time": time.time(),
                "epochs": len(self.trial),
                "message": message,
            }
            self._writer.close(result)
            self.log_dir, self._is_written = self._writer.log_dir, self._writer.error is None
            self._writer = None
        if self._verbose and backend.is_first_process():
            message = closing_message(self.trial, reason)
            if self.log_dir is not None:
                written = written_to(self.log_dir, self._requested_log_dir, is_complete=self._is_written)
                message = f"{message} {written}"
            print(message)

    def _reset(self) -> None:
        self._columns: dict[str, list[float]] = {name: [] for name in TRIAL_COLUMNS}
        self._initial_loss = None
        self._last_learning_rate = math.nan  # the learning rate of the last step
        self._running = False
        self.stop_reason = None
        self.log_dir = self._requested_log_dir
        self._is_written = True

    def __repr__(self) -> str:
        return f"LRTrial(log_dir={self.log_dir!r}, stop_reason={self.stop_reason!r}, {self.trial!r})"


def _other_columns(logs: dict[str, Any], monitor: str) -> dict[str, float]:
    """Return the validation loss and metrics by column, except for values that are not numbers."""
    columns: dict[str, float] = {}
    taken = {*TRIAL_COLUMNS, monitor}
    ordered = sorted(logs, key=lambda name: name != f"val_{monitor}")  # the validation loss first
    for name in ordered:
        column = VALIDATION_PREFIX + name[4:] if name.startswith("val_") else name
        if name == f"val_{monitor}":
            column = VALIDATION_PREFIX + "loss"
        value = np.asarray(logs[name])
        if column in taken or value.size != 1 or value.dtype.kind not in "fiub":
            continue
        taken.add(column)
        columns[column] = float(value.reshape(()))
    return columns
