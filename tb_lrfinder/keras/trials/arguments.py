"""Argument checks of `run_trials`."""

from __future__ import annotations

import inspect
from typing import Any, Final

import keras

from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.checks import check_log_dir, check_number
from tb_lrfinder.keras.learning_rate import round_to_float32
from tb_lrfinder.storage.event_file import is_remote

FACTOR: Final = 3.0
"""Factor above and below a suggestion that is tried: half a decade."""

_RESERVED: Final = {
    "x": "pass `data`",
    "y": "pass `data=(x, y)`",
    "sample_weight": "pass `data=(x, y, sample_weight)`",
    "callbacks": "callbacks keep state between training runs. Use LRTrial with your own fit() instead",
    "initial_epoch": "every trial starts from new weights",
}


def resolve_learning_rates(learning_rates: Any, around: Any) -> list[float]:
    """Return the learning rates to try, from the two arguments that select them.

    Raises:
        TypeError: If the given argument has the wrong type.
        ValueError: If both arguments or neither is given, or if a learning rate is invalid.
    """
    if (learning_rates is None) == (around is None):
        raise ValueError(
            "Exactly one of `learning_rates` and `around` must be given. Received: "
            f"learning_rates={learning_rates!r}, around={around!r}"
        )
    if around is not None:
        center = _center(around)
        return [center, center * FACTOR, center / FACTOR]
    try:
        given = None if isinstance(learning_rates, str | bytes) else list(learning_rates)
    except TypeError:  # not iterable
        given = None
    if given is None:
        raise TypeError(
            "`learning_rates` must be an iterable of numbers, such as [1e-3, 1e-2]. "
            f"Received: learning_rates={learning_rates!r}"
        )
    rates = [check_number(f"learning_rates[{i}]", rate, above=0) for i, rate in enumerate(given)]
    if not rates or len({round_to_float32(rate) for rate in rates}) < len(rates):
        raise ValueError(
            f"`learning_rates` must be non-empty and without duplicates. Received: learning_rates={given!r}"
        )
    return rates


def _center(around: Any) -> float:
    if not isinstance(around, Suggestion):
        try:
            return check_number("around", around, above=0)
        except TypeError:
            raise TypeError(
                "`around` must be a Suggestion, such as `finder.suggestion`, or a positive number. "
                f"Received: around={around!r}"
            ) from None
    if around.learning_rate is None:
        raise ValueError(
            f"`around` must be a suggestion with a learning rate. Received: around={around!r}. "
            "Change the sweep as the suggestion says and repeat it, or pass `learning_rates`."
        )
    return float(around.learning_rate)


def check_data(name: str, data: Any) -> None:
    """Raise an error if the data cannot be read once per trial."""
    if hasattr(data, "__next__"):
        raise TypeError(
            f"`{name}` must not be an iterator, which can be read only once. Pass a callable that returns "
            f"one: {name}=make_data. Received: {name}={data!r}"
        )
    if name == "data" and data is None:
        raise TypeError("`data` must be training data as for fit(), such as (x, y). Received: data=None")
    if isinstance(data, tuple | list) and not 1 <= len(data) <= 3:
        raise ValueError(
            f"`{name}` must be (x, y) or (x, y, sample_weight) if it is a tuple. "
            f"Received: {name} with {len(data)} values"
        )


def check_fit_arguments(fit_arguments: dict[str, Any]) -> None:
    """Raise an error for arguments that `fit` does not accept or that `run_trials` sets itself."""
    known = inspect.signature(keras.Model.fit).parameters
    for name in fit_arguments:
        if name in _RESERVED:
            raise TypeError(f"run_trials() does not accept `{name}`: {_RESERVED[name]}.")
        if name not in known:
            raise TypeError(
                f"run_trials() got an unexpected keyword argument {name!r}, which fit() does not accept "
                "either."
            )


def check_local_log_dir(log_dir: Any) -> str | None:
    """Return `log_dir` as a string, or `None`.

    Raises:
        TypeError: If it is not a path.
        ValueError: If it is a URL: finished trials are only looked for in local directories.
    """
    directory = check_log_dir(log_dir)
    if directory is not None and is_remote(directory):
        raise ValueError(
            "`log_dir` must be a local directory, because run_trials() searches it for finished trials. "
            f"Received: log_dir={directory!r}. Copy the directory after the trials, or record each training "
            "run with LRTrial(log_dir), which accepts a URL."
        )
    return directory
