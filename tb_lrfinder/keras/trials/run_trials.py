"""Training with each of several learning rates, and comparing."""

from __future__ import annotations

import contextlib
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from typing import Any

import keras

from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.analysis.trial_results import TrialOutcome, TrialResults
from tb_lrfinder.keras.trials.arguments import (
    check_data,
    check_executor,
    check_fit_arguments,
    check_future,
    check_make_model,
    check_outcome,
    check_whole,
    checked_local_log_dir,
    checked_rates,
    not_sendable,
)
from tb_lrfinder.keras.trials.directory_lock import DirectoryInUseError, directory_lock
from tb_lrfinder.keras.trials.progress import TrialProgress
from tb_lrfinder.keras.trials.task import TrialTask, run_task
from tb_lrfinder.storage.event_file import errors_name_log_dir


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
            `make_model` or `data` cannot be sent to the processes of `executor`, or `executor` does not
            return a future and an outcome for each trial.
        RuntimeError: If another call of `run_trials` is running in the same `log_dir`.
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
    if executor is not None:
        check_executor(executor, tasks[0])
    with _alone_in(directory):
        outcomes = _run_here(tasks, progress) if executor is None else _run_on(executor, tasks, progress)
    for outcome in outcomes:
        if outcome.stop_reason == "failed":
            warnings.warn(
                f"The trial at a learning rate of {outcome.learning_rate:.3g} failed: {outcome.message}",
                UserWarning,
                stacklevel=2,
            )
    return TrialResults(outcomes)


@contextlib.contextmanager
def _alone_in(directory: str | None) -> Iterator[None]:
    """Two calls in one directory would take the other's running trials for interrupted ones."""
    if directory is None:
        yield
        return
    with contextlib.ExitStack() as held:
        holder = None
        with errors_name_log_dir(directory):
            try:
                held.enter_context(directory_lock(directory))
            except DirectoryInUseError as error:
                holder = str(error)
        if holder is not None:
            raise RuntimeError(
                f"`log_dir` is in use by another run_trials(), in {holder}. Wait for it to end, or use "
                f"another directory. Received: log_dir={directory!r}"
            )
        yield


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
    futures: dict[Future[TrialOutcome], TrialTask] = {}
    try:
        for task in tasks:
            try:
                future = executor.submit(run_task, task)
            except (pickle.PicklingError, TypeError, AttributeError) as error:
                raise TypeError(not_sendable("make_model, data or another argument", error)) from error
            check_future(executor, future, futures)
            futures[future] = task
        progress.show()
        for future in as_completed(futures):
            outcomes.append(_outcome(executor, future, futures[future]))
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


def _outcome(executor: Executor, future: Future[TrialOutcome], task: TrialTask) -> TrialOutcome:
    try:
        outcome = future.result()
    except (BrokenExecutor, TypeError, ValueError):
        raise  # not of the training, whose errors are part of an outcome
    except Exception as error:  # the executor's: Dask gives up a trial that has killed several workers
        message = f"{type(error).__name__}: {error}"
        return TrialOutcome(task.learning_rate, stop_reason="failed", message=message)
    check_outcome(executor, outcome, task.learning_rate)
    return outcome
