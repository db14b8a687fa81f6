"""Everything that the trace of a train step depends on."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterator
from typing import Any, Final

import keras

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.sweep import trained_state

_OWN: Final = __name__.partition(".")[0]
_CONSTANTS: Final = (str, bytes, int, float, complex, type(None))


class TraceKey:
    """What a train step has been traced with; two keys are equal if the same trace is valid for both.

    A trace refers to the variables, layers, optimizers, losses and functions that it has met, and contains
    the numbers and strings that it has read from their attributes. All that are reachable from the model are
    compared: objects by identity, numbers and strings by value. What Keras and a sweep change themselves is
    left out. If in doubt, keys differ, and the step is traced anew.

    Args:
        model: A compiled model.
        arguments: What else the trace depends on.

    Raises:
        RuntimeError: If an object of the model cannot be inspected.
    """

    def __init__(self, model: Any, *arguments: Any) -> None:
        self._constants = hashlib.blake2b(keras.config.floatx().encode())
        self._objects: list[Any] = [
            type(model).train_step,
            keras.distribution.distribution(),
            backend.random_numbers_of_traces(),
        ]
        for argument in arguments:
            self._add("", argument)
        for path, item in trained_state.walk(model):
            if not _is_set_by_training(model, path, item):
                self._add(path, item)
        for variable in self._traced_values(model):
            self._constants.update(backend.copy_of(variable).tobytes())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TraceKey)
            and self._constants.digest() == other._constants.digest()
            and list(map(id, self._objects)) == list(map(id, other._objects))
        )

    def __hash__(self) -> int:
        return hash(self._constants.digest())

    def _traced_values(self, model: Any) -> list[Any]:
        """The variables whose values a trace contains: on JAX those that `fit` does not pass."""
        if keras.backend.backend() != "jax":
            return []
        passed = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        ids = set(map(id, passed))
        variables = [each for each in self._objects if isinstance(each, keras.Variable)]
        return [variable for variable in variables if id(variable) not in ids]

    def _add(self, path: str, item: Any) -> None:
        if isinstance(item, _CONSTANTS):
            self._note(path, type(item).__name__, repr(item))
            return
        self._objects.append(item)  # and not its id, which might be used again
        if isinstance(item, keras.Variable):
            self._note(path, str(item.trainable))
        for name, value in _constants_of_code(item):
            self._add(f"{path}.{name}", value)

    def _note(self, *texts: str) -> None:
        self._constants.update("\0".join(texts).encode(errors="backslashreplace") + b"\n")


def _constants_of_code(item: Any) -> Iterator[tuple[str, Any]]:
    """Constants that user code reads as class attributes or global variables."""
    if trained_state.is_of_library(item):
        return
    if isinstance(item, type):
        values: Any = vars(item).items()
    elif isinstance(item, types.FunctionType):
        names = trained_state.names_in(item.__code__)
        values = [(name, item.__globals__[name]) for name in names if name in item.__globals__]
    else:
        return
    yield from ((name, value) for name, value in values if isinstance(value, _CONSTANTS))


def _is_set_by_training(model: Any, path: str, item: Any) -> bool:
    name = path.removeprefix(f"{model.name}.").partition(".")[0].partition("[")[0]
    return name in internals.SET_BY_FIT or isinstance(item, keras.callbacks.Callback) or _is_own(item)


def _is_own(item: Any) -> bool:
    module = getattr(item, "__module__", None) or type(item).__module__
    return str(module).partition(".")[0] == _OWN
