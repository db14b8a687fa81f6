"""`run_trials`: train with several learning rates and rank the results."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from typing import Any

import keras

from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.analysis.trial_results import TrialOutcome, TrialResults
from tb_lrfinder.checks import check_integer, check_verbose
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras.trials.arguments import (
    check_data,
    check_fit_arguments,
    check_local_log_dir,
    resolve_learning_rates,
)
from tb_lrfinder.keras.trials.directory_lock import DirectoryInUseError, directory_lock
from tb_lrfinder.keras.trials.executor_checks import (
    check_executor,
    check_future,
    check_outcome,
    pickling_error,
)
from tb_lrfinder.keras.trials.make_model import check_make_model
from tb_lrfinder.keras.trials.progress import TrialProgress
from tb_lrfinder.keras.trials.task import TrialTask, run_task
from tb_lrfinder.storage.event_file import errors_name_log_dir

_MAX_SEED = 2**32 - 1  # of keras.utils.set_random_seed, which also seeds NumPy


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
    """Train a model with several learning rates from the same initial weights and rank the results.

    Each trial is recorded in its own run directory, such as `log_dir/0.01`, which the LR Finder tab shows
    next to the sweeps. A finished trial with the same settings is reused, so an interrupted call is resumed
    by repeating it. Diverged and failed trials are recorded as such and do not stop the others.

    Example:

    ```python
    def make_model(learning_rate):
        model = keras.Sequential([...])
        model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", ["accuracy"])
        return model

    results = run_trials(
        make_model, (x, y), validation_data=(x_val, y_val), around=finder.suggestion, log_dir="logs/trials"
    )
    results                       # a table, sorted from best to worst
    results.best.learning_rate
    ```

    Args:
        make_model: Callable that takes the keyword argument `learning_rate`, or as its only required argument
            the learning rate under another name, and returns a new compiled model.
        data: Training data as for `fit`: `(x, y)`, `(x, y, sample_weight)`, a `tf.data.Dataset` or a
            `PyDataset`. Can also be a callable without arguments that returns one of these; it is called in
            the process that trains.
        learning_rates: Iterable of floats. Learning rates to try. Exactly one of `learning_rates` and
            `around` must be given. Defaults to `None`.
        around: `Suggestion` or float. Tries this learning rate, three times it, and a third of it. Defaults
            to `None`.
        epochs: Integer. Number of epochs of each trial; half of the intended training is sufficient.
            Defaults to `10`.
        validation_data: Validation data as for `fit`, or a callable like `data`. Trials are ranked by their
            final validation loss, or by their final loss without validation data. Defaults to `None`.
        log_dir: String or path. Local directory for the run directories. Defaults to `None`, which writes
            nothing and reuses nothing.
        seed: Integer. Seed of the initial weights, shuffling and dropout, the same for every trial. The
            random state of the calling process is restored afterwards. Defaults to `0`.
        executor: A `concurrent.futures.Executor` that runs the trials in other processes, such as
            `ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))` or Dask's
            `client.get_executor()`. Defaults to `None`, which runs the trials sequentially in this process.
        verbose: `0` or `1`. Whether to show progress on standard error. Defaults to `1`.
        **fit_arguments: Other arguments of `fit`, such as `batch_size`, `steps_per_epoch` or `class_weight`.

    Returns:
        `TrialResults` with the outcomes, sorted from best to worst.

    Raises:
        TypeError: If an argument has the wrong type, if `make_model` or `data` cannot be pickled for the
            processes of `executor`, or if `executor` returns something else than the outcome of the trial.
        ValueError: If an argument is out of range, or if `executor` forks processes.
        RuntimeError: If another call of `run_trials` is using the same `log_dir`.
        concurrent.futures.BrokenExecutor: If a process of the executor died. Finished trials are kept in
            `log_dir`; repeat the call with a new executor to run the remaining ones.
    """
    check_make_model(make_model)
    rates = resolve_learning_rates(learning_rates, around)
    check_data("data", data)
    check_data("validation_data", validation_data)
    epochs = check_integer("epochs", epochs, at_least=1)
    seed = check_integer("seed", seed, at_least=0, at_most=_MAX_SEED)
    verbose = check_verbose(verbose)
    check_fit_arguments(fit_arguments)
    directory = check_local_log_dir(log_dir)
    tasks = [
        TrialTask(
            make_model,
            data,
            rate,
            epochs,
            seed,
            validation_data,
            directory,
            fit_arguments,
            keras.config.dtype_policy().name,
        )
        for rate in rates
    ]
    progress = TrialProgress(len(tasks), epochs, verbose)
    if executor is not None:
        check_executor(executor, tasks[0])
    with _exclusive(directory):
        if executor is None:
            outcomes = _run_sequentially(tasks, progress)
        else:
            outcomes = _run_on_executor(executor, tasks, progress)
    for outcome in outcomes:
        if outcome.stop_reason == "failed":
            warnings.warn(
                f"The trial with learning rate {rate_text(outcome.learning_rate, 3)} failed: "
                f"{outcome.message}",
                UserWarning,
                stacklevel=2,
            )
    return TrialResults(outcomes)


@contextlib.contextmanager
def _exclusive(directory: str | None) -> Iterator[None]:
    """Hold the lock of `directory`: two calls would take each other's running trials for interrupted ones."""
    if directory is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        holder = None
        with errors_name_log_dir(directory):
            try:
                stack.enter_context(directory_lock(directory))
            except DirectoryInUseError as error:
                holder = str(error)
        if holder is not None:
            raise RuntimeError(
                f"`log_dir` is in use by another run_trials() in {holder}. Wait until it has finished, or "
                f"use another directory. Received: log_dir={directory!r}"
            )
        yield


