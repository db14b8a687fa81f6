"""Checks of the executor of `run_trials`, and of what is sent to it and returned by it."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from collections.abc import Container
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from tb_lrfinder.analysis.trial_results import TrialOutcome
from tb_lrfinder.keras.trials.task import TrialTask


def check_executor(executor: Any, task: TrialTask) -> None:
    """Raise an error early for what would otherwise crash or hang a worker process."""
    if not hasattr(executor, "submit"):
        raise TypeError(
            "`executor` must be a concurrent.futures.Executor, such as a ProcessPoolExecutor. "
            f"Received: executor={executor!r}"
        )
    if isinstance(executor, ThreadPoolExecutor):
        return
    data = {"data": task.data, "validation_data": task.validation_data}
    for name, value in data.items():
        if hasattr(value, "element_spec"):
            raise TypeError(
                f"`{name}` must not be a tf.data.Dataset with an executor, because it cannot be pickled. "
                f"Pass a callable that returns it: def make_data(): return tf.data.Dataset...; "
                f"{name}=make_data. Received: {name}={value!r}"
            )
    if not isinstance(executor, ProcessPoolExecutor):
        return  # other executors may use more than pickle, such as cloudpickle
    context = getattr(executor, "_mp_context", None) or multiprocessing
    if context.get_start_method() == "fork":
        raise ValueError(
            "`executor` must spawn processes, because forked processes hang once a Keras backend has been "
            f"initialized. Received: executor={executor!r}, which forks. Use "
            "ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('spawn'))."
        )
    for name, value in {"make_model": task.make_model, **data, **task.fit_arguments}.items():
        _check_pickles(name, value)
        is_interactive = not hasattr(sys.modules["__main__"], "__file__")
        if is_interactive and getattr(value, "__module__", None) == "__main__":
            raise TypeError(
                f"`{name}` must be importable by other processes, but it is defined in an interactive "
                f"session. Move it to a module and import it. Received: {name}={value!r}"
            )


def check_future(executor: Any, future: Any, earlier: Container[Any]) -> None:
    """Raise an error unless `future` is a new `concurrent.futures.Future`."""
    if not isinstance(future, Future):
        raise TypeError(
            "`executor` must return a concurrent.futures.Future from submit(). "
            f"Received: executor={executor!r}, whose submit() returned {future!r}"
        )
    if future in earlier:
        raise ValueError(
            "`executor` must return a new future from each call of submit(). "
            f"Received: executor={executor!r}, whose submit() returned the same future twice"
        )


def check_outcome(executor: Any, outcome: Any, learning_rate: float) -> None:
    """Raise an error unless `outcome` is that of the submitted trial."""
    if isinstance(outcome, TrialOutcome):
        if outcome.learning_rate == learning_rate:
            return
        received = f"the outcome of learning rate {outcome.learning_rate:g}"
    else:
        received = repr(outcome)
    raise TypeError(
        "`executor` must call the submitted function and return its result. Received: "
        f"executor={executor!r}, whose result for learning rate {learning_rate:g} is {received}"
    )


def pickling_error(what: str, error: Exception) -> str:
    """Return the message for an argument that cannot be pickled."""
    return (
        f"{what} cannot be pickled for another process: {error}. Use functions and classes that are defined "
        "at module level, and pass a callable for data that cannot be pickled."
    )


def _check_pickles(name: str, value: Any) -> None:
    try:
        # Large arrays go to the buffer callback, so that nothing is copied.
        pickle.Pickler(_NullWriter(), protocol=5, buffer_callback=lambda buffer: None).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TypeError(f"{pickling_error(f'`{name}`', error)} Received: {name}={value!r}") from error


class _NullWriter:
    def write(self, data: bytes) -> int:
        return len(data)
