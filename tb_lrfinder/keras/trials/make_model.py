"""The argument `make_model` of `run_trials`: checked and called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras


def check_make_model(make_model: Any) -> None:
    """Raise an error unless `make_model` can be called with a learning rate."""
    if not callable(make_model) or isinstance(make_model, keras.Model):
        raise TypeError(
            "`make_model` must be a callable that takes a learning rate and returns a new compiled model, "
            "because each trial starts from new weights. For example: lambda learning_rate: "
            f"build_and_compile(learning_rate). Received: make_model={make_model!r:.200}"
        )
    error = _error_of_keyword(make_model)
    if error is not None and not _takes_position(make_model):
        raise TypeError(
            f"`make_model` must be callable as make_model(learning_rate=0.1), which fails: {error}. Name an "
            "argument `learning_rate`, or give it a single argument without a default value. "
            f"Received: make_model={make_model!r}"
        ) from error


def call_make_model(make_model: Callable[..., Any], learning_rate: float) -> Any:
    """The model that `make_model` returns for a learning rate."""
    if _error_of_keyword(make_model) is None:
        return make_model(learning_rate=learning_rate)
    return make_model(learning_rate)


def _error_of_keyword(make_model: Callable[..., Any]) -> TypeError | None:
    try:
        inspect.signature(make_model).bind(learning_rate=0.1)
    except TypeError as error:
        return error
    except ValueError:  # built-in functions may have no signature
        return None
    return None


def _takes_position(make_model: Callable[..., Any]) -> bool:
    """Whether it has a single required argument. An optional one may be a number of units, for example."""
    parameters = inspect.signature(make_model).parameters.values()
    required = [
        parameter
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return len(required) == 1 and required[0].kind is not inspect.Parameter.KEYWORD_ONLY
