"""The arguments of `run_trials`, checked. The errors name the argument, what was received and what to do."""

from __future__ import annotations

import inspect
import math
import multiprocessing
import numbers
import pickle
import sys
from collections.abc import Container, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import keras

from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.analysis.trial_results import TrialOutcome
from tb_lrfinder.checks import check_log_dir
from tb_lrfinder.keras.learning_rate import round_to_float32
from tb_lrfinder.keras.trials.task import TrialTask
from tb_lrfinder.storage.event_file import is_remote

FACTOR = 3.0
"""How much more, and how much less, than a suggestion is tried: half a decade."""

_OURS = {
    "x": "pass `data`",
    "y": "pass `data=(x, y)`",
    "sample_weight": "pass `data=(x, y, sample_weight)`",
    "callbacks": "they keep state from one training to the next; for those of your own, use LRTrial in a "
    "fit() of your own",
    "initial_epoch": "every trial begins with new weights",
}


def checked_rates(learning_rates: Any, around: Any) -> list[float]:
    """The learning rates to try."""
    if (learning_rates is None) == (around is None):
        raise ValueError(
            "Give `learning_rates`, a list of numbers, or `around`, a suggestion. Received: "
            f"learning_rates={learning_rates!r}, around={around!r}"
        )
    if around is not None:
        suggested = _checked_around(around)
        return [suggested, suggested * FACTOR, suggested / FACTOR]
    if isinstance(learning_rates, str | bytes | numbers.Number) or not isinstance(learning_rates, Iterable):
        raise TypeError(
            "`learning_rates` must be a list of numbers, such as [1e-3, 1e-2]. "
            f"Received: learning_rates={learning_rates!r}"
        )
    rates = list(learning_rates)
    for rate in rates:
        _check_rate("learning_rates", "hold positive numbers", rate, learning_rates)
    if not rates or len({round_to_float32(rate) for rate in rates}) < len(rates):
        raise ValueError(
            "`learning_rates` must hold at least one number, and none twice. "
            f"Received: learning_rates={learning_rates!r}"
        )
    return [float(rate) for rate in rates]


def _checked_around(around: Any) -> float:
    if not isinstance(around, Suggestion):
        if not isinstance(around, numbers.Real):
            raise TypeError(
                "`around` must be a Suggestion, such as finder.suggestion, or a number. "
                f"Received: around={around!r}"
            )
        _check_rate("around", "be a Suggestion or a positive number", around, around)
        return float(around)
    if around.learning_rate is None:
        raise ValueError(
            f"`around` is a suggestion without a learning rate: {(around.reason or '').rstrip('.')}. "
            "Sweep again as it says, or pass `learning_rates`."
        )
    return around.learning_rate


def _check_rate(name: str, must: str, rate: Any, received: Any) -> None:
    if isinstance(rate, bool) or not isinstance(rate, numbers.Real):
        raise TypeError(f"`{name}` must {must}. Received: {name}={received!r}")
    if not (math.isfinite(rate) and float(rate) > 0):
        raise ValueError(f"`{name}` must {must}. Received: {name}={received!r}")


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < least:
        raise ValueError(f"`{name}` must be a whole number of at least {least}. Received: {name}={value!r}")


def check_make_model(make_model: Any) -> None:
    """Refuse what cannot be called with a learning rate."""
    if not callable(make_model) or isinstance(make_model, keras.Model):
        raise TypeError(
            "`make_model` must be a function that takes learning_rate and returns a new, compiled model. "
            f"Received: make_model={make_model!r}"
        )
    try:
        inspect.signature(make_model).bind(learning_rate=0.1)
    except TypeError as error:
        raise TypeError(
            "`make_model` is called as make_model(learning_rate=0.1) and must take nothing else: "
            f"{error}. Received: make_model={make_model!r}"
        ) from error
    except ValueError:
        pass  # a built-in, which does not tell


def check_data(name: str, data: Any) -> None:
    """Refuse what cannot be read once for each trial."""
    if hasattr(data, "__next__"):
        raise TypeError(
            f"`{name}` is an iterator, which can be read only once. Pass a function that makes it: "
            f"{name}=make_data. Received: {name}={data!r}"
        )
    if name == "data" and data is None:
        raise TypeError("`data` must be what fit() takes, such as (x, y). Received: data=None")
    if isinstance(data, tuple | list) and not 1 <= len(data) <= 3:
        raise ValueError(
            f"`{name}` must be (x, y) or (x, y, sample_weight) where it is a tuple. "
            f"Received: {len(data)} values"
        )


