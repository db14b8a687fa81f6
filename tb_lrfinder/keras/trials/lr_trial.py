"""LRTrial, the callback."""

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

from tb_lrfinder.analysis.stop_reasons import TRIAL_STOP_REASONS
from tb_lrfinder.analysis.trial import TRIAL_COLUMNS, VALIDATION_PREFIX, Trial
from tb_lrfinder.checks import check_log_dir
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
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.schema import TrialConfig, TrialResult
from tb_lrfinder.storage.writer import TrialWriter


class LRTrial(keras.callbacks.Callback):
    """Record the epochs of a training, with the learning rate that they really had.

    The tab shows trials beside the sweeps, so that learning rates can be compared by what they lead to. The
    training itself is left alone.

    Example:

    ```python
    for learning_rate in (1e-4, 1e-3, 1e-2, 1e-1):
        model = make_model(learning_rate=learning_rate)
        trial = LRTrial(f"logs/trials/{learning_rate:g}")
        model.fit(x, y, validation_data=validation, epochs=10, callbacks=[trial])
        trial.trial.gap     # the final validation loss less the final loss
    ```

    With an error or Ctrl-C between two batches, nothing tells a callback that its `fit` is over, and the tab
    calls the trial interrupted after a minute. `with LRTrial(...) as trial:` around `fit` says at once what
    it was.

    Args:
        log_dir: String or path. Directory for this one trial, for TensorBoard. One that holds a sweep or a
            trial already is kept, and the new one goes to `log_dir/2`, `log_dir/3`, ... `None` writes
            nothing.
        monitor: String. Name of the loss, for models with a train step of their own. Defaults to `"loss"`.
        seed: Integer. Tells repeated trials apart; nothing is seeded with it.
        verbose: `0` or `1`. Whether to print the closing line. Defaults to `1`.

    Attributes:
        trial: The columns `epoch`, `learning_rate`, `loss`, `validation_loss`, and those of the metrics; and
            what they say: `gap`, `descent`, `diverged`.
        stop_reason: `"completed"`, `"stopped"` (by another callback), `"diverged"`, `"interrupted"` or
            `"failed"`; `None` before and during a training.
        log_dir: The directory that was really written to.

    Raises:
        TypeError, ValueError: If an argument is of the wrong kind or out of its range; names it.
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
        self._asked_log_dir = check_log_dir(log_dir)
        if not isinstance(monitor, str):
            raise TypeError(f"`monitor` must be the name of a loss. Received: monitor={monitor!r}")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise ValueError(f"`seed` must be a whole number of at least 0, or None. Received: seed={seed!r}")
        self._monitor = monitor
        self._verbose = verbose
        self._about: TrialConfig = {"seed": seed}
        self._neighbours: Any = None  # the callbacks of the same fit
        self._initial_loss: float | None = None
        self._writer: TrialWriter | None = None
        self._watched: WatchedTrainFunction | None = None
        self._forget_results()

    @property
    def trial(self) -> Trial:
        """What has been recorded so far."""
        return Trial.from_columns(self._columns, initial_loss=self._initial_loss)

    def set_model(self, model: Any) -> None:
        """Called by `fit` before everything else."""
        super().set_model(model)
        self._neighbours = internals.callback_list(self)
        if self._neighbours is not None:
            # Other callbacks may set the learning rate of the next epoch when an epoch ends.
            run_first(self._neighbours, self, on_epoch_end=lambda epoch, logs: self._see_learning_rate())

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin the record."""
        self._end("interrupted", None)  # a training that never ended
        self._forget_results()
        if not isinstance(getattr(self.model, "optimizer", None), keras.optimizers.Optimizer):
            raise TypeError(
                "LRTrial records the learning rate of `model.optimizer`, and "
                f"{type(self.model).__name__} has none of keras.optimizers. Compile it with one."
            )
        if self._asked_log_dir is not None and backend.is_first_process():
            self._writer = TrialWriter(
                self._asked_log_dir, self._config(), is_running=fit_is_running(self.model)
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
        """End the record."""
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

    def _see_learning_rate(self) -> None:
        if self._running:
            self._seen = last_applied_lr(reference_optimizer(self.model.optimizer))

    def _record(self, epoch: int, logs: dict[str, Any]) -> None:
        if self._monitor not in logs:
            raise ValueError(
                f"the epoch has no loss named {self._monitor!r}, only "
                f"{', '.join(map(repr, logs)) or 'nothing'}. Pass LRTrial(..., monitor=...) with one of these"
            )
        if self._neighbours is None:
            self._see_learning_rate()
        loss, others = float(logs[self._monitor]), _other_columns(logs, self._monitor)
        row = {"epoch": float(epoch), "learning_rate": self._seen, "loss": loss, **others}
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
        self._writer.add(epoch, self._seen, loss, others)
        self._writer.flush_local()

    def _loss_of_first_batch(self) -> float | None:
        logs = self._watched.first_logs if self._watched is not None else None
        if not isinstance(logs, dict) or self._monitor not in logs:
            return None
        return float(keras.ops.convert_to_numpy(logs[self._monitor]))

    def _config(self) -> TrialConfig:
        schedule = schedule_name(self.model.optimizer)
        if schedule is None and self._neighbours is not None:
            changing = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
            names = [type(c).__name__ for c in self._neighbours.callbacks if isinstance(c, changing)]
            schedule = "+".join(names) or None
        rate = internals.current_learning_rate(reference_optimizer(self.model.optimizer))
        return {
            "schema_version": schema.SCHEMA_VERSION,
            "id": uuid.uuid4().hex[:16],
            "start_time": time.time(),
            "learning_rate": round_to_float32(rate),
            "schedule": schedule,
            **describe(self.model, internals.batch_size_of_fit(self.model)),
            **self._about,
            **self._planned(first_epoch=0),
        }

    def _known_after_first_epoch(self, epoch: int) -> TrialConfig:
        """What is not known before: a model may have had no variables, and a callback may have its say."""
        known = self._planned(first_epoch=epoch)
        known["parameters"] = describe(self.model, None)["parameters"]
        if schedule_name(self.model.optimizer) is None:
            known["learning_rate"] = round_to_float32(self._seen)
        return known

    def _planned(self, first_epoch: int) -> TrialConfig:
        """How many epochs; with `initial_epoch`, those before it are not of this training."""
        planned = (self.params or {}).get("epochs")
        return {} if planned is None else {"epochs": planned - first_epoch}

    def _fail(self, error: BaseException) -> None:
        self._end(*reason_of(error))

    def _give_up(self, error: Exception) -> None:
        """Something of ours went wrong, which is no reason to break the training."""
        message = f"The trial is no longer recorded: {error}"
        warnings.warn(f"LRTrial: {message}. The training goes on.", RuntimeWarning, stacklevel=3)
        self._end("failed", message)

    def _end(self, reason: str, message: str | None) -> None:
        """End the record, once."""
        if not self._running:
            return
        self._running = False
        self.stop_reason = reason
        self._neighbours = None
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
            print(self._closing_line())

    def _closing_line(self) -> str:
        assert self.stop_reason is not None
        trial = self.trial
        ends = [trial.learning_rate[0], trial.learning_rate[-1]] if len(trial) else []
        rates = " to ".join(dict.fromkeys(f"{rate:.4g}" for rate in ends))
        said = f"learning rate {rates}, " + ", ".join(
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in trial.final.items()
            if value is not None and name in ("loss", "validation_loss")
        )
        epochs = "1 epoch" if len(trial) == 1 else f"{len(trial)} epochs"
        line = f"LR trial: {said if len(trial) else 'nothing'} after {epochs}: "
        line += f"{TRIAL_STOP_REASONS[self.stop_reason]}."
        if self.log_dir is not None and backend.is_first_process():
            moved = self.log_dir != self._asked_log_dir
            written = "Written to" if self._is_written else "Not all of it could be written to"
            line += f" {written} {self.log_dir}" + (
                f", because {self._asked_log_dir} holds a run already." if moved else "."
            )
        return line

    def _forget_results(self) -> None:
        self._columns: dict[str, list[float]] = {name: [] for name in TRIAL_COLUMNS}
        self._initial_loss = None
        self._seen = math.nan  # the learning rate that acted last
        self._running = False
        self.stop_reason = None
        self.log_dir = self._asked_log_dir
        self._is_written = True

    def __repr__(self) -> str:
        return f"LRTrial(log_dir={self.log_dir!r}, stop_reason={self.stop_reason!r}, {self.trial!r})"


def _other_columns(logs: dict[str, Any], monitor: str) -> dict[str, float]:
    """Validation loss and metrics by column, as far as they are numbers."""
    named: dict[str, float] = {}
    taken = {*TRIAL_COLUMNS, monitor}
    ordered = sorted(logs, key=lambda name: name != f"val_{monitor}")  # that one first
    for name in ordered:
        column = VALIDATION_PREFIX + name[4:] if name.startswith("val_") else name
        if name == f"val_{monitor}":
            column = VALIDATION_PREFIX + "loss"
        value = np.asarray(logs[name])
        if column in taken or value.size != 1 or value.dtype.kind not in "fiub":
            continue
        taken.add(column)
        named[column] = float(value.reshape(()))
    return named