def _run_sequentially(tasks: list[TrialTask], progress: TrialProgress) -> list[TrialOutcome]:
    outcomes = []
    for task in tasks:
        running = f"learning rate {rate_text(task.learning_rate, 3)}"
        progress.show(running)
        outcomes.append(task.run(functools.partial(progress.show, running)))
        progress.end(outcomes[-1])
    return outcomes


def _run_on_executor(
    executor: Executor, tasks: list[TrialTask], progress: TrialProgress
) -> list[TrialOutcome]:
    outcomes: list[TrialOutcome] = []
    futures: dict[Future[TrialOutcome], TrialTask] = {}
    try:
        for task in tasks:
            future = _submit(executor, task)
            check_future(executor, future, futures)
            futures[future] = task
        progress.show()
        for future in as_completed(futures):
            outcomes.append(_outcome(executor, future, futures[future]))
            progress.end(outcomes[-1])
            progress.show()
    except BrokenExecutor as error:
        raise type(error)(
            f"A process of the executor died after {len(outcomes)} of {len(tasks)} trials. Possible causes "
            "are insufficient memory, or a script that does not guard its calls with "
            "`if __name__ == '__main__':`. Finished trials are kept in `log_dir`; repeat the call with a new "
            "executor to run the remaining ones."
        ) from error
    finally:
        for future in futures:
            future.cancel()
    return outcomes


def _submit(executor: Executor, task: TrialTask) -> Future[TrialOutcome]:
    try:
        return executor.submit(run_task, task)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TypeError(pickling_error("`make_model`, `data` or another argument", error)) from error


def _outcome(executor: Executor, future: Future[TrialOutcome], task: TrialTask) -> TrialOutcome:
    try:
        outcome = future.result()
    except (BrokenExecutor, TypeError, ValueError):
        raise  # errors of the caller; an error in training is part of the outcome
    except Exception as error:  # of the executor: Dask gives up a task that has killed several workers
        message = f"{type(error).__name__}: {error}"
        return TrialOutcome(task.learning_rate, stop_reason="failed", message=message)
    check_outcome(executor, outcome, task.learning_rate)
    return outcome
