"""Finds everything that training a model may change."""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import keras

from tb_lrfinder.keras import internals

_NOT_ENTERED: Final = frozenset(
    {
        *sys.stdlib_module_names,
        *(
            "absl",
            "jax",
            "jaxlib",
            "matplotlib",
            "numpy",
            "pandas",
            "PIL",
            "scipy",
            "tb_lrfinder",
            "tensorflow",
        ),
        *("tensorboard", "torch"),
    }
)
"""Packages whose objects have no layers or optimizers, or contain data only."""

_FUNCTIONS: Final = (
    types.FunctionType,
    types.MethodType,
    functools.partial,
    staticmethod,
    classmethod,
    property,
)
_CONTAINERS: Final = (list, tuple, set, frozenset, collections.deque)
_NAMESPACES: Final = (types.SimpleNamespace, argparse.Namespace, collections.UserDict, collections.UserList)
_KERAS_NOT_ENTERED: Final = tuple(
    f"keras.src.{name}" for name in ("ops", "trainers.data_adapters", "trainers.epoch_iterator", "utils")
)
CONSTANTS: Final = (str, bytes, int, float, complex, type(None), types.ModuleType, types.CodeType)


@dataclass
class TrainedState:
    """The objects that were found, each once."""

    variables: list[Any] = field(default_factory=list)
    """Keras variables: of layers, optimizers, seed generators, losses."""

    raw: list[tuple[str, Any]] = field(default_factory=list)
    """Variables of the backend outside of Keras variables, by path."""

    unbuilt: list[Any] = field(default_factory=list)
    """Layers and optimizers that are not built."""

    optimizers: list[tuple[str, Any]] = field(default_factory=list)
    """Optimizers by path, relative to the owner; those inside of a wrapper, too."""


def find(owner: Any) -> TrainedState:
    """Follow the attributes of an object recursively to all variables, layers and optimizers.

    That includes lists, dicts, sub-models, plain Python objects, closures, and the layers and optimizers that
    methods of user classes access as global variables. It excludes metrics, which Keras resets itself, and
    plain Python attributes such as counters.

    Args:
        owner: A built model, or an optimizer.

    Raises:
        RuntimeError: If an object cannot be inspected.
    """
    found = TrainedState()
    for path, item in walk(owner):
        if isinstance(item, keras.Variable):
            found.variables.append(item)
        elif _is_raw(item):
            found.raw.append((path, item))
        elif not isinstance(item, CONSTANTS):
            if isinstance(item, keras.Layer | keras.optimizers.Optimizer) and not item.built:
                found.unbuilt.append(item)
            if isinstance(item, keras.optimizers.Optimizer):
                found.optimizers.append((path.removeprefix(f"{owner.name}."), item))
            found.raw.extend(_own_tensors(path, item))
    behind_keras = {id(internals.backend_variable(variable)) for variable in found.variables}
    found.raw = [(path, value) for path, value in found.raw if id(value) not in behind_keras]
    return found


def walk(owner: Any) -> Iterator[tuple[str, Any]]:
    """Everything that is reachable from a model or an optimizer, by path: each object once.

    Strings, numbers and other constants are yielded for each path, and not entered.

    Raises:
        RuntimeError: If an object cannot be inspected.
    """
    seen: dict[int, Any] = {}  # with the objects, so that no id is reused
    # First, so that variables have the paths of Keras.
    open_ends = [(owner.name, owner), *((v.path, v) for v in reversed(owner.variables))]
    while open_ends:
        path, item = open_ends.pop()
        if isinstance(item, CONSTANTS):
            yield path, item
        elif id(item) not in seen:
            seen[id(item)] = item
            yield path, item
            if not isinstance(item, keras.Variable) and not _is_raw(item):
                open_ends.extend(reversed(_parts_or_error(path, item)))


def _parts_or_error(path: str, item: Any) -> list[tuple[str, Any]]:
    try:
        return list(_parts(path, item))
    except Exception as error:
        raise RuntimeError(
            f"LRFinder cannot determine the variables of {path!r} ({type(item).__name__}) to restore them "
            f"after the sweep: {type(error).__name__}: {error}. Remove it from the attributes of the model "
            "during the sweep, or pass LRFinder(..., restore=False) and rebuild the model after the sweep."
        ) from error


