"""Training with each of several learning rates, and comparing."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, as_completed
from typing import Any

import keras

from tb_lrfinder.keras.trial_arguments import (
    check_data,
    check_executor,
    check_fit_arguments,
    check_make_model,
    check_whole,
    checked_local_log_dir,
    checked_rates,
    not_sendable,
)
from tb_lrfinder.keras.trial_progress import TrialProgress
from tb_lrfinder.keras.trial_task import TrialTask, run_task
from tb_lrfinder.suggestion import Suggestion
from tb_lrfinder.trial_results import TrialOutcome, TrialResults


def run_trials(
    make_model: Callable[..., Any],
    data: Any,
    *,
    learning_rates: Iterable[float] | None = None,
    around: Suggestion | float | None = None,
    epochs: int = 10,
    validation_data: Any = None,
    log_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    verbose: int = 1,
    **fit_arguments: Any,
) -> TrialResults:
    """Train with each of several learning rates, from equal initial weights, and rank the results.

    Each trial is recorded in a run directory of its own, `log_dir/0.01`, which the tab shows beside the
    sweeps. One that is there already with the same settings is not run again, so that a call that was cut
    short goes on where it stopped. A trial that diverges is recorded as such, and the next one follows.

    Example:

    ```python
    def make_model(learning_rate):
        model = keras.Sequential([...])
        model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", ["accuracy"])
        return model

    results = run_trials(
        make_model, (x, y), validation_data=(x_val, y_val), around=finder.suggestion, log_dir="logs/trials"
    )
    results                       # a table, the best first
    results.best.learning_rate
    ```

    Args:
        make_model: Function that takes `learning_rate` as a keyword and returns a new, compiled model.
        data: What `fit` takes: `(x, y)`, `(x, y, sample_weight)`, a `tf.data.Dataset`, a `PyDataset`; or a
            function without arguments that returns one of these, which is called in the process that trains.
        learning_rates: Numbers to try. Give these, or `around`.
        around: `Suggestion`, or a number. Tries it, three times as much, and a third.
        epochs: Integer. Epochs of each trial; half of what you mean to train is enough. Defaults to `10`.
        validation_data: As for `fit`, or a function like `data`. With it the trials are ranked by their
            final validation loss, without by their final loss.
        log_dir: String or path. Directory of the run directories. `None` writes nothing, and every trial is
            run.
        seed: Integer. What initial weights, shuffles and dropout are drawn from, the same for every trial.
            The random numbers of the calling process are left as they were. Defaults to `0`.
        executor: Any `concurrent.futures.Executor` that runs the trials in other processes:
            `ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))`, or Dask's
            `client.get_executor()`. `None` runs one after the other, here.
        verbose: `0` or `1`. Whether to show the progress, on standard error. Defaults to `1`.
        **fit_arguments: Others of `fit`, such as `batch_size`, `steps_per_epoch` or `class_weight`.

    Returns:
        A `TrialResults`: the outcomes, the best first.

    Raises:
        TypeError, ValueError: If an argument is of the wrong kind or out of its range; names it. Also where
            `make_model` or `data` cannot be sent to the processes of `executor`.
        concurrent.futures.BrokenExecutor: If a process of the executor died. Trials that have ended stay in
            `log_dir`, and the same call with a new executor runs the others.
    """
    rates = checked_rates(learning_rates, around)
    check_make_model(make_model)
    for name, given in (("data", data), ("validation_data", validation_data)):
        check_data(name, given)
    check_whole("epochs", epochs, 1)
    check_whole("seed", seed, 0)
    check_fit_arguments(fit_arguments)
    directory = checked_local_log_dir(log_dir)
    tasks = [
        TrialTask(
            make_model,
            data,
            rate,
            int(epochs),
            int(seed),
            validation_data,
            directory,
            fit_arguments,
            keras.config.dtype_policy().name,
        )
        for rate in rates
    ]
    progress = TrialProgress(len(tasks), int(epochs), verbose)
    if executor is None:
        outcomes = _run_here(tasks, progress)
    else:
        check_executor(executor, tasks[0])
        outcomes = _run_on(executor, tasks, progress)
    for outcome in outcomes:
        if outcome.stop_reason == "failed":
            warnings.warn(
                f"The trial at a learning rate of {outcome.learning_rate:.3g} failed: {outcome.message}",
                UserWarning,
                stacklevel=2,
            )
    return TrialResults(outcomes)


def _run_here(tasks: list[TrialTask], progress: TrialProgress) -> list[TrialOutcome]:
    outcomes = []
    for task in tasks:
        running = f"learning rate {task.learning_rate:.3g}"
        progress.show(running)
        outcomes.append(task.run(lambda epochs, running=running: progress.show(running, epochs)))  # type: ignore[misc]
        progress.end(outcomes[-1])
    return outcomes


def _run_on(executor: Executor, tasks: list[TrialTask], progress: TrialProgress) -> list[TrialOutcome]:
    outcomes: list[TrialOutcome] = []
    futures: dict[Any, TrialTask] = {}
    try:
        try:
            for task in tasks:
                futures[executor.submit(run_task, task)] = task
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise TypeError(not_sendable("make_model, data or another argument", error)) from error
        progress.show()
        for future in as_completed(futures):
            outcomes.append(_outcome(future, futures[future]))
            progress.end(outcomes[-1])
            progress.show()
    except BrokenExecutor as error:
        ended = len(outcomes)
        raise type(error)(
            f"A process of the executor died after {ended} of {len(tasks)} trials, perhaps for want of "
            "memory, or because the script does not keep its calls under `if __name__ == '__main__':`. "
            "Trials that have ended stay in `log_dir`: the same call with a new executor runs the others."
        ) from error
    finally:
        for future in futures:
            future.cancel()
    return outcomes


def _outcome(future: Any, task: TrialTask) -> TrialOutcome:
    try:
        outcome: TrialOutcome = future.result()
    except (BrokenExecutor, TypeError, ValueError):
        raise  # not of the training, whose errors are part of an outcome
    except Exception as error:  # the executor's: Dask gives up a trial that has killed several workers
        message = f"{type(error).__name__}: {error}"
        return TrialOutcome(task.learning_rate, stop_reason="failed", message=message)
    return outcome
