"""Lists the names that the code of a train step mentions."""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tb_lrfinder.keras.sweep import trained_state


@dataclass
class NamesInStep:
    """What the code of a train step mentions."""

    names: set[str] = field(default_factory=set)
    """Attributes of any object, and global variables."""

    of_model: set[str] = field(default_factory=set)
    """Attributes of the model itself: `optimizer` in `self.optimizer`, not in `self.generator.optimizer`."""


def names_in_train_step(model: Any) -> NamesInStep:
    """The names that the train step of a model mentions.

    That includes the methods, properties and functions that it calls by name, except for those of libraries.
    Which of them are used is only known after the step has run.

    Args:
        model: A compiled model.
    """
    found = NamesInStep()
    seen: set[int] = set()
    # Not as a bound method, which hides the function behind a decorator of TensorFlow.
    open_ends = [vars(model).get("train_step") or inspect.getattr_static(type(model), "train_step")]
    while open_ends:
        function = _python_function(open_ends.pop())
        if function is None or id(function) in seen:
            continue
        seen.add(id(function))
        mentioned = set(trained_state.names_in(function.__code__))
        found.names |= mentioned
        found.of_model |= set(_of_first_argument(function.__code__))
        if not trained_state.is_of_library(function):
            open_ends += _called_by(function, mentioned, type(model))
    return found


def _of_first_argument(code: types.CodeType) -> Iterator[str]:
    """The attributes of the first argument of a method, also in the functions inside of it."""
    if code.co_argcount:
        yield from _attributes_of(code.co_varnames[0], code)


def _attributes_of(variable: str, code: types.CodeType) -> Iterator[str]:
    loaded = None
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and loaded == variable:
            yield instruction.argval
        loaded = None
        if instruction.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
            loaded = instruction.argval
            loaded = loaded[-1] if isinstance(loaded, tuple) else loaded  # two variables at once
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _attributes_of(variable, constant)


def _called_by(function: types.FunctionType, mentioned: set[str], kind: type) -> Iterator[Any]:
    """The functions that may be called by `function`, a method of `kind` or not."""
    bases = kind.__mro__
    if not mentioned.isdisjoint({"super", *(base.__name__ for base in bases)}):
        yield from _of_base_classes(function, mentioned, bases)
    for name in mentioned:
        yield inspect.getattr_static(kind, name, None)
        yield function.__globals__.get(name)
    with contextlib.suppress(ValueError):  # a cell that is not set yet
        yield from (cell.cell_contents for cell in function.__closure__ or ())


def _of_base_classes(
    function: types.FunctionType, mentioned: set[str], bases: tuple[type, ...]
) -> Iterator[Any]:
    """What a method may call of the base classes of the class that defines it."""
    own = (vars(base).get(function.__name__) for base in bases)
    place = next((index for index, each in enumerate(own) if _python_function(each) is function), None)
    if place is not None:
        for name in mentioned:
            yield next((vars(base)[name] for base in bases[place + 1 :] if name in vars(base)), None)


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
