"""One trial of `run_trials`, from the model to its outcome, in whichever process it runs."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from tb_lrfinder.analysis.trial_results import TrialOutcome
from tb_lrfinder.keras import internals, random_numbers
from tb_lrfinder.keras.fit_watch import in_one_line, reason_of
from tb_lrfinder.keras.learning_rate import reference_optimizer, schedule_name
from tb_lrfinder.keras.trials.fingerprint import fingerprint
from tb_lrfinder.keras.trials.lr_trial import LRTrial
from tb_lrfinder.keras.trials.trial_directory import directory_of, finished_trial, set_unfinished_aside

# Weights and shuffles are drawn from random numbers that all threads of a process share.
_ONE_AT_A_TIME = threading.Lock()

# The models that trials of this process have trained, for as long as somebody holds them.
_TRAINED: weakref.WeakSet[Any] = weakref.WeakSet()


@dataclass(frozen=True)
class TrialTask:
    """A trial that is to be run; travels to other processes. The arguments are those of `run_trials`.

    Args:
        make_model: Takes `learning_rate` and returns a compiled model.
        data: What `fit` takes, or a function that makes it.
        learning_rate: The one to try.
        epochs: How many.
        seed: From which initial weights and shuffles are drawn.
        validation_data: Like `data`, or None.
        log_dir: Where the run directories go; None writes nothing.
        fit_arguments: Others of `fit`.
        dtype_policy: Of the process that asks; it would be lost on the way.
    """

    make_model: Callable[..., Any]
    data: Any
    learning_rate: float
    epochs: int
    seed: int
    validation_data: Any = None
    log_dir: str | None = None
    fit_arguments: Mapping[str, Any] = field(default_factory=dict)
    dtype_policy: str = "float32"

    def run(self, on_epoch: Callable[[int], None] | None = None) -> TrialOutcome:
        """Run the trial, unless it has been run before; leave the random numbers as they were.

        Args:
            on_epoch: Called with the number of epochs that are done.

        Raises:
            TypeError, ValueError: If `make_model` returns something else than a compiled model with that
                learning rate.
        """
        with _ONE_AT_A_TIME:
            put_back, policy = random_numbers.remember(), keras.config.dtype_policy()
            try:
                if policy.name != self.dtype_policy:
                    keras.config.set_dtype_policy(self.dtype_policy)
                return self._run(on_epoch)
            finally:
                keras.config.set_dtype_policy(policy)
                put_back()

    def _run(self, on_epoch: Callable[[int], None] | None) -> TrialOutcome:
        try:
            data, validation_data = made(self.data), made(self.validation_data)
            internals.set_global_seed_generator(None)  # which Keras 3.7 would not make anew of the seed
            keras.utils.set_random_seed(self.seed)
            model = self.make_model(learning_rate=self.learning_rate)
        except Exception as error:
            return TrialOutcome(self.learning_rate, stop_reason="failed", message=in_one_line(error))
        self._check(model)
        settings = {
            "learning_rate": self.learning_rate,
            "epochs": self.epochs,
            "seed": self.seed,
            "data": data,
            "validation_data": validation_data,
            "fit": self.fit_arguments,
        }
        mark, directory = fingerprint(model, settings), None
        if self.log_dir is not None:
            directory = directory_of(self.log_dir, self.learning_rate)
            before = finished_trial(directory, mark)
            if before is not None and before.trial is not None:
                return TrialOutcome(
                    self.learning_rate,
                    before.trial,
                    str((before.result or {}).get("stop_reason")),
                    before.message,
                    str(Path(directory) / before.run),
                    reused=True,
                )
            set_unfinished_aside(directory, mark)
        _TRAINED.add(model)
        trial = _FingerprintedTrial(directory, mark, self)
        callbacks = [_StopWhenNotFinite(), trial]
        if on_epoch is not None:
            callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: on_epoch(e + 1)))
        message = None
        try:
            with trial:
                model.fit(
                    **fit_data(data),
                    validation_data=validation_data,
                    epochs=self.epochs,
                    verbose=0,
                    callbacks=callbacks,
                    **self.fit_arguments,
                )
        except Exception as error:
            message = in_one_line(error)
            trial.record_failure(model, error)
        reason = "failed" if message is not None else str(trial.stop_reason)
        return TrialOutcome(self.learning_rate, trial.trial, reason, message, trial.log_dir)

    def _check(self, model: Any) -> None:
        """Refuse a model that is not new, not compiled, or has another learning rate."""
        optimizer = getattr(model, "optimizer", None)
        if not isinstance(model, keras.Model) or not isinstance(optimizer, keras.optimizers.Optimizer):
            raise TypeError(
                "`make_model` must return a compiled keras.Model. Received: "
                f"make_model(learning_rate={self.learning_rate:g}) returned a {type(model).__name__}"
                f"{' that is not compiled' if isinstance(model, keras.Model) else ''}."
            )
        if model in _TRAINED:
            raise ValueError(
                "`make_model` must return a new model each time: this one has been trained in another trial, "
                "so that its weights are no longer the initial ones. Received: "
                f"make_model(learning_rate={self.learning_rate:g}) returned the same {type(model).__name__} "
                "again. Make the model inside of make_model."
            )
        if schedule_name(optimizer) is not None:
            return
        has = internals.current_learning_rate(reference_optimizer(optimizer))
        if not math.isclose(has, self.learning_rate, rel_tol=1e-3):
            raise ValueError(
                "`make_model` must give the optimizer the learning rate that it is called with. Received: "
                f"make_model(learning_rate={self.learning_rate:g}) returned a model with {has:.3g}. "
                "Write def make_model(learning_rate): ... "
                "model.compile(keras.optimizers.Adam(learning_rate), ...)"
            )


def run_task(task: TrialTask) -> TrialOutcome:
    """What executors are given."""
    return task.run()


def made(data: Any) -> Any:
    """The data, where a function makes them."""
    return data() if callable(data) else data


def fit_data(data: Any) -> dict[str, Any]:
    """Data as the arguments of `fit`."""
    if isinstance(data, tuple | list):
        return dict(zip(("x", "y", "sample_weight"), data, strict=False))
    return {"x": data}


class _FingerprintedTrial(LRTrial):
    """Writes down what it takes to know the trial again."""

    def __init__(self, directory: str | None, mark: str, task: TrialTask) -> None:
        super().__init__(directory, seed=task.seed, verbose=0)
        self._about |= {"fingerprint": mark, "learning_rate": task.learning_rate, "epochs": task.epochs}

    def record_failure(self, model: Any, error: Exception) -> None:
        """Write down a training that raised before it called its first callback."""
        if self.stop_reason is None:
            self.set_model(model)
            self.on_train_begin()
            self._end(*reason_of(error))


class _StopWhenNotFinite(keras.callbacks.Callback):
    """Ends a training that can only go on as NaN."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            self.model.stop_training = True
