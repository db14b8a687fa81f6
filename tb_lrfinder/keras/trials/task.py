"""Runs a single trial of `run_trials`, in any process."""

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
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras import internals, random_numbers
from tb_lrfinder.keras.fit_watch import in_one_line, reason_of
from tb_lrfinder.keras.learning_rate import reference_optimizer, schedule_name
from tb_lrfinder.keras.trials.fingerprint import fingerprint
from tb_lrfinder.keras.trials.lr_trial import LRTrial
from tb_lrfinder.keras.trials.make_model import call_make_model
from tb_lrfinder.keras.trials.trial_directory import (
    finished_trial,
    hide_unfinished_trials,
    run_directory,
)

# Initial weights and shuffling depend on a random state that all threads of a process share.
_RANDOM_STATE_LOCK = threading.Lock()

# The models trained by trials of this process, to detect a `make_model` that returns one of them again.
_TRAINED_MODELS: weakref.WeakSet[Any] = weakref.WeakSet()


@dataclass(frozen=True)
class TrialTask:
    """A trial to run, which can be pickled for other processes. See `run_trials` for the arguments.

    Args:
        make_model: Callable that takes a learning rate and returns a compiled model.
        data: Training data as for `fit`, or a callable that returns it.
        learning_rate: Float. Learning rate of the trial.
        epochs: Integer. Number of epochs.
        seed: Integer. Seed of the initial weights and of shuffling.
        validation_data: Like `data`, or `None`.
        log_dir: String. Parent of the run directories, or `None` to write nothing.
        fit_arguments: Mapping. Other arguments of `fit`.
        dtype_policy: String. Dtype policy of the calling process, which other processes would not know.
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
        """Run the trial, or reuse a finished one, and restore the random state.

        Args:
            on_epoch: Called with the number of finished epochs.

        Raises:
            TypeError: If `make_model` does not return a compiled model.
            ValueError: If the model is not new, or has another learning rate.
        """
        with _RANDOM_STATE_LOCK:
            restore_random_state, policy = random_numbers.remember(), keras.config.dtype_policy()
            try:
                if policy.name != self.dtype_policy:
                    keras.config.set_dtype_policy(self.dtype_policy)
                return self._run(on_epoch)
            finally:
                keras.config.set_dtype_policy(policy)
                restore_random_state()

    def _run(self, on_epoch: Callable[[int], None] | None) -> TrialOutcome:
        try:
            data, validation_data = resolve_data(self.data), resolve_data(self.validation_data)
            internals.set_global_seed_generator(None)  # set_random_seed() of Keras 3.7 keeps an existing one
            keras.utils.set_random_seed(self.seed)
            model = call_make_model(self.make_model, self.learning_rate)
        except Exception as error:
            return TrialOutcome(self.learning_rate, stop_reason="failed", message=in_one_line(error))
        self._check_model(model)
        settings = {
            "learning_rate": self.learning_rate,
            "epochs": self.epochs,
            "seed": self.seed,
            "data": data,
            "validation_data": validation_data,
            "fit": self.fit_arguments,
        }
        digest, directory = fingerprint(model, settings), None
        if self.log_dir is not None:
            directory = run_directory(self.log_dir, self.learning_rate)
            outcome = self._reuse(directory, digest)
            if outcome is not None:
                return outcome
            hide_unfinished_trials(directory, digest)
        _TRAINED_MODELS.add(model)
        trial = _FingerprintedTrial(directory, digest, self)
        message = self._fit(model, data, validation_data, trial, on_epoch)
        reason = "failed" if message is not None else str(trial.stop_reason)
        return TrialOutcome(self.learning_rate, trial.trial, reason, message, trial.log_dir)

    def _reuse(self, directory: str, digest: str) -> TrialOutcome | None:
        """Return the outcome of a finished trial with the same settings, or `None`."""
        finished = finished_trial(directory, digest)
        if finished is None:
            return None
        return TrialOutcome(
            self.learning_rate,
            finished.trial,
            str((finished.result or {}).get("stop_reason")),
            finished.message,
            str(Path(directory) / finished.run),
            reused=True,
        )

    def _fit(
        self,
        model: Any,
        data: Any,
        validation_data: Any,
        trial: _FingerprintedTrial,
        on_epoch: Callable[[int], None] | None,
    ) -> str | None:
        """Train the model, and return the message of an error, or `None`."""
        callbacks = [_StopWhenNotFinite(), trial]
        if on_epoch is not None:
            callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: on_epoch(e + 1)))
        try:
            with trial:
                model.fit(
                    **_data_arguments(data),
                    validation_data=validation_data,
                    epochs=self.epochs,
                    verbose=0,
                    callbacks=callbacks,
                    **self.fit_arguments,
                )
        except Exception as error:
            trial.record_failure(model, error)
            return in_one_line(error)
        return None

    def _check_model(self, model: Any) -> None:
        """Raise an error unless the model is new and compiled, with the learning rate of the trial."""
        optimizer = getattr(model, "optimizer", None)
        received = f"Received: make_model(learning_rate={self.learning_rate:g}) returned"
        if not isinstance(model, keras.Model) or not isinstance(optimizer, keras.optimizers.Optimizer):
            raise TypeError(
                f"`make_model` must return a compiled keras.Model. {received} {type(model).__name__}"
                f"{' that is not compiled' if isinstance(model, keras.Model) else ''}"
            )
        if model in _TRAINED_MODELS:
            raise ValueError(
                "`make_model` must return a new model each time, with initial weights. "
                f"{received} the same {type(model).__name__} as in another trial. "
                "Create the model inside of make_model."
            )
        if schedule_name(optimizer) is not None:
            return
        actual = internals.current_learning_rate(reference_optimizer(optimizer))
        if not math.isclose(actual, self.learning_rate, rel_tol=1e-3):
            raise ValueError(
                "`make_model` must pass its `learning_rate` to the optimizer. "
                f"{received} a model with learning rate {rate_text(actual, 3)}. "
                "For example: def make_model(learning_rate): ... "
                "model.compile(keras.optimizers.Adam(learning_rate), ...)"
            )


def run_task(task: TrialTask) -> TrialOutcome:
    """Run a task; the function that is submitted to executors."""
    return task.run()


def resolve_data(data: Any) -> Any:
    """Return the data, calling it if it is a callable."""
    return data() if callable(data) else data


def _data_arguments(data: Any) -> dict[str, Any]:
    """Return data as arguments of `fit`."""
    if isinstance(data, tuple | list):
        return dict(zip(("x", "y", "sample_weight"), data, strict=False))
    return {"x": data}


class _FingerprintedTrial(LRTrial):
    """Records a trial with its fingerprint, by which it is found again."""

    def __init__(self, directory: str | None, digest: str, task: TrialTask) -> None:
        super().__init__(directory, seed=task.seed, verbose=0)
        self._extra_config |= {
            "fingerprint": digest,
            "learning_rate": task.learning_rate,
            "epochs": task.epochs,
        }

    def record_failure(self, model: Any, error: Exception) -> None:
        """Record a training run that failed before it called its first callback."""
        if self.stop_reason is None:
            self.set_model(model)
            self.on_train_begin()
            self._end(*reason_of(error))


class _StopWhenNotFinite(keras.callbacks.Callback):
    """Stops training when the loss is NaN or infinite.

    `keras.callbacks.TerminateOnNaN` does the same, but also prints a line to standard output, which
    `verbose=0` does not suppress and which would break the progress bar of `run_trials`.
    """

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            self.model.stop_training = True