def check_fit_arguments(given: dict[str, Any]) -> None:
    """Refuse what `fit` does not know, or what would be another's part."""
    known = inspect.signature(keras.Model.fit).parameters
    for name in given:
        if name in _OURS:
            raise TypeError(f"run_trials() takes no `{name}`: {_OURS[name]}.")
        if name not in known:
            raise TypeError(
                f"run_trials() got an unexpected argument {name!r}; fit() does not know it either."
            )


def check_executor(executor: Any, task: TrialTask) -> None:
    """Say at once what a process would only die of."""
    if not hasattr(executor, "submit"):
        raise TypeError(
            "`executor` must be a concurrent.futures.Executor, such as a ProcessPoolExecutor. "
            f"Received: executor={executor!r}"
        )
    if isinstance(executor, ThreadPoolExecutor):
        return
    parts = {"data": task.data, "validation_data": task.validation_data}
    for name, value in parts.items():
        if hasattr(value, "element_spec"):
            raise TypeError(
                f"`{name}` is a tf.data.Dataset, which cannot be sent to another process. Pass a function "
                f"that makes it: def make_data(): return tf.data.Dataset...; {name}=make_data"
            )
    if not isinstance(executor, ProcessPoolExecutor):
        return  # it may know how to send more than pickle does
    context = getattr(executor, "_mp_context", None) or multiprocessing
    if context.get_start_method() == "fork":
        raise ValueError(
            "`executor` forks, and a forked process hangs with a Keras backend that has been started. Use "
            "ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('spawn'))"
        )
    for name, value in {"make_model": task.make_model, **parts, **task.fit_arguments}.items():
        _check_pickles(name, value)
        interactive = not hasattr(sys.modules["__main__"], "__file__")
        if interactive and getattr(value, "__module__", None) == "__main__":
            raise TypeError(
                f"`{name}` is defined in this session, where another process cannot find it. "
                f"Put it into a module, and import it. Received: {name}={value!r}"
            )


def check_future(executor: Any, future: Any, earlier: Container[Any]) -> None:
    """Refuse what cannot be waited for, and a future that stands for two trials."""
    if not isinstance(future, Future):
        raise TypeError(
            "`executor` must return a concurrent.futures.Future from submit(). "
            f"Received: executor={executor!r}, whose submit() returned {future!r}"
        )
    if future in earlier:
        raise ValueError(
            "`executor` must return a new future from each submit(), one for each trial. "
            f"Received: executor={executor!r}, whose submit() returned the same future twice"
        )


def check_outcome(executor: Any, outcome: Any, learning_rate: float) -> None:
    """Refuse what is not the outcome of the trial that was submitted."""
    wrong = None
    if not isinstance(outcome, TrialOutcome):
        wrong = repr(outcome)
    elif outcome.learning_rate != learning_rate:
        wrong = f"that of a learning rate of {outcome.learning_rate:g}"
    if wrong is not None:
        raise TypeError(
            "`executor` must call the function that it is given and return what that returns. Received: "
            f"executor={executor!r}, whose result for a learning rate of {learning_rate:g} is {wrong}"
        )


def _check_pickles(name: str, value: Any) -> None:
    try:
        # Large arrays are handed to the callback as they are, so that nothing is copied.
        pickle.Pickler(_Nowhere(), protocol=5, buffer_callback=lambda buffer: None).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TypeError(not_sendable(f"`{name}`", error) + f" Received: {name}={value!r}") from error


def not_sendable(what: str, error: Exception) -> str:
    """What to do about an argument that cannot travel."""
    return (
        f"{what} cannot be sent to another process: {error}. Use functions and classes that are defined at "
        "the top of a module, and for data that cannot be pickled a function that makes them."
    )


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


def checked_local_log_dir(log_dir: Any) -> str | None:
    """`log_dir` of trials, which are looked for there before they are run.

    Raises:
        TypeError: If it is no path.
        ValueError: If it is remote.
    """
    directory = check_log_dir(log_dir)
    if directory is not None and is_remote(directory):
        raise ValueError(
            "`log_dir` must be a directory of this machine: trials that it holds already are not run again. "
            f"Received log_dir={directory!r}. Copy the directory when the trials are done, or record each "
            "training with LRTrial(log_dir), which takes a URL."
        )
    return directory