def _parts(path: str, item: Any) -> Iterator[tuple[str, Any]]:
    """The objects that `item` refers to, by path."""
    kind = type(item)
    if isinstance(item, type):
        if not is_of_library(item):
            for name, value in list(vars(item).items()):
                if isinstance(value, _FUNCTIONS) or _is_state(value):
                    yield f"{path}.{name}", value
    elif issubclass(kind, dict):
        yield from ((f"{path}[{key!r}]", value) for key, value in list(item.items()))
    elif issubclass(kind, _CONTAINERS):
        yield from ((f"{path}[{index}]", value) for index, value in enumerate(list(item)))
    elif isinstance(item, _FUNCTIONS):
        yield from _parts_of_function(path, item)
    elif _root(kind) == "tensorflow" and hasattr(item, "python_function"):  # tf.function
        yield path, item.python_function
    elif _is_entered(item):
        yield from ((f"{path}.{name}", module) for name, module in _modules(item))
        # Private attributes last, so that others have the paths that the user's code has for them.
        attributes = sorted(vars(item).items(), key=lambda attribute: attribute[0].startswith("_"))
        yield from ((f"{path}.{name}", value) for name, value in attributes)
        yield from ((path, base) for base in kind.__mro__)


def _parts_of_function(path: str, function: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(function, types.MethodType):
        yield from ((path, function.__self__), (path, function.__func__))
    elif isinstance(function, functools.partial):
        yield from ((path, function.func), (path, function.args), (path, function.keywords))
    elif isinstance(function, staticmethod | classmethod):
        yield path, function.__func__
    elif isinstance(function, property):
        yield path, function.fget
    elif not is_of_library(function):
        yield path, getattr(function, "__wrapped__", None)
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        with contextlib.suppress(ValueError):  # a cell that is not set yet
            yield from ((name, cell.cell_contents) for name, cell in cells)
        for name in names_in(function.__code__):
            value = function.__globals__.get(name)
            if _is_state(value):
                yield name, value


def names_in(code: types.CodeType) -> Iterator[str]:
    """The attributes and global variables that a function mentions, also in the functions inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_in(constant)


def _is_state(value: Any) -> bool:
    """Whether a global variable is followed: layers, optimizers, variables, and containers of them."""
    if issubclass(type(value), dict):
        return any(_is_state(each) for each in list(value.values())[:100] if not isinstance(each, dict))
    if issubclass(type(value), list | tuple):
        return any(_is_state(each) for each in value[:100] if not isinstance(each, list | tuple))
    return isinstance(value, keras.Variable | keras.Layer | keras.optimizers.Optimizer) or _is_raw(value)


def _is_entered(item: Any) -> bool:
    if not hasattr(item, "__dict__"):
        return False
    if isinstance(item, keras.Layer | keras.optimizers.Optimizer | keras.losses.Loss):
        return True
    if isinstance(item, keras.metrics.Metric | keras.callbacks.Callback | keras.KerasTensor):
        return False
    if isinstance(item, _NAMESPACES) or _is_raw_module(item):
        return True
    # The graph of a functional model, and the data of the current fit.
    if type(item).__module__.startswith(_KERAS_NOT_ENTERED):
        return False
    return _root(item) not in _NOT_ENTERED


def is_of_library(item: Any) -> bool:
    """Whether a function or class is that of Keras or of another package whose code is not followed."""
    return _root(item) in _NOT_ENTERED or _root(item) == "keras"


def _root(item: Any) -> str:
    """The package of an object, class or function."""
    module = getattr(item, "__module__", None) or type(item).__module__
    return str(module).partition(".")[0]


def _is_raw(item: Any) -> bool:
    """Whether `item` is a variable of TensorFlow. Those of PyTorch are found in their modules."""
    if keras.backend.backend() != "tensorflow" or _root(type(item)) != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(item, tf.Variable)


def _is_raw_module(item: Any) -> bool:
    """Whether `item` is an object of the backend that may have variables."""
    name = keras.backend.backend()
    if name == "torch":
        import torch

        return isinstance(item, torch.nn.Module)
    if name == "tensorflow":
        import tensorflow as tf

        return isinstance(item, tf.Module | tf.random.Generator)
    return False


def _modules(item: Any) -> list[tuple[str, Any]]:
    """The modules that PyTorch stores apart from the other attributes of a module."""
    if keras.backend.backend() != "torch" or not _is_raw_module(item):
        return []
    return list(item.named_children())


def _own_tensors(path: str, item: Any) -> list[tuple[str, Any]]:
    """The parameters and buffers of a PyTorch module, without those of its submodules."""
    if keras.backend.backend() != "torch" or not _is_raw_module(item):
        return []
    own = [*item.named_parameters(path, recurse=False), *item.named_buffers(path, recurse=False)]
    return [(name, tensor) for name, tensor in own if tensor is not None]
