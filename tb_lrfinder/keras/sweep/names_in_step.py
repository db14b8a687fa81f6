"""Lists the names that the code of a train step mentions."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterator
from typing import Any

from tb_lrfinder.keras.sweep import trained_state


def names_in_train_step(model: Any) -> frozenset[str]:
    """All attributes and global variables that the train step of a model mentions.

    That includes the methods, properties and functions that it calls by name, except for those of libraries.
    Which of them are used is only known after the step has run.

    Args:
        model: A compiled model.
    """
    names: set[str] = set()
    seen: set[int] = set()
    open_ends = [model.train_step]
    while open_ends:
        function = _python_function(open_ends.pop())
        if function is None or id(function) in seen:
            continue
        seen.add(id(function))
        mentioned = set(trained_state.names_in(function.__code__))
        names |= mentioned
        if not trained_state.is_of_library(function):
            open_ends += _called_by(function, mentioned, type(model))
    return frozenset(names)


def _called_by(function: types.FunctionType, mentioned: set[str], kind: type) -> Iterator[Any]:
    """The functions that may be called by `function`, a method of `kind` or not."""
    if "super" in mentioned:
        yield from (vars(base).get(function.__name__) for base in kind.__mro__)
    for name in mentioned:
        yield inspect.getattr_static(kind, name, None)
        yield function.__globals__.get(name)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not set yet
            continue


def _python_function(value: Any) -> types.FunctionType | None:
    """The function behind methods, properties and decorators; None if there is none."""
    if isinstance(value, types.MethodType | staticmethod | classmethod):
        return _python_function(value.__func__)
    if isinstance(value, functools.partial):
        return _python_function(value.func)
    if isinstance(value, property):
        return _python_function(value.fget)
    if isinstance(value, functools.cached_property):
        return _python_function(value.func)
    if isinstance(value, types.FunctionType):
        wrapped = getattr(value, "__wrapped__", None)
        return value if wrapped is None else _python_function(wrapped)
    if type(value).__module__.startswith("tensorflow."):  # tf.function
        inner = inspect.getattr_static(value, "_python_function", None)
        return _python_function(inner)
    return None
